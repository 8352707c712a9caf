//! What a command may use of the process.

use std::{
    fmt,
    io::{self, Write},
    path::PathBuf,
};

use seawall_telemetry::Terminal;

use crate::app::hand_over::Program;

/// The process as commands see it; tests give one that keeps what is written.
pub struct World<'a> {
    /// Where answers go.
    pub out: &'a mut dyn Write,
    /// Whether answers may have colours.
    pub colours: bool,
    /// Whether what goes to the standard error may have colours.
    pub error_colours: bool,
    /// What log lines are written to.
    pub log_terminal: Terminal,
    /// The working directory.
    pub directory: PathBuf,
    /// A directory for files that may go when the process ends.
    pub temporary: PathBuf,
    /// The environment's variables.
    pub variables: Vec<(String, String)>,
    /// How many files the process may have open; nothing when there is no limit.
    pub open_files: Option<u64>,
    /// How the process was started; nothing when its program cannot be found.
    pub program: Option<Program>,
}

impl World<'_> {
    /// Writes an answer.
    pub(super) fn say(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())?;
        if !text.ends_with('\n') {
            self.out.write_all(b"\n")?;
        }
        self.out.flush()
    }
}

impl fmt::Debug for World<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("directory", &self.directory).finish_non_exhaustive()
    }
}

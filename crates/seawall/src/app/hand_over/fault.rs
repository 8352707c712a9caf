//! Why there was no hand-over.

use std::{io, path::PathBuf};

/// Why a process did not hand over, or take over.
#[derive(Debug, thiserror::Error)]
pub enum HandOverError {
    /// One at a time.
    #[error("another hand-over is under way")]
    Busy,
    /// The server ends, or has handed over already.
    #[error("the running server is finishing")]
    Ending,
    /// The successor could not be started.
    #[error("cannot start {program}")]
    Start {
        /// What was tried.
        program: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The successor ended.
    #[error("the successor ended with {status} before it served{}", last_lines(lines))]
    Ended {
        /// Its exit code, if it had one.
        code: Option<i32>,
        /// The same, or the signal, in words.
        status: String,
        /// What it said last on its standard error.
        lines: Vec<String>,
    },
    /// The connection between the processes.
    #[error("the connection to the other process broke")]
    Link(#[from] io::Error),
    /// The other process is someone else's.
    #[error("the other process belongs to another user")]
    OtherUser,
    /// A wait came to its limit.
    #[error("the other process was not heard {0} in time")]
    Late(&'static str),
    /// The other process says no.
    #[error("the other process refused: {0}")]
    Refused(String),
    /// The other process speaks another protocol.
    #[error("the other process said \"{0}\", which is not understood")]
    Unexpected(String),
    /// Something could not be let go of.
    #[error("the {what} could not be handed over")]
    Step {
        /// What.
        what: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl HandOverError {
    /// The exit code for whoever asked: 64 when the successor found its arguments or configuration at fault.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Ended { code: Some(64), .. } => 64,
            _ => 69,
        }
    }

    /// The error and its cause, in one text.
    #[must_use]
    pub fn text(&self) -> String {
        let cause = std::error::Error::source(self).map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("{self}{cause}")
    }
}

fn last_lines(lines: &[String]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let lines: String = lines.iter().map(|line| format!("\n  │ {line}")).collect();
    format!("; its last lines:{lines}")
}

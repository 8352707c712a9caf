//! What an application takes from outside: the time, randomness, the log's end, its directory. Tests give their own.

use std::{
    fmt,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use seawall_core::clock::{Clock, Now};
use seawall_telemetry::{Sink, Terminal};

/// Everything outside the configuration that an application depends on.
#[derive(Clone)]
pub struct Surroundings {
    /// The time for all decisions.
    pub clock: Arc<dyn Clock>,
    /// Randomness for request ids; not for secrets.
    pub seed: u64,
    /// Where log lines go.
    pub sink: Sink,
    /// What the sink is.
    pub terminal: Terminal,
    /// Where relative paths begin.
    pub directory: PathBuf,
    /// How many files the process may have open; nothing when nobody looked.
    pub open_files: Option<u64>,
    /// The environment's variables, for the application that Seawall starts.
    pub variables: Vec<(String, String)>,
}

impl Surroundings {
    /// With this many files that the process may have open.
    #[must_use]
    pub fn with_open_files(self, open_files: Option<u64>) -> Self {
        Self { open_files, ..self }
    }

    /// The surroundings of a process that logs to its standard output.
    #[must_use]
    pub fn of_process(terminal: Terminal, directory: PathBuf, variables: Vec<(String, String)>) -> Self {
        Self {
            clock: Arc::new(SystemClock::new()),
            seed: fastrand::u64(..),
            sink: Sink::new(Box::new(std::io::stdout())),
            terminal,
            directory,
            open_files: None,
            variables,
        }
    }
}

// Variables may be secret, so they are not shown.
impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings").field("directory", &self.directory).finish_non_exhaustive()
    }
}

/// The real clock.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

#[expect(clippy::disallowed_methods, reason = "this is the clock that everything else reads")]
impl SystemClock {
    /// A clock that starts now.
    #[must_use]
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the clock that everything else reads")]
impl Clock for SystemClock {
    fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { monotonic_us: self.monotonic_us(), unix_us: microseconds(wall) }
    }

    fn monotonic_us(&self) -> u64 {
        microseconds(self.started.elapsed())
    }
}

/// Whole microseconds. In 64 bits, because a division of 128 bits, as `Duration::as_micros` makes, is slow.
fn microseconds(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1_000_000).saturating_add(duration.subsec_micros().into())
}

//! How far long work has come, for whoever draws it.

use std::{fmt, sync::Arc};

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The database is copied to a scratch file.
    Copy,
    /// Bytes go to the place.
    Upload,
    /// Bytes come from the place.
    Download,
    /// Changes since the snapshot are made again.
    Replay,
    /// What was restored is checked.
    Check,
}

impl Phase {
    /// The phase of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Copy, Self::Upload, Self::Download, Self::Replay, Self::Check]
            .into_iter()
            .find(|phase| phase.name() == name)
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::Upload => "upload",
            Self::Download => "download",
            Self::Replay => "replay",
            Self::Check => "check",
        }
    }
}

/// One report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is being done.
    pub phase: Phase,
    /// Bytes done.
    pub done_bytes: u64,
    /// Bytes in all; 0 when that is not known.
    pub total_bytes: u64,
}

/// Hears of each step, on whatever thread does the work; it must not wait.
#[derive(Clone)]
pub struct Progress(Arc<dyn Fn(Step) + Send + Sync>);

impl Progress {
    /// Calls `hear` with each step.
    pub fn new(hear: impl Fn(Step) + Send + Sync + 'static) -> Self {
        Self(Arc::new(hear))
    }

    /// Tells nobody.
    #[must_use]
    pub fn silent() -> Self {
        Self::new(|_| {})
    }

    /// Tells of a step.
    pub fn hear(&self, step: Step) {
        (self.0)(step);
    }

    pub(super) fn tell(&self, phase: Phase, done_bytes: u64, total_bytes: u64) {
        self.hear(Step { phase, done_bytes, total_bytes });
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress")
    }
}

//! The level of a process log that runs.

use std::fmt;

use tracing_subscriber::{Registry, filter::Targets, reload};

use crate::LogLevel;

/// Changes how much the process log says; cheap to clone.
#[derive(Clone)]
pub struct LevelHandle(reload::Handle<Targets, Registry>);

impl LevelHandle {
    pub(super) fn new(level: &LogLevel) -> (reload::Layer<Targets, Registry>, Self) {
        let (filter, handle) = reload::Layer::new(level.filter());
        (filter, Self(handle))
    }

    /// Says as much as this level from now on.
    pub fn set(&self, level: &LogLevel) {
        // Without its subscriber nothing is said at any level.
        let _gone = self.0.reload(level.filter());
    }
}

impl fmt::Debug for LevelHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LevelHandle")
    }
}

//! A directory of a test's own.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use seawall_core::clock::Clock;
use tempfile::TempDir;

use crate::support::RealClock;

/// A directory that is removed when the test ends.
#[derive(Debug)]
pub(crate) struct Scratch(TempDir);

impl Scratch {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.0.path().join("seawall.db")
    }
}

/// The time as it is.
pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(RealClock::new())
}

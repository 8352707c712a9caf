//! When each commit was: noted inside COMMIT, before anybody is answered.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use seawall_core::clock::Clock;

/// One commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Note {
    /// Frames in the log after it.
    pub(super) frames: u32,
    /// When, in microseconds since 1970.
    pub(super) at_us: i64,
}

/// Commits that are not captured yet.
#[derive(Debug)]
pub(crate) struct Notes {
    clock: Arc<dyn Clock>,
    notes: Mutex<Vec<Note>>,
}

impl Notes {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, notes: Mutex::default() }
    }

    /// A commit has been made, after which the log has so many frames.
    pub(crate) fn commit(&self, frames: i32) {
        let at_us = i64::try_from(self.clock.now().unix_us).unwrap_or(i64::MAX);
        let frames = u32::try_from(frames).unwrap_or_default();
        self.lock().push(Note { frames, at_us });
    }

    pub(super) fn pending(&self) -> bool {
        !self.lock().is_empty()
    }

    pub(super) fn take(&self) -> Vec<Note> {
        mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Note>> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! What the writer's capture and the task that ships segments know of each other.

use std::{
    fs::File,
    sync::{
        Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::{self, watch};

use super::mark::{Asking, Mark};

/// How the capture stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaptureStatus {
    /// The generation that is captured; nothing when none is.
    pub generation: Option<String>,
    /// The segment that changes go to.
    pub segment: u64,
    /// The time of the last commit that was captured, in microseconds since 1970; never goes back within a generation.
    pub last_commit_at_us: i64,
    /// Segments that wait to be shipped.
    pub waiting_segments: u64,
    /// Their bytes.
    pub waiting_bytes: u64,
    /// Why the last generation ended, when it was given up.
    pub given_up: Option<String>,
}

#[derive(Debug, Default)]
pub(crate) struct Shared {
    status: Mutex<CaptureStatus>,
    begin: AtomicBool,
    rotated: watch::Sender<()>,
    /// The database's file, while it is open.
    file: Mutex<Weak<File>>,
    pub(super) asking: Asking,
    kept: Mutex<Option<Segments>>,
    copying: sync::Mutex<()>,
}

/// Segments that stay on this machine for a copy that is being made.
#[derive(Debug)]
struct Segments {
    generation: String,
    from: u64,
    /// Bytes of those that were shipped.
    shipped_bytes: u64,
}

impl Shared {
    pub(crate) fn status(&self) -> CaptureStatus {
        self.lock().clone()
    }

    /// The database was opened.
    pub(crate) fn opened(&self, file: Weak<File>) {
        *self.file.lock().unwrap_or_else(PoisonError::into_inner) = file;
    }

    /// The database's file, while it is open.
    pub(crate) fn file(&self) -> Weak<File> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// One copy is made at a time.
    pub(crate) async fn turn(&self) -> sync::MutexGuard<'_, ()> {
        self.copying.lock().await
    }

    /// Segments from this point on stay.
    pub(super) fn keep(&self, from: &Mark) {
        let kept = Segments { generation: from.generation.clone(), from: from.segment, shipped_bytes: 0 };
        *self.kept() = Some(kept);
    }

    /// They need not stay any longer.
    pub(super) fn let_go(&self) {
        *self.kept() = None;
    }

    /// Whether a segment that has been shipped has to stay, for which there is room of `most` bytes for all of them.
    pub(crate) fn keeps(&self, generation: &str, number: u64, bytes: u64, most: u64) -> bool {
        let mut kept = self.kept();
        let Some(segments) = kept.as_mut().filter(|kept| kept.generation == generation && kept.from <= number) else {
            return false;
        };
        segments.shipped_bytes += bytes;
        if segments.shipped_bytes > most {
            *kept = None;
        }
        kept.is_some()
    }

    fn kept(&self) -> MutexGuard<'_, Option<Segments>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the writer for a generation, when there is none.
    pub(crate) fn ask_for_generation(&self) {
        if self.lock().generation.is_none() {
            self.begin.store(true, Ordering::Release);
        }
    }

    /// Changes whenever a segment is complete.
    pub(crate) fn rotated(&self) -> watch::Receiver<()> {
        self.rotated.subscribe()
    }

    /// A segment has been shipped.
    pub(crate) fn shipped(&self, bytes: u64) {
        let mut status = self.lock();
        status.waiting_segments = status.waiting_segments.saturating_sub(1);
        status.waiting_bytes = status.waiting_bytes.saturating_sub(bytes);
    }

    pub(super) fn asked_for_generation(&self) -> bool {
        self.begin.load(Ordering::Acquire)
    }

    pub(super) fn takes_up_asking(&self) -> bool {
        self.begin.swap(false, Ordering::AcqRel)
    }

    pub(super) fn began(&self, generation: &str, segment: u64) {
        let mut status = self.lock();
        status.generation = Some(generation.to_owned());
        status.segment = segment;
        status.given_up = None;
    }

    /// Commits have been captured.
    pub(super) fn captured(&self, last_commit_at_us: i64) {
        self.lock().last_commit_at_us = last_commit_at_us;
    }

    /// A segment is complete; answers the bytes that wait.
    pub(super) fn completed(&self, bytes: u64) -> u64 {
        let mut status = self.lock();
        status.waiting_segments += 1;
        status.waiting_bytes += bytes;
        let waiting = status.waiting_bytes;
        drop(status);
        self.rotated.send_replace(());
        waiting
    }

    pub(super) fn gave_up(&self, reason: &str) {
        let mut status = self.lock();
        status.generation = None;
        status.given_up = Some(reason.to_owned());
        drop(status);
        self.rotated.send_replace(());
    }

    fn lock(&self) -> MutexGuard<'_, CaptureStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

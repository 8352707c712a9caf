//! Who decides about a job: the thread that begins it, or the caller who gives it up.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

const WAITING: u8 = 0;
const BEGUN: u8 = 1;
const GIVEN_UP: u8 = 2;
const LATE: u8 = 3;

/// Decided once, by whoever comes first.
#[derive(Debug)]
pub(super) struct Claim(AtomicU8);

impl Claim {
    pub(super) fn new() -> Self {
        Self(AtomicU8::new(WAITING))
    }

    /// The thread begins, if nobody has given the job up.
    pub(super) fn begin(&self) -> bool {
        self.decide(BEGUN)
    }

    /// The thread finds that it is too late.
    pub(super) fn too_late(&self) -> bool {
        self.decide(LATE)
    }

    pub(super) fn begun(&self) -> bool {
        self.0.load(Ordering::Acquire) == BEGUN
    }

    pub(super) fn late(&self) -> bool {
        self.0.load(Ordering::Acquire) == LATE
    }

    pub(super) fn given_up(&self) -> bool {
        self.0.load(Ordering::Acquire) == GIVEN_UP
    }

    /// The caller's side: whose future is dropped has given up.
    pub(super) fn give_up_on_drop(self: &Arc<Self>) -> Waiting {
        Waiting(Arc::clone(self))
    }

    fn decide(&self, state: u8) -> bool {
        self.0.compare_exchange(WAITING, state, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

/// A caller that waits.
pub(super) struct Waiting(Arc<Claim>);

impl Waiting {
    /// Gives the job up, unless it has begun.
    pub(super) fn give_up(&self) -> bool {
        self.0.decide(GIVEN_UP)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.give_up();
    }
}

//! Attempts that a service may have carried out without saying so: what was sent and never answered may still be paid for.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

/// How many there are of one call. Clones count together, so that whoever has one still knows when the call was left in its middle.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unheard(Arc<AtomicU32>);

impl Unheard {
    /// An attempt begins. It counts until it is settled, also when it is given up.
    pub(crate) fn sending(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// The attempt under way was answered, or never reached the service.
    pub(crate) fn settled(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// How many.
    pub(crate) fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

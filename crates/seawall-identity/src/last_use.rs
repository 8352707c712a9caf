//! When something was last used, and when that is to be written down.

use std::sync::atomic::{AtomicI64, Ordering};

/// How often a use is written down. A write for each request would be the most frequent write of all.
const WRITE_EVERY_US: i64 = 60_000_000;

/// When the last use that is written down was.
#[derive(Debug)]
pub(crate) struct LastUse(AtomicI64);

impl LastUse {
    /// As the table has it.
    pub(crate) const fn written(at_us: i64) -> Self {
        Self(AtomicI64::new(at_us))
    }

    /// Whether this use is to be written down.
    pub(crate) fn due(&self, now_us: i64) -> bool {
        let written_at = self.0.load(Ordering::Relaxed);
        // One of those who find it due at the same time writes it.
        now_us >= written_at.saturating_add(WRITE_EVERY_US)
            && self.0.compare_exchange(written_at, now_us, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

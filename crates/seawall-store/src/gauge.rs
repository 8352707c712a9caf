//! A gauge that is set, on handles that add.

use std::sync::atomic::{AtomicI64, Ordering};

use seawall_core::meter::Handle;

/// The gauge.
#[derive(Debug)]
pub(crate) struct Gauge {
    handle: Handle,
    last: AtomicI64,
}

impl Gauge {
    pub(crate) const fn new(handle: Handle) -> Self {
        Self { handle, last: AtomicI64::new(0) }
    }

    pub(crate) fn set(&self, value: i64) {
        let before = self.last.swap(value, Ordering::Relaxed);
        self.handle.add(value.saturating_sub(before));
    }
}

//! The clock of the development commands: they measure real processes, so they read real time and wait in it.
#![expect(
    clippy::disallowed_methods,
    reason = "benches measure elapsed time and wait for processes that cannot signal readiness"
)]

use std::time::{Duration, Instant};

pub(crate) fn now() -> Instant {
    Instant::now()
}

pub(crate) fn wait(duration: Duration) {
    std::thread::sleep(duration);
}

/// Asks `probe` every `pause` until it gives a value; `None` when `limit` has passed without one.
pub(crate) fn poll<T>(limit: Duration, pause: Duration, mut probe: impl FnMut() -> Option<T>) -> Option<T> {
    let started_at = now();
    loop {
        if let Some(value) = probe() {
            return Some(value);
        }
        if started_at.elapsed() >= limit {
            return None;
        }
        wait(pause);
    }
}

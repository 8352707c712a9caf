//! The operators' key for scripts, `X-Admin-Key` (checklist PM-8). It has no default; only its digest is kept in memory; wrong ones are
//! counted, and too many are followed by a pause. The pause is for this key alone: the token and the socket let operators in meanwhile.

use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{Digest, SHA256, digest};
use axum::http::{HeaderMap, HeaderName};
use seawall_core::{
    clock::Clock,
    meter::{Handle, Meter, Metric, MetricKind},
    settings::Secret,
};
use subtle::ConstantTimeEq;

/// The field.
static FIELD: HeaderName = HeaderName::from_static("x-admin-key");

/// Keys of the admin interface that were wrong, or not heard.
pub static REFUSALS: Metric = Metric {
    name: "seawall_admin_key_refusals",
    help: "Requests to the admin interface with an `X-Admin-Key` that was wrong, or was not heard because too many had been: wrong, paused.",
    kind: MetricKind::Counter,
    labels: &["outcome"],
};

/// Wrong keys before a pause, and how long it is; as for passwords.
const HEARD: u32 = 5;
const PAUSE_US: u64 = 15 * 60 * 1_000_000;

/// The key, and how often it was guessed.
#[derive(Debug)]
pub(in crate::app) struct AdminKey {
    digest: Digest,
    clock: Arc<dyn Clock>,
    failures: Mutex<Failures>,
    wrong: Handle,
    paused: Handle,
}

/// What a request shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// No key.
    Nothing,
    /// The right one.
    Right,
    /// A wrong one, or several.
    Wrong,
    /// One that is not heard, nor any other for so many seconds.
    Paused(u64),
}

impl AdminKey {
    pub(in crate::app) fn new(key: &Secret, clock: Arc<dyn Clock>, meter: &dyn Meter) -> Self {
        Self {
            digest: digest(&SHA256, key.expose().as_bytes()),
            clock,
            failures: Mutex::default(),
            wrong: meter.series(&REFUSALS, &["wrong"]),
            paused: meter.series(&REFUSALS, &["paused"]),
        }
    }

    /// What these fields show.
    pub(super) fn look(&self, headers: &HeaderMap) -> Shown {
        let mut given = headers.get_all(&FIELD).iter();
        let Some(first) = given.next() else { return Shown::Nothing };
        let now_us = self.clock.monotonic_us();
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seconds) = failures.paused(now_us) {
            self.paused.increment();
            return Shown::Paused(seconds);
        }
        let right = digest(&SHA256, first.as_bytes()).as_ref().ct_eq(self.digest.as_ref());
        if given.next().is_none() && bool::from(right) {
            *failures = Failures::default();
            return Shown::Right;
        }
        failures.count(now_us);
        self.wrong.increment();
        tracing::warn!(failures = failures.count, "a wrong X-Admin-Key was shown to the admin interface");
        Shown::Wrong
    }
}

/// Wrong keys that are counted together.
#[derive(Clone, Copy, Debug, Default)]
struct Failures {
    count: u32,
    ends_us: u64,
}

impl Failures {
    /// For how many seconds no key is heard.
    fn paused(&self, now_us: u64) -> Option<u64> {
        let left_us = self.ends_us.checked_sub(now_us).filter(|left| *left > 0 && self.count >= HEARD)?;
        Some(left_us.div_ceil(1_000_000))
    }

    fn count(&mut self, now_us: u64) {
        let before = if now_us >= self.ends_us { 0 } else { self.count };
        *self = Self { count: before.saturating_add(1), ends_us: now_us.saturating_add(PAUSE_US) };
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use seawall_core::{clock::Now, meter::NoMeter};

    use super::*;

    #[derive(Debug, Default)]
    struct Moved(AtomicU64);

    impl Clock for Moved {
        fn now(&self) -> Now {
            let us = self.0.load(Ordering::Relaxed);
            Now { monotonic_us: us, unix_us: us }
        }
    }

    #[test]
    fn five_wrong_keys_are_followed_by_a_pause_and_a_right_one_clears_them() {
        let clock = Arc::new(Moved::default());
        let key = AdminKey::new(&"the-right-one".to_owned().into(), Arc::clone(&clock) as _, &NoMeter);
        let look = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(&FIELD, value.parse().unwrap());
            }
            key.look(&headers)
        };
        assert_eq!(look(&[]), Shown::Nothing);
        for wrong in ["", "the-right-on", "the-right-one ", "The-right-one"] {
            assert_eq!(look(&[wrong]), Shown::Wrong, "{wrong:?}");
        }
        assert_eq!(look(&["the-right-one"]), Shown::Right);
        for _ in 0..5 {
            assert_eq!(look(&["the-right-one", "another"]), Shown::Wrong);
        }
        assert_eq!(look(&["the-right-one"]), Shown::Paused(900));
        clock.0.store(PAUSE_US - 1, Ordering::Relaxed);
        assert_eq!(look(&["the-right-one"]), Shown::Paused(1));
        clock.0.store(PAUSE_US, Ordering::Relaxed);
        assert_eq!(look(&["the-right-one"]), Shown::Right);
        assert!(!format!("{key:?}").contains("the-right-one"));
    }
}

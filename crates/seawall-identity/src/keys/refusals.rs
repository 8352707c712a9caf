//! Keys that were refused: counted always, logged and recorded so often and no oftener.

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use seawall_core::meter::{Handle as Counter, Meter, Metric, MetricKind};
use seawall_store::{
    Actor, Cause, Db, StoreError,
    audit::{Entry, Outcome},
};
use serde_json::{Map, json};
use tokio::runtime::Handle;

use super::live::Why;

/// Keys that were refused.
pub static REFUSALS: Metric = Metric {
    name: "seawall_api_key_refusals",
    help: "API keys that were refused, by why: malformed, other environment, unknown, wrong secret, revoked, expired, owner kept out, address.",
    kind: MetricKind::Counter,
    labels: &["reason"],
};

/// How many are logged and recorded in a minute; of the others it is said how many they were.
const TOLD: u64 = 20;
const MINUTE_US: u64 = 60_000_000;

/// Tells of them.
#[derive(Debug)]
pub(super) struct Refusals {
    db: Db,
    runtime: Handle,
    counters: Vec<(Why, Counter)>,
    budget: Mutex<Budget>,
}

/// One that was refused.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    /// The first characters of what was shown.
    pub(super) start: String,
    /// The id, when there is such a key.
    pub(super) id: Option<String>,
    pub(super) why: Why,
    pub(super) client: IpAddr,
}

impl Refusals {
    /// Records on the runtime that this is called on.
    pub(super) fn new(db: Db, meter: &dyn Meter) -> Self {
        let counters = Why::ALL.map(|why| (why, meter.series(&REFUSALS, &[why.word()]))).into();
        Self { db, runtime: Handle::current(), counters, budget: Mutex::default() }
    }

    /// Tells of one. Does not wait.
    pub(super) fn tell(&self, refused: Refused, now_us: u64) {
        self.counters.iter().filter(|(why, _)| *why == refused.why).for_each(|(_, counter)| counter.increment());
        let told = self.budget.lock().unwrap_or_else(PoisonError::into_inner).take(now_us);
        let Some(left_out) = told else { return };
        tracing::warn!(start = refused.start, reason = refused.why.word(), left_out, "an API key was refused");
        let db = self.db.clone();
        self.runtime.spawn(async move {
            let cause = Cause { actor: Actor::Anonymous, address: Some(refused.client), request_id: None };
            let entry = refused.entry(left_out);
            let recorded: Result<(), StoreError> = db.write(&cause, move |tx| tx.audit(entry.clone())).await;
            if let Err(error) = recorded {
                tracing::warn!(%error, "that an API key was refused could not be written to the audit log");
            }
        });
    }
}

impl Refused {
    fn entry(&self, left_out: u64) -> Entry {
        let after = Map::from_iter([
            ("why".to_owned(), json!(self.why.word())),
            ("start".to_owned(), json!(self.start)),
            ("left_out".to_owned(), json!(left_out)),
        ]);
        let object = self.id.clone().unwrap_or_else(|| self.start.clone());
        Entry::new("key.refused", "api_key", object).made(after).with_outcome(Outcome::Refused)
    }
}

/// So many in a minute.
#[derive(Debug, Default)]
struct Budget {
    began_us: u64,
    told: u64,
    left_out: u64,
}

impl Budget {
    /// Whether one more is told of, and how many were not since the last.
    fn take(&mut self, now_us: u64) -> Option<u64> {
        if now_us >= self.began_us.saturating_add(MINUTE_US) {
            (self.began_us, self.told) = (now_us, 0);
        }
        if self.told >= TOLD {
            self.left_out = self.left_out.saturating_add(1);
            return None;
        }
        self.told += 1;
        Some(std::mem::take(&mut self.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_a_minute_are_told_of_and_the_next_says_how_many_were_not() {
        let mut budget = Budget::default();
        let told = (0..1_000).filter(|step| budget.take(MINUTE_US + step).is_some()).count();
        assert_eq!(told, 20);
        assert_eq!(budget.take(2 * MINUTE_US), Some(980));
        assert_eq!(budget.take(2 * MINUTE_US), Some(0));
    }
}

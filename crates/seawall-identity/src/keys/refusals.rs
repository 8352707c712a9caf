//! Keys that were refused: counted always, logged and recorded so often and no oftener.

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use seawall_core::{
    authenticator::{Found, Presented},
    clock::Now,
    meter::{Handle as Counter, Meter, Metric, MetricKind},
};
use seawall_store::{
    Actor, Cause, Db, StoreError,
    audit::{Entry, Outcome},
};
use serde_json::{Map, json};
use tokio::runtime::Handle;

use super::{live::Why, text};

/// Keys that were refused.
pub static REFUSALS: Metric = Metric {
    name: "seawall_api_key_refusals",
    help: "API keys and credentials of devices that were refused, by why: malformed, other environment, unknown, wrong secret, revoked, expired, owner kept out, address.",
    kind: MetricKind::Counter,
    labels: &["reason"],
};

/// How many are logged and recorded in a minute; of the others it is said how many they were.
const TOLD: u64 = 20;
const MINUTE_US: u64 = 60_000_000;

/// Tells of them.
#[derive(Debug)]
pub(crate) struct Refusals {
    db: Db,
    runtime: Handle,
    counters: Vec<(Why, Counter)>,
    budget: Mutex<Budget>,
}

/// What a request showed, for telling of it.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    kind: &'static str,
    start: [u8; 10],
    client: IpAddr,
    now: Now,
}

impl Shown {
    /// What this request showed as a credential of this kind.
    pub(crate) fn of(kind: &'static str, value: &[u8], presented: &Presented<'_>) -> Self {
        let mut start = [b'_'; 10];
        for (own, byte) in start.iter_mut().zip(value) {
            *own = *byte;
        }
        Self { kind, start, client: presented.client, now: presented.now }
    }

    /// From where.
    pub(crate) const fn client(&self) -> IpAddr {
        self.client
    }

    /// When.
    pub(crate) const fn now(&self) -> Now {
        self.now
    }
}

/// One that was refused.
#[derive(Clone, Debug)]
struct Refused {
    kind: &'static str,
    /// The first characters of what was shown.
    start: String,
    /// The id, when there is such a key.
    id: Option<String>,
    why: Why,
    client: IpAddr,
}

impl Refusals {
    /// Records on the runtime that this is called on.
    pub(super) fn new(db: Db, meter: &dyn Meter) -> Self {
        let counters = Why::ALL.map(|why| (why, meter.series(&REFUSALS, &[why.word()]))).into();
        Self { db, runtime: Handle::current(), counters, budget: Mutex::default() }
    }

    /// Refuses one, and tells of it. Does not wait.
    pub(crate) fn refuse(&self, shown: &Shown, id: Option<&str>, why: Why) -> Found {
        let (kind, start, id) = (shown.kind, text::start(&shown.start), id.map(str::to_owned));
        self.tell(Refused { kind, start, id, why, client: shown.client }, shown.now.monotonic_us);
        if why == Why::Address { Found::Elsewhere } else { Found::Nobody }
    }

    fn tell(&self, refused: Refused, now_us: u64) {
        self.counters.iter().filter(|(why, _)| *why == refused.why).for_each(|(_, counter)| counter.increment());
        let told = self.budget.lock().unwrap_or_else(PoisonError::into_inner).take(now_us);
        let Some(left_out) = told else { return };
        tracing::warn!(start = refused.start, reason = refused.why.word(), left_out, "a key was refused");
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
        Entry::new("key.refused", self.kind, object).made(after).with_outcome(Outcome::Refused)
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

//! Who still uses a version that ends: a bounded table, so that its owners can be told.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use seawall_core::clock::Now;

/// The most callers that are remembered.
const MOST: usize = 1_000;

/// How long somebody is remembered who does not come again, once the table is full, in microseconds.
const KEPT_US: u64 = 30 * 86_400 * 1_000_000;

/// How often room is made, at most, in microseconds.
const SWEEP_US: u64 = 60 * 1_000_000;

/// Who uses a version that ends; cheap to clone. Reloads forget nobody, a restart everybody.
#[derive(Clone, Debug, Default)]
pub struct Callers(Arc<Mutex<Table>>);

/// Who called.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// Somebody who is known, by the id of the user, key or device.
    Principal(Arc<str>),
    /// Nobody in particular, from this address.
    Address(IpAddr),
}

/// What is remembered of one caller of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The version.
    pub version: Arc<str>,
    /// Who called.
    pub who: Who,
    /// How often.
    pub requests: u64,
    /// When first, in microseconds since 1970-01-01T00:00:00Z.
    pub first_at_unix_us: u64,
    /// When last, in microseconds since 1970-01-01T00:00:00Z.
    pub last_at_unix_us: u64,
}

#[derive(Debug, Default)]
struct Table {
    callers: HashMap<(Arc<str>, Who), Times>,
    /// Requests of those for whom there was no room.
    others: u64,
    swept_at_us: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Times {
    requests: u64,
    first_at_unix_us: u64,
    last_at_unix_us: u64,
}

impl Callers {
    /// Remembers a request.
    pub(super) fn note(&self, version: &Arc<str>, who: Who, now: Now) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (Arc::clone(version), who);
        if let Some(times) = table.callers.get_mut(&key) {
            times.requests = times.requests.saturating_add(1);
            times.last_at_unix_us = now.unix_us;
            return;
        }
        if table.callers.len() >= MOST && !table.make_room(now) {
            table.others = table.others.saturating_add(1);
            return;
        }
        let times = Times { requests: 1, first_at_unix_us: now.unix_us, last_at_unix_us: now.unix_us };
        table.callers.insert(key, times);
    }

    /// Everybody who is remembered, those who called last first; and how many requests came from others.
    #[must_use]
    pub fn all(&self) -> (Vec<Caller>, u64) {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let caller = |((version, who), times): (&(Arc<str>, Who), &Times)| Caller {
            version: Arc::clone(version),
            who: who.clone(),
            requests: times.requests,
            first_at_unix_us: times.first_at_unix_us,
            last_at_unix_us: times.last_at_unix_us,
        };
        let (mut all, others) = (table.callers.iter().map(caller).collect::<Vec<_>>(), table.others);
        drop(table);
        all.sort_by_key(|caller| std::cmp::Reverse((caller.last_at_unix_us, caller.requests)));
        (all, others)
    }
}

impl Table {
    /// Forgets who has not come for long. It looks through all of them, so it does so once in a while only.
    fn make_room(&mut self, now: Now) -> bool {
        if self.swept_at_us.is_some_and(|at| now.monotonic_us.saturating_sub(at) < SWEEP_US) {
            return false;
        }
        self.swept_at_us = Some(now.monotonic_us);
        self.callers.retain(|_, times| now.unix_us.saturating_sub(times.last_at_unix_us) < KEPT_US);
        self.callers.len() < MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(second: u64) -> Now {
        Now { monotonic_us: second * 1_000_000, unix_us: 1_800_000_000_000_000 + second * 1_000_000 }
    }

    fn number(number: usize) -> Who {
        Who::Principal(number.to_string().into())
    }

    #[test]
    fn callers_are_counted_by_version_and_the_table_is_bounded() {
        let (callers, version) = (Callers::default(), Arc::from("v1"));
        callers.note(&version, number(1), at(0));
        callers.note(&version, number(1), at(5));
        callers.note(&Arc::from("v2"), number(1), at(1));
        let (all, others) = callers.all();
        let seen: Vec<_> = all.iter().map(|one| (&*one.version, one.requests, one.last_at_unix_us)).collect();
        assert_eq!((&seen[..], others), (&[("v1", 2, at(5).unix_us), ("v2", 1, at(1).unix_us)][..], 0));
        for other in 0..MOST + 10 {
            callers.note(&version, number(other), at(10));
        }
        let (all, others) = callers.all();
        assert_eq!((all.len(), others), (MOST, 11), "one of them was there already, and one under v2");
        // Whoever is remembered is counted on.
        callers.note(&version, number(1), at(11));
        assert_eq!(callers.all().0[0].requests, 4);
    }

    #[test]
    fn who_does_not_come_again_makes_room() {
        let (callers, version) = (Callers::default(), Arc::from("v1"));
        for other in 0..MOST {
            callers.note(&version, number(other), at(0));
        }
        callers.note(&version, number(MOST), at(1));
        let month = KEPT_US / 1_000_000;
        callers.note(&version, number(0), at(month - 30));
        callers.note(&version, number(MOST + 1), at(month));
        let (all, others) = callers.all();
        assert_eq!((all.len(), others), (2, 1), "{all:?}");
    }
}

//! Counters in memory: one table of fixed size for the whole process, divided so that cores seldom meet.
//!
//! All that is counted by one thing (an address, a person, a key, an organisation) lives in one shard, so that a request is counted in
//! all its quotas or in none under one lock; one that is counted by several takes the locks of each. In a shard a counter has eight places it may stand in; when all are taken, one that has expired gives way, else the least
//! recently used, whose use goes to the shard's sketch.

use std::{
    hash::{BuildHasher, RandomState},
    iter,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use seawall_core::{
    limit::{Ask, Quota, RateKey, RateKeys, RateStore, ScopedQuota, Sketch, Standing, Track, WORDS, Window},
    meter::{Handle, Meter, Metric, MetricKind},
    reply::Reply,
};
use smallvec::SmallVec;

/// Counters pushed out of the table before they expired.
pub static EVICTIONS: Metric = Metric {
    name: "seawall_rate_limit_evictions",
    help: "Counters pushed out of the table before they expired. When it grows, raise [rate_limit] capacity.",
    kind: MetricKind::Counter,
    labels: &[],
};

/// Clients taken up again from the sketch, with at least the use they had.
pub static RETURNS: Metric = Metric {
    name: "seawall_rate_limit_returns",
    help: "Clients that came back after their counter was pushed out, and were taken to have used at least what they had.",
    kind: MetricKind::Counter,
    labels: &[],
};

const SHARDS: usize = 64;
/// Places a counter may stand in.
const WAYS: usize = 8;
/// The most limits of one route: their counters of one client must not push each other out.
pub(super) const MOST_LIMITS: usize = WAYS;
/// By how many things one request is counted at most: the person, the key and the organisation.
const KEYS: usize = 3;
/// Sketch cells per counter of the table: an evicted counter's estimate stays close for floods of several tables.
const CELLS_PER_COUNTER: usize = 4;

/// Counters in memory.
#[derive(Debug)]
pub struct MemoryRates {
    shards: Box<[Mutex<Shard>]>,
    /// Keyed with a secret of this process, so that nobody can choose addresses that fall together.
    hasher: RandomState,
    evictions: Handle,
    returns: Handle,
}

impl MemoryRates {
    /// A table of about `capacity` counters.
    #[must_use]
    pub fn new(capacity: u64, meter: &dyn Meter) -> Arc<Self> {
        let per_shard = usize::try_from(capacity).unwrap_or(usize::MAX).div_ceil(SHARDS).next_multiple_of(WAYS);
        let shards = (0..SHARDS).map(|_| Mutex::new(Shard::new(per_shard))).collect();
        let (evictions, returns) = (meter.series(&EVICTIONS, &[]), meter.series(&RETURNS, &[]));
        Arc::new(Self { shards, hasher: RandomState::new(), evictions, returns })
    }

    /// The shard of all that is counted by this, and the keyed hash of it.
    fn place(&self, key: RateKey) -> (usize, u64) {
        let hash = self.hasher.hash_one(key);
        (usize::try_from(hash % (SHARDS as u64)).unwrap_or_default(), hash)
    }

    /// The same for each quota.
    fn places(&self, ask: &Ask<'_>) -> SmallVec<[(usize, u64); WAYS]> {
        let mut last: Option<(RateKey, (usize, u64))> = None;
        let place = |scoped: &ScopedQuota| {
            let key = ask.keys.of(scoped.quota.per);
            if let Some((_, place)) = last.filter(|(known, _)| *known == key) {
                return place;
            }
            let place = self.place(key);
            last = Some((key, place));
            place
        };
        ask.quotas.iter().map(place).collect()
    }

    fn locked(&self, at: usize) -> Option<Locked<'_>> {
        // A panic while counting leaves numbers that are wrong by one at most; they are still the best there is.
        self.shards.get(at).map(|shard| (at, shard.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Looks at the counter of a client in a quota.
    fn look(&self, shard: &mut Shard, client: u64, scoped: &ScopedQuota, now_us: u64) -> Looked {
        let looked = shard.look(identity(client, scoped.scope), &scoped.quota, now_us);
        if looked.evicted {
            self.evictions.increment();
        }
        if looked.returned {
            self.returns.increment();
        }
        looked
    }

    /// Counts a request in its one quota.
    fn count_one(&self, ask: &Ask<'_>, scoped: &ScopedQuota, client: u64, shard: &mut Shard) -> Standing {
        let (now_us, cost) = (ask.now.monotonic_us, ask.cost.max(1));
        let looked = self.look(shard, client, scoped, now_us);
        let standing = Standing::of(ask.quotas, cost, [(looked.remaining, looked.reset_us)]);
        if standing.accepted {
            shard.record(&looked, now_us, cost);
        }
        standing
    }

    /// Counts a request in all its quotas, which have these places in these shards, or in none.
    fn count(&self, ask: &Ask<'_>, places: impl Iterator<Item = (usize, u64)>, shards: &mut [Locked<'_>]) -> Standing {
        let (now_us, cost) = (ask.now.monotonic_us, ask.cost.max(1));
        let mut counters: SmallVec<[(usize, Looked); WAYS]> = SmallVec::new();
        for (scoped, (at, client)) in ask.quotas.iter().zip(places) {
            let Some((_, shard)) = shards.iter_mut().find(|(own, _)| *own == at) else { continue };
            counters.push((at, self.look(shard, client, scoped, now_us)));
        }
        let all = counters.iter().map(|(_, looked)| (looked.remaining, looked.reset_us));
        let standing = Standing::of(ask.quotas, cost, all);
        if standing.accepted {
            for (at, looked) in &counters {
                if let Some((_, shard)) = shards.iter_mut().find(|(own, _)| own == at) {
                    shard.record(looked, now_us, cost);
                }
            }
        }
        standing
    }
}

/// A shard, behind its place among them.
type Locked<'a> = (usize, MutexGuard<'a, Shard>);

impl RateStore for MemoryRates {
    fn take(&self, ask: &Ask<'_>) -> Reply<Standing> {
        // Most requests are counted by one thing: there is one shard, and nothing to put in order.
        if let RateKeys::One(key) = ask.keys {
            let place = self.place(key);
            let mut shard = self.locked(place.0);
            return Reply::Ready(Ok(match (ask.quotas, &mut shard) {
                ([scoped], Some((_, shard))) => self.count_one(ask, scoped, place.1, shard),
                _ => self.count(ask, iter::repeat(place), shard.as_mut_slice()),
            }));
        }
        let places = self.places(ask);
        // Invariant: several shards are locked in the order in which they stand, so that two requests never wait for each other.
        let mut wanted: SmallVec<[usize; KEYS]> = places.iter().map(|place| place.0).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut shards: SmallVec<[_; KEYS]> = wanted.iter().filter_map(|&at| self.locked(at)).collect();
        Reply::Ready(Ok(self.count(ask, places.into_iter(), &mut shards)))
    }
}

/// A client's counter in one scope. Every step can be undone, so that two clients share a counter only when their keyed hashes
/// are the same; and every bit of the result depends on all bits of the hash, although the shard was chosen by some of them
/// (the finalizer of MurmurHash3).
const fn identity(client: u64, scope: u64) -> u64 {
    let mut mixed = client ^ scope;
    mixed = (mixed ^ mixed >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed = (mixed ^ mixed >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    mixed ^= mixed >> 33;
    // Zero stands for an empty place.
    if mixed == 0 { 1 } else { mixed }
}

/// One part of the table. A counter is found by its identity: 64 bits of a keyed hash, zero for an empty place.
#[derive(Debug)]
struct Shard {
    /// How many places there are, once there are any: memory that no client has asked for yet costs nothing.
    size: usize,
    places: Vec<Place>,
    /// [`WORDS`] for each place.
    words: Vec<u32>,
    sketch: Sketch,
}

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    identity: u64,
    touched_us: u64,
    track: Track,
    /// When the counter's use expires, so that an expired one gives way first.
    expires_us: u64,
    count: u32,
    /// Whether exact times are kept, which depends on the limit.
    exact: bool,
}

/// What a look at a counter found.
struct Looked {
    /// Its place.
    at: usize,
    /// By which it is kept.
    window: Window,
    remaining: u32,
    reset_us: u64,
    evicted: bool,
    returned: bool,
}

impl Shard {
    fn new(size: usize) -> Self {
        Self { size, places: Vec::new(), words: Vec::new(), sketch: Sketch::new(0) }
    }

    /// Makes the places for the first client.
    fn fill(&mut self) {
        self.places = vec![Place::default(); self.size];
        self.words = vec![0; self.size * WORDS];
        self.sketch = Sketch::new(self.size * CELLS_PER_COUNTER);
    }

    /// Looks at a counter and makes it when it is not there.
    fn look(&mut self, identity: u64, quota: &Quota, now_us: u64) -> Looked {
        if self.places.is_empty() {
            self.fill();
        }
        let mut window = Window::new(quota);
        let (at, found) = self.place(identity, now_us);
        let (mut evicted, mut returned) = (false, false);
        let (Some(place), Some(words)) = (self.places.get_mut(at), self.words.get_mut(at * WORDS..(at + 1) * WORDS))
        else {
            return Looked { at, window, remaining: 0, reset_us: 0, evicted, returned };
        };
        if !found {
            if place.identity != 0 && place.expires_us > now_us {
                self.sketch.remember(place.identity, place.count, place.expires_us, now_us);
                evicted = true;
            }
            words.fill(0);
            *place = Place { identity, exact: window.exact(), ..Place::default() };
            if let Some((count, expires_us)) = self.sketch.estimate(identity, now_us) {
                window.record_many(&mut place.track, words, window.accepted_at(expires_us).min(now_us), count);
                returned = true;
            }
        }
        if place.exact != window.exact() {
            window = window.adopt(&mut place.track, words, now_us);
            place.exact = window.exact();
        }
        place.touched_us = now_us;
        let remaining = window.remaining(&mut place.track, words, now_us);
        let reset_us = window.reset_us(&place.track, words, now_us);
        Looked { at, window, remaining, reset_us, evicted, returned }
    }

    /// Counts a request on a counter that was looked at under the same lock, and so stands where it stood.
    fn record(&mut self, &Looked { at, window, .. }: &Looked, now_us: u64, cost: u32) {
        if let (Some(place), Some(words)) = (self.places.get_mut(at), self.words.get_mut(at * WORDS..(at + 1) * WORDS))
        {
            window.record_many(&mut place.track, words, now_us, cost);
            if let Some((count, expires_us)) = window.used(&place.track, now_us) {
                (place.count, place.expires_us) = (count, expires_us);
            }
        }
    }

    /// Where a counter stands, or the place it should take.
    fn place(&self, identity: u64, now_us: u64) -> (usize, bool) {
        let sets = (self.places.len() / WAYS).max(1);
        // Mixed after the shard was chosen, so these are evenly spread here.
        let first = usize::try_from(identity % sets as u64).unwrap_or_default() * WAYS;
        let mut best = (first, u64::MAX);
        for at in first..first + WAYS {
            let Some(place) = self.places.get(at) else { break };
            if place.identity == identity {
                return (at, true);
            }
            // Invariant: counters that this very request looked at are the last to go, so up to `WAYS` quotas of one
            // request never push each other out.
            let worth = match place {
                Place { identity: 0, .. } => 0,
                Place { touched_us, expires_us, .. } if *expires_us <= now_us && *touched_us != now_us => 1,
                Place { touched_us, .. } => (*touched_us).max(2),
            };
            if worth < best.1 {
                best = (at, worth);
            }
        }
        (best.0, false)
    }
}

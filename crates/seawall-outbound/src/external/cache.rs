//! Answers that are kept for a while, and given to whoever asks the same.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{AGE, CACHE_CONTROL, TRANSFER_ENCODING, VARY},
};
use quick_cache::{Weighter, sync::Cache as Memory};
use seawall_core::clock::Now;

use crate::flight::Flights;

/// Fields of a call that no answer depends on, and that differ with each.
const PASSING: [&str; 5] = ["x-request-id", "traceparent", "tracestate", "user-agent", "cache-control"];

/// What an answer may weigh, as a part of all that is kept.
const LARGEST_PART: u64 = 10;

/// What an entry costs beside its body, about.
const ENTRY_BYTES: u64 = 512;

/// What a call asks for: its path with its query, and the fields that are sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key(Arc<[u8]>);

impl Key {
    /// The key of a call as it is sent, before the service's secret is added.
    pub(super) fn of(target: &str, headers: &HeaderMap) -> Self {
        let mut fields: Vec<_> = headers.iter().filter(|(name, _)| !PASSING.contains(&name.as_str())).collect();
        fields.sort_by_key(|(name, value)| (name.as_str(), value.as_bytes()));
        let mut key = target.as_bytes().to_vec();
        for (name, value) in fields {
            // Neither a name nor a value holds a line feed.
            key.extend([b"\n", name.as_str().as_bytes(), b":", value.as_bytes()].concat());
        }
        Self(key.into())
    }
}

/// An answer that is kept.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    at: Now,
}

impl Kept {
    pub(super) const fn new(headers: HeaderMap, body: Bytes, at: Now) -> Self {
        Self { headers, body, at }
    }

    /// How old it is, for `Age` (RFC 9111 section 5.1).
    pub(super) fn age(&self, now: Now) -> (HeaderName, HeaderValue) {
        (AGE, HeaderValue::from(now.since_us(self.at) / 1_000_000))
    }
}

#[derive(Clone, Debug)]
struct Weight;

impl Weighter<Key, Arc<Kept>> for Weight {
    fn weight(&self, key: &Key, kept: &Arc<Kept>) -> u64 {
        ENTRY_BYTES + key.0.len() as u64 + kept.body.len() as u64
    }
}

/// The answers of one service.
#[derive(Debug)]
pub(crate) struct Cache {
    kept_us: u64,
    largest_bytes: usize,
    memory: Memory<Key, Arc<Kept>, Weight>,
    pub(super) flights: Flights<Key, Arc<Kept>>,
}

impl Cache {
    pub(super) fn new(kept: Duration, bytes: u64) -> Self {
        Self {
            kept_us: u64::try_from(kept.as_micros()).unwrap_or(u64::MAX),
            largest_bytes: usize::try_from(bytes / LARGEST_PART).unwrap_or(usize::MAX),
            memory: Memory::with_weighter(1_024, bytes, Weight),
            flights: Flights::default(),
        }
    }

    /// The largest body that is kept.
    pub(super) const fn largest_bytes(&self) -> usize {
        self.largest_bytes
    }

    pub(super) fn get(&self, key: &Key, now: Now) -> Option<Arc<Kept>> {
        let kept = self.memory.get(key)?;
        if now.since_us(kept.at) < self.kept_us {
            return Some(kept);
        }
        self.memory.remove(key);
        None
    }

    pub(super) fn put(&self, key: Key, kept: Arc<Kept>) {
        self.memory.insert(key, kept);
    }
}

/// Whether a call, or whoever answers it, wants nothing kept.
pub(super) fn no_store(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(CACHE_CONTROL).iter().filter_map(|line| line.to_str().ok());
    let mut directives = lines.flat_map(|line| line.split(',')).map(str::trim);
    directives.any(|directive| {
        let name = directive.split('=').next().unwrap_or_default();
        ["no-store", "no-cache", "private"].iter().any(|known| name.eq_ignore_ascii_case(known))
    })
}

/// Whether an answer may be kept by what its head says. All fields that were sent are in its key, so `Vary` forbids it only where it
/// names none.
pub(super) fn may_be_kept(status: StatusCode, headers: &HeaderMap) -> bool {
    let varies = headers.get_all(VARY).iter().any(|line| line.as_bytes().contains(&b'*'));
    status == StatusCode::OK && !no_store(headers) && !varies && !headers.contains_key(TRANSFER_ENCODING)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_key_is_of_all_that_an_answer_can_depend_on() {
        let key = |target, fields: &[_]| Key::of(target, &headers(fields));
        let one = key("/a?b", &[("accept", "x"), ("x-tenant", "1")]);
        assert_eq!(one, key("/a?b", &[("x-tenant", "1"), ("x-request-id", "7"), ("accept", "x")]));
        assert_ne!(one, key("/a?b", &[("accept", "x"), ("x-tenant", "2")]));
        assert_ne!(one, key("/a?c", &[("accept", "x"), ("x-tenant", "1")]));
    }

    #[test]
    fn what_says_that_it_is_not_to_be_kept_is_not() {
        assert!(may_be_kept(StatusCode::OK, &headers(&[("cache-control", "max-age=0"), ("vary", "accept")])));
        for field in [("cache-control", "public, No-Store"), ("cache-control", "private=\"a\""), ("vary", "*")] {
            assert!(!may_be_kept(StatusCode::OK, &headers(&[field])), "{field:?}");
        }
        assert!(!may_be_kept(StatusCode::NOT_FOUND, &HeaderMap::new()));
    }

    #[test]
    fn what_is_old_is_gone() {
        let cache = Cache::new(Duration::from_secs(2), 100_000);
        let at = |s: u64| Now { monotonic_us: s * 1_000_000, unix_us: 0 };
        let key = Key::of("/a", &HeaderMap::new());
        cache.put(key.clone(), Arc::new(Kept::new(HeaderMap::new(), Bytes::from_static(b"x"), at(10))));
        assert_eq!(cache.get(&key, at(11)).unwrap().age(at(11)).1, "1");
        assert!(cache.get(&key, at(12)).is_none() && cache.get(&key, at(11)).is_none());
    }
}

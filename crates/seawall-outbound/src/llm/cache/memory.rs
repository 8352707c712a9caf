//! Answers in memory.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use quick_cache::{Weighter, sync::Cache};
use seawall_core::meter::Handle;

use super::{kept::Kept, key::Place};

/// What an entry costs beside its answer, about.
const ENTRY_BYTES: u64 = 512;

/// The largest answer, as a part of all.
const LARGEST_PART: u64 = 10;

#[derive(Clone, Debug)]
struct Weight;

impl Weighter<Place, Arc<Kept>> for Weight {
    fn weight(&self, _: &Place, kept: &Arc<Kept>) -> u64 {
        ENTRY_BYTES + kept.size_bytes()
    }
}

/// Answers, those let go of first that are asked for least.
#[derive(Debug)]
pub(super) struct Memory {
    answers: Cache<Place, Arc<Kept>, Weight>,
    largest_bytes: u64,
    gauge: Handle,
    told: AtomicI64,
}

impl Memory {
    pub(super) fn new(bytes: u64, gauge: Handle) -> Self {
        let answers = Cache::with_weighter(1_024, bytes, Weight);
        Self { answers, largest_bytes: bytes / LARGEST_PART, gauge, told: AtomicI64::new(0) }
    }

    /// An answer that is to be given still. One that is not is let go of.
    pub(super) fn get(&self, place: &Place, now_us: u64, ttl_us: u64) -> Option<Arc<Kept>> {
        let kept = self.answers.get(place)?;
        if kept.fresh(now_us, ttl_us) {
            return Some(kept);
        }
        self.answers.remove(place);
        self.tell();
        None
    }

    pub(super) fn put(&self, place: Place, kept: Arc<Kept>) {
        if kept.size_bytes() <= self.largest_bytes {
            self.answers.insert(place, kept);
            self.tell();
        }
    }

    fn tell(&self) {
        let held = i64::try_from(self.answers.weight()).unwrap_or(i64::MAX);
        self.gauge.add(held - self.told.swap(held, Ordering::Relaxed));
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.gauge.add(-self.told.load(Ordering::Relaxed));
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;

    use super::{
        super::kept::{Form, Wanted},
        *,
    };
    use crate::llm::operation::{Dialect, Operation};

    /// An answer of this size, given at this second.
    fn kept(text_bytes: usize, at_s: u64) -> Arc<Kept> {
        let wanted = Wanted { dialect: Dialect::OpenAi, operation: Operation::Chat, streams: false, usage: false };
        let text = "a".repeat(text_bytes);
        let body = format!(r#"{{"choices":[{{"index":0,"message":{{"content":"{text}"}},"finish_reason":"stop"}}]}}"#);
        Arc::new(Kept::of(Form::Whole, wanted, &HeaderMap::new(), Bytes::from(body), at_s * 1_000_000).unwrap())
    }

    #[test]
    fn what_is_old_is_gone() {
        let memory = Memory::new(100_000, Handle::none());
        memory.put([1; 32], kept(10, 100));
        assert!(memory.get(&[1; 32], 109_000_000, 10_000_000).is_some());
        assert!(memory.get(&[1; 32], 110_000_000, 10_000_000).is_none());
        assert!(memory.get(&[1; 32], 109_000_000, 10_000_000).is_none(), "it was let go of");
    }

    #[test]
    fn memory_holds_no_more_than_it_may() {
        let memory = Memory::new(1_000_000, Handle::none());
        for number in 0..200 {
            memory.put([number; 32], kept(20_000, 0));
        }
        assert!(memory.answers.weight() <= 1_000_000 && memory.answers.len() > 10, "{}", memory.answers.weight());
        memory.put([200; 32], kept(200_000, 0));
        assert!(memory.get(&[200; 32], 1, 10).is_none(), "one answer is not to push out all others");
    }
}

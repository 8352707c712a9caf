//! How a cache is bounded, and how long it keeps what it has read.

use std::time::Duration;

/// How one cache behaves.
#[derive(Clone, Copy, Debug)]
pub struct CacheOptions<K, V> {
    /// Its name in metrics, and the topic of its messages: one cache of a node has it.
    pub name: &'static str,
    /// What a key and its value hold in bytes beyond themselves: on the heap, behind an `Arc`. Asked once for each entry.
    pub weigh: fn(&K, &V) -> u64,
    /// Entries at most.
    pub most_entries: u64,
    /// Bytes at most, what an entry takes in the cache included. No entry counts for less than its share of the room, which is
    /// `most_bytes` divided by `most_entries`: so neither bound is ever exceeded.
    pub most_bytes: u64,
    /// How old an entry gets, from before it was read.
    pub keep: Duration,
    /// The same for what was not found; zero, and it is not kept.
    pub keep_absent: Duration,
    /// How old an entry gets, at most, while nothing is heard of other nodes: they cannot say that it is void.
    pub keep_cut_off: Duration,
    /// Keys that are read at once.
    pub most_loading: usize,
    /// Askers that wait at once, for whatever keys.
    pub most_waiting: usize,
    /// What reading one key may take, whoever waits for it.
    pub load_limit: Duration,
}

impl<K, V> CacheOptions<K, V> {
    /// A cache of 10,000 entries in 16 MiB that keeps what it finds for a minute and what it does not find for five seconds.
    #[must_use]
    pub const fn new(name: &'static str, weigh: fn(&K, &V) -> u64) -> Self {
        Self {
            name,
            weigh,
            most_entries: 10_000,
            most_bytes: 16 << 20,
            keep: Duration::from_secs(60),
            keep_absent: Duration::from_secs(5),
            keep_cut_off: Duration::from_secs(60),
            most_loading: 256,
            most_waiting: 4_096,
            load_limit: Duration::from_secs(5),
        }
    }
}

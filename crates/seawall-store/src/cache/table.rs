//! The entries: bounded by their weight, in shards, and no older than they may be.

use std::{hash::RandomState, mem::size_of, time::Duration};

use quick_cache::{Lifecycle, Weighter, sync::Cache as Shards};
use seawall_core::meter::Handle;

use super::CacheOptions;

/// Shards with a lock each: four for each core and a power of two, fewer in a small cache. Never more than these.
const MOST_SHARDS: u64 = 4_096;

/// What an entry takes besides itself: its links, its place in the shard's index, and what is remembered of it once it has gone.
const LINKS: u64 = 64;

/// Entries of one cache.
pub(super) struct Table<K, V> {
    shards: Shards<K, Entry<V>, Weight, RandomState, Evicted>,
    weigh: fn(&K, &V) -> u64,
    /// The least that an entry counts for.
    share: u64,
    keep_us: u64,
    keep_absent_us: u64,
    keep_cut_off_us: u64,
    evicted: Handle,
}

/// What is known of a key.
#[derive(Clone)]
struct Entry<V> {
    value: Option<V>,
    /// Since when it may have become void unseen, and until when it counts at most, as monotonic microseconds.
    read_us: u64,
    until_us: u64,
    weight: u64,
}

/// Whether other nodes could say that an entry is void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hearing {
    Others,
    CutOff,
}

/// Entries carry their weight, so that it is the same when they go.
#[derive(Clone)]
struct Weight;

impl<K, V> Weighter<K, Entry<V>> for Weight {
    fn weight(&self, _: &K, entry: &Entry<V>) -> u64 {
        entry.weight
    }
}

/// Gathers what was replaced, had to make room, or found none.
#[derive(Clone)]
struct Evicted;

impl<K, V> Lifecycle<K, Entry<V>> for Evicted {
    type RequestState = Vec<(K, Entry<V>)>;

    /// What is let go of is dropped by who made room, outside the shard's lock.
    fn on_evict(&self, gone: &mut Self::RequestState, key: K, entry: Entry<V>) {
        gone.push((key, entry));
    }
}

/// How much there is. Who changes entries holds it, so that nobody has to count shard by shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) entries: u64,
    pub(super) bytes: u64,
}

impl Size {
    const fn more(&mut self, weight: u64) {
        self.entries += 1;
        self.bytes += weight;
    }

    const fn less(&mut self, weight: u64) {
        self.entries -= 1;
        self.bytes -= weight;
    }
}

impl<K: std::hash::Hash + Eq, V: Clone> Table<K, V> {
    pub(super) fn new(options: &CacheOptions<K, V>, evicted: Handle) -> Self {
        let share = options.most_bytes.div_ceil(options.most_entries.max(1)).max(1);
        // Shards have equal parts, and together no more than there may be.
        let weight = options.most_bytes / MOST_SHARDS * MOST_SHARDS;
        let most_entries = usize::try_from(options.most_entries).unwrap_or(usize::MAX);
        Self {
            shards: Shards::with(most_entries, weight, Weight, RandomState::new(), Evicted),
            weigh: options.weigh,
            share,
            keep_us: micros(options.keep),
            keep_absent_us: micros(options.keep_absent),
            keep_cut_off_us: micros(options.keep_cut_off),
            evicted,
        }
    }

    /// What is known of a key: a value, or that there is none.
    pub(super) fn get<Q>(&self, key: &Q, now_us: u64, hearing: Hearing) -> Option<Option<V>>
    where
        K: std::borrow::Borrow<Q>,
        Q: std::hash::Hash + Eq + ?Sized,
    {
        let entry = self.shards.get(key)?;
        let until_us = match hearing {
            Hearing::Others => entry.until_us,
            Hearing::CutOff => entry.until_us.min(entry.read_us.saturating_add(self.keep_cut_off_us)),
        };
        (now_us < until_us).then_some(entry.value)
    }

    /// Keeps what was read after `read_us`.
    pub(super) fn put(&self, key: K, value: Option<V>, read_us: u64, size: &mut Size) {
        let keep_us = if value.is_some() { self.keep_us } else { self.keep_absent_us };
        if keep_us == 0 {
            self.remove(&key, size);
            return;
        }
        let own = (size_of::<K>() + size_of::<Entry<V>>()) as u64 + LINKS;
        let held = value.as_ref().map_or(0, |value| (self.weigh)(&key, value));
        let weight = own.saturating_add(held).max(self.share);
        let replaced = usize::from(self.shards.contains_key(&key));
        let mut gone = Vec::new();
        let entry = Entry { value, read_us, until_us: read_us.saturating_add(keep_us), weight };
        self.shards.insert_with_lifecycle(key, entry, &mut gone);
        size.more(weight);
        // What it replaces is among them, and it itself when it is too large.
        gone.iter().for_each(|(_, entry)| size.less(entry.weight));
        self.evicted.observe(gone.len().saturating_sub(replaced) as u64);
    }

    pub(super) fn remove(&self, key: &K, size: &mut Size) {
        if let Some((_, entry)) = self.shards.remove(key) {
            size.less(entry.weight);
        }
    }

    pub(super) fn clear(&self, size: &mut Size) {
        self.shards.clear();
        *size = Size::default();
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counted {
        table: Table<[u8; 32], u64>,
        size: Size,
    }

    impl Counted {
        fn new(most_entries: u64, most_bytes: u64) -> Self {
            let options = CacheOptions { most_entries, most_bytes, ..CacheOptions::new("test", |_, held| *held) };
            Self { table: Table::new(&options, Handle::none()), size: Size::default() }
        }

        fn put(&mut self, key: [u8; 32], held: u64) {
            self.table.put(key, Some(held), 0, &mut self.size);
        }

        /// What was kept count of, seen to be what the shards count.
        fn size(&self) -> Size {
            let shards = &self.table.shards;
            assert_eq!(self.size, Size { entries: shards.len() as u64, bytes: shards.weight() });
            self.size
        }
    }

    /// The digest of a stranger.
    fn stranger(number: u64) -> [u8; 32] {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&number.to_be_bytes());
        key
    }

    #[test]
    fn a_million_distinct_keys_stay_within_both_bounds() {
        // Bytes are scarce in the first, entries in the second.
        for (most_entries, most_bytes) in [(100_000, 8 << 20), (2_000, 8 << 20)] {
            let mut counted = Counted::new(most_entries, most_bytes);
            for number in 0..1_000_000 {
                counted.put(stranger(number), number % 50 * 40);
                if number % 50_000 == 0 {
                    let Size { entries, bytes } = counted.size();
                    assert!(entries <= most_entries && bytes <= most_bytes, "{entries} entries, {bytes} bytes");
                }
            }
            let Size { entries, bytes } = counted.size();
            assert!(entries <= most_entries && bytes <= most_bytes, "{entries} entries, {bytes} bytes");
            let used = entries * 10 > most_entries * 8 || bytes * 10 > most_bytes * 8;
            assert!(used, "the room is used: {entries} entries, {bytes} bytes");
        }
    }

    #[test]
    fn what_is_too_large_for_its_part_of_the_room_is_not_kept_and_pushes_nothing_out() {
        let mut counted = Counted::new(10_000, 1 << 20);
        (0..100).for_each(|number| counted.put(stranger(number), 0));
        let before = counted.size();
        counted.put([9; 32], 1 << 20);
        assert_eq!((counted.table.get(&[9; 32], 0, Hearing::Others), counted.size()), (None, before));
        // Nor is what it would have replaced: that is older.
        counted.put(stranger(0), 1 << 20);
        assert_eq!(
            (counted.table.get(&stranger(0), 0, Hearing::Others), counted.size().entries),
            (None, before.entries - 1)
        );
    }

    #[test]
    fn who_is_cut_off_from_others_believes_what_it_has_for_a_shorter_time() {
        let options = CacheOptions { keep_cut_off: Duration::from_secs(2), ..CacheOptions::new("test", |_, _| 0) };
        let (table, mut size) = (Table::new(&options, Handle::none()), Size::default());
        table.put([1; 32], Some(7), 1_000_000, &mut size);
        for (now_us, others, cut_off) in
            [(2_999_999, true, true), (3_000_000, true, false), (60_999_999, true, false), (61_000_000, false, false)]
        {
            let known = |hearing| table.get(&[1; 32], now_us, hearing).is_some();
            assert_eq!((known(Hearing::Others), known(Hearing::CutOff)), (others, cut_off), "{now_us}");
        }
    }

    #[test]
    fn the_size_is_right_whatever_is_put_replaced_and_removed() {
        let mut counted = Counted::new(500, 50_000);
        for step in 0..20_000_u64 {
            let key = stranger(step * 7_919 % 700);
            match step % 11 {
                0 => counted.table.remove(&key, &mut counted.size),
                1 if step % 121 == 1 => counted.table.clear(&mut counted.size),
                _ => counted.put(key, step * 31 % 900),
            }
            counted.size();
        }
    }
}

//! The keys of the objects that are open, by their hashes.

use std::collections::HashSet;

use crate::word::WORD;

/// From so many keys on an object's are looked up instead of compared one by one.
const MANY: usize = 64;

/// The hash of a key that is being read: its words multiplied and folded, then its length, so that it is the same however they arrive.
/// Whoever finds two keys of one hash has made a document that is refused, and nothing else.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyHash {
    mixed: u64,
    /// The bytes of a word that is not whole.
    part: u64,
    /// Bytes so far.
    length: u64,
}

/// Digits of pi and of the golden ratio: odd, and without a pattern.
const BEGIN: u64 = 0x2436_a22e_03e9_8fb7;
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

impl KeyHash {
    pub(crate) const fn new() -> Self {
        Self { mixed: BEGIN, part: 0, length: 0 }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !self.length.is_multiple_of(WORD as u64) {
            let Some((&byte, after)) = rest.split_first() else { return };
            self.push(byte);
            rest = after;
        }
        let (words, tail) = rest.as_chunks::<WORD>();
        for word in words {
            self.mixed = folded(self.mixed ^ u64::from_le_bytes(*word), FACTOR);
        }
        self.length += (words.len() * WORD) as u64;
        self.part = part(bytes, tail);
        self.length += tail.len() as u64;
    }

    /// A whole word, or the last bytes, filled up with zeros.
    #[inline]
    pub(crate) fn add(&mut self, word: u64, length: usize) {
        self.length += length as u64;
        if length == WORD {
            self.mixed = folded(self.mixed ^ word, FACTOR);
        } else {
            self.part = word;
        }
    }

    fn push(&mut self, byte: u8) {
        let place = self.length % WORD as u64;
        self.part |= u64::from(byte) << (place * 8);
        self.length += 1;
        if place == WORD as u64 - 1 {
            self.mixed = folded(self.mixed ^ std::mem::take(&mut self.part), FACTOR);
        }
    }

    pub(crate) fn value(self) -> u64 {
        folded(self.mixed ^ self.part, FACTOR ^ self.length)
    }
}

/// Less than a word as one, filled up with zeros; `bytes` are those that it ends.
fn part(bytes: &[u8], tail: &[u8]) -> u64 {
    match bytes.last_chunk::<WORD>() {
        Some(_) if tail.is_empty() => 0,
        Some(last) => u64::from_le_bytes(*last) >> ((WORD - tail.len()) * 8),
        None => tail.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

/// The hash of a key, as a [`Sink`](super::Sink) is told it.
#[must_use]
pub fn key_hash(key: &str) -> u64 {
    let mut hash = KeyHash::new();
    hash.update(key.as_bytes());
    hash.value()
}

/// Both halves of the product.
fn folded(one: u64, other: u64) -> u64 {
    let (low, high) = one.carrying_mul(other, 0);
    low ^ high
}

/// So many keys have room at once: those of most documents.
const ROOM: usize = 32;

/// The keys of all open objects.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    hashes: Vec<u64>,
    /// So many may be there without another look at how many.
    fence: usize,
    /// Those of objects with many, each mixed with where its object's begin.
    many: HashSet<u64>,
}

/// The keys of one object among them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Own {
    /// Where they begin.
    begin: usize,
    /// A bit for each hash; a key whose bit is not there is the first of its kind.
    bits: u64,
}

impl Keys {
    /// An object begins.
    pub(crate) fn begin(&mut self) -> Own {
        let begin = self.hashes.len();
        self.build_fence(begin);
        Own { begin, bits: 0 }
    }

    /// Whether a key is the first of its kind in the object.
    #[inline]
    pub(crate) fn insert(&mut self, own: &mut Own, hash: u64) -> bool {
        let bit = 1 << (hash >> 58);
        let first = own.bits & bit == 0;
        own.bits |= bit;
        if first && self.hashes.len() < self.fence {
            self.hashes.push(hash);
            return true;
        }
        self.look(own.begin, hash)
    }

    /// Of an object whose keys begin there.
    fn build_fence(&mut self, begin: usize) {
        self.fence = self.hashes.capacity().min(begin.saturating_add(MANY));
    }

    fn look(&mut self, begin: usize, hash: u64) -> bool {
        if self.hashes.capacity() == 0 {
            self.hashes = Vec::with_capacity(ROOM);
        }
        let own = self.hashes.get(begin..).unwrap_or_default();
        let known = match own.len() {
            ..MANY => own.contains(&hash),
            MANY => {
                let mut known = own.contains(&hash);
                // One that is there already is that of another open object, whose end would take this one's away: two keys are made to
                // meet so by whoever chooses them, and the document is refused.
                for hash in own {
                    known |= !self.many.insert(mixed(begin, *hash));
                }
                known || !self.many.insert(mixed(begin, hash))
            }
            _ => !self.many.insert(mixed(begin, hash)),
        };
        self.hashes.push(hash);
        self.build_fence(begin);
        !known
    }

    /// Bytes of memory beyond what most documents need.
    pub(crate) fn held_bytes(&self) -> usize {
        // A table is never full, and has a byte beside each place.
        let of_table = self.many.capacity() * 2 * size_of::<u64>();
        self.hashes.capacity().saturating_sub(ROOM) * size_of::<u64>() + of_table
    }

    /// The object has ended, and `outer` goes on.
    pub(crate) fn end(&mut self, Own { begin, .. }: Own, outer: Own) {
        let own = self.hashes.get(begin..).unwrap_or_default();
        if own.len() > MANY {
            for hash in own {
                self.many.remove(&mixed(begin, *hash));
            }
        }
        self.hashes.truncate(begin);
        self.build_fence(outer.begin);
    }
}

/// Two objects that are open at once begin at different places.
const fn mixed(begin: usize, hash: u64) -> u64 {
    hash ^ (begin as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn hash(parts: &[&[u8]]) -> u64 {
        let mut hash = KeyHash::new();
        for part in parts {
            hash.update(part);
        }
        hash.value()
    }

    proptest! {
        #[test]
        fn a_key_has_one_hash_however_it_arrives(key in proptest::collection::vec(any::<u8>(), 0..40), cuts in proptest::collection::vec(0_usize..9, 0..12)) {
            let mut rest = &key[..];
            let mut parts = Vec::new();
            for cut in cuts {
                let (part, after) = rest.split_at(cut.min(rest.len()));
                parts.push(part);
                rest = after;
            }
            parts.push(rest);
            prop_assert_eq!(hash(&parts), hash(&[&key]));
        }
    }

    #[test]
    fn keys_that_look_alike_have_different_hashes() {
        let mut known: HashMap<u64, Vec<u8>> = HashMap::new();
        let numbered = (0..40_000_u32).flat_map(|number| {
            [
                format!("{number}"),
                format!("field_{number}"),
                format!("f{number:08}_of_a_long_name"),
                format!("{number:x}-{number}"),
            ]
        });
        let zeros = (0..40).map(|length| "\0".repeat(length));
        for key in numbered.chain(zeros).map(String::into_bytes) {
            if let Some(other) = known.insert(hash(&[&key]), key.clone()) {
                assert_eq!(other, key);
            }
        }
    }

    /// Whoever chooses both keys can make them meet; then the end of the inner object would have the outer one's forgotten.
    #[test]
    fn keys_of_two_open_objects_that_meet_are_refused() {
        let mut keys = Keys::default();
        let mut outer = keys.begin();
        assert!((1..=MANY as u64 + 1).all(|hash| keys.insert(&mut outer, hash)));
        let mut inner = keys.begin();
        let meets = 1 ^ mixed(outer.begin, 0) ^ mixed(inner.begin, 0);
        assert!(keys.insert(&mut inner, meets));
        assert!((1_000..1_000 + MANY as u64 - 1).all(|hash| keys.insert(&mut inner, hash)));
        assert!(!keys.insert(&mut inner, 5_000), "they are looked at together for the first time");
    }
}

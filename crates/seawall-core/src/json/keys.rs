//! The keys of the objects that are open, by their hashes.

use std::collections::HashSet;

/// From so many keys on an object's are looked up instead of compared one by one.
const MANY: usize = 64;

/// The hash of a key that is being read: FNV-1a, which takes bytes one by one, so that it is the same however they arrive. Whoever
/// finds two keys of one hash has made a document that is refused, and nothing else.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyHash(u64);

impl KeyHash {
    pub(super) const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

/// The keys of all open objects.
#[derive(Debug, Default)]
pub(super) struct Keys {
    hashes: Vec<u64>,
    /// Those of objects with many, each mixed with where its object's begin.
    many: HashSet<u64>,
}

impl Keys {
    /// Where the keys of an object that begins will stand.
    pub(super) const fn begin(&self) -> usize {
        self.hashes.len()
    }

    /// Whether a key is the first of its kind in the object whose keys begin there.
    pub(super) fn insert(&mut self, begin: usize, KeyHash(hash): KeyHash) -> bool {
        let own = self.hashes.get(begin..).unwrap_or_default();
        let known = match own.len() {
            ..MANY => own.contains(&hash),
            MANY => {
                let first = own.contains(&hash);
                self.many.extend(own.iter().map(|hash| mixed(begin, *hash)));
                first || !self.many.insert(mixed(begin, hash))
            }
            _ => !self.many.insert(mixed(begin, hash)),
        };
        self.hashes.push(hash);
        !known
    }

    /// The object whose keys begin there has ended.
    pub(super) fn end(&mut self, begin: usize) {
        let own = self.hashes.get(begin..).unwrap_or_default();
        if own.len() > MANY {
            for hash in own {
                self.many.remove(&mixed(begin, *hash));
            }
        }
        self.hashes.truncate(begin);
    }
}

/// Two objects that are open at once begin at different places.
const fn mixed(begin: usize, hash: u64) -> u64 {
    hash ^ (begin as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

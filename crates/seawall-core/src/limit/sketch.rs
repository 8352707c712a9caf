//! A count-min sketch of what evicted keys have used: it may take a key for busier than it was, never for fresher.
//!
//! Each cell holds the largest count of any key that falls on it and the latest time at which that count expires. A
//! key's estimate is the least of its cells, so it is at least what that key had used. Merging takes the larger value
//! instead of adding, because a returning key brings its earlier use along.

/// Rows, each with its own hash.
const ROWS: usize = 4;

/// A sketch of fixed size.
#[derive(Clone, Debug)]
pub struct Sketch {
    /// `ROWS` rows of cells: the count in the high half, the expiry in seconds in the low half. Zero is empty.
    cells: Vec<u64>,
    width: usize,
}

impl Sketch {
    /// A sketch of `width` cells per row, at least one.
    #[must_use]
    pub fn new(width: usize) -> Self {
        let width = width.max(1);
        Self { cells: vec![0; width * ROWS], width }
    }

    /// Remembers that the key with this hash had used `count`, until `expires_us`.
    pub fn remember(&mut self, hash: u64, count: u32, expires_us: u64, now_us: u64) {
        let expires = seconds_up(expires_us);
        for at in places(hash, self.width) {
            if let Some(cell) = self.cells.get_mut(at) {
                let (old_count, old_expires) = unpack(*cell);
                let alive = u64::from(old_expires) * 1_000_000 > now_us;
                *cell = if alive { pack(count.max(old_count), expires.max(old_expires)) } else { pack(count, expires) };
            }
        }
    }

    /// What the key with this hash may have used at most, and until when; nothing when it is surely fresh.
    #[must_use]
    pub fn estimate(&self, hash: u64, now_us: u64) -> Option<(u32, u64)> {
        let mut least = (u32::MAX, u64::MAX);
        for at in places(hash, self.width) {
            let (count, expires) = unpack(self.cells.get(at).copied().unwrap_or_default());
            let expires_us = u64::from(expires) * 1_000_000;
            if count == 0 || expires_us <= now_us {
                return None;
            }
            least = (least.0.min(count), least.1.min(expires_us));
        }
        Some(least)
    }
}

/// The cells of a hash: one in each row.
fn places(hash: u64, width: usize) -> impl Iterator<Item = usize> {
    (0..ROWS).map(move |row| {
        // A full mix per row: rows that only shift the same hash would collide together.
        let mut mixed = hash ^ (row as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        row * width + usize::try_from(mixed % width as u64).unwrap_or_default()
    })
}

const fn pack(count: u32, expires: u32) -> u64 {
    (count as u64) << 32 | expires as u64
}

fn unpack(cell: u64) -> (u32, u32) {
    (u32::try_from(cell >> 32).unwrap_or(u32::MAX), u32::try_from(cell & u64::from(u32::MAX)).unwrap_or(u32::MAX))
}

/// Whole seconds, rounded up, so that nothing is forgotten early.
fn seconds_up(us: u64) -> u32 {
    u32::try_from(us.div_ceil(1_000_000)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_key_is_never_taken_for_fresher_than_it_was(keys in prop::collection::vec((any::<u64>(), 1_u32..1_000, 1_u64..100), 1..300)) {
            let mut sketch = Sketch::new(16);
            for &(hash, count, seconds) in &keys {
                sketch.remember(hash, count, seconds * 1_000_000, 0);
            }
            for &(hash, count, seconds) in &keys {
                let (estimate, expires_us) = sketch.estimate(hash, 0).unwrap();
                prop_assert!(estimate >= count && expires_us >= seconds * 1_000_000);
            }
        }
    }

    #[test]
    fn what_has_expired_is_forgotten() {
        let mut sketch = Sketch::new(8);
        sketch.remember(1, 9, 2_000_000, 0);
        assert_eq!(sketch.estimate(1, 1_999_999), Some((9, 2_000_000)));
        assert_eq!(sketch.estimate(1, 2_000_000), None);
        sketch.remember(1, 1, 5_000_000, 3_000_000);
        assert_eq!(sketch.estimate(1, 3_000_000), Some((1, 5_000_000)), "an expired count does not linger");
    }
}

//! Eight bytes looked at in one step, for whoever searches text.

/// Bytes in a word.
pub(crate) const WORD: usize = 8;

/// One in each byte of a word.
pub(crate) const ONES: u64 = 0x0101_0101_0101_0101;

/// The highest bit of each byte.
pub(crate) const HIGHS: u64 = ONES << 7;

/// The highest bit of each byte that is below `limit`, up to the first one.
pub(crate) const fn below(word: u64, limit: u8) -> u64 {
    word.wrapping_sub(ONES * limit as u64) & !word & HIGHS
}

/// The highest bit of each byte that is this one, up to the first.
pub(crate) const fn equal(word: u64, byte: u8) -> u64 {
    below(word ^ (ONES * byte as u64), 1)
}

/// Whether all bytes are ASCII and none is 0.
pub(crate) const fn ascii_without_null(word: u64) -> bool {
    (word | word.wrapping_sub(ONES)) & HIGHS == 0
}

/// Where the first byte stands that `stops` marks in a word, as [`below`] and [`equal`] do, and `stop` finds alone; the length when there is none.
pub(crate) fn until(bytes: &[u8], stops: impl Fn(u64) -> u64, stop: impl Fn(u8) -> bool) -> usize {
    let (words, tail) = bytes.as_chunks::<WORD>();
    for (place, word) in words.iter().enumerate() {
        let stops = stops(u64::from_le_bytes(*word));
        if stops != 0 {
            // The lowest bit that is set is right; higher ones may be a borrow of it.
            return place * WORD + (stops.trailing_zeros() / 8) as usize;
        }
    }
    words.len() * WORD + tail.iter().position(|byte| stop(*byte)).unwrap_or(tail.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn words_find_what_bytes_find(bytes in proptest::collection::vec(any::<u8>(), 0..40), wanted in any::<u8>()) {
            let found = until(&bytes, |word| equal(word, wanted) | below(word, b' '), |byte| byte == wanted || byte < b' ');
            let expected = bytes.iter().position(|byte| *byte == wanted || *byte < b' ').unwrap_or(bytes.len());
            prop_assert_eq!(found, expected);
            if let Some(word) = bytes.first_chunk::<WORD>() {
                let plain = word.iter().all(|byte| byte.is_ascii() && *byte != 0);
                prop_assert_eq!(ascii_without_null(u64::from_le_bytes(*word)), plain);
            }
        }
    }
}

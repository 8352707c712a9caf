//! Eight or sixteen bytes looked at in one step, for whoever searches text.

use std::hint::black_box;

/// Bytes in a word.
pub(crate) const WORD: usize = 8;

/// Bytes in a window: as many as the registers of most processors compare at once.
pub(crate) const WINDOW: usize = 16;

/// One in each byte of a word.
pub(crate) const ONES: u64 = 0x0101_0101_0101_0101;

/// The highest bit of each byte.
pub(crate) const HIGHS: u64 = ONES << 7;

/// The two words of a window.
#[inline(always)]
pub(crate) const fn words(window: &[u8; WINDOW]) -> [u64; 2] {
    let both = u128::from_le_bytes(*window);
    #[expect(clippy::cast_possible_truncation, reason = "the lower half")]
    [both as u64, (both >> 64) as u64]
}

/// The same words with all bits set of each byte that `stops`, and of no other.
#[inline(always)]
pub(crate) fn marks(window: &[u8; WINDOW], stops: impl Fn(u8) -> bool) -> [u64; 2] {
    let mut marks = [0; WINDOW];
    for (mark, byte) in marks.iter_mut().zip(window) {
        *mark = if stops(*byte) { u8::MAX } else { 0 };
    }
    // Whoever sees which words are made of the bytes computes byte by byte instead of all in one register.
    words(&black_box(marks))
}

/// The place of the first byte in a word that is marked.
#[inline(always)]
pub(crate) const fn first(marks: u64) -> usize {
    (marks.trailing_zeros() / 8) as usize
}

/// Those bytes of a word that stand before the first that is marked.
#[inline(always)]
pub(crate) const fn before(word: u64, marks: u64) -> u64 {
    word & marks.wrapping_sub(1) & !marks
}

/// Where the first byte stands that `stops`; the length when there is none.
#[inline(always)]
pub(crate) fn until(bytes: &[u8], stops: impl Fn(u8) -> bool) -> usize {
    let (mut at, mut rest) = (0, bytes);
    while let Some((window, behind)) = rest.split_first_chunk() {
        let [low, high] = marks(window, &stops);
        if low != 0 {
            return at + first(low);
        }
        if high != 0 {
            return at + WORD + first(high);
        }
        (at, rest) = (at + WINDOW, behind);
    }
    at + rest.iter().position(|byte| stops(*byte)).unwrap_or(rest.len())
}

/// Whether all bytes are ASCII and none is 0.
pub(crate) const fn ascii_without_null(word: u64) -> bool {
    (word | word.wrapping_sub(ONES)) & HIGHS == 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn words_find_what_bytes_find(bytes in proptest::collection::vec(any::<u8>(), 0..40), wanted in any::<u8>()) {
            let found = until(&bytes, |byte| (byte == wanted) | (byte < b' '));
            let expected = bytes.iter().position(|byte| *byte == wanted || *byte < b' ').unwrap_or(bytes.len());
            prop_assert_eq!(found, expected);
            if let Some(word) = bytes.first_chunk::<WORD>() {
                let plain = word.iter().all(|byte| byte.is_ascii() && *byte != 0);
                prop_assert_eq!(ascii_without_null(u64::from_le_bytes(*word)), plain);
            }
        }
    }
}

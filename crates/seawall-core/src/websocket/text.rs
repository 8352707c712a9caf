//! The UTF-8 of a text message, checked as its bytes pass (RFC 6455 section 8.1).

/// Bytes that are unmasked and checked at a time.
const PART_BYTES: usize = 4092;

/// The longest start of a character that is not whole.
const CARRY_BYTES: usize = 3;

/// What was read of a text so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Text {
    /// The start of a character whose rest is still to come.
    carry: [u8; CARRY_BYTES],
    /// How many bytes of `carry` hold something.
    carried: usize,
}

/// The text is not UTF-8, and no byte that may follow would mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotUtf8;

impl Text {
    /// Reads on. The payload stays as it is: it is unmasked into a small buffer on the stack.
    pub(super) fn read(&mut self, payload: &[u8], key: [u8; 4]) -> Result<(), NotUtf8> {
        let mut buffer = [0_u8; CARRY_BYTES + PART_BYTES];
        // Invariant: a part is a multiple of four bytes long, so each begins with the key's first byte.
        for part in payload.chunks(PART_BYTES) {
            let (carry, rest) = buffer.split_at_mut(self.carried);
            carry.iter_mut().zip(self.carry).for_each(|(into, byte)| *into = byte);
            unmask(part, key, rest);
            let (text, _) = buffer.split_at(self.carried + part.len());
            self.carry_from(text)?;
        }
        Ok(())
    }

    /// Whether the text may end here: no character is left half.
    pub(super) fn complete(&self) -> bool {
        self.carried == 0
    }

    fn carry_from(&mut self, text: &[u8]) -> Result<(), NotUtf8> {
        self.carried = 0;
        let Err(error) = std::str::from_utf8(text) else { return Ok(()) };
        if error.error_len().is_some() {
            return Err(NotUtf8);
        }
        for (into, &byte) in self.carry.iter_mut().zip(text.iter().skip(error.valid_up_to())) {
            *into = byte;
            self.carried += 1;
        }
        Ok(())
    }
}

/// Writes the payload without its mask (RFC 6455 section 5.3). A key of zeros copies.
pub(super) fn unmask(payload: &[u8], key: [u8; 4], into: &mut [u8]) {
    let word = u32::from_ne_bytes(key);
    let (words, tail) = payload.as_chunks::<4>();
    let (into_words, into_tail) = into.as_chunks_mut::<4>();
    for (into, from) in into_words.iter_mut().zip(words) {
        *into = (u32::from_ne_bytes(*from) ^ word).to_ne_bytes();
    }
    // What is left of the payload stands in the next word of the target, or in its tail.
    let rest = into_words.get_mut(words.len()).map_or(into_tail, |word| word.as_mut_slice());
    for ((into, from), key) in rest.iter_mut().zip(tail).zip(key) {
        *into = from ^ key;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Feeds a text in pieces of the given lengths, over and over; whether it was accepted up to each piece.
    fn read(text: &[u8], key: [u8; 4], lengths: &[usize]) -> Result<bool, NotUtf8> {
        let mut check = Text::default();
        let mut rest = text;
        for length in lengths.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at(rest.len().min(*length));
            let mut masked = vec![0; piece.len()];
            unmask(piece, key, &mut masked);
            check.read(&masked, key)?;
            rest = after;
        }
        Ok(check.complete())
    }

    #[test]
    fn characters_may_be_cut_anywhere_around_a_part() {
        let text = "aé漢😀".repeat(1_000);
        for shift in 0..12 {
            let text = format!("{}{text}", "x".repeat(shift));
            for lengths in [vec![1], vec![2, 3], vec![PART_BYTES], vec![PART_BYTES - 1, 5], vec![usize::MAX]] {
                assert_eq!(read(text.as_bytes(), [1, 2, 3, 4], &lengths), Ok(true), "{shift} {lengths:?}");
            }
        }
    }

    #[test]
    fn a_fault_is_found_with_the_first_byte_that_cannot_be_mended() {
        for (text, good) in [
            (&b"ab\xff"[..], 2),
            (b"\xf4\x8f", 2),
            (b"\xf4\x90", 1),
            (b"\xed\xa0", 1),
            (b"\xe0\x80", 1),
            (b"\xc0", 0),
            (b"\xf0\x9f\x98a", 3),
            (b"\x80", 0),
        ] {
            let mut check = Text::default();
            let accepted = text.iter().take_while(|&&byte| check.read(&[byte], [0; 4]).is_ok()).count();
            assert_eq!(accepted, good, "{text:x?}");
        }
    }

    #[test]
    fn half_a_character_is_not_complete() {
        for text in [&b"\xe6"[..], b"\xe6\xbc", b"\xf0\x9f\x98"] {
            assert_eq!(read(text, [9; 4], &[1]), Ok(false));
            assert_eq!(read(text, [9; 4], &[8]), Ok(false));
        }
    }

    proptest! {
        #[test]
        fn agrees_with_a_check_of_the_whole(
            start in ".{0,2000}",
            fault in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
            repeat in 1_usize..8,
            key in any::<[u8; 4]>(),
            lengths in prop::collection::vec(1_usize..5_000, 1..20),
        ) {
            let mut text = start.repeat(repeat).into_bytes();
            if let (Some((place, byte)), false) = (fault, text.is_empty()) {
                let place = place.index(text.len());
                text[place] = byte;
            }
            let expect = match std::str::from_utf8(&text) {
                Ok(_) => Ok(true),
                Err(error) if error.error_len().is_none() => Ok(false),
                Err(_) => Err(NotUtf8),
            };
            prop_assert_eq!(read(&text, key, &lengths), expect);
        }
    }
}

//! Kinds of bytes, and the search for the first control character.

/// What may stand in a token (RFC 9110 section 5.6.2).
const TOKEN: [bool; 256] = table(b"!#$%&'*+-.^_`|~");

/// What may stand in a path: what RFC 3986 names, and what clients send unencoded and the URI parser behind takes.
const PATH: [bool; 256] = table(b"!\"$%&'()*+,-./:;=@[\\]^_{|}~");

/// What may stand in a query.
const QUERY: [bool; 256] = table(b"!$%&'()*+,-./:;=?@[\\]^_`{|}~");

const fn table(others: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut letters = (b'0', b'A', b'a');
    while letters.0 <= b'9' {
        mark(&mut table, letters.0);
        letters.0 += 1;
    }
    while letters.1 <= b'Z' {
        mark(&mut table, letters.1);
        mark(&mut table, letters.2);
        letters.1 += 1;
        letters.2 += 1;
    }
    let mut rest = others;
    while let [first, after @ ..] = rest {
        mark(&mut table, *first);
        rest = after;
    }
    table
}

#[expect(clippy::indexing_slicing, reason = "a byte is below 256, and a constant that is not would fail the build")]
const fn mark(table: &mut [bool; 256], byte: u8) {
    table[byte as usize] = true;
}

fn holds(table: &[bool; 256], byte: u8) -> bool {
    table.get(usize::from(byte)).copied().unwrap_or_default()
}

/// How many bytes at the front are a token.
pub(super) fn token_length(bytes: &[u8]) -> usize {
    bytes.iter().position(|&byte| !holds(&TOKEN, byte)).unwrap_or(bytes.len())
}

/// Whether all of it is one token.
pub(super) fn one_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && token_length(bytes) == bytes.len()
}

/// How many bytes at the front may stand in a path.
pub(super) fn path_length(bytes: &[u8]) -> usize {
    bytes.iter().position(|&byte| !holds(&PATH, byte)).unwrap_or(bytes.len())
}

/// How many bytes at the front may stand in a query.
pub(super) fn query_length(bytes: &[u8]) -> usize {
    bytes.iter().position(|&byte| !holds(&QUERY, byte)).unwrap_or(bytes.len())
}

/// The bytes without spaces and tabs around them (`OWS`, RFC 9110 section 5.6.3). No other character is white space here.
pub(super) fn trim(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    while let [b' ' | b'\t', after @ ..] = rest {
        rest = after;
    }
    while let [before @ .., b' ' | b'\t'] = rest {
        rest = before;
    }
    rest
}

/// Bytes looked at together where there are many.
const BLOCK: usize = 32;

/// Bytes in a word.
const WORD: usize = 8;

/// One in each byte of a word.
const ONES: u64 = u64::from_ne_bytes([1; WORD]);

/// The high bit of each byte of a word.
const HIGH: u64 = ONES << 7;

/// Whether a byte is a control character other than the tab.
const fn control(byte: u8) -> bool {
    (byte < b' ' && byte != b'\t') || byte == 0x7f
}

/// Where the first control character other than a tab stands.
///
/// Most bytes of a head are looked at by nothing else, so they are looked at in blocks, which the compiler turns into vector
/// instructions; within the block that holds one, a word at a time.
pub(super) fn find_control(bytes: &[u8]) -> Option<usize> {
    let (blocks, _) = bytes.as_chunks::<BLOCK>();
    let clean = blocks.iter().position(holds_control).unwrap_or(blocks.len()) * BLOCK;
    let rest = bytes.get(clean..).unwrap_or_default();
    let (words, tail) = rest.as_chunks::<WORD>();
    for (number, word) in words.iter().enumerate() {
        if let Some(place) = find_in_word(*word) {
            return Some(clean + number * WORD + place);
        }
    }
    let place = tail.iter().position(|&byte| control(byte))?;
    Some(clean + words.len() * WORD + place)
}

fn holds_control(block: &[u8; BLOCK]) -> bool {
    block.iter().fold(0, |any, &byte| any | u8::from(control(byte))) != 0
}

/// Marks the bytes of the word below 0x20 and those that are 0x7f. A borrow can only mark bytes above a marked one wrongly,
/// so that the first mark is right; a tab makes the word be looked at byte by byte.
fn find_in_word(bytes: [u8; WORD]) -> Option<usize> {
    let word = u64::from_le_bytes(bytes);
    let below_space = word.wrapping_sub(ONES * 0x20) & !word;
    let delete = (word ^ (ONES * 0x7f)).wrapping_sub(ONES) & !(word ^ (ONES * 0x7f));
    let marks = (below_space | delete) & HIGH;
    if marks == 0 {
        return None;
    }
    let first = usize::try_from(marks.trailing_zeros() / 8).unwrap_or_default();
    if bytes.get(first) == Some(&b'\t') { bytes.iter().position(|&byte| control(byte)) } else { Some(first) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_control_character_is_found_wherever_it_stands() {
        for length in 0..100 {
            for place in 0..length {
                for byte in 0..=255 {
                    let mut bytes = vec![b'\t'; length];
                    bytes[place] = byte;
                    bytes[length - 1] = if place == length - 1 { byte } else { 0xff };
                    assert_eq!(find_control(&bytes), control(byte).then_some(place), "{byte} at {place} of {length}");
                    bytes.fill(b'a');
                    bytes[place] = byte;
                    bytes[place..][1..].fill(0x7f);
                    let first = if control(byte) { Some(place) } else { (place + 1 < length).then_some(place + 1) };
                    assert_eq!(find_control(&bytes), first, "{byte} at {place} of {length}");
                }
            }
        }
    }
}

//! Escaping: whatever comes from outside stays inside its quotes, on its line, and harmless to a terminal.

use std::io::Write;

/// What stands after a value that was cut.
pub(crate) const CUT: &str = "[cut]";

/// Appends `text` as the inside of a JSON string. Invalid UTF-8 becomes U+FFFD. Besides what JSON demands, it escapes
/// the control characters above ASCII, the line separators U+2028 and U+2029, and the marks that turn the direction of text:
/// each can make a terminal or a viewer show a line that is not there.
pub(crate) fn escaped(out: &mut Vec<u8>, text: &[u8]) {
    if plain(text) {
        out.extend_from_slice(text);
        return;
    }
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            escaped_char(out, character);
        }
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

/// Bytes looked at together.
const BLOCK: usize = 16;

/// Whether nothing needs escaping: printable ASCII without quotes and backslashes. Most values are, so they are looked at in
/// blocks, which the compiler turns into vector instructions.
fn plain(text: &[u8]) -> bool {
    let escapes = |byte: &u8| !matches!(byte, b' '..=b'~') | matches!(byte, b'"' | b'\\');
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    !blocks.iter().any(|block| block.iter().fold(false, |any, byte| any | escapes(byte))) && !rest.iter().any(escapes)
}

/// Appends at most `most` bytes of `text`, escaped, and marks what was cut.
pub(crate) fn capped(out: &mut Vec<u8>, text: &[u8], most: usize) {
    let kept = prefix(text, most);
    escaped(out, kept);
    if kept.len() < text.len() {
        out.extend_from_slice(CUT.as_bytes());
    }
}

/// The longest prefix of at most `most` bytes that splits no character.
pub(super) fn prefix(text: &[u8], most: usize) -> &[u8] {
    let Some(&first_cut) = text.get(most) else { return text };
    let inside = |byte: u8| byte & 0b1100_0000 == 0b1000_0000;
    let kept = text.get(..most).unwrap_or_default();
    if !inside(first_cut) {
        return kept;
    }
    // A character has at most three bytes after its first.
    let started = kept.iter().rev().take(3).position(|&byte| !inside(byte));
    started.and_then(|back| kept.get(..kept.len() - back - 1)).unwrap_or(kept)
}

fn escaped_char(out: &mut Vec<u8>, character: char) {
    match character {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        _ if character.is_control() || turns_lines(character) => {
            // Writing to a vector does not fail.
            let _ = write!(out, "\\u{:04x}", u32::from(character));
        }
        _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

/// Line separators, and the marks and overrides of direction (Unicode Standard Annex 9); all are in the basic plane.
const fn turns_lines(character: char) -> bool {
    matches!(
        character,
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_its_quotes_or_its_line() {
        for (text, expected) in [
            (&b"plain /path?x=1"[..], "plain /path?x=1"),
            (b"a\"b\\c", "a\\\"b\\\\c"),
            (b"a\r\n\tb", "a\\r\\n\\tb"),
            (b"\x1b[31m\x00\x7f", "\\u001b[31m\\u0000\\u007f"),
            ("é \u{1f30a}".as_bytes(), "é \u{1f30a}"),
            ("\u{2028}\u{2029}\u{202e}\u{9b}".as_bytes(), "\\u2028\\u2029\\u202e\\u009b"),
            (b"a\xff\xfeb\xc3", "a\u{fffd}\u{fffd}b\u{fffd}"),
        ] {
            let mut out = Vec::new();
            escaped(&mut out, text);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn what_must_be_escaped_is_found_wherever_it_stands() {
        for length in 1..50 {
            assert!(plain(&vec![b'~'; length]) && plain(&vec![b' '; length]));
            for place in 0..length {
                for byte in [b'"', b'\\', 0x1f, 0x7f, 0x80] {
                    let mut text = vec![b'a'; length];
                    text[place] = byte;
                    assert!(!plain(&text), "{byte} at {place} of {length}");
                }
            }
        }
    }

    #[test]
    fn long_values_are_cut_between_characters_and_marked() {
        for (text, most, expected) in [
            ("abcdef", 6, "abcdef"),
            ("abcdef", 5, "abcde[cut]"),
            ("aéé", 3, "aé[cut]"),
            ("aéé", 4, "aé[cut]"),
            ("a\u{1f30a}", 4, "a[cut]"),
        ] {
            let mut out = Vec::new();
            capped(&mut out, text.as_bytes(), most);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
        assert_eq!(prefix(&[0x80; 9], 5), [0x80; 5], "what is no UTF-8 is cut where it is");
    }
}

//! Names as RFC 4514 writes them, and what is none.

use proptest::{collection::vec, prelude::*};

use super::*;

const CN: &[u8] = &[0x55, 4, 3];
const O: &[u8] = &[0x55, 4, 10];
/// `emailAddress`, which RFC 4514 gives no name.
const EMAIL: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1];

fn encoded(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let length = match u8::try_from(length) {
        Ok(short @ ..=0x7f) => vec![short],
        Ok(long) => vec![0x81, long],
        Err(_) => [&[0x82], &u16::try_from(length).unwrap().to_be_bytes()[..]].concat(),
    };
    [&[tag][..], &length, content].concat()
}

fn pair(identifier: &[u8], tag: u8, value: &[u8]) -> Vec<u8> {
    encoded(SEQUENCE, &[encoded(OBJECT_IDENTIFIER, identifier), encoded(tag, value)].concat())
}

/// A name of one attribute.
fn single(identifier: &[u8], tag: u8, value: &[u8]) -> Vec<u8> {
    encoded(SET, &pair(identifier, tag, value))
}

#[test]
fn names_are_written_as_rfc_4514_says() {
    let name = [single(O, UTF8, b"Acme"), single(CN, UTF8, b"device 7")].concat();
    assert_eq!(text(&name).unwrap(), "CN=device 7,O=Acme", "the last part comes first");
    let both = encoded(SET, &[pair(CN, PRINTABLE, b"J. Smith"), pair(O, IA5, b"Sales")].concat());
    assert_eq!(text(&both).unwrap(), "CN=J. Smith+O=Sales");
    for (tag, value, expected) in [
        (UTF8, &b"Before\rAfter"[..], "CN=Before\\0DAfter"),
        (UTF8, "Lučić".as_bytes(), "CN=Lu\\C4\\8Di\\C4\\87"),
        (UTF8, b" # a ", "CN=\\ # a\\ "),
        (UTF8, b"#a", "CN=\\#a"),
        (UTF8, b" ", "CN=\\ "),
        (UTF8, b"", "CN="),
        (UTF8, b"a,O=Other", "CN=a\\,O=Other"),
        (UTF8, b"\"+,;<>\\=", "CN=\\\"\\+\\,\\;\\<\\>\\\\="),
        (NUMERIC, b"12 3", "CN=12 3"),
        (VISIBLE, b"a", "CN=a"),
        (BMP, b"\0a\0\n", "CN=a\\0A"),
        (UNIVERSAL, &[0, 1, 0xf6, 0], "CN=\\F0\\9F\\98\\80"),
        // Of bits, and of Teletex characters, which are read in several ways.
        (0x03, &[0, 1], "CN=#03020001"),
        (0x14, b"a", "CN=#140161"),
    ] {
        assert_eq!(text(&single(CN, tag, value)).as_deref(), Some(expected), "{value:?}");
    }
    assert_eq!(text(&single(EMAIL, IA5, b"a@b")).unwrap(), "1.2.840.113549.1.9.1=#1603614062");
    assert_eq!(text(&single(&[0x88, 0x37, 0], UTF8, b"")).unwrap(), "2.999.0=#0C00");
    assert_eq!(text(b"").unwrap(), "");
}

#[test]
fn what_is_no_name_or_too_long_has_no_text() {
    let right = single(CN, UTF8, b"a");
    for end in 1..right.len() {
        assert_eq!(text(&right[..end]), None, "the first {end} bytes");
    }
    let long = vec![b'a'; LONGEST];
    for (wrong, what) in [
        ([&right[..], &[0]].concat(), "a byte behind the name"),
        (encoded(SET, b""), "no attribute"),
        (encoded(SET, &encoded(SEQUENCE, b"")), "an empty attribute"),
        (encoded(SET, &encoded(SEQUENCE, &encoded(OBJECT_IDENTIFIER, CN))), "no value"),
        (encoded(SEQUENCE, &pair(CN, UTF8, b"a")), "a sequence where a set belongs"),
        (vec![0x31, 0x81, 10, 0x30, 8, 6, 3, 0x55, 4, 3, 0x0c, 1, b'a'], "a length that could be shorter"),
        (vec![0x31, 0x80, 0x30, 8, 6, 3, 0x55, 4, 3, 0x0c, 1, b'a', 0, 0], "a length that is not said"),
        (single(CN, UTF8, b"\xff"), "no UTF-8"),
        (single(CN, PRINTABLE, "ä".as_bytes()), "no ASCII"),
        (single(CN, BMP, b"a"), "half a character"),
        (single(CN, BMP, &[0xd8, 0]), "half of a pair"),
        (single(CN, UNIVERSAL, &[0, 0x11, 0, 0]), "no character"),
        (single(&[0x80, 1], UTF8, b"a"), "an identifier with a leading zero"),
        (single(&[0x55, 0x84], UTF8, b"a"), "an identifier without an end"),
        (single(&[], UTF8, b"a"), "an empty identifier"),
        (single(&[0xff; 12], UTF8, b"a"), "a number beyond all"),
        (single(CN, UTF8, &long), "longer than is told"),
        (single(CN, 0x1f, b"a"), "a tag of two bytes"),
    ] {
        assert_eq!(text(&wrong), None, "{what}");
    }
    assert_eq!(text(&single(CN, UTF8, &long[3..])).unwrap().len(), LONGEST);
}

/// The values of a text, as a reader of RFC 4514 takes it apart.
fn values(text: &str) -> Vec<String> {
    let mut values = vec![Vec::new()];
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b',' => values.push(Vec::new()),
            b'\\' => {
                let escaped = bytes.next().unwrap();
                let value = values.last_mut().unwrap();
                match (escaped as char).to_digit(16).filter(|_| escaped.is_ascii_hexdigit()) {
                    Some(high) => {
                        let low = (bytes.next().unwrap() as char).to_digit(16).unwrap();
                        value.push(u8::try_from(high * 16 + low).unwrap());
                    }
                    None => value.push(escaped),
                }
            }
            other => values.last_mut().unwrap().push(other),
        }
    }
    let read = |value: Vec<u8>| String::from_utf8(value).unwrap().split_once('=').unwrap().1.to_owned();
    values.into_iter().map(read).collect()
}

proptest! {
    #[test]
    fn whatever_stands_in_a_name_is_read_back_and_breaks_out_of_nothing(parts in vec(".{0,20}", 1..6)) {
        let name: Vec<u8> = parts.iter().flat_map(|part| single(CN, UTF8, part.as_bytes())).collect();
        let text = text(&name);
        prop_assume!(text.is_some());
        let text = text.unwrap();
        prop_assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{text}");
        prop_assert_eq!(values(&text), parts.into_iter().rev().collect::<Vec<_>>());
    }

    #[test]
    fn any_bytes_have_a_bounded_text_or_none(bytes in vec(any::<u8>(), 0..200), tail in vec(any::<u8>(), 0..40)) {
        for name in [bytes.clone(), single(CN, UTF8, &bytes), single(&bytes, IA5, &tail), encoded(SET, &bytes)] {
            if let Some(text) = text(&name) {
                prop_assert!(text.len() <= LONGEST && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            }
        }
    }
}

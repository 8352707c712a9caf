//! Percent-encoding (RFC 3986, section 2.1): what else may stand in a path, a query or a field is said by who writes it.

use std::{borrow::Cow, fmt::Write};

/// What means itself everywhere beside letters and digits (RFC 3986, section 2.3).
pub const UNRESERVED: &str = "-._~";

/// The same, and what parts a path.
pub const PATH: &str = "-._~/";

/// The same without the dot, so that a part of a path is no dot segment.
pub const PART: &str = "-_~";

/// The text, with every byte encoded that is no ASCII letter, no digit and none of `kept`.
#[must_use]
pub fn encoded(text: &str, kept: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || kept.as_bytes().contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _infallible = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The text that is meant; nothing when it is broken or not UTF-8. Borrowed when nothing is encoded. In forms a plus is a space.
#[inline]
#[must_use]
pub fn decoded(text: &str, plus_is_space: bool) -> Option<Cow<'_, str>> {
    let special = |byte: &u8| *byte == b'%' || (plus_is_space && *byte == b'+');
    if text.as_bytes().iter().any(special) { decode(text, plus_is_space).map(Cow::Owned) } else { Some(text.into()) }
}

#[cold]
fn decode(text: &str, plus_is_space: bool) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high * 16 + low).ok()?
            }
            b'+' if plus_is_space => b' ',
            byte => byte,
        });
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn all_but_what_is_kept_is_encoded_byte_by_byte() {
        assert_eq!(encoded("aZ09-._~", UNRESERVED), "aZ09-._~");
        assert_eq!(encoded("/a b?c=d&e#%+\"\r\n", UNRESERVED), "%2Fa%20b%3Fc%3Dd%26e%23%25%2B%22%0D%0A");
        assert_eq!(encoded("/a/ä", PATH), "/a/%C3%A4");
        assert_eq!(encoded("..", PART), "%2E%2E", "a user may be called so");
        assert_eq!(encoded("", UNRESERVED), "");
    }

    #[test]
    fn what_is_broken_is_nothing() {
        assert_eq!(decoded("a+b%3a%C3%A9", true).as_deref(), Some("a b:é"));
        assert_eq!(decoded("a+b", false).as_deref(), Some("a+b"));
        for broken in ["%", "%4", "%zz", "%ff", "%C3"] {
            assert_eq!(decoded(broken, false), None, "{broken}");
        }
    }

    proptest! {
        #[test]
        fn what_is_decoded_is_what_was_encoded(text in ".*") {
            let encoded = encoded(&text, UNRESERVED);
            prop_assert!(encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte)));
            for plus_is_space in [false, true] {
                prop_assert_eq!(decoded(&encoded, plus_is_space), Some(text.as_str().into()));
            }
        }
    }
}

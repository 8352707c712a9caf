//! Percent-encoding (RFC 3986, section 2.1): what else may stand in a path, a query or a field is said by who writes it.

use std::fmt::Write;

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

    proptest! {
        #[test]
        fn what_is_decoded_is_what_was_encoded(text in ".*") {
            let encoded = encoded(&text, UNRESERVED);
            prop_assert!(encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte)));
            let mut parts = encoded.split('%');
            let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
            for part in parts {
                bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
                bytes.extend_from_slice(&part.as_bytes()[2..]);
            }
            prop_assert_eq!(String::from_utf8(bytes).unwrap(), text);
        }
    }
}

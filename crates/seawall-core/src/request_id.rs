//! Request ids: UUIDv7 by default, or an id that a trusted peer already gave.

use std::fmt;

/// The longest inbound id that is kept, in characters.
pub const LONGEST: usize = 64;

/// The length of an id of our own, in characters: a UUID with its hyphens (RFC 9562, section 4).
const GENERATED_LENGTH: usize = 36;

/// An id of one request: 1 to 64 ASCII letters, digits and `- _ . : + / =`; so it is safe in a header, a log line and a
/// page.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RequestId {
    text: [u8; LONGEST],
    length: usize,
}

impl RequestId {
    /// A UUIDv7 (RFC 9562) from the wall clock in microseconds and ten bytes of randomness.
    #[must_use]
    pub fn generate(unix_us: u64, random: [u8; 10]) -> Self {
        let id = uuid::Builder::from_unix_timestamp_millis(unix_us / 1_000, &random).into_uuid();
        let mut text = [0; LONGEST];
        let length = id.hyphenated().encode_lower(&mut text).len();
        Self { text, length }
    }

    /// The id in `value`, or nothing when it is too long or holds a character that an id may not.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let sane = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:+/=".contains(byte);
        if value.is_empty() || !value.iter().all(sane) {
            return None;
        }
        let mut text = [0; LONGEST];
        text.get_mut(..value.len())?.copy_from_slice(value);
        Some(Self { text, length: value.len() })
    }

    /// The first id that [`RequestId::generate`] could have made, wherever it stands in a text.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        let inside = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let generated = |word: &&str| {
            uuid::Uuid::try_parse(word).is_ok_and(|id| id.get_version_num() == 7) && word.len() == GENERATED_LENGTH
        };
        let found = text.split(|c| !inside(c)).find(generated)?;
        Self::parse(found.as_bytes())
    }

    /// The id as bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.text.get(..self.length).unwrap_or_default()
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::RequestId;

    #[test]
    fn generated_ids_are_version_seven_and_sort_by_time() {
        let earlier = RequestId::generate(1_700_000_000_000_000, [0xff; 10]);
        let later = RequestId::generate(1_700_000_000_001_000, [0; 10]);
        assert_eq!(earlier.as_str().len(), 36);
        assert_eq!(earlier.as_str().as_bytes()[14], b'7');
        assert!(earlier.as_str() < later.as_str());
    }

    #[test]
    fn an_id_of_our_own_is_found_in_a_text() {
        let id = RequestId::generate(1_700_000_000_000_000, [0xff; 10]);
        for text in [format!("[{id}] paid"), format!("GET /pay request_id={id},x=1"), id.to_string()] {
            assert_eq!(RequestId::find(&text), Some(id), "{text}");
        }
        for text in
            ["", "paid", "4bf92f35-77b3-4da6-a3ce-929d0e0e4736 is a version 4", &id.to_string().replace('-', "")]
        {
            assert_eq!(RequestId::find(text), None, "{text}");
        }
    }

    #[test]
    fn only_sane_inbound_ids_are_kept() {
        for good in ["a", "req-1", "A.b:c+d/e=_", &"x".repeat(64)] {
            assert_eq!(RequestId::parse(good.as_bytes()).map(|id| id.to_string()), Some(good.to_owned()));
        }
        for bad in ["", "a b", "a\nb", "a\"b", "é", "<b>", &"x".repeat(65)] {
            assert_eq!(RequestId::parse(bad.as_bytes()), None, "{bad}");
        }
    }
}

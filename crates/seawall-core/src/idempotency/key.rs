//! The key: how a caller names one attempt.

use std::fmt;

use http::{HeaderMap, HeaderName};

/// The longest key, in characters.
pub const LONGEST_KEY: usize = 255;

/// A key: 1 to 255 printable ASCII characters. It may tell of people, so `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Key(Box<str>);

/// Why a field holds no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// There is none in it.
    #[error("the key is empty")]
    Empty,
    /// It is longer than 255 characters.
    #[error("the key is longer than {LONGEST_KEY} characters")]
    TooLong,
    /// The field came more than once.
    #[error("there is more than one key")]
    Several,
    /// A character that is not printable ASCII.
    #[error("the key has a character that is not printable ASCII")]
    Unprintable,
    /// The quotes are not closed, or a backslash stands before something else than a quote or a backslash.
    #[error("the key's quotes are not those of a string (RFC 9651 section 3.3.3)")]
    Quotes,
    /// Something follows the string.
    #[error("something follows the key")]
    Trailing,
    /// Without quotes, and with a character that could be read in two ways.
    #[error("a key without quotes has a space, a quote, a backslash, a comma or a semicolon; put it in quotes")]
    Unquoted,
}

impl Key {
    /// Reads a field's value: a string of RFC 9651 in quotes, or the same characters without them, as many callers send it. Without
    /// quotes it has no space, quote, backslash, comma or semicolon, so that two fields that were joined are not taken for one key.
    ///
    /// # Errors
    /// [`BadKey`].
    pub fn parse(value: &[u8]) -> Result<Self, BadKey> {
        let value = value.trim_ascii();
        let key = match value.split_first() {
            None => return Err(BadKey::Empty),
            Some((b'"', quoted)) => unquote(quoted)?,
            Some(_) => plain(value)?,
        };
        match key.len() {
            0 => Err(BadKey::Empty),
            1..=LONGEST_KEY => Ok(Self(key.into())),
            _ => Err(BadKey::TooLong),
        }
    }

    /// The key of a request; nothing when it has none.
    ///
    /// # Errors
    /// [`BadKey`].
    pub fn of(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Self>, BadKey> {
        let mut lines = headers.get_all(name).iter();
        match (lines.next(), lines.next()) {
            (None, _) => Ok(None),
            (Some(only), None) => Self::parse(only.as_bytes()).map(Some),
            (Some(_), Some(_)) => Err(BadKey::Several),
        }
    }

    /// Its characters, without quotes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

/// What stands between the quotes, of which the first has been read.
fn unquote(quoted: &[u8]) -> Result<String, BadKey> {
    let mut key = String::new();
    let mut bytes = quoted.iter();
    while let Some(&byte) = bytes.next() {
        let meant = match byte {
            b'"' if bytes.as_slice().is_empty() => return Ok(key),
            b'"' => return Err(BadKey::Trailing),
            b'\\' => match bytes.next() {
                Some(&escaped @ (b'"' | b'\\')) => escaped,
                _ => return Err(BadKey::Quotes),
            },
            b' '..=b'~' => byte,
            _ => return Err(BadKey::Unprintable),
        };
        // What is too long is read no further.
        if key.len() >= LONGEST_KEY {
            return Err(BadKey::TooLong);
        }
        key.push(char::from(meant));
    }
    Err(BadKey::Quotes)
}

fn plain(value: &[u8]) -> Result<String, BadKey> {
    if value.len() > LONGEST_KEY {
        return Err(BadKey::TooLong);
    }
    let read = |&byte: &u8| match byte {
        b' ' | b'"' | b'\\' | b',' | b';' => Err(BadKey::Unquoted),
        b'!'..=b'~' => Ok(char::from(byte)),
        _ => Err(BadKey::Unprintable),
    };
    value.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn read(value: &str) -> Result<String, BadKey> {
        Key::parse(value.as_bytes()).map(|key| key.as_str().to_owned())
    }

    #[test]
    fn a_key_is_a_string_or_the_same_without_quotes() {
        for (value, key) in [
            ("\"8e03978e-40d5-43dd-bc93-6894a57f9324\"", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
            ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
            (" \"a b, c;\" ", "a b, c;"),
            (r#""quote \" and \\""#, r#"quote " and \"#),
            ("~!", "~!"),
        ] {
            assert_eq!(read(value).as_deref(), Ok(key), "{value}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused_with_its_reason() {
        for (value, fault) in [
            ("", BadKey::Empty),
            ("  ", BadKey::Empty),
            ("\"\"", BadKey::Empty),
            ("\"a", BadKey::Quotes),
            ("\"", BadKey::Quotes),
            (r#""a\n""#, BadKey::Quotes),
            (r#""a\"#, BadKey::Quotes),
            ("\"a\", \"b\"", BadKey::Trailing),
            ("\"a\";p=1", BadKey::Trailing),
            ("a, b", BadKey::Unquoted),
            ("a,b", BadKey::Unquoted),
            ("a\"b", BadKey::Unquoted),
            ("a\tb", BadKey::Unprintable),
            ("\"ä\"", BadKey::Unprintable),
            ("ä", BadKey::Unprintable),
            (":\u{7f}", BadKey::Unprintable),
        ] {
            assert_eq!(read(value), Err(fault), "{value:?}");
        }
        assert_eq!(read(&"a".repeat(255)).map(|key| key.len()), Ok(255));
        assert_eq!(read(&"a".repeat(256)), Err(BadKey::TooLong));
        assert_eq!(read(&format!("\"{}\"", "a".repeat(256))), Err(BadKey::TooLong));
    }

    #[test]
    fn two_fields_are_no_key() {
        let name = HeaderName::from_static("idempotency-key");
        let mut headers = HeaderMap::new();
        assert_eq!(Key::of(&headers, &name), Ok(None));
        headers.append(&name, HeaderValue::from_static("a"));
        assert_eq!(Key::of(&headers, &name).map(|key| key.is_some()), Ok(true));
        headers.append(&name, HeaderValue::from_static("a"));
        assert_eq!(Key::of(&headers, &name), Err(BadKey::Several));
    }

    proptest! {
        #[test]
        fn every_printable_key_comes_back_from_its_quotes(key in "[ -~]{1,255}") {
            let quoted = format!("\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\""));
            prop_assert_eq!(read(&quoted), Ok(key));
        }

        #[test]
        fn any_bytes_give_a_bounded_key_or_a_reason(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            if let Ok(key) = Key::parse(&bytes) {
                prop_assert!((1..=LONGEST_KEY).contains(&key.as_str().len()));
                prop_assert!(key.as_str().bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            }
        }
    }
}

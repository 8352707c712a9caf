//! The token of a session: 256 random bits, which only the browser keeps (ASVS 5.0, 7.2.3).

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// How many random bytes a token has, and a digest.
const BYTES: usize = 32;

/// How many characters a token has: base64url without padding.
const CHARACTERS: usize = 43;

/// What the table finds a session by. No salt and no slow hash are needed for so many random bits (ASVS 5.0, 6.5.2).
pub(crate) type Digest = [u8; BYTES];

/// A fresh token, for the cookie of whom it is made for.
pub struct Token(Zeroizing<String>);

impl Token {
    /// A fresh one.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn new() -> Result<Self, getrandom::Error> {
        let mut bytes = Zeroizing::new([0; BYTES]);
        getrandom::fill(&mut *bytes)?;
        Ok(Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(*bytes))))
    }

    /// As it stands in the cookie.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub(crate) fn digest(&self) -> Digest {
        of(self.0.as_bytes())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// The digest of what stands in a cookie; nothing when it is no token, so that nothing is looked up for it.
pub(crate) fn digest_of(value: &[u8]) -> Option<Digest> {
    let sign = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (value.len() == CHARACTERS && value.iter().all(sign)).then(|| of(value))
}

/// A SHA-256.
pub(crate) fn of(value: &[u8]) -> Digest {
    let mut own = [0; BYTES];
    // A SHA-256 digest has as many bytes.
    for (own, byte) in own.iter_mut().zip(digest(&SHA256, value).as_ref()) {
        *own = *byte;
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_and_differ_and_are_found_by_their_digest() {
        let (one, other) = (Token::new().unwrap(), Token::new().unwrap());
        assert_eq!(one.expose().len(), CHARACTERS);
        assert_ne!(one.expose(), other.expose());
        assert_eq!(digest_of(one.expose().as_bytes()), Some(one.digest()));
        assert_ne!(one.digest(), other.digest());
        assert_eq!(format!("{one:?}"), "Token");
    }

    #[test]
    fn what_is_no_token_is_not_looked_up() {
        for value in [
            "",
            "abc",
            &"a".repeat(42),
            &"a".repeat(44),
            &format!("{}=", "a".repeat(42)),
            &format!("{} ", "a".repeat(42)),
        ] {
            assert_eq!(digest_of(value.as_bytes()), None, "{value:?}");
        }
    }
}

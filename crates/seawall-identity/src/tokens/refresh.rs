//! The refresh token: the session, a counter and 256 bits that only the secret of the installation gives for them.
//!
//! It is kept nowhere. Whoever asks twice at once gets the same successor, on any node, because it is derived again.

use std::fmt;

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::secrets::TokenSecrets;

/// What it begins with, for people and for scanners that look for secrets in the open.
const PREFIX: &str = "swr_";

const ID_BYTES: usize = 16;
const COUNTER_BYTES: usize = 8;
const MAC_BYTES: usize = 32;

/// A refresh token that was derived here.
pub(crate) struct RefreshToken(Zeroizing<String>);

impl RefreshToken {
    /// The one of a session, by its counter; nothing when the session's id is none of ours.
    pub(crate) fn derive(secrets: &TokenSecrets, session_id: &str, counter: i64) -> Option<Self> {
        let mut whole = Zeroizing::new(named(session_id, counter)?);
        let mac = hmac::sign(secrets.refresh(), &whole);
        whole.extend_from_slice(mac.as_ref());
        Some(Self(Zeroizing::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(&*whole)))))
    }

    /// The session and the counter of one that was derived by this installation.
    pub(crate) fn read(secrets: &TokenSecrets, text: &str) -> Option<(String, i64)> {
        let text = text.strip_prefix(PREFIX)?;
        if text.len() > 2 * (ID_BYTES + COUNTER_BYTES + MAC_BYTES) {
            return None;
        }
        let whole = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
        let (named, mac) = whole.split_at_checked(ID_BYTES + COUNTER_BYTES)?;
        hmac::verify(secrets.refresh(), named, mac).ok()?;
        let (id, counter) = named.split_at_checked(ID_BYTES)?;
        Some((uuid(id), i64::from_be_bytes(counter.try_into().ok()?)))
    }

    /// As it is given.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken")
    }
}

/// The bytes that name it.
fn named(session_id: &str, counter: i64) -> Option<Vec<u8>> {
    let digits: Vec<u8> = session_id.bytes().filter(|&byte| byte != b'-').collect();
    let mut bytes = Vec::with_capacity(ID_BYTES + COUNTER_BYTES + MAC_BYTES);
    for pair in digits.chunks(2) {
        bytes.push(u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?);
    }
    if bytes.len() != ID_BYTES || uuid(&bytes) != session_id {
        return None;
    }
    bytes.extend_from_slice(&counter.to_be_bytes());
    Some(bytes)
}

fn uuid(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (place, byte) in bytes.iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempts::AttemptsKey;

    const SESSION: &str = "019a6d1e-6f0c-7c44-a7a4-1f5f2f0f6a55";

    fn secrets(secret: &str) -> TokenSecrets {
        TokenSecrets::of(&AttemptsKey::of(&secret.to_owned().into())).unwrap()
    }

    #[test]
    fn a_token_is_derived_again_and_names_its_session_and_its_turn() {
        let one = RefreshToken::derive(&secrets("one"), SESSION, 3).unwrap();
        assert_eq!(one.expose(), RefreshToken::derive(&secrets("one"), SESSION, 3).unwrap().expose());
        assert_eq!(RefreshToken::read(&secrets("one"), one.expose()), Some((SESSION.to_owned(), 3)));
        let next = RefreshToken::derive(&secrets("one"), SESSION, 4).unwrap();
        assert_ne!(one.expose(), next.expose());
        assert_eq!(format!("{one:?}"), "RefreshToken");
        assert!(RefreshToken::derive(&secrets("one"), "s1", 0).is_none());
    }

    #[test]
    fn nothing_but_a_token_of_this_secret_is_read() {
        let token = RefreshToken::derive(&secrets("one"), SESSION, 3).unwrap();
        assert_eq!(RefreshToken::read(&secrets("two"), token.expose()), None);
        for place in 4..token.expose().len() {
            let mut forged = token.expose().as_bytes().to_vec();
            forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(RefreshToken::read(&secrets("one"), &forged), None, "{place}");
        }
        for other in ["", "swr_", "swr_AAAA", token.expose().strip_prefix("swr_").unwrap()] {
            assert_eq!(RefreshToken::read(&secrets("one"), other), None, "{other}");
        }
    }
}

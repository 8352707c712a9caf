//! A ceremony that was begun: the challenge and what it is for, sealed in a cookie; nothing is written until it is answered, so that
//! whoever begins many fills nothing. It serves once: the digest of what was answered is kept until it would have expired.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::{IdentityError, sessions::digest, tokens::TokenSecrets};

/// How long there is, in seconds.
pub(crate) const CEREMONY_S: i64 = 300;

/// What the seal is bound to.
const CEREMONY: &str = "a ceremony of passkeys";

/// What is wanted.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) enum Purpose {
    /// To make a passkey for this user, in this session.
    Register { user: String, session: String },
    /// To sign in, as the user of this name when one was given.
    SignIn { name: Option<String> },
    /// To show a second factor with this ticket, of which the digest is kept.
    Second { ticket: String },
    /// To confirm who it is, in this session.
    Confirm { user: String, session: String },
}

/// A ceremony.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Ceremony {
    /// 256 random bits, in base64url.
    pub(crate) challenge: String,
    pub(crate) purpose: Purpose,
    pub(crate) until_s: i64,
}

impl Ceremony {
    /// A fresh one.
    pub(crate) fn begin(purpose: Purpose, now_s: i64) -> Result<Self, IdentityError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(IdentityError::Random)?;
        Ok(Self { challenge: URL_SAFE_NO_PAD.encode(bytes), purpose, until_s: now_s + CEREMONY_S })
    }

    /// For the cookie.
    pub(crate) fn seal(&self, secrets: &TokenSecrets) -> Result<String, IdentityError> {
        let plain = serde_json::to_vec(self).map_err(|_| IdentityError::Cipher)?;
        Ok(URL_SAFE_NO_PAD.encode(secrets.seal(CEREMONY, &plain)?))
    }

    /// Reads a cookie; nothing when it was changed, is another installation's, or too old.
    pub(crate) fn open(secrets: &TokenSecrets, cookie: &str, now_s: i64) -> Option<Self> {
        let plain = secrets.open(CEREMONY, &URL_SAFE_NO_PAD.decode(cookie).ok()?)?;
        let ceremony: Self = serde_json::from_slice(&plain).ok()?;
        (ceremony.until_s > now_s).then_some(ceremony)
    }

    /// What is kept of it once it was answered, and until when.
    pub(crate) fn used(&self) -> ([u8; 32], i64) {
        (digest(self.challenge.as_bytes()), self.until_s.saturating_mul(1_000_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempts::AttemptsKey;

    #[test]
    fn only_what_was_sealed_here_within_five_minutes_opens() {
        let secrets = |key: &str| TokenSecrets::of(&AttemptsKey::of(&key.to_owned().into())).unwrap();
        let begin = || Ceremony::begin(Purpose::SignIn { name: None }, 1_000).unwrap();
        let (one, other) = (begin(), begin());
        assert_ne!(one.challenge, other.challenge);
        assert_eq!(one.challenge.len(), 43);
        let cookie = one.seal(&secrets("one")).unwrap();
        assert_eq!(Ceremony::open(&secrets("one"), &cookie, 1_299).unwrap().challenge, one.challenge);
        assert!(Ceremony::open(&secrets("one"), &cookie, 1_300).is_none());
        assert!(Ceremony::open(&secrets("two"), &cookie, 1_000).is_none());
        assert!(Ceremony::open(&secrets("one"), &cookie[1..], 1_000).is_none());
        assert!(Ceremony::open(&secrets("one"), "", 1_000).is_none());
    }
}

//! The way to an issuer and back: what the browser keeps meanwhile, sealed.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::{IdentityError, tokens::TokenSecrets};

/// How long there is, in seconds.
pub(crate) const FLOW_S: i64 = 600;

/// What the seal is bound to.
const FLOW: &str = "the way to an issuer and back";

/// What is wanted.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) enum Purpose {
    /// To sign in.
    SignIn,
    /// To link the account to this user, in this session.
    Link { user: String, session: String },
}

/// A way that was begun.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Flow {
    /// The issuer's name here: what comes back to another's address is refused.
    pub(crate) issuer: String,
    pub(crate) state: String,
    pub(crate) nonce: String,
    /// PKCE (RFC 7636).
    pub(crate) verifier: String,
    pub(crate) purpose: Purpose,
    /// The path to go on with.
    pub(crate) return_to: String,
    pub(crate) until_s: i64,
}

impl Flow {
    /// For the cookie.
    pub(crate) fn seal(&self, secrets: &TokenSecrets) -> Result<String, IdentityError> {
        let plain = serde_json::to_vec(self).map_err(|_| IdentityError::Cipher)?;
        Ok(URL_SAFE_NO_PAD.encode(secrets.seal(FLOW, &plain)?))
    }

    /// Reads a cookie; nothing when it was changed, is another installation's, or too old.
    pub(crate) fn open(secrets: &TokenSecrets, cookie: &str, now_s: i64) -> Option<Self> {
        let plain = secrets.open(FLOW, &URL_SAFE_NO_PAD.decode(cookie).ok()?)?;
        let flow: Self = serde_json::from_slice(&plain).ok()?;
        (flow.until_s > now_s).then_some(flow)
    }
}

/// 256 random bits.
pub(crate) fn fresh() -> Result<String, IdentityError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(IdentityError::Random)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The challenge of a verifier (S256).
pub(crate) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempts::AttemptsKey;

    #[test]
    fn only_what_was_sealed_here_within_ten_minutes_opens() {
        let secrets = |key: &str| TokenSecrets::of(&AttemptsKey::of(&key.to_owned().into())).unwrap();
        let text = |text: &str| text.to_owned();
        let flow = Flow {
            issuer: text("a"),
            state: text("s"),
            nonce: text("n"),
            verifier: text("v"),
            purpose: Purpose::SignIn,
            return_to: text("/"),
            until_s: 600,
        };
        let cookie = flow.seal(&secrets("one")).unwrap();
        assert_eq!(Flow::open(&secrets("one"), &cookie, 599).unwrap().nonce, "n");
        assert!(Flow::open(&secrets("one"), &cookie, 600).is_none());
        assert!(Flow::open(&secrets("two"), &cookie, 0).is_none());
        assert!(Flow::open(&secrets("one"), &cookie[1..], 0).is_none());
        assert!(Flow::open(&secrets("one"), "", 0).is_none());
    }

    #[test]
    fn the_challenge_is_that_of_the_standard() {
        // RFC 7636, appendix B.
        assert_eq!(
            challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }
}

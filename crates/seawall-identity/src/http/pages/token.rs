//! The token of forms, for browsers that do not say where a request comes from: it shows that the form was given to the browser that posts it.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::sessions::Token;

/// A token that belongs to what a cookie holds. Each is another, so that an answer that is compressed tells nothing of it (BREACH).
pub(super) fn give(kept: &str) -> Option<String> {
    let salt = Token::new().ok()?;
    let salt = salt.expose();
    Some(format!("{salt}.{}", URL_SAFE_NO_PAD.encode(tag(kept, salt))))
}

/// Whether a token was given for it.
pub(super) fn holds(kept: &str, token: &str) -> bool {
    let Some((salt, sent)) = token.split_once('.') else { return false };
    let Ok(sent) = URL_SAFE_NO_PAD.decode(sent) else { return false };
    !kept.is_empty() && hmac::verify(&key(kept), salt.as_bytes(), &sent).is_ok()
}

fn tag(kept: &str, salt: &str) -> hmac::Tag {
    hmac::sign(&key(kept), salt.as_bytes())
}

fn key(kept: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, kept.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_holds_for_the_cookie_it_was_given_for() {
        let (one, again) = (give("cookie").unwrap(), give("cookie").unwrap());
        assert!(one != again && holds("cookie", &one) && holds("cookie", &again));
        for (kept, token) in [
            ("other", &*one),
            ("", &one),
            ("cookie", ""),
            ("cookie", "a.b"),
            ("cookie", &one[1..]),
            ("cookie", &format!("{one}A")),
        ] {
            assert!(!holds(kept, token), "{kept} {token}");
        }
        assert!(!holds("", &give("").unwrap()), "no cookie is no proof");
    }
}

//! Tokens of pages: each shows that a page was given it for a session. Nothing of them is kept, so they end with the session alone.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use seawall_core::{authenticator::PageTokens, principal::Principal};
use subtle::ConstantTimeEq;

use super::People;
use crate::{IdentityError, attempts::AttemptsKey};

/// How many random bytes one has, so that each is another and an answer that is compressed tells nothing of it (BREACH).
const SALT: usize = 16;

impl People {
    /// A fresh one for the session of somebody who has one.
    ///
    /// # Errors
    /// [`IdentityError::Random`] when the system gives no random bytes.
    pub fn page_token(&self, principal: &Principal) -> Result<Option<String>, IdentityError> {
        let Some(session) = &principal.session else { return Ok(None) };
        let mut salt = [0; SALT];
        getrandom::fill(&mut salt).map_err(IdentityError::Random)?;
        Ok(Some(give(&self.0.key, session, salt)))
    }
}

impl PageTokens for People {
    fn holds(&self, session: &str, token: &[u8]) -> bool {
        holds(&self.0.key, session, token)
    }
}

fn give(key: &AttemptsKey, session: &str, salt: [u8; SALT]) -> String {
    let tag = tag(key, session, &salt);
    URL_SAFE_NO_PAD.encode(salt.iter().chain(&tag).copied().collect::<Vec<_>>())
}

fn holds(key: &AttemptsKey, session: &str, token: &[u8]) -> bool {
    let mut bytes = [0; SALT + 32];
    match URL_SAFE_NO_PAD.decode_slice(token, &mut bytes) {
        Ok(length) if length == bytes.len() => {}
        Ok(_) | Err(_) => return false,
    }
    let Some((salt, sent)) = bytes.split_at_checked(SALT) else { return false };
    !session.is_empty() && tag(key, session, salt).ct_eq(sent).into()
}

fn tag(key: &AttemptsKey, session: &str, salt: &[u8]) -> [u8; 32] {
    key.made_for("tokens of pages", &[session.as_bytes(), salt])
}

#[cfg(test)]
mod tests {
    use seawall_core::settings::Secret;

    use super::*;

    #[test]
    fn a_token_holds_for_the_session_and_the_installation_that_it_was_given_for() {
        let key = AttemptsKey::of(&Secret::from("one".to_owned()));
        let (token, again) = (give(&key, "s1", [1; SALT]), give(&key, "s1", [2; SALT]));
        assert!(token != again && holds(&key, "s1", token.as_bytes()) && holds(&key, "s1", again.as_bytes()));
        assert!(!holds(&key, "s2", token.as_bytes()));
        assert!(!holds(&AttemptsKey::of(&Secret::from("two".to_owned())), "s1", token.as_bytes()));
        assert!(!holds(&key, "", give(&key, "", [1; SALT]).as_bytes()), "no session is no proof");
        for wrong in [&token[1..], &token[..token.len() - 1], "", "a", &format!("{token}A"), &format!("{token}=")] {
            assert!(!holds(&key, "s1", wrong.as_bytes()), "{wrong}");
        }
        for at in 0..token.len() {
            let mut other = token.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            assert!(!holds(&key, "s1", &other), "changed at {at}");
        }
    }
}

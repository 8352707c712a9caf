//! Confirming who one is while signed in, for what asks for a proof that is younger.

use std::time::Duration;

use seawall_core::{facts::Facts, principal::Principal, settings::Secret};
use seawall_store::{StoreError, Tx, audit::Entry};
use serde_json::{Map, json};

use super::{
    Came, People, SignedIn, cause,
    codes::Judged,
    opening::{ActsFor, Proves, Successor},
    trying::{Right, Try, Wrong},
};
use crate::{
    IdentityError,
    sessions::{Session, Token},
    users::{User, table as users},
};

/// How old a proof may be that changes second factors, in microseconds.
const FRESH_US: u64 = 5 * 60 * 1_000_000;

/// With what somebody confirms who it is.
#[derive(Debug)]
pub enum Proof {
    /// The password.
    Password(Secret),
    /// A code of the second factor.
    Code(Secret),
}

impl People {
    /// How old a proof may be that changes second factors, in seconds.
    #[must_use]
    pub const fn fresh_s() -> u64 {
        FRESH_US / 1_000_000
    }

    /// Takes a proof that it is the principal: its session goes on under a fresh token, as if it had been begun a moment ago.
    ///
    /// # Errors
    /// [`IdentityError::WrongPassword`], [`IdentityError::CodeRefused`].
    pub async fn confirm(
        &self,
        facts: &Facts,
        principal: &Principal,
        proof: Proof,
        came: Came,
    ) -> Result<SignedIn, IdentityError> {
        let _place = self.0.waiting.place(true)?;
        match proof {
            Proof::Password(password) => self.confirm_by_password(facts, principal, &password, came).await,
            Proof::Code(code) => {
                let confirmed = self.confirm_by_code(facts, principal, code, came.user_agent).await;
                if let Err(IdentityError::CodeRefused { .. }) = confirmed {
                    self.0.passwords.pad(Duration::ZERO).await?;
                }
                confirmed
            }
        }
    }

    async fn confirm_by_password(
        &self,
        facts: &Facts,
        principal: &Principal,
        password: &Secret,
        came: Came,
    ) -> Result<SignedIn, IdentityError> {
        let right = self.try_own_password(facts, principal, password, &came, "user.confirmed").await?;
        let token = Token::new().map_err(IdentityError::Random)?;
        let (people, own, principal, digest) = (self.clone(), facts.clone(), principal.clone(), token.digest());
        let renewed = self.write(cause(facts), move |tx| {
            if !users::has_hash(tx, &principal.id, &right.hash)? {
                return Ok(None);
            }
            right.layers.succeeded(tx)?;
            people.renew(tx, &own, &principal, (digest, came.user_agent.as_deref()), "password")
        });
        signed_in(renewed.await?, token, &self.gone(facts))
    }

    /// Tries the password of a principal. A wrong one counts as an attempt to sign in does, so that a stolen session is no way around.
    pub(super) async fn try_own_password(
        &self,
        facts: &Facts,
        principal: &Principal,
        password: &Secret,
        came: &Came,
        action: &'static str,
    ) -> Result<Right, IdentityError> {
        let device = self.device(came.device.as_deref());
        let tried = Try { name: &principal.name, password, device, action };
        let wrong = |Wrong { retry_after }: Wrong| IdentityError::WrongPassword { retry_after };
        self.try_password(facts, tried).await?.map_err(wrong)
    }

    async fn confirm_by_code(
        &self,
        facts: &Facts,
        principal: &Principal,
        code: Secret,
        user_agent: Option<String>,
    ) -> Result<SignedIn, IdentityError> {
        let token = Token::new().map_err(IdentityError::Random)?;
        let (people, own, principal, digest) = (self.clone(), facts.clone(), principal.clone(), token.digest());
        let confirmed = self.write(cause(facts), move |tx| {
            let judged = people.judge_code(tx, &principal.id, code.expose(), false)?;
            if judged != Judged::Right {
                return Ok((judged, None));
            }
            let by = Principal { second_factor: true, ..principal.clone() };
            Ok((judged, people.renew(tx, &own, &by, (digest, user_agent.as_deref()), "code")?))
        });
        match confirmed.await? {
            (Judged::Right, renewed) => signed_in(renewed, token, &self.gone(facts)),
            (Judged::Wrong, _) => Err(IdentityError::CodeRefused { retry_after: None }),
            (Judged::Paused { retry_after }, _) => Err(IdentityError::CodeRefused { retry_after: Some(retry_after) }),
        }
    }

    /// Whose session has ended while it was confirmed.
    fn gone(&self, facts: &Facts) -> String {
        facts.principal.as_ref().map(|principal| principal.id.to_string()).unwrap_or_default()
    }

    /// Ends the principal's session and begins another in its place; nothing when it has ended meanwhile.
    pub(super) fn renew(
        &self,
        tx: &mut Tx<'_>,
        facts: &Facts,
        principal: &Principal,
        (digest, user_agent): ([u8; 32], Option<&str>),
        by: &'static str,
    ) -> Result<Option<(User, Session)>, StoreError> {
        let (acts_for, proves) = (ActsFor::as_before(principal), Proves::Anew);
        let successor = Successor { digest, user_agent, acts_for, proves, why: "confirmed" };
        let Some((user, session)) = self.replace_session(tx, facts, principal, successor)? else { return Ok(None) };
        let after = Map::from_iter([("by".to_owned(), json!(by)), ("session".to_owned(), json!(session.id))]);
        tx.audit(Entry::new("user.confirmed", "user", &*principal.id).made(after))?;
        Ok(Some((user, session)))
    }

    /// Refuses a principal whose proof is too old to change second factors.
    pub(super) fn fresh(&self, principal: &Principal) -> Result<(), IdentityError> {
        let now_us = self.0.clock.now().unix_us;
        if principal.is_fresh(now_us, FRESH_US) { Ok(()) } else { Err(IdentityError::ConfirmFirst) }
    }
}

/// A session that goes on under another token.
pub(super) fn signed_in(
    renewed: Option<(User, Session)>,
    token: Token,
    user_id: &str,
) -> Result<SignedIn, IdentityError> {
    let (user, session) = renewed.ok_or_else(|| IdentityError::NoUser(user_id.to_owned()))?;
    Ok(SignedIn { user, session, token, device: None })
}

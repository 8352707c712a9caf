//! What people and operators do with second factors.

use std::sync::Arc;

use seawall_core::{facts::Facts, principal::Principal, settings::Secret};
use seawall_store::{Cause, Lane, StoreError, Tx, audit::Entry};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::{People, SignedIn, cause, codes::Judged, confirm::signed_in};
use crate::{
    IdentityError,
    factors::{RecoveryCodes, Seed, table, tickets},
    mail::Notice,
    passkeys::{self, Passkey},
    sessions::{Token, table::Which},
    users::table as users,
};

/// What an app has to be told; shown once.
#[derive(Debug)]
pub struct Enrolment {
    /// To type.
    pub secret: Zeroizing<String>,
    /// To read from a picture.
    pub uri: Zeroizing<String>,
}

/// An app was confirmed.
#[derive(Debug)]
pub struct Enrolled {
    /// The session under its fresh token.
    pub signed_in: SignedIn,
    /// For who loses the app; shown once.
    pub codes: RecoveryCodes,
}

/// What a user can show besides the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Factors {
    /// When the authenticator app was enrolled, in microseconds since 1970-01-01T00:00:00Z, if there is one.
    pub totp_at: Option<i64>,
    /// How many recovery codes are left.
    pub recovery_codes: i64,
    /// The passkeys, the oldest first.
    pub passkeys: Vec<Passkey>,
}

impl People {
    /// The second factors of a user.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn factors(&self, user_id: &str) -> Result<Factors, IdentityError> {
        let user_id = user_id.to_owned();
        let read = self.0.db.read::<_, StoreError>(Lane::Interactive, move |tx| {
            let confirmed = table::totp(tx, &user_id)?.filter(|totp| totp.confirmed_at.is_some());
            let (totp_at, recovery_codes) =
                (confirmed.map(|totp| totp.created_at), table::recovery_codes(tx, &user_id)?);
            Ok(Factors { totp_at, recovery_codes, passkeys: passkeys::table::of_user(tx, &user_id)? })
        });
        Ok(read.await?)
    }

    /// Begins to enrol an authenticator app: it serves once a code of it came.
    ///
    /// # Errors
    /// [`IdentityError::ConfirmFirst`], [`IdentityError::SecondFactorFirst`], [`IdentityError::FactorExists`].
    pub async fn enrol_totp(&self, facts: &Facts, principal: &Principal) -> Result<Enrolment, IdentityError> {
        self.fresh(principal)?;
        let seed = Seed::fresh().map_err(IdentityError::Random)?;
        let by = principal.clone();
        let sealed = self.0.sealer.seal(&by.id, &seed).map_err(IdentityError::Random)?;
        let kept = self.write(cause(facts), move |tx| {
            if lacks_own(tx, &by)? {
                return Ok(None);
            }
            let kept = table::enrol(tx, &by.id, &sealed)?;
            if kept {
                tx.audit(Entry::new("user.factor_offered", "user", &*by.id).made(kind()))?;
            }
            Ok(Some(kept))
        });
        if !kept.await?.ok_or(IdentityError::SecondFactorFirst)? {
            return Err(IdentityError::FactorExists);
        }
        let uri = seed.uri(&self.0.settings.authenticator_name, &principal.name);
        Ok(Enrolment { secret: seed.text(), uri })
    }

    /// Takes the first code of an app: from here on, codes are asked for. The session gets a fresh token; the others end if wanted.
    ///
    /// # Errors
    /// [`IdentityError::ConfirmFirst`], [`IdentityError::SecondFactorFirst`], [`IdentityError::CodeRefused`].
    pub async fn confirm_totp(
        &self,
        facts: &Facts,
        principal: &Principal,
        code: Secret,
        ending: EndOthers,
        user_agent: Option<String>,
    ) -> Result<Enrolled, IdentityError> {
        self.fresh(principal)?;
        let codes = RecoveryCodes::fresh().map_err(IdentityError::Random)?;
        let token = Token::new().map_err(IdentityError::Random)?;
        let (people, own, digest, digests) = (self.clone(), facts.clone(), token.digest(), codes.digests());
        let principal = principal.clone();
        let user_id = Arc::clone(&principal.id);
        let confirmed = self.write(cause(facts), move |tx| {
            if lacks_own(tx, &principal)? {
                return Ok(None);
            }
            let by = Principal { second_factor: true, ..principal.clone() };
            let judged = people.judge_code(tx, &by.id, code.expose(), true)?;
            if judged != Judged::Right || !table::confirm(tx, &by.id)? {
                return Ok(Some((judged, None)));
            }
            table::set_recovery_codes(tx, &by.id, &digests)?;
            tx.audit(Entry::new("user.factor_added", "user", &*by.id).made(kind()))?;
            people.notify(tx, &by.id, Notice::SecondFactorAdded, user_agent.as_deref())?;
            people.factors_changed(tx, &by, ending)?;
            Ok(Some((judged, people.renew(tx, &own, &by, (digest, user_agent.as_deref()), "code")?)))
        });
        match confirmed.await?.ok_or(IdentityError::SecondFactorFirst)? {
            (Judged::Right, renewed) => Ok(Enrolled { signed_in: signed_in(renewed, token, &user_id)?, codes }),
            (Judged::Wrong, _) => Err(IdentityError::CodeRefused { retry_after: None }),
            (Judged::Paused { retry_after }, _) => Err(IdentityError::CodeRefused { retry_after: Some(retry_after) }),
        }
    }

    /// Removes the principal's second factors.
    ///
    /// # Errors
    /// [`IdentityError::ConfirmFirst`], [`IdentityError::SecondFactorFirst`], [`IdentityError::NoFactor`].
    pub async fn remove_own_factors(
        &self,
        facts: &Facts,
        principal: &Principal,
        ending: EndOthers,
    ) -> Result<(), IdentityError> {
        self.fresh(principal)?;
        let (people, principal) = (self.clone(), principal.clone());
        let removed = self.write(cause(facts), move |tx| {
            if lacks_own(tx, &principal)? {
                return Ok(None);
            }
            let removed = people.remove_within(tx, &principal.id)?;
            if removed {
                people.factors_changed(tx, &principal, ending)?;
            }
            Ok(Some(removed))
        });
        if removed.await?.ok_or(IdentityError::SecondFactorFirst)? { Ok(()) } else { Err(IdentityError::NoFactor) }
    }

    /// Gives the principal other recovery codes; the ones before hold no longer.
    ///
    /// # Errors
    /// [`IdentityError::ConfirmFirst`], [`IdentityError::SecondFactorFirst`], [`IdentityError::NoFactor`].
    pub async fn make_recovery_codes(
        &self,
        facts: &Facts,
        principal: &Principal,
    ) -> Result<RecoveryCodes, IdentityError> {
        self.fresh(principal)?;
        let codes = RecoveryCodes::fresh().map_err(IdentityError::Random)?;
        let (principal, digests) = (principal.clone(), codes.digests());
        let made = self.write(cause(facts), move |tx| {
            if lacks_own(tx, &principal)? {
                return Ok(None);
            }
            if !table::has_one(tx, &principal.id)? {
                return Ok(Some(false));
            }
            table::set_recovery_codes(tx, &principal.id, &digests)?;
            let after = Map::from_iter([("count".to_owned(), json!(digests.len()))]);
            tx.audit(Entry::new("user.recovery_codes_made", "user", &*principal.id).made(after))?;
            Ok(Some(true))
        });
        if made.await?.ok_or(IdentityError::SecondFactorFirst)? { Ok(codes) } else { Err(IdentityError::NoFactor) }
    }

    /// Removes a user's second factors, for who has lost them; all its sessions end.
    ///
    /// # Errors
    /// [`IdentityError::NoUser`], [`IdentityError::NoFactor`].
    pub async fn remove_factors(&self, cause: &Cause, id: String) -> Result<(), IdentityError> {
        let user = self.find(&id).await?;
        let people = self.clone();
        let removed = self.write(cause.clone(), move |tx| {
            let removed = people.remove_passkeys_within(tx, &user.id)?;
            let removed = people.remove_within(tx, &user.id)? || removed;
            if removed {
                tickets::void(tx, &user.id)?;
                users::touch(tx, &user.id)?;
                people.clear_codes(tx, &user.id)?;
                people.end_sessions(tx, &user.id, &Which::All, "second factor removed")?;
            }
            Ok(removed)
        });
        if removed.await? { Ok(()) } else { Err(IdentityError::NoFactor) }
    }

    fn remove_within(&self, tx: &mut Tx<'_>, user_id: &str) -> Result<bool, StoreError> {
        let removed = table::remove(tx, user_id)?;
        if removed {
            tx.audit(Entry::new("user.factor_removed", "user", user_id).removed(kind()))?;
            self.notify(tx, user_id, Notice::SecondFactorRemoved, None)?;
        }
        Ok(removed)
    }

    /// Tickets that were given before hold no longer, nor do other sessions if so wanted.
    pub(super) fn factors_changed(
        &self,
        tx: &mut Tx<'_>,
        principal: &Principal,
        ending: EndOthers,
    ) -> Result<(), StoreError> {
        tickets::void(tx, &principal.id)?;
        users::touch(tx, &principal.id)?;
        if let (EndOthers::Yes, Some(own)) = (ending, &principal.session) {
            self.end_sessions(tx, &principal.id, &Which::Others(own.to_string()), "second factors changed")?;
        }
        Ok(())
    }
}

/// Whether a principal has a second factor and has not shown it: a password alone changes none.
pub(super) fn lacks_own(tx: &mut Tx<'_>, principal: &Principal) -> Result<bool, StoreError> {
    users::hold(tx, &principal.id)?;
    Ok(!principal.second_factor && table::has_one(tx, &principal.id)?)
}

/// Whether other sessions end with a change (ASVS 5.0, 7.4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndOthers {
    /// They do.
    Yes,
    /// They go on.
    No,
}

/// A factor as the audit log has it.
fn kind() -> Map<String, Value> {
    Map::from_iter([("kind".to_owned(), json!("totp"))])
}

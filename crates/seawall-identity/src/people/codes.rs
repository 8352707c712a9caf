//! Codes of second factors: counted, compared, used up.

use seawall_store::{
    StoreError, Tx,
    audit::{Entry, Outcome},
};
use serde_json::{Map, json};

use super::People;
use crate::{
    attempts::{self, Attempt, Counted},
    factors::{self, table},
};

/// What a code came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judged {
    /// It is right, and used up.
    Right,
    /// It is wrong, or was used before.
    Wrong,
    /// It was not looked at, and none is for so many seconds.
    Paused { retry_after: u64 },
}

impl People {
    /// Counts a code of a user and looks at it. An app that was not confirmed serves `enrolling` alone.
    pub(super) fn judge_code(
        &self,
        tx: &mut Tx<'_>,
        user_id: &str,
        code: &str,
        enrolling: bool,
    ) -> Result<Judged, StoreError> {
        let key = self.codes_key(user_id);
        let last = match attempts::count(tx, &key, attempts::CODES)? {
            Attempt::Paused { retry_after } => return Ok(Judged::Paused { retry_after }),
            Attempt::Heard { last } => last,
        };
        let by = match factors::recovery_digest(code).filter(|_| !enrolling) {
            Some(digest) => table::use_recovery_code(tx, user_id, &digest)?.then_some("recovery code"),
            None => self.app_fits(tx, user_id, code, enrolling)?.then_some("app"),
        };
        let mut after = Map::from_iter([("by".to_owned(), json!(by))]);
        if by.is_some() {
            attempts::clear(tx, &key)?;
        } else if last {
            after.insert("paused".to_owned(), json!(true));
        }
        let outcome = if by.is_some() { Outcome::Done } else { Outcome::Refused };
        tx.audit(Entry::new("user.second_factor", "user", user_id).made(after).with_outcome(outcome))?;
        Ok(if by.is_some() { Judged::Right } else { Judged::Wrong })
    }

    /// Forgets the codes that were counted.
    pub(super) fn clear_codes(&self, tx: &mut Tx<'_>, user_id: &str) -> Result<(), StoreError> {
        attempts::clear(tx, &self.codes_key(user_id))
    }

    pub(super) fn codes_key(&self, user_id: &str) -> Counted {
        self.0.key.made_for("codes", &[user_id.as_bytes()])
    }

    fn app_fits(&self, tx: &mut Tx<'_>, user_id: &str, code: &str, enrolling: bool) -> Result<bool, StoreError> {
        let Some(totp) = table::totp(tx, user_id)?.filter(|totp| totp.confirmed_at.is_none() == enrolling) else {
            return Ok(false);
        };
        let seed = self.0.sealer.open(user_id, &totp.sealed).map_err(|unopened| {
            tracing::error!(user.id = user_id, error = %unopened, "a second factor cannot be verified");
            StoreError::Unavailable(unopened.to_string())
        })?;
        let typed: String = code.chars().filter(|sign| !sign.is_whitespace()).take(16).collect();
        match seed.step_of(&typed, tx.at_us(), totp.last_step) {
            Some(step) => table::use_step(tx, user_id, step),
            None => Ok(false),
        }
    }
}

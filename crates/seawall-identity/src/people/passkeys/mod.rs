//! Passkeys of people: made, shown in place of a password or beside it, listed, renamed, removed.

mod keep;
mod kinds;
mod prove;
mod register;
mod sign_in;

use seawall_store::{
    StoreError, Tx,
    audit::{Entry, Outcome},
};
use serde_json::{Map, Value, json};

pub use self::{
    prove::SecondPasskey,
    register::{AddedPasskey, NewPasskey},
    sign_in::PasskeySignIn,
};
use super::People;
use crate::{
    IdentityError,
    passkeys::{
        Assertion, Ceremony, Expected, Passkey, Purpose, Refusal, RelyingParty, SentPasskey, UserVerification,
        Verified, table,
    },
};

/// How many passkeys a user has at most.
pub(crate) const MOST: usize = 20;

/// What a page asks the browser for, and what the browser keeps meanwhile.
#[derive(Debug)]
pub struct PasskeyOptions {
    /// For `parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`.
    pub options: Value,
    /// For the cookie: the ceremony, sealed.
    pub ceremony: String,
}

impl People {
    /// The site, when there are passkeys.
    fn party(&self) -> Result<&RelyingParty, IdentityError> {
        self.0.settings.passkeys.as_ref().ok_or(IdentityError::NoPasskeys)
    }

    fn begin_ceremony(&self, purpose: Purpose) -> Result<Ceremony, IdentityError> {
        Ceremony::begin(purpose, self.now_us() / 1_000_000)
    }

    fn ceremony(&self, cookie: &str) -> Option<Ceremony> {
        Ceremony::open(&self.0.office.secrets, cookie, self.now_us() / 1_000_000)
    }

    fn offer(&self, ceremony: &Ceremony, options: Value) -> Result<PasskeyOptions, IdentityError> {
        Ok(PasskeyOptions { options, ceremony: ceremony.seal(&self.0.office.secrets)? })
    }
}

impl RelyingParty {
    /// What is asked of a passkey that proves something beside a password or a session.
    fn verified(&self) -> Verified {
        match self.user_verification {
            UserVerification::Required => Verified::Required,
            UserVerification::Preferred | UserVerification::Discouraged => Verified::AsItIs,
        }
    }

    fn expected<'a>(&'a self, ceremony: &'a Ceremony, verified: Verified) -> Expected<'a> {
        Expected { party: self, challenge: &ceremony.challenge, verified }
    }
}

/// What a passkey that was sent says.
fn assertion(sent: &SentPasskey) -> Assertion<'_> {
    let response = &sent.response;
    Assertion {
        client_data: &response.client_data,
        authenticator_data: &response.authenticator_data,
        signature: &response.signature,
    }
}

/// Records that a counter went back, as what it may be: a copy.
fn tell_of_copy(tx: &mut Tx<'_>, passkey: &Passkey, refusal: &Refusal) -> Result<(), StoreError> {
    let Refusal::Counter { known, shown } = refusal else { return Ok(()) };
    tracing::warn!(
        user.id = passkey.user_id,
        passkey.id = passkey.id,
        "the counter of a passkey went back, so there may be a copy of it; it was refused"
    );
    let after = Map::from_iter([
        ("passkey".to_owned(), json!(passkey.id)),
        ("counter".to_owned(), json!(known)),
        ("shown".to_owned(), json!(shown)),
    ]);
    tx.audit(Entry::new("user.passkey_cloned", "user", &*passkey.user_id).made(after).with_outcome(Outcome::Refused))
}

/// A passkey as the audit log has it.
fn facts_of(passkey: &Passkey) -> Map<String, Value> {
    Map::from_iter([
        ("kind".to_owned(), json!("passkey")),
        ("passkey".to_owned(), json!(passkey.id)),
        ("name".to_owned(), json!(passkey.name)),
        ("transports".to_owned(), json!(passkey.transports)),
        ("backup_eligible".to_owned(), json!(passkey.backup_eligible)),
        ("created_at".to_owned(), json!(passkey.created_at)),
    ])
}

/// Whether a user has a passkey of this id.
fn of_user(tx: &mut Tx<'_>, user_id: &str, id: &str) -> Result<Option<Passkey>, StoreError> {
    Ok(table::of_user(tx, user_id)?.into_iter().find(|passkey| passkey.id == id))
}

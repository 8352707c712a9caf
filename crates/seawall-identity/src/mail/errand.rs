//! What is to be mailed, as the outbox keeps it: never the letter itself, because that may hold a link that opens an account.

use std::time::Duration;

use seawall_core::resilience::Backoff;
use seawall_store::{StoreError, Tx, outbox::Topic};
use serde::{Deserialize, Serialize};

/// Letters: eleven attempts within some nine hours. A letter that opens an account is made when it is sent, so a late one still serves.
pub static TOPIC: Topic = Topic {
    name: "mail",
    limit: Duration::from_secs(45),
    attempts: 11,
    backoff: Backoff { first: Duration::from_secs(2), most: Duration::from_secs(2 * 3_600), factor: 4 },
};

/// An errand.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Errand {
    /// Somebody has forgotten a password, and typed this, sealed: it may be a password.
    Forgotten {
        /// Sealed, in base64url.
        typed: String,
    },
    /// A user is to get a link to choose a password.
    Reset {
        /// The user's id.
        user: String,
    },
    /// A user is to get a link at the address that it wants to have.
    Verify {
        /// The user's id.
        user: String,
    },
    /// A user is to hear of something.
    Notice {
        /// The user's id.
        user: String,
        /// Of what.
        what: Notice,
        /// When it was, in microseconds since 1970-01-01T00:00:00Z.
        at: i64,
        /// From which address it was done.
        address: Option<String>,
        /// With what.
        agent: Option<String>,
        /// Where to, when not to the address that the user has.
        to: Option<String>,
    },
}

/// What users are told by mail.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Notice {
    NewDevice,
    PasswordChanged,
    SecondFactorAdded,
    SecondFactorRemoved,
    PasskeyAdded,
    PasskeyRemoved,
    AddressChanged,
    AccountLinked,
}

impl Errand {
    /// Writes it into the outbox: it is done once the transaction is kept.
    pub(crate) fn post(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        // Of one user one after the other; what was typed waits for nothing.
        let key = match self {
            Self::Forgotten { .. } => tx.fresh_id()?,
            Self::Reset { user } | Self::Verify { user } | Self::Notice { user, .. } => user.clone(),
        };
        let payload = serde_json::to_string(self).map_err(|error| StoreError::Unavailable(error.to_string()))?;
        tx.outbox(&TOPIC, &key, &payload)
    }
}

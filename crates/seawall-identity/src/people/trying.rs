//! Trying a password, for whatever it is asked: heard by all layers, verified, and, when it is wrong, recorded and answered after as long
//! as every refusal takes.

use std::time::Duration;

use seawall_core::{facts::Facts, settings::Secret};
use seawall_store::audit::{Entry, Outcome};
use serde_json::{Map, json};

use super::{Inner, People, cause};
use crate::{
    IdentityError,
    attempts::{Attempt, Device, Layers},
    password::Verdict,
    users::{Name, table},
};

/// A password that is tried.
pub(super) struct Try<'a> {
    /// The name, as it was typed.
    pub(super) name: &'a str,
    pub(super) password: &'a Secret,
    /// The known device that it comes from, whoever's it is.
    pub(super) device: Option<Device>,
    /// What it is tried for, as the audit log calls it.
    pub(super) action: &'static str,
}

/// It is the password of a user who may sign in; whether it still is when something comes of it has to be looked at again.
pub(super) struct Right {
    pub(super) known: table::Known,
    pub(super) hash: String,
    pub(super) verdict: Verdict,
    pub(super) layers: Layers,
    /// The device, when it is one of the user's.
    pub(super) device: Option<Device>,
    action: &'static str,
    last: bool,
}

/// It is not, or was not looked at.
pub(super) struct Wrong {
    /// After how many seconds another is heard, when this one was not.
    pub(super) retry_after: Option<u64>,
}

/// What is known of an attempt before its password is looked at.
struct Heard {
    known: Option<table::Known>,
    layers: Layers,
    device: Option<Device>,
    last: bool,
}

/// Why an attempt failed, for the audit log alone.
#[derive(Clone, Copy)]
enum Failure {
    Unknown,
    Wrong,
    Disabled,
}

impl Failure {
    const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown name",
            Self::Wrong => "wrong password",
            Self::Disabled => "disabled",
        }
    }
}

impl People {
    /// Tries a password. Whichever way it is not right takes as long.
    pub(super) async fn try_password(
        &self,
        facts: &Facts,
        tried: Try<'_>,
    ) -> Result<Result<Right, Wrong>, IdentityError> {
        let Try { name, password, device, action } = tried;
        let heard = match self.hear(facts, name, device).await? {
            Ok(heard) => heard,
            Err(retry_after) => {
                self.0.passwords.pad(Duration::ZERO).await?;
                return Ok(Err(Wrong { retry_after: Some(retry_after) }));
            }
        };
        let hash = heard.known.as_ref().and_then(|known| known.password_hash.clone());
        let verdict = self.0.passwords.verify(hash.as_deref(), password).await?;
        let Heard { known, layers, device, last } = heard;
        let (failure, user_id) = match (known, hash) {
            (Some(known), Some(hash)) if verdict.matches && !known.user.disabled => {
                return Ok(Ok(Right { known, hash, verdict, layers, device, action, last }));
            }
            (Some(known), _) => {
                let failure = if known.user.disabled { Failure::Disabled } else { Failure::Wrong };
                (failure, Some(known.user.id))
            }
            (None, _) => (Failure::Unknown, None),
        };
        let failed = Failed { action, layers, last, failure, user_id };
        self.refuse(facts, failed, verdict).await.map(Err)
    }

    /// It was right, and the user was changed before anything came of it.
    pub(super) async fn wrong_after_all(&self, facts: &Facts, right: Right) -> Result<Wrong, IdentityError> {
        let Right { known, verdict, layers, action, last, .. } = right;
        let failed = Failed { action, layers, last, failure: Failure::Wrong, user_id: Some(known.user.id) };
        self.refuse(facts, failed, verdict).await
    }

    /// Counts the attempt and looks for the user; or answers after how many seconds another is heard.
    async fn hear(
        &self,
        facts: &Facts,
        typed: &str,
        device: Option<Device>,
    ) -> Result<Result<Heard, u64>, IdentityError> {
        let name = Name::parse(typed).ok();
        let counted_as = name.as_ref().map_or(typed, Name::key).to_owned();
        let (people, source) = (self.clone(), facts.client);
        let heard = self.write(cause(facts), move |tx| {
            let known = match &name {
                Some(name) => table::by_name(tx, name.key())?,
                None => None,
            };
            let owner = known.as_ref().map(|known| known.user.id.as_str());
            let device = device.clone().filter(|device| owner == Some(&*device.user_id));
            let Inner { key, settings, .. } = &*people.0;
            let preset = (settings.brute_force, settings.spraying);
            let layers = Layers::new(key, preset, &counted_as, source, device.as_ref());
            Ok(match layers.hear(tx)? {
                Attempt::Paused { retry_after } => Err(retry_after),
                Attempt::Heard { last } => Ok(Heard { known, layers, device, last }),
            })
        });
        Ok(heard.await?)
    }

    /// Records an attempt that failed, and waits as long as every refusal takes. Names that were typed are recorded by their keyed hashes
    /// alone: one may be a password.
    async fn refuse(&self, facts: &Facts, failed: Failed, verdict: Verdict) -> Result<Wrong, IdentityError> {
        let Failed { action, layers, last, failure, user_id } = failed;
        let (kind, object) = match user_id {
            Some(user_id) => ("user", user_id),
            None => ("name", layers.own().iter().take(8).map(|byte| format!("{byte:02x}")).collect()),
        };
        let recorded = self.write(cause(facts), move |tx| {
            let source_paused = layers.failed(tx)?;
            let mut after = Map::from_iter([("why".to_owned(), json!(failure.word()))]);
            if last {
                after.insert("paused".to_owned(), json!(true));
            }
            if source_paused {
                after.insert("source_paused".to_owned(), json!(true));
            }
            tx.audit(Entry::new(action, kind, &*object).made(after).with_outcome(Outcome::Refused))
        });
        recorded.await?;
        self.0.passwords.pad(verdict.took).await?;
        Ok(Wrong { retry_after: None })
    }
}

/// An attempt that failed.
struct Failed {
    action: &'static str,
    layers: Layers,
    last: bool,
    failure: Failure,
    user_id: Option<String>,
}

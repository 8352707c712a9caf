//! Who may call other services.

use std::sync::Arc;

use seawall_core::{reply::Reply, settings::Secret};
use seawall_outbound::{Caller, Callers, Identified, May, Shown};

use crate::app::{identity::Identity, random};

/// What the key of the application is called in logs.
const KEY_NAME: &str = "application";

/// Who may call: the application by its key, for whom Seawall told it.
#[derive(Debug)]
pub(super) struct KnownCallers {
    key: Secret,
    name: Arc<str>,
    identity: Identity,
}

impl KnownCallers {
    /// The application by this key, for users whom `identity` told it of.
    pub(super) fn new(key: Secret, identity: Identity) -> Self {
        Self { key, name: KEY_NAME.into(), identity }
    }
}

impl Callers for KnownCallers {
    fn identify(&self, shown: Shown<'_>) -> Reply<Identified> {
        let holds = std::str::from_utf8(shown.key).is_ok_and(|key| random::same(key, self.key.expose()));
        if !holds {
            return Reply::Ready(Ok(Identified::WrongKey));
        }
        let user = shown.user_token.map(|token| self.user(token));
        let caller = |user| Identified::Caller(Caller { key: Arc::clone(&self.name), user, may: May::everything() });
        Reply::Ready(Ok(match user {
            Some(None) => Identified::WrongUser,
            Some(user) => caller(user),
            None => caller(None),
        }))
    }

    fn user(&self, token: &[u8]) -> Option<Arc<str>> {
        self.identity.proven(token)
    }
}

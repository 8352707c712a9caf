//! Who may call other services: the application by its key, and people's programs by theirs.

mod programs;

use std::sync::Arc;

use seawall_core::{clock::Clock, limit::RateStore, reply::Reply, settings::Secret};
use seawall_outbound::{Caller, Callers, Identified, May, Shown};

use crate::app::{identity::Identity, random};
use programs::Programs;

/// What the key of the application is called in logs.
const KEY_NAME: &str = "application";

/// Who may call: the application by its key, for whom Seawall told it; and a program by an API key, for its owner.
#[derive(Debug)]
pub(super) struct KnownCallers {
    key: Secret,
    name: Arc<str>,
    identity: Identity,
    /// Nothing where nobody can sign in.
    programs: Option<Programs>,
}

impl KnownCallers {
    /// The application by this key, for users whom `identity` told it of; programs by keys that `identity` knows, counted in `rates`.
    pub(super) fn new(key: Secret, identity: Identity, rates: Arc<dyn RateStore>, clock: Arc<dyn Clock>) -> Self {
        let programs = identity.credentials().map(|_| Programs::new(identity.clone(), rates, clock));
        Self { key, name: KEY_NAME.into(), identity, programs }
    }
}

impl Callers for KnownCallers {
    fn identify(&self, shown: Shown<'_>) -> Reply<Identified> {
        let holds = std::str::from_utf8(shown.key).is_ok_and(|key| random::same(key, self.key.expose()));
        if !holds {
            let programs = self.programs.as_ref().filter(|_| Programs::own(shown.key));
            return programs.map_or(Reply::Ready(Ok(Identified::WrongKey)), |programs| programs.identify(shown));
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

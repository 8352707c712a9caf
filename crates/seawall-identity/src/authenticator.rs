//! Who knows credentials of every kind.

use seawall_core::{
    authenticator::{Authenticator, Credential, Found, Presented},
    reply::Reply,
};

use crate::{keys::KeyAuthenticator, sessions::SessionAuthenticator};

/// Knows sessions and API keys.
#[derive(Clone, Debug)]
pub struct CredentialAuthenticator {
    pub(crate) sessions: SessionAuthenticator,
    pub(crate) keys: KeyAuthenticator,
}

impl Authenticator for CredentialAuthenticator {
    fn authenticate(&self, presented: &Presented<'_>) -> Reply<Found> {
        match presented.credential {
            Credential::Session(value) => self.sessions.look(value, presented),
            Credential::Key(value) => self.keys.look(value, presented),
        }
    }
}

//! Who knows credentials of every kind.

use std::sync::Arc;

use seawall_core::{
    authenticator::{Authenticator, Credential, Found, Presented},
    reply::Reply,
};

use crate::{keys::KeyAuthenticator, sessions::SessionAuthenticator, tokens::TokenAuthenticator};

/// Knows sessions, access tokens and API keys.
#[derive(Clone, Debug)]
pub struct CredentialAuthenticator {
    pub(crate) sessions: Arc<SessionAuthenticator>,
    pub(crate) tokens: TokenAuthenticator,
    pub(crate) keys: KeyAuthenticator,
}

impl Authenticator for CredentialAuthenticator {
    fn authenticate(&self, presented: &Presented<'_>) -> Reply<Found> {
        match presented.credential {
            Credential::Session(value) => self.sessions.look(value, presented),
            Credential::Token(token) => self.tokens.look(token, presented),
            Credential::Key(value) => self.keys.look(value, presented),
        }
    }
}

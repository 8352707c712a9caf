//! Who knows credentials of every kind.

use std::sync::Arc;

use seawall_core::{
    authenticator::{Authenticator, Credential, Found, Presented},
    reply::Reply,
};

use crate::{
    devices::{DeviceAuthenticator, text::is_devices},
    keys::KeyAuthenticator,
    sessions::SessionAuthenticator,
    tokens::TokenAuthenticator,
};

/// Knows sessions, access tokens, API keys and devices.
#[derive(Clone, Debug)]
pub struct CredentialAuthenticator {
    pub(crate) sessions: Arc<SessionAuthenticator>,
    pub(crate) tokens: TokenAuthenticator,
    pub(crate) keys: KeyAuthenticator,
    pub(crate) devices: DeviceAuthenticator,
}

impl Authenticator for CredentialAuthenticator {
    fn authenticate(&self, presented: &Presented<'_>) -> Reply<Found> {
        match presented.credential {
            Credential::Session(value) => self.sessions.look(value, presented),
            Credential::Token(token) => self.tokens.look(token, presented),
            Credential::Key(value) if is_devices(value) => self.devices.look(value, presented),
            Credential::Key(value) => self.keys.look(value, presented),
        }
    }
}

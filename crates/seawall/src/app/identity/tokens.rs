//! Tokens as the application wires them: cookies that are refreshed on the way, and proof for the application behind.

use std::{sync::Arc, time::Duration};

use http::HeaderValue;
use seawall_core::{
    authenticator::{Authenticator, Credential, Found, PageTokens, Presented, Prover, Refreshed, Refresher},
    clock::Now,
    principal::Principal,
    reply::{PortError, Reply},
};
use seawall_identity::IdentityError;
use seawall_proxy::spelled;
use seawall_store::{Actor, Cause};

use super::Identity;

/// Where fresh credentials are got, below the prefix.
const OPEN_PATHS: [&str; 5] = ["auth/token", "auth/refresh", "auth/sign-in", "auth/register", "auth/jwks.json"];

/// The whole paths.
pub(super) fn open_paths(prefix: &str) -> Arc<[String]> {
    OPEN_PATHS.iter().map(|path| format!("{}/{path}", spelled(prefix))).collect()
}

impl Prover for Identity {
    fn prove(&self, principal: &Principal, now: Now) -> Option<HeaderValue> {
        self.0.open.get()?.people.prove(principal, now)
    }
}

impl Identity {
    /// For whom the application calls that shows us a proof in turn.
    pub(in crate::app) fn proven(&self, token: &[u8]) -> Option<Arc<str>> {
        self.0.open.get()?.people.proven(token)
    }
}

impl PageTokens for Identity {
    fn holds(&self, session: &str, token: &[u8]) -> bool {
        self.0.open.get().is_some_and(|open| open.people.holds(session, token))
    }
}

impl Refresher for Identity {
    fn refresh(&self, token: &[u8], presented: &Presented<'_>) -> Reply<Option<Refreshed>> {
        let Some(open) = self.0.open.get() else { return Reply::Ready(Err(PortError::Unavailable)) };
        let Ok(token) = std::str::from_utf8(token).map(str::to_owned) else { return Reply::Ready(Ok(None)) };
        let (people, credentials, cookie) = (open.people.clone(), Arc::clone(&open.credentials), self.0.cookie.clone());
        let (client, now, deadline_us) = (presented.client, presented.now, presented.deadline_us);
        let within = Duration::from_micros(deadline_us.saturating_sub(now.monotonic_us));
        Reply::Later(Box::pin(async move {
            let cause = Cause { actor: Actor::Anonymous, address: Some(client), request_id: None };
            let fresh = tokio::time::timeout(within, people.refresh(cause, &token)).await;
            let fresh = match fresh.map_err(|_| PortError::TimedOut)? {
                Ok(fresh) => fresh,
                Err(IdentityError::RefreshRefused) => return Ok(None),
                Err(error) => {
                    tracing::warn!(%error, "tokens in cookies could not be refreshed");
                    return Err(PortError::Unavailable);
                }
            };
            let access = fresh.access.expose().as_bytes();
            let shown = Presented { credential: Credential::Token(access), client, now, deadline_us };
            let found = match credentials.authenticate(&shown) {
                Reply::Ready(found) => found,
                Reply::Later(wait) => wait.await,
            };
            Ok(match found? {
                Found::Principal(principal) => {
                    Some(Refreshed { principal, cookies: cookie.give_tokens(&fresh).collect() })
                }
                // Revoked in between.
                Found::Nobody | Found::Elsewhere | Found::Foreign | Found::Refused => None,
            })
        }))
    }
}

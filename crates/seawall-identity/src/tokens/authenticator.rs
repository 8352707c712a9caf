//! Whom an access token shows: its signature is verified once, and its session decides each time.

use std::{sync::Arc, time::Duration};

use quick_cache::sync::Cache;
use seawall_core::{
    authenticator::{Credential, Found, Presented},
    reply::{PortError, Reply},
};

use super::{
    access::{Access, Names},
    jwt::{self, Kind, LONGEST, Opened},
    keys::Keys,
    ring::KeyRing,
};
use crate::sessions::{Digest, SessionAuthenticator, digest};

/// Tokens whose signature is remembered.
const MOST_VERIFIED: usize = 20_000;

/// Knows access tokens. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct TokenAuthenticator {
    ring: KeyRing,
    names: Arc<Names>,
    sessions: Arc<SessionAuthenticator>,
    verified: Arc<Cache<Digest, Arc<Verified>>>,
}

/// A token whose signature is good.
#[derive(Debug)]
struct Verified {
    kid: Arc<str>,
    access: Access,
}

/// What a token is found to be, before its session is looked at.
enum Looked {
    Session(Digest),
    Foreign,
    Unknown,
    Refused,
}

impl TokenAuthenticator {
    pub(crate) fn new(ring: KeyRing, names: Arc<Names>, sessions: Arc<SessionAuthenticator>) -> Self {
        Self { ring, names, sessions, verified: Arc::new(Cache::new(MOST_VERIFIED)) }
    }

    /// Whom the token shows.
    pub(crate) fn look(&self, token: &[u8], presented: &Presented<'_>) -> Reply<Found> {
        if token.len() > LONGEST {
            return Reply::Ready(Ok(Found::Foreign));
        }
        let looked = self.ring.known().map(|keys| self.decide(&keys, token, presented));
        match looked {
            Some(Looked::Session(session)) => refused_if_nobodys(self.sessions.of_digest(session, presented)),
            Some(Looked::Foreign) => Reply::Ready(Ok(Found::Foreign)),
            Some(Looked::Refused) => Reply::Ready(Ok(Found::Refused)),
            Some(Looked::Unknown) | None => self.after_reading_keys(token, presented),
        }
    }

    /// The same once the keys were read: another node may have made one, or none were read yet.
    fn after_reading_keys(&self, token: &[u8], presented: &Presented<'_>) -> Reply<Found> {
        let (own, token) = (self.clone(), token.to_vec());
        let (client, now, deadline_us) = (presented.client, presented.now, presented.deadline_us);
        let within = Duration::from_micros(deadline_us.saturating_sub(now.monotonic_us));
        Reply::Later(Box::pin(async move {
            let read = tokio::time::timeout(within, own.ring.read_again()).await;
            let keys = read.map_err(|_| PortError::TimedOut)?.map_err(|error| {
                tracing::debug!(%error, "signing keys could not be read");
                PortError::from(&error)
            })?;
            let credential = Credential::Token(&token);
            let presented = Presented { credential, client, now, deadline_us };
            let found = match own.decide(&keys, &token, &presented) {
                Looked::Session(session) => refused_if_nobodys(own.sessions.of_digest(session, &presented)),
                Looked::Foreign => return Ok(Found::Foreign),
                // A key that nobody has any more signed it, or none of ours ever did.
                Looked::Unknown | Looked::Refused => return Ok(Found::Refused),
            };
            match found {
                Reply::Ready(found) => found,
                Reply::Later(wait) => wait.await,
            }
        }))
    }

    fn decide(&self, keys: &Keys, token: &[u8], presented: &Presented<'_>) -> Looked {
        let now_us = i64::try_from(presented.now.unix_us).unwrap_or(i64::MAX);
        let key = digest(token);
        if let Some(verified) = self.verified.get(&key) {
            // A key that was taken away at once takes its tokens with it.
            let holds = keys.knows(&verified.kid) && verified.access.holds(now_us);
            return if holds { Looked::Session(verified.access.session) } else { Looked::Refused };
        }
        match jwt::open(keys, Kind::Access, token) {
            Opened::Foreign => Looked::Foreign,
            Opened::Unknown => Looked::Unknown,
            Opened::Bad => Looked::Refused,
            Opened::Signed(by, claims) => match Access::read(&self.names, &claims) {
                Some(access) if access.holds(now_us) => {
                    let session = access.session;
                    self.verified.insert(key, Arc::new(Verified { kid: Arc::clone(&by.kid), access }));
                    Looked::Session(session)
                }
                _ => Looked::Refused,
            },
        }
    }
}

/// A token of ours whose session has ended is no stranger's: whoever shows it means to be somebody.
fn refused_if_nobodys(reply: Reply<Found>) -> Reply<Found> {
    let refused = |found: Found| if found == Found::Nobody { Found::Refused } else { found };
    match reply {
        Reply::Ready(found) => Reply::Ready(found.map(refused)),
        Reply::Later(wait) => Reply::Later(Box::pin(async move { wait.await.map(refused) })),
    }
}

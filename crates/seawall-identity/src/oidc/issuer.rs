//! An issuer as it is asked: its configuration and its keys, kept for a while.

use std::{fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use seawall_core::{
    clock::Clock,
    fetch::{Ask, Fetch},
};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::{
    Expected, IssuerSettings, Refusal, Subject,
    config::fetchable,
    jwks::{self, Key},
    verify,
};
use crate::IdentityError;

/// How long configuration and keys are kept, and how soon they are read again for a key that is not among them.
const KEPT_US: u64 = 3_600 * 1_000_000;
const AGAIN_US: u64 = 60 * 1_000_000;

/// How long an issuer that could not be read is not asked again: whoever waited for it meanwhile is told at once.
const PAUSE_US: u64 = 5 * 1_000_000;

/// How long keys hold that could not be read again.
const HELD_US: u64 = 24 * 3_600 * 1_000_000;

/// The largest answer of an issuer.
const MOST_BYTES: usize = 256 * 1024;

/// An issuer.
pub(crate) struct Issuer {
    pub(crate) settings: IssuerSettings,
    fetch: Arc<dyn Fetch>,
    clock: Arc<dyn Clock>,
    /// Held while it is asked, so that those who come meanwhile wait for the same answer.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    known: Option<Known>,
    failed: Option<Failed>,
}

/// That it could not be read, and when.
struct Failed {
    why: String,
    at_us: u64,
}

#[derive(Clone)]
struct Known {
    metadata: Arc<Metadata>,
    keys: Arc<[Key]>,
    at_us: u64,
}

#[derive(Deserialize)]
pub(crate) struct Metadata {
    issuer: String,
    pub(crate) authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

impl Issuer {
    pub(crate) fn new(settings: IssuerSettings, fetch: Arc<dyn Fetch>, clock: Arc<dyn Clock>) -> Self {
        Self { settings, fetch, clock, state: Mutex::default() }
    }

    /// Its configuration.
    pub(crate) async fn metadata(&self) -> Result<Arc<Metadata>, IdentityError> {
        Ok(self.known(KEPT_US).await?.metadata)
    }

    /// Verifies an ID token. Keys are read again for one that is not known, once a minute at most.
    pub(crate) async fn subject(&self, token: &str, nonce: Option<&str>, now_s: i64) -> Result<Subject, IdentityError> {
        let IssuerSettings { issuer, client_id, .. } = &self.settings;
        let expected = Expected { issuer, client_id, nonce, now_s };
        let first = verify(&self.known(KEPT_US).await?.keys, token, &expected);
        let judged = match first {
            Err(Refusal::UnknownKey) => verify(&self.known(AGAIN_US).await?.keys, token, &expected),
            other => other,
        };
        judged.map_err(|refusal| {
            tracing::info!(issuer = self.settings.name, %refusal, "an ID token was refused");
            IdentityError::IssuerRefused(refusal.to_string())
        })
    }

    /// The ID token for a code.
    pub(crate) async fn exchange(&self, code: &str, verifier: &str, redirect: &str) -> Result<String, IdentityError> {
        #[derive(Deserialize)]
        struct Tokens {
            id_token: String,
        }
        let metadata = self.metadata().await?;
        let IssuerSettings { client_id, client_secret, .. } = &self.settings;
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect),
            ("code_verifier", verifier),
            ("client_id", client_id),
        ];
        let posted = metadata.token_endpoint_auth_methods_supported.iter().any(|method| method == "client_secret_post");
        let mut authorization = None;
        match client_secret {
            Some(secret) if posted => form.push(("client_secret", secret.expose())),
            Some(secret) => {
                let pair = format!("{}:{}", encoded(client_id), encoded(secret.expose()));
                authorization = Some(format!("Basic {}", STANDARD.encode(pair)).into());
            }
            None => {}
        }
        let url = metadata.token_endpoint.clone();
        let ask = Ask { url, form: Some(query(&form).into()), authorization, most_bytes: MOST_BYTES };
        let fetched = self.fetch.fetch(ask).await.map_err(|fault| IdentityError::IssuerAway(fault.to_string()))?;
        match fetched.status {
            200 => serde_json::from_slice::<Tokens>(&fetched.body)
                .map(|tokens| tokens.id_token)
                .map_err(|_| IdentityError::IssuerRefused("it gave no ID token".to_owned())),
            status @ 400..500 => Err(IdentityError::IssuerRefused(format!("it answered {status} to the code"))),
            status => Err(IdentityError::IssuerAway(format!("it answered {status} to the code"))),
        }
    }

    /// What is known of it, no older than so much when it can be read again.
    async fn known(&self, oldest_us: u64) -> Result<Known, IdentityError> {
        let mut state = self.state.lock().await;
        let now_us = self.clock.now().monotonic_us;
        let younger = |at_us: u64, than_us| now_us.saturating_sub(at_us) < than_us;
        if let Some(known) = state.known.as_ref().filter(|known| younger(known.at_us, oldest_us)) {
            return Ok(known.clone());
        }
        if !state.failed.as_ref().is_some_and(|failed| younger(failed.at_us, PAUSE_US)) {
            match self.read(now_us).await {
                Ok(known) => {
                    *state = State { known: Some(known.clone()), failed: None };
                    return Ok(known);
                }
                Err(error) => {
                    tracing::warn!(issuer = self.settings.name, %error, "the keys of an issuer could not be read");
                    let why = match error {
                        IdentityError::IssuerAway(why) => why,
                        other => other.to_string(),
                    };
                    state.failed = Some(Failed { why, at_us: self.clock.now().monotonic_us });
                }
            }
        }
        let held = state.known.as_ref().filter(|known| younger(known.at_us, HELD_US)).cloned();
        let why = || state.failed.as_ref().map(|failed| failed.why.clone()).unwrap_or_default();
        held.ok_or_else(|| IdentityError::IssuerAway(why()))
    }

    async fn read(&self, at_us: u64) -> Result<Known, IdentityError> {
        let away = |why: &str| IdentityError::IssuerAway(why.to_owned());
        let place = format!("{}/.well-known/openid-configuration", self.settings.issuer.trim_end_matches('/'));
        let metadata: Metadata =
            serde_json::from_slice(&self.get(place).await?).map_err(|_| away("its configuration cannot be read"))?;
        if metadata.issuer != self.settings.issuer {
            return Err(away("its configuration is another issuer's"));
        }
        let addresses = [&metadata.authorization_endpoint, &metadata.token_endpoint, &metadata.jwks_uri];
        if !addresses.iter().all(|address| fetchable(address)) {
            return Err(away("its configuration names addresses that are not https"));
        }
        let keys = jwks::read(&self.get(metadata.jwks_uri.clone()).await?);
        let keys = keys.ok_or_else(|| away("its keys cannot be read"))?;
        Ok(Known { metadata: Arc::new(metadata), keys: keys.into(), at_us })
    }

    async fn get(&self, url: String) -> Result<Vec<u8>, IdentityError> {
        let ask = Ask { url, form: None, authorization: None, most_bytes: MOST_BYTES };
        let fetched = self.fetch.fetch(ask).await.map_err(|fault| IdentityError::IssuerAway(fault.to_string()))?;
        match fetched.status {
            200 => Ok(fetched.body),
            status => Err(IdentityError::IssuerAway(format!("it answered {status}"))),
        }
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer").field("name", &self.settings.name).finish_non_exhaustive()
    }
}

/// Pairs as a query or a form.
pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    let pairs = pairs.iter().map(|(name, value)| format!("{name}={}", encoded(value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

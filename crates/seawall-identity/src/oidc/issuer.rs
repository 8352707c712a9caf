//! An issuer as it is asked: whom an ID token names, and the ID token for a code.

use std::{fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use seawall_core::{
    clock::Clock,
    fetch::{Ask, Fetch},
    http::percent::{UNRESERVED, encoded},
};
use serde::Deserialize;

use super::{
    Expected, IssuerSettings, Refusal, Subject,
    kept::{Kept, MOST_BYTES, Metadata},
    verify,
};
use crate::IdentityError;

/// An issuer.
pub(crate) struct Issuer {
    pub(crate) settings: IssuerSettings,
    fetch: Arc<dyn Fetch>,
    kept: Kept,
}

impl Issuer {
    pub(crate) fn new(settings: IssuerSettings, fetch: Arc<dyn Fetch>, clock: Arc<dyn Clock>) -> Self {
        let kept = Kept::new(&settings, Arc::clone(&fetch), clock);
        Self { settings, fetch, kept }
    }

    /// Its configuration.
    pub(crate) async fn metadata(&self) -> Result<Arc<Metadata>, IdentityError> {
        Ok(self.kept.known().await?.metadata)
    }

    /// Verifies an ID token. Keys are read again for one that is not known.
    pub(crate) async fn subject(&self, token: &str, nonce: Option<&str>, now_s: i64) -> Result<Subject, IdentityError> {
        let IssuerSettings { issuer, client_id, .. } = &self.settings;
        let expected = Expected { issuer, client_id, nonce, now_s };
        let first = verify(&self.kept.known().await?.keys, token, &expected);
        let judged = match first {
            Err(Refusal::UnknownKey) => verify(&self.kept.anew().await?.keys, token, &expected),
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
                let pair = format!("{}:{}", encoded(client_id, UNRESERVED), encoded(secret.expose(), UNRESERVED));
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
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer").field("name", &self.settings.name).finish_non_exhaustive()
    }
}

/// Pairs as a query or a form.
pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    let pairs = pairs.iter().map(|(name, value)| format!("{name}={}", encoded(value, UNRESERVED)));
    pairs.collect::<Vec<_>>().join("&")
}

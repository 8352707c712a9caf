//! The paths of Seawall's own where passwords are tried, and how often that may be.

use seawall_config::Config;
use seawall_core::settings::Values;
use seawall_guards::rate_limit;
use seawall_identity::{SECTION, SIGN_IN_LIMITS};

use super::pages;

/// Where passwords, codes and tokens are tried, below the prefix.
const PATHS: &[&str] = &[
    "auth/sign-in",
    "auth/sign-in/second",
    "auth/confirm",
    "auth/factors/totp/confirm",
    "auth/password",
    "auth/reset",
    "auth/first",
    "auth/register",
    "auth/forgot",
    "auth/oidc/{name}",
    "auth/oidc/{name}/callback",
    "auth/oidc/{name}/link",
    "auth/oidc/{name}/credential",
    "auth/email",
    "auth/email/verify",
    "auth/token",
    "auth/devices/code",
    "auth/devices/look",
    "auth/devices/approve",
    "auth/app-sessions/join",
    "auth/passkeys/register/options",
    "auth/passkeys/register",
    "auth/passkeys/sign-in/options",
    "auth/passkeys/sign-in",
    "auth/passkeys/second/options",
    "auth/passkeys/second",
    "auth/passkeys/confirm/options",
    "auth/passkeys/confirm",
];

/// Where a body is taken too and nothing can be guessed: refresh tokens are limited as everything is.
const REFRESH: &str = "auth/refresh";

/// Where keys are made, devices ask whether they were approved, and the like, below the prefix: these take a body too.
const KEY_PATHS: &[&str] = &[
    "auth/keys",
    "auth/keys/{id}/rotate",
    "auth/devices/token",
    "auth/devices/{id}/name",
    "auth/app-sessions",
    "auth/app-sessions/{id}/token",
    "auth/organisation",
    "auth/passkeys/{id}/name",
];

/// The same, and the forms of pages where nothing is tried.
pub(in crate::app) fn key_paths(prefix: &str) -> impl Iterator<Item = String> {
    KEY_PATHS.iter().chain(&pages::POSTED).map(move |path| pages::under(prefix, path))
}

/// What is limited by itself.
#[derive(Clone, Debug)]
pub(in crate::app) struct Limited {
    /// The routes.
    pub(in crate::app) routes: Vec<String>,
    /// The rate limit's settings there.
    pub(in crate::app) rate_limit: Values,
    /// The route where tokens are refreshed, with the limits of all routes.
    pub(in crate::app) refresh: (String, Values),
}

impl Limited {
    /// Of this configuration.
    pub(in crate::app) fn of(config: &Config, prefix: &str) -> Self {
        let refresh = (format!("{prefix}/{REFRESH}"), config.values(&rate_limit::SECTION).clone());
        let mut rate_limit = config.values(&rate_limit::SECTION).clone();
        if let Some(limits) = config.values(&SECTION).raw(SIGN_IN_LIMITS.key()) {
            rate_limit.set(rate_limit::LIMITS.key(), limits.clone());
        }
        let tried = PATHS.iter().chain(&pages::TRIED).chain(&pages::CODES);
        Self { routes: tried.map(|path| pages::under(prefix, path)).collect(), rate_limit, refresh }
    }
}

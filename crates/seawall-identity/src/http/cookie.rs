//! The session cookie: its name, and how it is written and taken back.

use std::sync::Arc;

use http::HeaderValue;

use crate::{
    config::CookieName,
    sessions::{Limits, Token},
};

/// The session cookie of an installation.
#[derive(Clone, Debug)]
pub struct SessionCookie {
    name: Arc<str>,
    secure: bool,
}

impl SessionCookie {
    /// For https alone, with the prefix that keeps other hosts from setting it; or for http too, while an application is developed.
    #[must_use]
    pub fn new(name: &CookieName, secure: bool) -> Self {
        let prefix = if secure { "__Host-" } else { "" };
        Self { name: format!("{prefix}{}", name.as_str()).into(), secure }
    }

    /// Its whole name.
    #[must_use]
    pub const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Whether it travels over https alone.
    #[must_use]
    pub const fn secure(&self) -> bool {
        self.secure
    }

    /// Gives it to a browser for as long as the session can last.
    pub(super) fn give(&self, token: &Token, limits: Limits) -> Option<HeaderValue> {
        self.write(token.expose(), limits.absolute_us / 1_000_000)
    }

    /// Takes it back.
    pub(super) fn take_back(&self) -> Option<HeaderValue> {
        self.write("", 0)
    }

    fn write(&self, value: &str, max_age_s: i64) -> Option<HeaderValue> {
        let secure = if self.secure { "; Secure" } else { "" };
        let text = format!("{}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}", self.name);
        let mut value = HeaderValue::try_from(text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

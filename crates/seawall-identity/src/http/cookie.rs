//! The session cookie: its name, and how it is written and taken back.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, header::COOKIE};

use crate::{
    attempts::KNOWN_S,
    config::CookieName,
    sessions::{Limits, Token},
};

/// The session cookie of an installation.
#[derive(Clone, Debug)]
pub struct SessionCookie {
    name: Arc<str>,
    device_name: Arc<str>,
    secure: bool,
}

impl SessionCookie {
    /// For https alone, with the prefix that keeps other hosts from setting it; or for http too, while an application is developed.
    #[must_use]
    pub fn new(name: &CookieName, secure: bool) -> Self {
        let prefix = if secure { "__Host-" } else { "" };
        let name = format!("{prefix}{}", name.as_str());
        Self { device_name: format!("{name}-device").into(), name: name.into(), secure }
    }

    /// Its whole name.
    #[must_use]
    pub const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The whole name of the cookie by which a device is known.
    #[must_use]
    pub const fn device_name(&self) -> &Arc<str> {
        &self.device_name
    }

    /// Whether it travels over https alone.
    #[must_use]
    pub const fn secure(&self) -> bool {
        self.secure
    }

    /// Gives it to a browser for as long as the session can last.
    pub(super) fn give(&self, token: &Token, limits: Limits) -> Option<HeaderValue> {
        self.write(&self.name, token.expose(), limits.absolute_us / 1_000_000)
    }

    /// Gives a browser what its device is known by.
    pub(super) fn give_device(&self, value: &str) -> Option<HeaderValue> {
        self.write(&self.device_name, value, i64::try_from(KNOWN_S).unwrap_or(i64::MAX))
    }

    /// What the device is known by, as it came; nothing when it came with several values.
    pub(super) fn device(&self, headers: &HeaderMap) -> Option<String> {
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
        let mut sent = pairs.filter(|(name, _)| name.trim() == &*self.device_name).map(|(_, value)| value.trim());
        let first = sent.next()?;
        sent.all(|other| other == first).then(|| first.to_owned())
    }

    /// Takes it back.
    pub(super) fn take_back(&self) -> Option<HeaderValue> {
        self.write(&self.name, "", 0)
    }

    fn write(&self, name: &str, value: &str, max_age_s: i64) -> Option<HeaderValue> {
        let secure = if self.secure { "; Secure" } else { "" };
        let text = format!("{name}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}");
        let mut value = HeaderValue::try_from(text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

//! The session cookie: its name, and how it is written and taken back.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, header::COOKIE};

use super::pages::{FORM, STEP};
use crate::{
    attempts::KNOWN_S,
    config::CookieName,
    oidc::FLOW_S,
    passkeys::CEREMONY_S,
    people::Tokens,
    sessions::{Limits, Token},
};

/// The session cookie of an installation.
#[derive(Clone, Debug)]
pub struct SessionCookie {
    name: Arc<str>,
    refresh: Arc<str>,
    device_name: Arc<str>,
    secure: bool,
}

impl SessionCookie {
    /// For https alone, with the prefix that keeps other hosts from setting it; or for http too, while an application is developed.
    #[must_use]
    pub fn new(name: &CookieName, secure: bool) -> Self {
        let prefix = if secure { "__Host-" } else { "" };
        let whole = format!("{prefix}{}", name.as_str());
        let (refresh, device_name) = (format!("{whole}_refresh").into(), format!("{whole}-device").into());
        Self { refresh, device_name, name: whole.into(), secure }
    }

    /// Its whole name.
    #[must_use]
    pub const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The whole name of the one beside it, which holds a refresh token where browsers keep tokens.
    #[must_use]
    pub const fn refresh_name(&self) -> &Arc<str> {
        &self.refresh
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

    /// Gives tokens to a browser, each for as long as it holds.
    pub fn give_tokens(&self, tokens: &Tokens) -> impl Iterator<Item = HeaderValue> + use<> {
        let access = self.write(&self.name, tokens.access.expose(), tokens.expires_in);
        let refresh = self.write(&self.refresh, tokens.refresh.expose(), tokens.refresh_expires_in);
        access.into_iter().chain(refresh)
    }

    /// Gives a browser what its device is known by.
    pub(super) fn give_device(&self, value: &str) -> Option<HeaderValue> {
        self.write(&self.device_name, value, i64::try_from(KNOWN_S).unwrap_or(i64::MAX))
    }

    /// What the device is known by, as it came; nothing when it came with several values.
    pub(super) fn device(&self, headers: &HeaderMap) -> Option<String> {
        Self::sent(headers, &self.device_name)
    }

    /// Gives a browser what belongs to its way to an issuer and back; nothing takes it back.
    pub(super) fn give_flow(&self, value: &str) -> Option<HeaderValue> {
        let age_s = if value.is_empty() { 0 } else { FLOW_S };
        self.write(&self.flow_name(), value, age_s)
    }

    /// The same, as it came.
    pub(super) fn flow(&self, headers: &HeaderMap) -> Option<String> {
        Self::sent(headers, &self.flow_name())
    }

    /// Gives a browser what belongs to a ceremony of passkeys; nothing takes it back.
    pub(super) fn give_ceremony(&self, value: &str) -> Option<HeaderValue> {
        let age_s = if value.is_empty() { 0 } else { CEREMONY_S };
        self.write(&self.ceremony_name(), value, age_s)
    }

    /// The same, as it came.
    pub(super) fn ceremony(&self, headers: &HeaderMap) -> Option<String> {
        Self::sent(headers, &self.ceremony_name())
    }

    fn ceremony_name(&self) -> String {
        self.beside("passkey")
    }

    fn flow_name(&self) -> String {
        self.beside("oidc")
    }

    /// The whole name of another cookie of Seawall's own.
    pub(super) fn beside(&self, name: &str) -> String {
        format!("{}-{name}", self.name)
    }

    /// Gives a browser another cookie, for so many seconds or until it is closed.
    pub(super) fn give_beside(&self, name: &str, value: &str, age_s: Option<i64>) -> Option<HeaderValue> {
        let age = age_s.map(|age_s| format!("; Max-Age={age_s}")).unwrap_or_default();
        self.write_for(&self.beside(name), value, &age)
    }

    /// The whole names of all cookies beside that of the session and that of refresh tokens. The application has no use for them.
    #[must_use]
    pub fn withheld(&self) -> Arc<[Arc<str>]> {
        let names = [
            Arc::clone(&self.device_name),
            self.flow_name().into(),
            self.ceremony_name().into(),
            self.beside(STEP).into(),
            self.beside(FORM).into(),
        ];
        Arc::new(names)
    }

    /// The value of a cookie; nothing when it came with several.
    pub(super) fn sent(headers: &HeaderMap, name: &str) -> Option<String> {
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
        let mut sent = pairs.filter(|(known, _)| known.trim() == name).map(|(_, value)| value.trim());
        let first = sent.next()?;
        sent.all(|other| other == first).then(|| first.to_owned())
    }

    /// Takes it back, and the one beside it.
    pub(super) fn take_back(&self) -> impl Iterator<Item = HeaderValue> + use<> {
        self.write(&self.name, "", 0).into_iter().chain(self.write(&self.refresh, "", 0))
    }

    fn write(&self, name: &str, value: &str, max_age_s: i64) -> Option<HeaderValue> {
        self.write_for(name, value, &format!("; Max-Age={max_age_s}"))
    }

    fn write_for(&self, name: &str, value: &str, age: &str) -> Option<HeaderValue> {
        let secure = if self.secure { "; Secure" } else { "" };
        let text = format!("{name}={value}; Path=/{age}; HttpOnly; SameSite=Lax{secure}");
        let mut value = HeaderValue::try_from(text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

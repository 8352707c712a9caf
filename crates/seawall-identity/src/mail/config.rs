//! Values of `[identity]` that mail adds.

use seawall_core::settings::{Raw, Setting, Shape};

/// Where people reach the site: links in mail begin with it, never with what a request says of its host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteUrl(String);

impl SiteUrl {
    /// The address, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Setting for SiteUrl {
    const SHAPE: Shape = Shape::Text("address", "https://app.example");

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else { return Err(format!("expected text, found {}", raw.kind())) };
        let uri = text.parse::<http::Uri>().ok();
        let fits = uri.is_some_and(|uri| {
            let host = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
            host && matches!(uri.scheme_str(), Some("https" | "http")) && uri.path() == "/" && uri.query().is_none()
        });
        if fits && !text.contains('#') {
            return Ok(Self(text.trim_end_matches('/').to_owned()));
        }
        Err(format!(
            "\"{}\" is no address of a site; write one such as \"https://app.example\", without a path",
            text.escape_debug()
        ))
    }
}

/// How letters of identity are made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailSettings {
    /// What links begin with: the site's address and the path below which people ask; nothing when no mail can be sent.
    pub links: Option<String>,
    /// Whether people hear of what happened to their accounts.
    pub notices: bool,
}

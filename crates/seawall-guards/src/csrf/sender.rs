//! Which page a request comes from, by what the browser says of it. A page can set none of these fields itself.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{ORIGIN, REFERER},
};
use seawall_core::http::{Origin, OriginPattern};

use crate::cors::same_origin;

static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    /// A page of this very origin, one that is trusted, or whoever is before the browser.
    Own,
    /// A page of another; with what says so.
    Foreign(&'static str),
    /// Nothing says.
    Unknown,
}

/// The origins whose pages are trusted.
#[derive(Clone, Debug)]
pub(super) struct Trusted {
    origins: Box<[Origin]>,
    /// Whether those on localhost are, too.
    local: bool,
}

impl Trusted {
    /// These; `*` names none of them, because it never comes with credentials.
    pub(super) fn new(patterns: impl IntoIterator<Item = OriginPattern>, local: bool) -> Self {
        let exactly = |pattern| match pattern {
            OriginPattern::Exactly(origin) => Some(origin),
            OriginPattern::Any => None,
        };
        Self { origins: patterns.into_iter().filter_map(exactly).collect(), local }
    }

    fn holds(&self, origin: &str) -> bool {
        self.origins.iter().any(|own| own.as_str() == origin)
            || (self.local && Origin::parse(origin).is_some_and(|origin| origin.local()))
    }
}

/// Fetch Metadata decides where it is sent; then the page's origin; then the page's address.
pub(super) fn of(headers: &HeaderMap, secure: bool, trusted: &Trusted) -> Sender {
    let own = |origin: &str| same_origin(origin, headers, secure) || trusted.holds(origin);
    let Ok(origin) = once(headers, &ORIGIN).map(|origin| origin.map(text)) else {
        return Sender::Foreign("Origin was sent twice");
    };
    match once(headers, &SEC_FETCH_SITE).map(|site| site.map(HeaderValue::as_bytes)) {
        Ok(Some(b"same-origin" | b"none")) => return Sender::Own,
        Ok(None) => {}
        Ok(Some(_)) | Err(()) if origin.is_some_and(|origin| trusted.holds(origin)) => return Sender::Own,
        Ok(Some(_)) | Err(()) => return Sender::Foreign("Sec-Fetch-Site says that another site asks"),
    }
    match (origin, once(headers, &REFERER).map(|page| page.map(text))) {
        (Some(origin), _) if own(origin) => Sender::Own,
        (Some(_), _) => Sender::Foreign("Origin names another origin"),
        (None, Ok(None)) => Sender::Unknown,
        (None, Ok(Some(page))) if origin_of(page).is_some_and(own) => Sender::Own,
        (None, Ok(Some(_)) | Err(())) => Sender::Foreign("Referer names a page of another origin"),
    }
}

/// What is no text is nobody's origin, as an empty one is.
fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default()
}

/// The field; an error when it was sent more than once.
fn once<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, ()> {
    let mut lines = headers.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (line, None) => Ok(line),
        (_, Some(_)) => Err(()),
    }
}

/// The origin at the beginning of an address, as it stands there.
fn origin_of(address: &str) -> Option<&str> {
    let begin = address.find("://")? + 3;
    let end = address.get(begin..)?.find(['/', '?', '#']).map_or(address.len(), |length| begin + length);
    address.get(..end)
}

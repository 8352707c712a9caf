//! What a request to these paths has to be: made by the site's own pages or by no browser, and JSON.

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, Request},
    http::request::Parts,
    middleware::Next,
    response::Response,
};
use http::{
    HeaderMap, HeaderValue,
    header::{CACHE_CONTROL, CONTENT_TYPE, HOST, ORIGIN, USER_AGENT},
};
use seawall_core::{
    facts::Facts,
    json::{self, Limits, Refusal},
    principal::{Principal, PrincipalKind},
};
use serde::de::DeserializeOwned;
use std::sync::Arc;

use super::problems::Refused;

/// The largest body; the way here takes no larger one either.
const MOST_BYTES: usize = 16 * 1024;

/// What a body may hold (checklist WK-1); what a browser says of a passkey is one long string.
const LIMITS: Limits = Limits { characters: 16 * 1024, ..Limits::CHECKLIST };

/// What is known of a request.
pub(super) struct Known(pub(super) Facts);

impl<S: Sync> FromRequestParts<S> for Known {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        let facts = parts.extensions.get::<Facts>().cloned();
        // Only the way from the data plane leads here, and it brings them.
        facts.map(Self).ok_or_else(|| Refused::cross_site("the request came without its facts"))
    }
}

/// Whose request it is: a person's who signed in. Nobody's is refused, and a program's too.
pub(super) struct Somebody(pub(super) Arc<Principal>);

impl<S: Sync> FromRequestParts<S> for Somebody {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        let facts = parts.extensions.get::<Facts>();
        let principal = facts.and_then(|facts| facts.principal.clone()).ok_or_else(Refused::nobody)?;
        if principal.kind == PrincipalKind::User { Ok(Self(principal)) } else { Err(Refused::no_session()) }
    }
}

/// With what a request was made.
pub(super) struct Agent(pub(super) Option<String>);

impl<S: Sync> FromRequestParts<S> for Agent {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        let agent = parts.headers.get(USER_AGENT).map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned());
        Ok(Self(agent))
    }
}

/// A body of JSON.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Json<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refused> {
        if !is_json(request.headers()) {
            return Err(Refused::not_json());
        }
        let bytes = axum::body::to_bytes(request.into_body(), MOST_BYTES).await;
        let bytes = bytes.map_err(|_| Refused::invalid("The body is too large."))?;
        json::check(&bytes, LIMITS).map_err(|refusal| Refused::invalid(refused(&bytes, &refusal)))?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| Refused::invalid(explained(&error)))
    }
}

/// Why a body is not taken, without a value of it: one may be a password.
fn refused(body: &[u8], refusal: &Refusal) -> String {
    let Refusal { fault, at } = refusal;
    match json::pointer(body, LIMITS) {
        way if way.is_empty() => format!("The body is not JSON that every reader reads alike: {fault}, at byte {at}."),
        way => format!("The body is not JSON that every reader reads alike: {fault}, at byte {at} ({way})."),
    }
}

fn explained(error: &serde_json::Error) -> String {
    let place = format!("line {}, column {}", error.line(), error.column());
    format!("The body has not the fields that this path takes, or one is of another kind ({place}).")
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

/// Lets through what the site's own pages ask, and whoever is no browser; nothing of the answers is kept anywhere.
pub(super) async fn own_pages_only(request: Request<Body>, next: Next) -> Result<Response, Refused> {
    if !request.method().is_safe() {
        let secure = request.extensions().get::<Facts>().is_some_and(|facts| facts.secure);
        same_site(request.headers(), secure)?;
    }
    let mut response = next.run(request).await;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn same_site(headers: &HeaderMap, secure: bool) -> Result<(), Refused> {
    if let Some(site) = headers.get("sec-fetch-site")
        && !matches!(site.as_bytes(), b"same-origin" | b"none" | b"same-site")
    {
        return Err(Refused::cross_site("Sec-Fetch-Site says that another site asks"));
    }
    let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
    let scheme: &[u8] = if secure { b"https://" } else { b"http://" };
    let host = headers.get(HOST).map(HeaderValue::as_bytes);
    let own =
        origin.as_bytes().strip_prefix(scheme).zip(host).is_some_and(|(named, host)| named.eq_ignore_ascii_case(host));
    if own { Ok(()) } else { Err(Refused::cross_site("Origin names another origin")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(site: Option<&'static str>, origin: Option<&'static str>, secure: bool) -> bool {
        let mut headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static("app.example:8443"))]);
        if let Some(site) = site {
            headers.insert("sec-fetch-site", HeaderValue::from_static(site));
        }
        if let Some(origin) = origin {
            headers.insert(ORIGIN, HeaderValue::from_static(origin));
        }
        same_site(&headers, secure).is_ok()
    }

    #[test]
    fn pages_of_other_sites_are_refused_and_programs_are_not() {
        assert!(passes(None, None, true));
        assert!(passes(Some("same-origin"), Some("https://app.example:8443"), true));
        assert!(passes(None, Some("https://APP.example:8443"), true));
        for (site, origin, secure) in [
            (Some("cross-site"), None, true),
            (Some("cross-site"), Some("https://app.example:8443"), true),
            (Some("nonsense"), None, true),
            (Some("same-site"), Some("https://other.app.example:8443"), true),
            (None, Some("null"), true),
            (None, Some("https://app.example"), true),
            (None, Some("http://app.example:8443"), true),
            (None, Some("https://app.example:8443"), false),
            (None, Some("https://app.example:8443.evil.example"), true),
        ] {
            assert!(!passes(site, origin, secure), "{site:?} {origin:?}");
        }
    }

    #[test]
    fn only_json_is_json() {
        let is = |kind: &'static str| is_json(&HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]));
        assert!(is("application/json") && is("Application/JSON; charset=utf-8"));
        assert!(!is("text/plain") && !is("application/x-www-form-urlencoded") && !is("application/jsonp"));
        assert!(!is_json(&HeaderMap::new()));
    }
}

//! The pages that links in mail lead to. The token stands behind the `#`, which no browser sends: no log and no `Referer` has it.

use axum::{
    Router,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{
    HeaderName, HeaderValue,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_FRAME_OPTIONS},
};

use super::account::Desk;
use crate::sessions::digest;

/// Takes the token out of the address at once, and sends it with what was typed.
const SCRIPT: &str = include_str!("pages/link.js");
const STYLE: &str = include_str!("pages/link.css");
const RESET: &str = include_str!("pages/reset.html");
const VERIFY: &str = include_str!("pages/verify.html");

/// The routes below `prefix`.
pub(super) fn routes(prefix: &str) -> Router<Desk> {
    let policy = format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
        source(SCRIPT),
        source(STYLE)
    );
    let page = |body: &'static str| {
        let policy = policy.clone();
        get(move || async move { shown(body, &policy) })
    };
    Router::new().route(&format!("{prefix}/reset"), page(RESET)).route(&format!("{prefix}/email/verify"), page(VERIFY))
}

fn shown(body: &'static str, policy: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <style>{STYLE}</style>{body}<script>{SCRIPT}</script></body></html>\n"
    );
    let mut response = Html(html).into_response();
    let headers = response.headers_mut();
    let policy = HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"));
    let fields: [(HeaderName, HeaderValue); 4] = [
        (CONTENT_SECURITY_POLICY, policy),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    ];
    headers.extend(fields);
    response
}

/// A text as a policy names it.
fn source(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(digest(text.as_bytes())))
}

//! What pages load: the stylesheet, the logo, and the script of links in mail. Their addresses change with them, so browsers may keep them.

use std::sync::Arc;

use axum::{
    Router,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{
    HeaderValue,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
};

use super::{
    BELOW,
    theme::{Served, Theme},
};

const SCRIPT: &str = include_str!("link.js");

/// To be raised when the script changes.
pub(super) const SCRIPT_VERSION: &str = "1";

/// A picture that is opened by itself runs nothing: SVG can hold scripts.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'";

/// The routes below `prefix`.
pub(in crate::http) fn routes(prefix: &str, theme: &Arc<Theme>) -> Router {
    let file = |file: Served| get(move || async move { served(&file) });
    let script = Served::new("text/javascript; charset=utf-8", SCRIPT.into());
    let router = Router::new()
        .route(&format!("{prefix}/{BELOW}/style.css"), file(theme.style.clone()))
        .route(&format!("{prefix}/{BELOW}/link.js"), file(script));
    match &theme.logo {
        Some(logo) => router.route(&format!("{prefix}/{BELOW}/logo"), file(logo.clone())),
        None => router,
    }
}

fn served(file: &Served) -> Response {
    let fields = [
        (CONTENT_TYPE, HeaderValue::from_static(file.kind)),
        (CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    ];
    (fields, file.bytes.clone()).into_response()
}

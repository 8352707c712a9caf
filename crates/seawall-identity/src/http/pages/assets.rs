//! What pages load: the stylesheet, the logo, and the scripts of links in mail and of passkeys. Their addresses change with them, so browsers may keep them.

use std::sync::{Arc, LazyLock};

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

/// A script of ours beside a page. All of them are served from here; no page has one within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Script {
    /// It takes the token of a link in a mail out of the address.
    Link,
    /// It asks the browser for passkeys.
    Passkeys,
}

impl Script {
    /// What it is called.
    pub(super) const fn file(self) -> &'static str {
        match self {
            Self::Link => "link.js",
            Self::Passkeys => "passkeys.js",
        }
    }

    pub(super) fn served(self) -> &'static Served {
        static LINK: LazyLock<Served> = LazyLock::new(|| script(include_str!("link.js")));
        static PASSKEYS: LazyLock<Served> = LazyLock::new(|| script(include_str!("passkeys.js")));
        match self {
            Self::Link => &LINK,
            Self::Passkeys => &PASSKEYS,
        }
    }
}

fn script(text: &str) -> Served {
    Served::new("text/javascript; charset=utf-8", text.into())
}

/// A picture that is opened by itself runs nothing: SVG can hold scripts.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'";

/// The routes below `prefix`.
pub(in crate::http) fn routes(prefix: &str, theme: &Arc<Theme>) -> Router {
    let file = |file: Served| get(move || async move { served(&file) });
    let router = Router::new()
        .route(&format!("{prefix}/{BELOW}/style.css"), file(theme.style.clone()))
        .route(&format!("{prefix}/{BELOW}/link.js"), file(Script::Link.served().clone()))
        .route(&format!("{prefix}/{BELOW}/passkeys.js"), file(Script::Passkeys.served().clone()));
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

//! People: the whole way from signing in to what the application learns, over sockets.

mod audited;
#[path = "../../../../seawall-identity/tests/people/authenticator.rs"]
#[expect(dead_code, reason = "the tests of the rules use all of it")]
pub(crate) mod authenticator;
mod authorisation;
mod described;
mod devices;
mod everything;
mod factors;
mod forged;
mod keys;
mod mail;
mod oidc;
mod operator;
mod organisations;
mod page_tokens;
pub(crate) mod pages;
mod passkeys;
mod proxies;
mod revoked;
mod secrets;
mod sessions;
mod sign_in;
mod tokens;
mod two_nodes;
mod unavailable;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use seawall_testkit::{
    StartedApp, TestApp,
    client::{RawResponse, Request},
    upstream::{Kind, Upstream},
};
use serde_json::{Value, json};

pub(crate) const PASSWORD: &str = "correct horse battery";

/// Routes that require somebody.
pub(crate) const CONFIGURATION: &str = r#"
[identity]
enabled = true
sign_in_limits = []

[rate_limit]
limits = []

[route."/private/*"]
access.require = "user"

[route."/admin/*"]
access.require = ["role admin", "role root"]

[route."/hidden/*"]
access.require = "role admin"
access.hidden = true

[route."/watched/*"]
access.require = "role admin"
access.mode = "report"
"#;

/// A Seawall with people, in front of an application that says what it got.
pub(crate) struct Place {
    pub(crate) upstream: Upstream,
    pub(crate) app: StartedApp,
}

impl Place {
    pub(crate) async fn new() -> Self {
        Self::with(CONFIGURATION).await
    }

    pub(crate) async fn with(configuration: &str) -> Self {
        let upstream = Upstream::start(Kind::ByPath).await;
        let app = TestApp::in_front_of(upstream.url()).with_config(configuration).start().await;
        Self { upstream, app }
    }

    /// Asks the admin interface.
    pub(crate) async fn operator(&self, method: &str, path: &str, body: Option<Value>) -> RawResponse {
        let request = Request::new(method, path).header("Authorization", format!("Bearer {}", self.app.admin_token()));
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        self.app.admin_client().request(request).await
    }

    /// Adds a user, and answers its id.
    pub(crate) async fn add(&self, name: &str, roles: &[&str]) -> String {
        let body = json!({ "name": name, "roles": roles, "password": PASSWORD });
        let added = self.operator("POST", "/api/users", Some(body)).await.expect_status(201);
        added.json()["id"].as_str().unwrap().to_owned()
    }

    /// Tries to sign in.
    pub(crate) async fn try_sign_in(&self, name: &str, password: &str) -> RawResponse {
        let body = json!({ "name": name, "password": password });
        self.app.client().post_json("/_seawall/auth/sign-in", &body).await
    }

    /// Signs in, and answers the cookie.
    pub(crate) async fn sign_in(&self, name: &str) -> String {
        cookie(&self.try_sign_in(name, PASSWORD).await.expect_status(200))
    }

    /// Asks with a cookie.
    pub(crate) async fn ask(&self, method: &str, path: &str, cookie: &str, body: Option<Value>) -> RawResponse {
        let request = Request::new(method, path).header("Cookie", cookie);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        self.app.client().request(request).await
    }

    pub(crate) async fn get(&self, path: &str, cookie: &str) -> RawResponse {
        self.ask("GET", path, cookie, None).await
    }
}

/// What an authenticator app shows now (RFC 6238).
pub(crate) fn totp(secret: &str) -> String {
    totp_at(secret, Timestamp::now().as_second())
}

/// What it shows at this second since 1970-01-01T00:00:00Z.
pub(crate) fn totp_at(secret: &str, second: i64) -> String {
    let value = |sign: u8| if sign.is_ascii_uppercase() { sign - b'A' } else { sign - b'2' + 26 };
    let bits: Vec<u8> = secret.bytes().flat_map(|sign| (0..5).rev().map(move |bit| value(sign) >> bit & 1)).collect();
    let key: Vec<u8> = bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | bit)).collect();
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(&key).unwrap();
    mac.update(&(second / 30).to_be_bytes());
    let tag = mac.finalize().into_bytes();
    let at = usize::from(tag.last().unwrap() & 15);
    let number = u32::from_be_bytes(tag.get(at..at + 4).unwrap().try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

/// The session cookie of an answer, as the browser sends it back.
pub(crate) fn cookie(answer: &RawResponse) -> String {
    let written = answer.header("set-cookie").expect("a cookie is set");
    written.split(';').next().unwrap().to_owned()
}

//! Signing in with accounts elsewhere, at an issuer that this test is: the way there and back, what it posts, and what is refused.

mod away;
mod issuer;
mod linking;
mod pages;
mod signing_in;

use std::{collections::HashMap, sync::Arc};

use seawall_core::clock::Clock;
use seawall_testkit::{
    ManualClock, TestApp,
    client::RawResponse,
    upstream::{Kind, Upstream},
};
use serde_json::{Value, json};

pub(super) use self::issuer::Issuer;
use self::issuer::{pairs, signed};
use super::{Place, cookie};

/// A Seawall that knows this issuer by two names: users are made by `one` alone.
async fn place(issuer: &Issuer) -> (Place, Arc<ManualClock>) {
    let entry = |name: &str, more: &str| {
        format!(
            "[identity.oidc.{name}]\nissuer = \"{}\"\nclient_id = \"us\"\nclient_secret = \"the issuers secret\"\n{more}\n",
            issuer.url
        )
    };
    let configuration = format!(
        "[identity]\nenabled = true\nsign_in_limits = []\nurl = \"https://app.example\"\n{}{}\
         [rate_limit]\nlimits = []\n[route.\"/private/*\"]\naccess.require = \"role customer\"\n",
        entry("one", "register = true\nroles = [\"customer\"]"),
        entry("two", "")
    );
    let upstream = Upstream::start(Kind::ByPath).await;
    let clock = Arc::new(ManualClock::default());
    let app = TestApp::in_front_of(upstream.url()).with_config(&configuration).with_clock(Arc::clone(&clock) as _);
    let app = app.start().await;
    (Place { upstream, app }, clock)
}

/// A way that was begun: what the issuer was asked, and the cookie.
pub(super) struct Begun {
    pub(super) asked: HashMap<String, String>,
    pub(super) cookie: String,
}

pub(super) async fn begin(place: &Place, name: &str) -> Begun {
    let sent = place.get(&format!("/_seawall/auth/oidc/{name}?return_to=/private/a"), "").await.expect_status(303);
    begun(sent.header("location").unwrap(), cookie(&sent))
}

pub(super) fn begun(location: &str, cookie: String) -> Begun {
    let (_, query) = location.split_once("/authorize?").unwrap();
    Begun { asked: pairs(query), cookie }
}

pub(super) fn claims(issuer: &Issuer, clock: &ManualClock, nonce: &str) -> Value {
    let now = clock.now().unix_us / 1_000_000;
    json!({ "iss": issuer.url, "sub": "s1", "aud": "us", "iat": now, "exp": now + 300, "nonce": nonce,
            "email": "ann@example.org", "email_verified": true, "name": "Ann" })
}

pub(super) async fn back(place: &Place, name: &str, state: &str, cookie: &str) -> RawResponse {
    place.get(&format!("/_seawall/auth/oidc/{name}/callback?code=c1&state={state}"), cookie).await
}

/// The session of an answer, which has a cookie of the way as well.
pub(super) fn session(answer: &RawResponse) -> String {
    let mut cookies = answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
    let own = cookies.find(|(_, value)| value.starts_with("seawall=")).expect("a session is begun");
    own.1.split(';').next().unwrap().to_owned()
}

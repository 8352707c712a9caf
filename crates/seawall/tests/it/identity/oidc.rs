//! Signing in with accounts elsewhere, at an issuer that this test is: the way there and back, what it posts, and what is refused.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use seawall_core::clock::Clock;
use seawall_testkit::{
    ManualClock, TestApp,
    client::{RawResponse, Request},
    upstream::{Kind, Upstream},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};

use super::{PASSWORD, Place, cookie, pages, totp_at};

/// An issuer on this machine.
pub(super) struct Issuer {
    pub(super) url: String,
    shared: Arc<Mutex<Shared>>,
    task: AbortHandle,
}

#[derive(Default)]
pub(super) struct Shared {
    /// The names of its keys, and what they are made from.
    keys: Vec<(String, u8)>,
    /// What the token endpoint gives next.
    token: String,
    /// What was posted there last.
    pub(super) posted: HashMap<String, String>,
    keys_read: usize,
    /// How often its configuration was asked for.
    asked: usize,
    /// Whether it fails.
    away: bool,
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

impl Issuer {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Mutex::new(Shared { keys: vec![("k1".to_owned(), 1)], ..Shared::default() }));
        let (served, own) = (Arc::clone(&shared), url.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, own.clone(), Arc::clone(&served)));
            }
        });
        Self { url, shared, task: task.abort_handle() }
    }

    /// A token of these claims, by the newest key.
    pub(super) fn sign(&self, claims: &Value) -> String {
        let (kid, seed) = self.shared.lock().unwrap().keys.last().cloned().unwrap();
        signed(&json!({ "alg": "EdDSA", "kid": kid }), claims, seed)
    }

    /// What it was asked, and what it answers.
    pub(super) fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap()
    }

    pub(super) fn gives(&self, token: String) {
        self.shared.lock().unwrap().token = token;
    }
}

fn signed(header: &Value, claims: &Value, seed: u8) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", encode(header), encode(claims));
    let signature = pair(seed).sign(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
}

async fn serve(mut stream: TcpStream, own: String, shared: Arc<Mutex<Shared>>) {
    let mut bytes = Vec::new();
    let (head, body) = loop {
        let mut piece = [0; 4_096];
        let Ok(read @ 1..) = stream.read(&mut piece).await else { return };
        bytes.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        if body.len() >= length.unwrap_or(0) {
            break (head.to_owned(), body.to_owned());
        }
    };
    let answer = {
        let mut shared = shared.lock().unwrap();
        if head.contains("openid-configuration") {
            shared.asked += 1;
        }
        if shared.away {
            let _gone = stream.try_write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            return;
        }
        match head.split(' ').nth(1).unwrap() {
            "/.well-known/openid-configuration" => json!({
                "issuer": own,
                "authorization_endpoint": format!("{own}/authorize"),
                "token_endpoint": format!("{own}/token"),
                "jwks_uri": format!("{own}/keys"),
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
            }),
            "/keys" => {
                shared.keys_read += 1;
                let jwk = |(kid, seed): &(String, u8)| {
                    let x = URL_SAFE_NO_PAD.encode(pair(*seed).public_key().as_ref());
                    json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x, "alg": "EdDSA" })
                };
                json!({ "keys": shared.keys.iter().map(jwk).collect::<Vec<_>>() })
            }
            _ => {
                shared.posted = pairs(&body);
                json!({ "id_token": shared.token, "access_token": "unused", "token_type": "Bearer" })
            }
        }
        .to_string()
    };
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", answer.len());
    let _gone = stream.write_all((head + &answer).as_bytes()).await;
}

/// The pairs of a query or a form.
fn pairs(text: &str) -> HashMap<String, String> {
    let decode = |text: &str| {
        let mut parts = text.split('%');
        let mut bytes = parts.next().unwrap().as_bytes().to_vec();
        for part in parts {
            bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
            bytes.extend_from_slice(&part.as_bytes()[2..]);
        }
        String::from_utf8(bytes).unwrap()
    };
    text.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (decode(name), decode(value))).collect()
}

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

#[tokio::test(flavor = "multi_thread")]
async fn who_has_an_account_elsewhere_becomes_a_user_and_is_known_by_it_when_keys_rotate() {
    let issuer = Issuer::start().await;
    let (place, clock) = place(&issuer).await;
    let way = begin(&place, "one").await;
    assert_eq!(way.asked["redirect_uri"], "https://app.example/_seawall/auth/oidc/one/callback");
    assert_eq!((&*way.asked["response_type"], &*way.asked["code_challenge_method"]), ("code", "S256"));
    assert!(!way.cookie.contains(&way.asked["nonce"]) && !way.cookie.contains(&way.asked["state"]), "it is sealed");
    issuer.gives(issuer.sign(&claims(&issuer, &clock, &way.asked["nonce"])));
    let answer = back(&place, "one", &way.asked["state"], &way.cookie).await.expect_status(303);
    assert_eq!(answer.header("location"), Some("/private/a"));
    let posted = issuer.shared.lock().unwrap().posted.clone();
    let verifier = URL_SAFE_NO_PAD.encode(digest(&SHA256, posted["code_verifier"].as_bytes()));
    assert_eq!((&verifier, &*posted["client_secret"]), (&way.asked["code_challenge"], "the issuers secret"));
    place.get("/private/a", &session(&answer)).await.expect_status(200);
    let who = place.get("/_seawall/auth/session", &session(&answer)).await.json();
    assert_eq!(who["user"]["name"], "ann@example.org");

    // Another key, which is read once for all who come with it, and the same user.
    clock.advance(Duration::from_secs(61));
    issuer.shared.lock().unwrap().keys = vec![("k2".to_owned(), 2)];
    for _ in 0..3 {
        let way = begin(&place, "one").await;
        issuer.gives(issuer.sign(&claims(&issuer, &clock, &way.asked["nonce"])));
        let answer = back(&place, "one", &way.asked["state"], &way.cookie).await.expect_status(303);
        let again = place.get("/_seawall/auth/session", &session(&answer)).await.json();
        assert_eq!(again["user"], who["user"]);
    }
    assert_eq!(issuer.shared.lock().unwrap().keys_read, 2);
    // The old key is one of nobody's; and a stranger's are not looked for again and again.
    for _ in 0..3 {
        let way = begin(&place, "one").await;
        let claims = claims(&issuer, &clock, &way.asked["nonce"]);
        issuer.gives(signed(&json!({ "alg": "EdDSA", "kid": "k1" }), &claims, 1));
        back(&place, "one", &way.asked["state"], &way.cookie).await.expect_problem(403, "issuer-refused");
    }
    assert_eq!(issuer.shared.lock().unwrap().keys_read, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_begun_elsewhere_is_mixed_up_forged_or_too_late_is_refused() {
    let issuer = Issuer::start().await;
    let (place, clock) = place(&issuer).await;
    let (way, other) = (begin(&place, "one").await, begin(&place, "one").await);
    let good = issuer.sign(&claims(&issuer, &clock, &way.asked["nonce"]));
    issuer.gives(good.clone());
    let (state, kept) = (way.asked["state"].as_str(), way.cookie.as_str());
    let mut changed = kept.to_owned();
    changed.pop();
    changed.push(if kept.ends_with('A') { 'B' } else { 'A' });
    for (name, state, cookie) in [
        ("one", state, ""),
        ("one", state, other.cookie.as_str()),
        ("one", state, "seawall-oidc=x"),
        ("one", "", kept),
        ("one", &other.asked["state"], kept),
        ("two", state, kept),
    ] {
        back(&place, name, state, cookie).await.expect_problem(403, "issuer-refused");
    }
    for query in [
        format!("state={state}"),
        format!("state={state}&error=access_denied"),
        format!("code=c1&state={state}&state={state}"),
        format!("code=c1&state={state}&iss=https://evil.example"),
    ] {
        let path = format!("/_seawall/auth/oidc/one/callback?{query}");
        place.get(&path, kept).await.expect_problem(403, "issuer-refused");
    }
    let set = |key: &str, value: Value| {
        let mut claims = claims(&issuer, &clock, &way.asked["nonce"]);
        claims[key] = value;
        claims
    };
    let unsigned = |header: Value| signed(&header, &set("sub", json!("s1")), 9);
    for bad in [
        issuer.sign(&set("aud", json!("them"))),
        issuer.sign(&set("aud", json!(["us", "them"]))),
        issuer.sign(&set("iss", json!("https://evil.example"))),
        issuer.sign(&set("nonce", json!(other.asked["nonce"]))),
        issuer.sign(&set("exp", json!(1))),
        unsigned(json!({ "alg": "none" })),
        unsigned(json!({ "alg": "HS256", "kid": "k1" })),
        unsigned(json!({ "alg": "EdDSA", "kid": "k1" })),
        "no token".to_owned(),
    ] {
        issuer.gives(bad.clone());
        let answer = back(&place, "one", state, kept).await;
        assert_eq!(answer.status, 403, "{bad}");
    }
    issuer.gives(good);
    clock.advance(Duration::from_secs(601));
    back(&place, "one", state, kept).await.expect_problem(403, "issuer-refused");
    place.get("/_seawall/auth/oidc/three", "").await.expect_problem(404, "invalid-input");
    assert_eq!(place.operator("GET", "/api/users", None).await.json()["data"], json!([]), "nobody was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_is_away_is_asked_once_in_a_while_and_its_keys_hold() {
    let issuer = Issuer::start().await;
    issuer.shared.lock().unwrap().away = true;
    let (place, clock) = place(&issuer).await;
    let asked = || issuer.shared.lock().unwrap().asked;
    for _ in 0..3 {
        place.get("/_seawall/auth/oidc/one", "").await.expect_problem(503, "issuer-unavailable");
    }
    assert_eq!(asked(), 1, "who comes after is told what the first was");
    issuer.shared.lock().unwrap().away = false;
    clock.advance(Duration::from_secs(6));
    begin(&place, "one").await;
    issuer.shared.lock().unwrap().away = true;
    for _ in 0..3 {
        clock.advance(Duration::from_secs(7 * 3_600));
        begin(&place, "one").await;
    }
    assert_eq!(asked(), 5);
    clock.advance(Duration::from_secs(7 * 3_600));
    place.get("/_seawall/auth/oidc/one", "").await.expect_problem(503, "issuer-unavailable");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_common_links_nothing_and_a_signed_in_user_does() {
    let issuer = Issuer::start().await;
    let (place, clock) = place(&issuer).await;
    for name in ["ann", "bob"] {
        let body = json!({ "name": name, "email": "ann@example.org", "password": PASSWORD });
        place.operator("POST", "/api/users", Some(body)).await.expect_status(201);
    }
    let way = begin(&place, "two").await;
    issuer.gives(issuer.sign(&claims(&issuer, &clock, &way.asked["nonce"])));
    back(&place, "two", &way.asked["state"], &way.cookie).await.expect_problem(403, "not-linked");

    let link = async |name: &str| {
        let own = place.sign_in(name).await;
        let sent = place.ask("POST", "/_seawall/auth/oidc/two/link", &own, Some(json!({}))).await.expect_status(200);
        let way = begun(sent.json()["location"].as_str().unwrap(), cookie(&sent));
        issuer.gives(issuer.sign(&claims(&issuer, &clock, &way.asked["nonce"])));
        (own, way)
    };
    let (own, way) = link("ann").await;
    // In another session, or in none, it links nothing.
    back(&place, "two", &way.asked["state"], &way.cookie).await.expect_problem(403, "issuer-refused");
    let both = format!("{}; {}", way.cookie, own);
    back(&place, "two", &way.asked["state"], &both).await.expect_status(303);
    let (own, way) = link("bob").await;
    let both = format!("{}; {}", way.cookie, own);
    back(&place, "two", &way.asked["state"], &both).await.expect_problem(409, "linked-elsewhere");

    let way = begin(&place, "two").await;
    issuer.gives(issuer.sign(&claims(&issuer, &clock, &way.asked["nonce"])));
    let answer = back(&place, "two", &way.asked["state"], &way.cookie).await.expect_status(303);
    let who = place.get("/_seawall/auth/session", &session(&answer)).await.json();
    assert_eq!(who["user"]["name"], "ann");
    let own = place.sign_in("ann").await;
    clock.advance(Duration::from_secs(301));
    let old = place.ask("POST", "/_seawall/auth/oidc/two/link", &own, Some(json!({}))).await;
    old.expect_problem(401, "confirm-your-identity");
    place.operator("POST", "/api/users/ann/disable", None).await.expect_status(200);
    let way = begin(&place, "two").await;
    issuer.gives(issuer.sign(&claims(&issuer, &clock, &way.asked["nonce"])));
    back(&place, "two", &way.asked["state"], &way.cookie).await.expect_problem(401, "sign-in-refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_elsewhere_are_seen_and_taken_away_but_for_the_last_way_of_signing_in() {
    let issuer = Issuer::start().await;
    let (place, clock) = place(&issuer).await;
    let way = begin(&place, "one").await;
    issuer.gives(issuer.sign(&claims(&issuer, &clock, &way.asked["nonce"])));
    let own = session(&back(&place, "one", &way.asked["state"], &way.cookie).await.expect_status(303));
    place.get("/_seawall/auth/links", "").await.expect_problem(401, "not-signed-in");
    let seen = place.get("/_seawall/auth/links", &own).await.expect_status(200).json();
    let (id, subject) = (seen["data"][0]["id"].as_str().unwrap(), &seen["data"][0]["subject"]);
    assert_eq!((subject, &seen["data"][0]["issuer"]), (&json!("s1"), &json!(issuer.url)));
    let path = format!("/_seawall/auth/links/{id}");
    place.ask("DELETE", &path, &own, None).await.expect_problem(409, "invalid-input");
    place.ask("DELETE", "/_seawall/auth/links/none", &own, None).await.expect_problem(404, "invalid-input");

    let who = place.get("/_seawall/auth/session", &own).await.json()["user"]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/users/{who}/links");
    assert_eq!(place.operator("GET", &path, None).await.expect_status(200).json(), seen);
    let remove = format!("{path}/remove");
    place.operator("POST", &remove, Some(json!({ "link": "none" }))).await.expect_status(404);
    let removed = place.operator("POST", &remove, Some(json!({ "link": id }))).await.expect_status(200);
    assert_eq!(removed.json(), json!({ "removed": 1 }));
    assert_eq!(place.get("/_seawall/auth/links", &own).await.json()["data"], json!([]), "the session goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_posted_id_token_serves_once_and_only_with_the_cookie_that_the_form_repeats() {
    let issuer = Issuer::start().await;
    let (place, clock) = place(&issuer).await;
    let token = issuer.sign(&claims(&issuer, &clock, ""));
    let post = async |token: &str, cookie: &str, field: &str| {
        let form = format!("credential={token}&g_csrf_token={field}");
        let request = Request::new("POST", "/_seawall/auth/oidc/one/credential")
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("Origin", "https://accounts.example")
            .header("Sec-Fetch-Site", "cross-site")
            .header("Cookie", cookie)
            .body(form);
        place.app.client().request(request).await
    };
    for (cookie, field) in
        [("", ""), ("g_csrf_token=", ""), ("g_csrf_token=a", "b"), ("", "a"), ("g_csrf_token=a; g_csrf_token=b", "a")]
    {
        post(&token, cookie, field).await.expect_problem(403, "issuer-refused");
    }
    let answer = post(&token, "g_csrf_token=a", "a").await.expect_status(303);
    place.get("/private/a", &session(&answer)).await.expect_status(200);
    post(&token, "g_csrf_token=a", "a").await.expect_problem(403, "issuer-refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_does_not_answer_keeps_nobody_waiting() {
    let issuer = Issuer::start().await;
    let (place, _clock) = place(&issuer).await;
    issuer.task.abort();
    let answer = place.get("/_seawall/auth/oidc/one", "").await;
    answer.expect_problem(503, "issuer-unavailable");
    assert!(answer.header("retry-after").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_lead_to_accounts_elsewhere_and_back_by_the_second_factor() {
    let issuer = Issuer::start().await;
    let (place, clock) = place(&issuer).await;
    let shown = place.get("/_seawall/auth/pages/sign-in?next=/private/a", "").await.expect_status(200).text();
    let way = "<a href=\"/_seawall/auth/oidc/one?return_to=/private/a\">Sign in with one</a>";
    assert!(shown.contains(way), "{shown}");
    let signed_in = async |name: &str| {
        let way = begin(&place, name).await;
        issuer.gives(issuer.sign(&claims(&issuer, &clock, &way.asked["nonce"])));
        back(&place, name, &way.asked["state"], &way.cookie).await.expect_status(303)
    };
    let own = session(&signed_in("one").await);
    let linking = place.post_form("account/elsewhere", &own, &[("name", "two")]).await.expect_status(200);
    assert!(linking.text().contains("/authorize?response_type=code&amp;client_id=us&amp;"), "{linking:?}");
    assert!(linking.headers_named("set-cookie").iter().any(|cookie| cookie.starts_with("seawall-oidc=")));
    place.post_form("account/elsewhere", &own, &[("name", "three")]).await.expect_status(404);

    let enrolment = place.ask("POST", "/_seawall/auth/factors/totp", &own, None).await.expect_status(201).json();
    let code = totp_at(enrolment["secret"].as_str().unwrap(), (clock.now().unix_us / 1_000_000).try_into().unwrap());
    let confirmed = place.post_form("account/factors/app/confirm", &own, &[("code", &code)]).await.expect_status(200);
    let text = confirmed.text();
    let recovery = text.split_once("<li><code>").unwrap().1.split('<').next().unwrap();
    let asked = signed_in("one").await;
    assert_eq!(asked.header("location"), Some("/_seawall/auth/pages/sign-in/code?next=/private/a"));
    let given = asked.headers_named("set-cookie");
    let ticket = given.iter().find(|cookie| cookie.starts_with("seawall-step=")).unwrap().split(';').next().unwrap();
    let fields = [("code", recovery), ("next", "/private/a")];
    let answer = place.post_form("sign-in/code", ticket, &fields).await.expect_status(303);
    place.get("/private/a", &session(&answer)).await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_page_a_linked_account_is_seen_and_unlinked_but_for_the_last_way_of_signing_in() {
    let issuer = Issuer::start().await;
    let (place, clock) = place(&issuer).await;
    let way = begin(&place, "one").await;
    issuer.gives(issuer.sign(&claims(&issuer, &clock, &way.asked["nonce"])));
    let own = session(&back(&place, "one", &way.asked["state"], &way.cookie).await.expect_status(303));
    let links = place.get("/_seawall/auth/links", &own).await.expect_status(200).json();
    let id = links["data"][0]["id"].as_str().unwrap().to_owned();
    let part = pages::page("account/elsewhere");
    let shown = place.get(&part, &own).await.expect_status(200).text();
    assert!(shown.contains("<dd>s1</dd>") && shown.contains(&id), "{shown}");
    let last = place.post_form("account/elsewhere/unlink", &own, &[("id", &id)]).await.expect_status(409);
    assert!(last.text().contains("only way to sign in"), "{}", last.text());

    let bob = json!({ "name": "bob", "password": PASSWORD });
    place.operator("POST", "/api/users", Some(bob)).await.expect_status(201);
    let own = place.sign_in("bob").await;
    let sent = place.ask("POST", "/_seawall/auth/oidc/two/link", &own, Some(json!({}))).await.expect_status(200);
    let way = begun(sent.json()["location"].as_str().unwrap(), cookie(&sent));
    let mut his = claims(&issuer, &clock, &way.asked["nonce"]);
    his["sub"] = json!("s2");
    issuer.gives(issuer.sign(&his));
    back(&place, "two", &way.asked["state"], &format!("{}; {own}", way.cookie)).await.expect_status(303);
    let links = place.get("/_seawall/auth/links", &own).await.expect_status(200).json();
    let id = links["data"][0]["id"].as_str().unwrap().to_owned();
    let done = place.post_form("account/elsewhere/unlink", &own, &[("id", &id)]).await.expect_status(303);
    let shown = place.get(done.header("location").unwrap(), &own).await.expect_status(200).text();
    assert!(shown.contains("it signs nobody in here any more") && shown.contains("You have linked none."), "{shown}");
}

//! Tokens over sockets: for programs, in cookies of browsers, as proof for the application, and asked for by other proxies.

use std::{fs, sync::Arc, time::Duration};

use seawall_testkit::{
    ManualClock, TestApp,
    client::{RawResponse, Request, websocket},
    upstream::{Kind, Upstream},
};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{CONFIGURATION, PASSWORD, Place};

/// A JWT of another issuer.
const FOREIGN: &str = "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn place(more: &str) -> (Place, Arc<ManualClock>) {
    within(&CONFIGURATION.replace("enabled = true", &format!("enabled = true\n{more}"))).await
}

async fn within(configuration: &str) -> (Place, Arc<ManualClock>) {
    let upstream = Upstream::start(Kind::ByPath).await;
    let clock = Arc::new(ManualClock::default());
    let app = TestApp::in_front_of(upstream.url()).with_config(configuration).with_clock(Arc::clone(&clock) as _);
    (Place { upstream, app: app.start().await }, clock)
}

async fn tokens(place: &Place) -> Value {
    let body = json!({ "name": "ann", "password": PASSWORD });
    place.app.client().post_json("/_seawall/auth/token", &body).await.expect_status(200).json()
}

async fn bearer(place: &Place, path: &str, token: &Value) -> RawResponse {
    let field = format!("Bearer {}", token.as_str().unwrap());
    place.app.client().request(Request::get(path).header("Authorization", field)).await
}

/// The cookies of an answer, as a browser sends them back.
fn cookies(answer: &RawResponse) -> String {
    let named = answer.headers_named("set-cookie");
    named.iter().map(|cookie| cookie.split(';').next().unwrap()).collect::<Vec<_>>().join("; ")
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_8_a_program_has_an_access_token_of_a_quarter_hour_and_refreshes_it() {
    let (place, clock) = place("").await;
    let id = place.add("ann", &["admin"]).await;
    let first = tokens(&place).await;
    assert_eq!((&first["token_type"], &first["expires_in"]), (&json!("Bearer"), &json!(900)));
    assert_eq!(first["refresh_expires_in"], 7 * 24 * 3_600);
    bearer(&place, "/admin/a", &first["access_token"]).await.expect_status(200);
    let seen = place.upstream.requests().pop().unwrap();
    assert_eq!((seen.header("x-seawall-user"), seen.header("authorization")), (Some(&*id), None));
    clock.advance(Duration::from_secs(901));
    let expired = bearer(&place, "/open", &first["access_token"]).await;
    expired.expect_problem(401, "invalid-credential");
    assert!(expired.header("www-authenticate").unwrap().contains("error=\"invalid_token\""));
    // A client that sends its old token with everything gets a fresh one all the same.
    let refresh = Request::post("/_seawall/auth/refresh")
        .header("Authorization", format!("Bearer {}", first["access_token"].as_str().unwrap()))
        .json(&json!({ "refresh_token": first["refresh_token"] }));
    let second = place.app.client().request(refresh).await.expect_status(200).json();
    bearer(&place, "/admin/a", &second["access_token"]).await.expect_status(200);
    let wrong = json!({ "refresh_token": "swr_nonsense" });
    place.app.client().post_json("/_seawall/auth/refresh", &wrong).await.expect_problem(401, "invalid-credential");
    let wrong = json!({ "name": "ann", "password": "wrong" });
    place.app.client().post_json("/_seawall/auth/token", &wrong).await.expect_problem(401, "sign-in-refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_another_issuer_passes_to_the_application_untouched() {
    let (place, _) = place("").await;
    place.add("ann", &[]).await;
    tokens(&place).await;
    for field in [FOREIGN, "Basic YTpi", "Bearer opaque", "Bearer a.b.c"] {
        place.app.client().request(Request::get("/open").header("Authorization", field)).await.expect_status(200);
        assert_eq!(place.upstream.requests().pop().unwrap().header("authorization"), Some(field));
    }
    let private = Request::get("/private/a").header("Authorization", FOREIGN);
    place.app.client().request(private).await.expect_problem(401, "not-signed-in");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_refresh_token_closes_the_sockets_of_its_family() {
    let (place, clock) = place("").await;
    place.add("ann", &[]).await;
    let first = tokens(&place).await;
    let field = format!("Bearer {}", first["access_token"].as_str().unwrap());
    let mut socket = websocket(place.app.public(), "/ws", &[("Authorization", &field)]).await;
    let body = json!({ "refresh_token": first["refresh_token"] });
    place.app.client().post_json("/_seawall/auth/refresh", &body).await.expect_status(200);
    clock.advance(Duration::from_secs(11));
    place.app.client().post_json("/_seawall/auth/refresh", &body).await.expect_problem(401, "invalid-credential");
    let closed = timeout(Duration::from_secs(1), socket.expect_close()).await.expect("it is closed");
    assert_eq!(closed.map(|(code, _)| code), Some(1_008));
    bearer(&place, "/open", &first["access_token"]).await.expect_problem(401, "invalid-credential");
    let log = place.operator("GET", "/api/audit-log", None).await.expect_status(200).json();
    let replayed = log["data"].as_array().unwrap().iter().find(|entry| entry["action"] == "session.refresh_replayed");
    assert_eq!(replayed.unwrap()["outcome"], "refused");
}

/// The token's own quarter of an hour bounds the handshake alone. Whether frames are looked at or pass as bytes.
#[tokio::test(flavor = "multi_thread")]
async fn a_socket_ends_with_the_session_that_it_was_opened_in() {
    for mode in ["enforce", "off"] {
        let (place, clock) = within(&format!("{CONFIGURATION}\n[websocket]\nmode = \"{mode}\"\n")).await;
        place.add("ann", &[]).await;
        let first = tokens(&place).await;
        let field = format!("Bearer {}", first["access_token"].as_str().unwrap());
        let mut socket = websocket(place.app.public(), "/ws", &[("Authorization", &field)]).await;
        let mut nobody = websocket(place.app.public(), "/ws", &[]).await;
        clock.advance(DAY * 6);
        socket.send_text("still here").await;
        assert_eq!(socket.receive_text().await, "still here");
        clock.advance(DAY * 2);
        let ended = timeout(Duration::from_secs(5), async {
            if mode == "enforce" {
                assert_eq!(socket.expect_close().await.map(|(code, _)| code), Some(1_008));
            }
            socket.expect_ended().await;
        });
        ended.await.unwrap_or_else(|_| panic!("it stays open with frames {mode}"));
        nobody.send_text("still here").await;
        assert_eq!(nobody.receive_text().await, "still here");
        place.upstream.until("one to be left", |upstream| upstream.open_connections() == 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn warm_tokens_are_looked_up_in_memory_and_no_secret_of_theirs_is_in_the_store() {
    let (place, _) = place("signed = true").await;
    let id = place.add("ann", &[]).await;
    let first = tokens(&place).await;
    let body = json!({ "refresh_token": first["refresh_token"] });
    let second = place.app.client().post_json("/_seawall/auth/refresh", &body).await.expect_status(200).json();
    bearer(&place, "/private/a", &second["access_token"]).await.expect_status(200);
    let proof = place.upstream.requests().pop().unwrap().header("x-seawall-token").unwrap().to_owned();
    let reads = || place.app.metric("seawall_cache_lookups", &["sessions", "miss"]);
    let before = reads();
    for _ in 0..20 {
        bearer(&place, "/private/a", &second["access_token"]).await.expect_status(200);
    }
    assert_eq!(reads(), before);
    assert_eq!(place.upstream.requests().pop().unwrap().header("x-seawall-token"), Some(&*proof), "signed once");
    let mut held = Vec::new();
    for file in fs::read_dir(place.app.data()).unwrap().flatten().filter(|file| file.file_type().unwrap().is_file()) {
        held.extend(fs::read(file.path()).unwrap());
    }
    let holds = |needle: &str| held.windows(needle.len()).any(|window| window == needle.as_bytes());
    assert!(holds(&id), "the store was looked at");
    let log = place.app.log_text();
    for secret in [&first["access_token"], &first["refresh_token"], &second["access_token"], &second["refresh_token"]] {
        let secret = secret.as_str().unwrap();
        assert!(!holds(secret) && !log.contains(secret), "{secret}");
    }
    assert!(!holds(&proof) && !log.contains(&proof));
}

#[tokio::test(flavor = "multi_thread")]
async fn proof_is_signed_with_a_published_key_for_a_minute_and_given_while_half_of_it_is_left() {
    let (place, clock) = place("signed = true\naudience = \"orders\"\nissuer = \"https://app.example\"").await;
    let id = place.add("ann", &["admin"]).await;
    let session = place.sign_in("ann").await;
    let proof = async || {
        place.get("/open", &session).await.expect_status(200);
        place.upstream.requests().pop().unwrap().header("x-seawall-token").unwrap().to_owned()
    };
    let first = proof().await;
    let part = |place: usize| {
        let bytes = base64_url(first.split('.').nth(place).unwrap());
        serde_json::from_slice::<Value>(&bytes).unwrap()
    };
    let (header, claims) = (part(0), part(1));
    assert_eq!(
        (&claims["aud"], &claims["iss"], &claims["sub"]),
        (&json!("orders"), &json!("https://app.example"), &json!(id))
    );
    assert_eq!((&claims["roles"], &header["typ"]), (&json!(["admin"]), &json!("seawall-proof+jwt")));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);
    let keys = place.app.client().get("/_seawall/auth/jwks.json").await.expect_status(200);
    assert_eq!(keys.header("cache-control"), Some("public, max-age=300"));
    assert_eq!(keys.json()["keys"][0]["kid"], header["kid"]);
    clock.advance(Duration::from_secs(29));
    assert_eq!(proof().await, first);
    clock.advance(Duration::from_secs(2));
    assert_ne!(proof().await, first);
    let request = Request::get("/open").header("Authorization", format!("Bearer {first}"));
    place.app.client().request(request).await.expect_problem(401, "invalid-credential");
    // Nobody's request carries none, and nobody forges one.
    place.app.client().request(Request::get("/open").header("X-Seawall-Token", "forged")).await.expect_status(200);
    assert_eq!(place.upstream.requests().pop().unwrap().header("x-seawall-token"), None);
}

fn base64_url(text: &str) -> Vec<u8> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => u32::from(byte - b'A'),
        b'a'..=b'z' => u32::from(byte - b'a') + 26,
        b'0'..=b'9' => u32::from(byte - b'0') + 52,
        b'-' => 62,
        _ => 63,
    };
    let mut bytes = Vec::new();
    for chunk in text.as_bytes().chunks(4) {
        let bits = chunk.iter().fold(0, |bits, &byte| bits << 6 | value(byte)) << (6 * (4 - chunk.len()));
        bytes.extend(bits.to_be_bytes().into_iter().skip(1).take(chunk.len() - 1));
    }
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_8_browsers_that_keep_tokens_are_refreshed_silently_on_the_way() {
    let (place, clock) = place("browser = \"tokens\"").await;
    place.add("ann", &[]).await;
    let signed_in = place.try_sign_in("ann", PASSWORD).await.expect_status(200);
    assert_eq!(signed_in.headers_named("set-cookie").len(), 3, "both tokens, and what the device is known by");
    assert!(signed_in.headers_named("set-cookie").iter().all(|cookie| cookie.contains("HttpOnly; SameSite=Lax")));
    let both = cookies(&signed_in);
    let answer = place.get("/private/a", &both).await.expect_status(200);
    assert!(answer.headers_named("set-cookie").is_empty());
    assert_eq!(place.upstream.requests().pop().unwrap().header("cookie"), None);
    clock.advance(Duration::from_secs(901));
    let answers = [place.get("/private/a", &both).await, place.get("/private/b", &both).await];
    let fresh = answers.map(|answer| {
        let answer = answer.expect_status(200);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        cookies(&answer)
    });
    let refresh = |cookies: &str| cookies.split("; ").nth(1).unwrap().to_owned();
    assert_eq!(refresh(&fresh[0]), refresh(&fresh[1]), "two pages at once get one successor");
    place.get("/private/a", &fresh[0]).await.expect_status(200);
    let asked = place.ask("POST", "/_seawall/auth/refresh", &fresh[0], None).await.expect_status(204);
    assert_eq!(asked.headers_named("set-cookie").len(), 2);
    let fresh = cookies(&asked);
    let out = place.ask("POST", "/_seawall/auth/sign-out", &fresh, None).await.expect_status(204);
    assert!(out.headers_named("set-cookie").iter().all(|cookie| cookie.contains("Max-Age=0")));
    place.get("/private/a", &fresh).await.expect_problem(401, "not-signed-in");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_proxies_ask_who_a_request_is_from() {
    let configuration = CONFIGURATION.replace("enabled = true", "enabled = true\nsign_in_page = \"/login\"");
    let place = Place::with(&format!("{configuration}\n[client_address]\ntrusted = [\"127.0.0.1\"]\n")).await;
    let id = place.add("ann", &["editor"]).await;
    let secure = |request: Request| request.header("X-Forwarded-Proto", "https").header("X-Forwarded-For", "192.0.2.1");
    let body = json!({ "name": "ann", "password": PASSWORD });
    let signed_in = place.app.client().request(secure(Request::post("/_seawall/auth/sign-in").json(&body))).await;
    let session = cookies(&signed_in.expect_status(200));
    let ask = async |path: &str, fields: &[(&str, &str)]| {
        let request = secure(Request::get(format!("/_seawall/auth/forward{path}")));
        let request = fields.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        place.app.client().request(request).await
    };
    let good = ask("", &[("Cookie", &session), ("X-Seawall-User", "forged")]).await.expect_status(200);
    assert_eq!((good.header("x-seawall-user"), good.header("x-seawall-user-name")), (Some(&*id), Some("ann")));
    assert_eq!((good.header("x-seawall-roles"), good.header("cache-control")), (Some("editor"), Some("no-store")));
    assert_eq!(good.header("x-seawall-token").unwrap().split('.').count(), 3);
    ask("?require=role%20editor", &[("Cookie", &session)]).await.expect_status(200);
    ask("?require=role%20admin", &[("Cookie", &session)]).await.expect_problem(403, "not-allowed");
    ask("?require=admin", &[("Cookie", &session)]).await.expect_problem(400, "invalid-input");
    ask("?requires=role%20admin", &[("Cookie", &session)]).await.expect_problem(400, "invalid-input");
    ask("", &[("X-Seawall-User", "forged")]).await.expect_problem(401, "not-signed-in");
    ask("", &[("Authorization", FOREIGN)]).await.expect_problem(401, "not-signed-in");
    // As Envoy asks: the path and the query are the client's.
    for path in ["orders/1?require=nonsense", "?utm=1&redirect", ""] {
        ask(&format!("/envoy/{path}"), &[("Cookie", &session)]).await.expect_status(200);
        ask(&format!("/envoy/{path}"), &[("Accept", "text/html")]).await.expect_status(401);
    }
    let page = [("Accept", "text/html"), ("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", "/orders?a=b")];
    let sent = ask("?redirect", &page).await.expect_status(302);
    assert_eq!(sent.header("location"), Some("/login?return_to=/orders%3Fa%3Db"));
    ask("", &page).await.expect_status(401);
}

//! The way to an issuer and back, and what its page posts: who comes in, and what is refused.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use seawall_testkit::client::Request;
use serde_json::{Value, json};

use super::{Issuer, back, begin, claims, place, session, signed};

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
    let posted = issuer.shared().posted.clone();
    let verifier = URL_SAFE_NO_PAD.encode(digest(&SHA256, posted["code_verifier"].as_bytes()));
    assert_eq!((&verifier, &*posted["client_secret"]), (&way.asked["code_challenge"], "the issuers secret"));
    place.get("/private/a", &session(&answer)).await.expect_status(200);
    let who = place.get("/_seawall/auth/session", &session(&answer)).await.json();
    assert_eq!(who["user"]["name"], "ann@example.org");

    // Another key, which is read once for all who come with it, and the same user.
    clock.advance(Duration::from_secs(61));
    issuer.shared().keys = vec![("k2".to_owned(), 2)];
    for _ in 0..3 {
        let way = begin(&place, "one").await;
        issuer.gives(issuer.sign(&claims(&issuer, &clock, &way.asked["nonce"])));
        let answer = back(&place, "one", &way.asked["state"], &way.cookie).await.expect_status(303);
        let again = place.get("/_seawall/auth/session", &session(&answer)).await.json();
        assert_eq!(again["user"], who["user"]);
    }
    assert_eq!(issuer.shared().keys_read, 2);
    // The old key is one of nobody's; and a stranger's are not looked for again and again.
    for _ in 0..3 {
        let way = begin(&place, "one").await;
        let claims = claims(&issuer, &clock, &way.asked["nonce"]);
        issuer.gives(signed(&json!({ "alg": "EdDSA", "kid": "k1" }), &claims, 1));
        back(&place, "one", &way.asked["state"], &way.cookie).await.expect_problem(403, "issuer-refused");
    }
    assert_eq!(issuer.shared().keys_read, 2);
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

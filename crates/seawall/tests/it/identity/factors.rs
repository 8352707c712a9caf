//! Second factors and younger proofs over sockets: what pages ask, and what routes require.

use seawall_testkit::client::RawResponse;
use serde_json::{Value, json};

use super::{PASSWORD, Place, cookie};

const CONFIGURATION: &str = r#"
[identity]
enabled = true
sign_in_limits = []
authenticator_name = "My App"

[rate_limit]
limits = []

[route."/strong/*"]
access.require = "second factor"

[route."/fresh/*"]
access.require = "fresh 5min"

[route."/instant/*"]
access.require = "fresh 1ms"
"#;

/// Posts a body with a cookie.
async fn post(place: &Place, path: &str, cookie: &str, body: Value) -> RawResponse {
    place.ask("POST", &format!("/_seawall/auth/{path}"), cookie, Some(body)).await
}

/// Enrols an app whose codes are not needed: recovery codes serve. Answers them and the session.
async fn enrol(place: &Place, session: &str) -> (Vec<String>, String) {
    let enrolment = post(place, "factors/totp", session, json!({})).await.expect_status(201).json();
    let (secret, uri) = (enrolment["secret"].as_str().unwrap(), enrolment["uri"].as_str().unwrap());
    assert!(uri.starts_with("otpauth://totp/My%20App:ann?secret=") && uri.contains(secret), "{uri}");
    let code = crate::identity::totp(secret);
    let first = post(place, "factors/totp/confirm", session, json!({ "code": code })).await.expect_status(200);
    let codes: Vec<String> = serde_json::from_value(first.json()["recovery_codes"].clone()).unwrap();
    (codes, cookie(&first))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_an_app_signs_in_in_two_steps_and_may_use_what_needs_them() {
    let place = Place::with(CONFIGURATION).await;
    let id = place.add("ann", &[]).await;
    let session = place.sign_in("ann").await;
    place.get("/strong/a", &session).await.expect_problem(403, "second-factor-required");
    let wrong = post(&place, "factors/totp/confirm", &session, json!({ "code": "12345" })).await;
    wrong.expect_problem(401, "code-refused");
    let none = post(&place, "factors/recovery-codes", &session, json!({})).await;
    none.expect_problem(409, "factor-conflict");
    let (codes, session) = enrol(&place, &session).await;
    assert_eq!(codes.len(), 10);
    place.get("/strong/a", &session).await.expect_status(200);

    let first = place.try_sign_in("ann", PASSWORD).await.expect_status(202);
    assert_eq!((first.json()["next"].as_str(), first.header("set-cookie")), (Some("second-factor"), None));
    let ticket = first.json()["ticket"].clone();
    let wrong = post(&place, "sign-in/second", "", json!({ "ticket": ticket, "code": "nonsense" })).await;
    wrong.expect_problem(401, "code-refused");
    let second = post(&place, "sign-in/second", "", json!({ "ticket": ticket, "code": codes[0] })).await;
    place.get("/strong/a", &cookie(&second.expect_status(200))).await.expect_status(200);
    let again = post(&place, "sign-in/second", "", json!({ "ticket": ticket, "code": codes[1] })).await;
    again.expect_problem(401, "password-again");
    let shown = place.operator("GET", &format!("/api/users/{id}/factors"), None).await.expect_status(200).json();
    assert_eq!(shown["recovery_codes"], 9);
    place.operator("DELETE", &format!("/api/users/{id}/factors"), None).await.expect_status(200);
    place.get("/strong/a", &session).await.expect_problem(401, "not-signed-in");
    place.sign_in("ann").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_showed_no_code_changes_no_factor() {
    let place = Place::with(CONFIGURATION).await;
    place.add("ann", &[]).await;
    let (session, other) = (place.sign_in("ann").await, place.sign_in("ann").await);
    let enrolment = post(&place, "factors/totp", &session, json!({})).await.expect_status(201).json();
    let code = crate::identity::totp(enrolment["secret"].as_str().unwrap());
    let first = json!({ "code": code, "end_other_sessions": false });
    let own = cookie(&post(&place, "factors/totp/confirm", &session, first).await.expect_status(200));
    let remove = async |session: &str| place.ask("DELETE", "/_seawall/auth/factors/totp", session, None).await;
    remove(&other).await.expect_problem(403, "second-factor-required");
    post(&place, "factors/recovery-codes", &other, json!({})).await.expect_problem(403, "second-factor-required");
    remove(&own).await.expect_status(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_a_younger_proof_says_so_and_takes_one() {
    let place = Place::with(CONFIGURATION).await;
    place.add("ann", &[]).await;
    let session = place.sign_in("ann").await;
    place.get("/fresh/a", &session).await.expect_status(200);
    let refused = place.get("/instant/a", &session).await;
    refused.expect_problem(401, "confirm-your-identity");
    let challenge = refused.header("www-authenticate").unwrap();
    assert!(challenge.contains("insufficient_user_authentication") && challenge.contains("max_age="), "{challenge}");
    post(&place, "confirm", &session, json!({ "password": "wrong" })).await.expect_problem(403, "wrong-password");
    post(&place, "confirm", &session, json!({})).await.expect_problem(400, "invalid-input");
    let confirmed = post(&place, "confirm", &session, json!({ "password": PASSWORD })).await.expect_status(200);
    place.get("/fresh/a", &session).await.expect_problem(401, "not-signed-in");
    place.get("/fresh/a", &cookie(&confirmed)).await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operators_token_gives_another_password_and_deletion_ends_everything() {
    let place = Place::with(CONFIGURATION).await;
    let id = place.add("ann", &[]).await;
    let session = place.sign_in("ann").await;
    let offer = place.operator("POST", "/api/users/ann/reset", None).await.expect_status(200).json();
    let body = json!({ "token": offer["token"], "password": "a rather different one" });
    let done = post(&place, "reset", "", body.clone()).await.expect_status(204);
    assert_eq!(done.header("set-cookie"), None, "nobody is signed in by it");
    post(&place, "reset", "", body).await.expect_problem(403, "reset-refused");
    place.get("/fresh/a", &session).await.expect_problem(401, "not-signed-in");
    place.try_sign_in("ann", PASSWORD).await.expect_problem(401, "sign-in-refused");
    let session = cookie(&place.try_sign_in("ann", "a rather different one").await.expect_status(200));
    place.operator("DELETE", &format!("/api/users/{id}"), None).await.expect_status(200);
    place.get("/fresh/a", &session).await.expect_problem(401, "not-signed-in");
    place.try_sign_in("ann", "a rather different one").await.expect_problem(401, "sign-in-refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_2_a_device_that_signed_in_is_known_by_a_cookie_that_scripts_do_not_see() {
    let place = Place::with(CONFIGURATION).await;
    place.add("ann", &[]).await;
    let answer = place.try_sign_in("ann", PASSWORD).await.expect_status(200);
    let given = answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
    let device = given.map(|(_, value)| value).find(|value| value.starts_with("seawall-device=1.")).unwrap();
    assert!(device.contains("; Max-Age=15552000; HttpOnly; SameSite=Lax"), "{device}");
    let device = device.split(';').next().unwrap();
    for _ in 0..5 {
        place.try_sign_in("ann", "wrong").await.expect_problem(401, "sign-in-refused");
    }
    assert!(place.try_sign_in("ann", PASSWORD).await.header("retry-after").is_some(), "the address is paused");
    let body = json!({ "name": "ann", "password": PASSWORD });
    post(&place, "sign-in", device, body).await.expect_status(200);
    place.get("/open", &format!("{device}; theme=dark")).await.expect_status(200);
    let seen = place.upstream.requests().pop().unwrap();
    assert_eq!(seen.header("cookie"), Some("theme=dark"), "the application has no use for it");
}

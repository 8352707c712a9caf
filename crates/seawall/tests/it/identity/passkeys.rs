//! Passkeys over sockets: made, signed in with, shown as a second step and as a younger proof, and kept.

use seawall_testkit::client::RawResponse;
use serde_json::{Value, json};

use super::{PASSWORD, Place, authenticator::Device, cookie};

const CONFIGURATION: &str = r#"
[identity]
enabled = true
sign_in_limits = []
url = "https://app.example"

[rate_limit]
limits = []

[route."/strong/*"]
access.require = "second factor"
"#;

const ORIGIN: &str = "https://app.example";

async fn post(place: &Place, path: &str, cookie: &str, body: Value) -> RawResponse {
    place.ask("POST", &format!("/_seawall/auth/{path}"), cookie, Some(body)).await
}

/// The options of a ceremony, and the cookie that the browser keeps meanwhile.
async fn begin(place: &Place, what: &str, cookies: &str, body: Value) -> (Value, String) {
    let answer = post(place, &format!("passkeys/{what}/options"), cookies, body).await.expect_status(200);
    let written = answer.header("set-cookie").expect("the ceremony is kept");
    assert!(written.contains("-passkey=") && written.contains("; Max-Age=300; HttpOnly; SameSite=Lax"), "{written}");
    let kept = cookie(&answer);
    (answer.json(), if cookies.is_empty() { kept } else { format!("{cookies}; {kept}") })
}

/// Makes a passkey; answers it and the session.
async fn add(place: &Place, session: &str, device: &mut Device) -> (Value, String) {
    let (options, cookies) = begin(place, "register", session, json!({})).await;
    let body = json!({ "credential": device.make(&options), "name": "Phone" });
    let added = post(place, "passkeys/register", &cookies, body).await.expect_status(201);
    (added.json(), cookie(&added))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_is_made_and_signs_in_without_a_password_over_sockets() {
    let place = Place::with(CONFIGURATION).await;
    let id = place.add("ann", &[]).await;
    let session = place.sign_in("ann").await;
    place.get("/strong/a", &session).await.expect_problem(403, "second-factor-required");
    let mut device = Device::new(ORIGIN, b"one");
    let (added, session) = add(&place, &session, &mut device).await;
    assert_eq!((&added["passkey"]["name"], added["recovery_codes"].as_array().unwrap().len()), (&json!("Phone"), 10));
    assert_eq!(added["passkey"]["aaguid"], "07070707-0707-0707-0707-070707070707");
    place.get("/strong/a", &session).await.expect_status(200);

    let (options, cookies) = begin(&place, "sign-in", "", json!({})).await;
    let body = json!({ "credential": device.show(&options) });
    let signed_in = post(&place, "passkeys/sign-in", &cookies, body.clone()).await.expect_status(200);
    assert_eq!(signed_in.json()["user"]["id"], *id);
    place.get("/strong/a", &cookie(&signed_in)).await.expect_status(200);
    let again = post(&place, "passkeys/sign-in", &cookies, body).await;
    again.expect_problem(401, "passkey-refused");
    for (labels, count) in [(["register", "done"], 1.0), (["sign_in", "done"], 1.0), (["sign_in", "refused"], 1.0)] {
        assert_eq!(place.app.metric("seawall_passkey_ceremonies", &labels), count, "{labels:?}");
    }
    let unread = post(&place, "passkeys/sign-in", "", json!({ "credential": { "id": "?" } })).await;
    unread.expect_problem(400, "invalid-input");
    let (options, cookies) = begin(&place, "register", &session, json!({})).await;
    let mut elsewhere = Device::new("https://evil.example", b"two");
    let body = json!({ "credential": elsewhere.make(&options) });
    let refused = post(&place, "passkeys/register", &cookies, body).await;
    assert!(refused.text().contains("evil.example"), "{}", refused.text());
    refused.expect_problem(422, "passkey-invalid");
    let (options, cookies) = begin(&place, "register", &session, json!({})).await;
    let twice = json!({ "credential": device.make(&options) });
    post(&place, "passkeys/register", &cookies, twice).await.expect_problem(409, "passkey-conflict");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_is_the_second_step_and_a_younger_proof_over_sockets() {
    let place = Place::with(CONFIGURATION).await;
    place.add("ann", &[]).await;
    let mut device = Device::new(ORIGIN, b"one");
    add(&place, &place.sign_in("ann").await, &mut device).await;
    let first = place.try_sign_in("ann", PASSWORD).await.expect_status(202).json();
    assert_eq!(first["with"], json!(["code", "passkey"]));
    let ticket = first["ticket"].clone();
    let (options, cookies) = begin(&place, "second", "", json!({ "ticket": ticket })).await;
    let body = json!({ "ticket": ticket, "credential": device.show(&options) });
    let second = post(&place, "passkeys/second", &cookies, body).await.expect_status(200);
    let session = cookie(&second);
    place.get("/strong/a", &session).await.expect_status(200);
    let (options, cookies) = begin(&place, "confirm", &session, json!({})).await;
    let body = json!({ "credential": device.show(&options) });
    let confirmed = post(&place, "passkeys/confirm", &cookies, body).await.expect_status(200);
    place.get("/strong/a", &session).await.expect_problem(401, "not-signed-in");
    place.get("/strong/a", &cookie(&confirmed)).await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn passkeys_are_listed_renamed_and_removed_by_their_owner_and_by_operators() {
    let place = Place::with(CONFIGURATION).await;
    place.add("ann", &[]).await;
    let (added, session) = add(&place, &place.sign_in("ann").await, &mut Device::new(ORIGIN, b"one")).await;
    let id = added["passkey"]["id"].as_str().unwrap().to_owned();
    let path = format!("passkeys/{id}/name");
    let renamed = post(&place, &path, &session, json!({ "name": "Laptop" })).await.expect_status(200);
    assert_eq!(renamed.json()["name"], "Laptop");
    let listed = place.get("/_seawall/auth/passkeys", &session).await.expect_status(200).json();
    assert_eq!((listed["data"].as_array().unwrap().len(), &listed["data"][0]["name"]), (1, &json!("Laptop")));
    let none = place.ask("DELETE", "/_seawall/auth/passkeys/none", &session, None).await;
    none.expect_problem(404, "invalid-input");
    let own = format!("/_seawall/auth/passkeys/{id}");
    place.ask("DELETE", &own, &session, None).await.expect_status(204);
    let (added, session) = add(&place, &session, &mut Device::new(ORIGIN, b"two")).await;
    let shown = place.operator("GET", "/api/users/ann/factors", None).await.expect_status(200).json();
    assert_eq!(shown["passkeys"][0]["id"], added["passkey"]["id"]);
    let path = format!("/api/users/ann/passkeys/{}", added["passkey"]["id"].as_str().unwrap());
    place.operator("DELETE", &path, None).await.expect_status(200);
    place.operator("DELETE", &path, None).await.expect_status(404);
    place.get("/strong/a", &session).await.expect_problem(401, "not-signed-in");
    place.sign_in("ann").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_domain_there_are_no_passkeys() {
    let off = CONFIGURATION.to_owned() + "[identity.passkeys]\nenabled = false\n";
    for configuration in [CONFIGURATION.replace("https://app.example", "http://192.0.2.1"), off] {
        let place = Place::with(&configuration).await;
        let refused = post(&place, "passkeys/sign-in/options", "", json!({})).await;
        refused.expect_problem(404, "passkeys-unavailable");
    }
}

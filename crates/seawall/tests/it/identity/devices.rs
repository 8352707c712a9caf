//! Devices, over sockets: from the code on a screen to the socket that closes.

use std::time::Duration;

use seawall_testkit::client::{RawResponse, Request, websocket};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{CONFIGURATION, Place};

const DEVICES: &str = "/_seawall/auth/devices";

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} of {value}"))
}

impl Place {
    pub(super) async fn with_devices() -> Self {
        let routes = "[route.\"/tv/*\"]\naccess.require = \"device\"\n[route.\"/any/*\"]\naccess.require = \"known\"\n";
        Self::with(&format!("{CONFIGURATION}{routes}")).await
    }

    pub(super) async fn begin(&self) -> Value {
        self.app
            .client()
            .post_json(&format!("{DEVICES}/code"), &json!({ "name": "TV" }))
            .await
            .expect_status(200)
            .json()
    }

    async fn poll(&self, begun: &Value) -> RawResponse {
        let body = json!({ "device_code": text(begun, "device_code") });
        self.app.client().post_json(&format!("{DEVICES}/token"), &body).await
    }

    /// A device of whoever signed in with the cookie.
    async fn pair(&self, session: &str) -> Value {
        let begun = self.begin().await;
        let code = json!({ "code": text(&begun, "user_code") });
        self.ask("POST", &format!("{DEVICES}/approve"), session, Some(code)).await.expect_status(200);
        self.fetch(&begun).await
    }

    /// What a device gets that was approved.
    pub(super) async fn fetch(&self, begun: &Value) -> Value {
        let paired = async {
            loop {
                let answer = self.poll(begun).await;
                if answer.status == 201 {
                    return answer.json();
                }
                let wait = answer.header("retry-after").map_or(5, |seconds| seconds.parse().unwrap());
                tokio::time::sleep(Duration::from_secs(wait)).await;
            }
        };
        timeout(Duration::from_secs(30), paired).await.expect("the device is paired")
    }

    async fn device_asks(&self, path: &str, device: &Value) -> RawResponse {
        let field = format!("Bearer {}", text(device, "credential"));
        self.app.client().request(Request::get(path).header("Authorization", field)).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_that_wait_beyond_ten_of_an_address_are_told_when_to_come_back() {
    let place = Place::with_devices().await;
    for _ in 0..10 {
        place.begin().await;
    }
    let name = json!({ "name": "TV" });
    let refused = place.app.client().post_json(&format!("{DEVICES}/code"), &name).await;
    refused.expect_problem(429, "too-many-pairings");
    let wait: u64 = refused.header("retry-after").expect("it says when").parse().unwrap();
    assert!((590..=601).contains(&wait), "{wait}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_10_a_device_is_paired_over_sockets_and_its_socket_closes_when_it_is_revoked() {
    let place = Place::with_devices().await;
    let id = place.add("Ann", &["admin"]).await;
    let session = place.sign_in("ann").await;
    let begun = place.begin().await;
    place.poll(&begun).await.expect_problem(400, "device-slow-down");
    let mut forged = begun.clone();
    forged["device_code"] = json!("A".repeat(43));
    place.poll(&forged).await.expect_problem(403, "device-refused");
    let nobody = place.app.client().post_json(&format!("{DEVICES}/approve"), &json!({ "code": "BCDFGHJK" })).await;
    nobody.expect_problem(401, "not-signed-in");
    let wrong = Some(json!({ "code": "BBBB-BBBB" }));
    place.ask("POST", &format!("{DEVICES}/approve"), &session, wrong).await.expect_problem(403, "device-refused");
    let code = Some(json!({ "code": text(&begun, "user_code") }));
    let seen = place.ask("POST", &format!("{DEVICES}/look"), &session, code).await.expect_status(200).json();
    assert_eq!((&seen["name"], &seen["address"]), (&json!("TV"), &json!("127.0.0.1")));
    tokio::time::sleep(Duration::from_secs(10)).await;
    place.poll(&begun).await.expect_problem(400, "device-pending");

    let device = place.pair(&session).await;
    let forged = Request::get("/tv/1")
        .header("Authorization", format!("Bearer {}", text(&device, "credential")))
        .header("X-Seawall-Device", "forged")
        .header("x_seawall_organisation", "forged");
    place.app.client().request(forged).await.expect_status(200);
    let seen = place.upstream.requests().pop().unwrap();
    for (name, told) in [
        ("x-seawall-user", Some(&*id)),
        ("x-seawall-device", Some(text(&device, "id"))),
        ("x-seawall-organisation", None),
        ("authorization", None),
    ] {
        assert_eq!(seen.header(name), told, "{name}: {seen:?}");
    }
    for (path, status) in [("/any/1", 200), ("/private/1", 403), ("/admin/1", 403), ("/open", 200)] {
        assert_eq!(place.device_asks(path, &device).await.status, status, "{path}");
    }
    let request = Request::get(DEVICES).header("Authorization", format!("Bearer {}", text(&device, "credential")));
    place.app.client().request(request).await.expect_problem(403, "session-required");
    let misses = || place.app.metric("seawall_cache_lookups", &["devices", "miss"]);
    let before = misses();
    for _ in 0..20 {
        place.device_asks("/tv/1", &device).await.expect_status(200);
    }
    assert!((misses() - before).abs() < f64::EPSILON, "a warm device reads no database");

    let listed = place.get(DEVICES, &session).await.expect_status(200).json();
    assert_eq!((listed["data"].as_array().unwrap().len(), &listed["data"][0]["name"]), (1, &json!("TV")));
    let name = format!("{DEVICES}/{}/name", text(&device, "id"));
    place.ask("POST", &name, &session, Some(json!({ "name": "kitchen" }))).await.expect_status(200);
    let field = format!("Bearer {}", text(&device, "credential"));
    let mut socket = websocket(place.app.public(), "/ws", &[("Authorization", &field)]).await;
    let own = format!("{DEVICES}/{}", text(&device, "id"));
    place.ask("DELETE", &own, &session, None).await.expect_status(204);
    place.device_asks("/open", &device).await.expect_problem(401, "invalid-credential");
    let closed = timeout(Duration::from_secs(1), socket.expect_close()).await;
    assert_eq!(closed.expect("the socket closes").map(|(code, _)| code), Some(1_008));
    let all = place.operator("GET", "/api/devices", None).await.expect_status(200).json();
    assert_eq!((&all["data"][0]["state"], &all["data"][0]["name"]), (&json!("revoked"), &json!("kitchen")));
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_10_sessions_of_the_application_are_made_joined_once_and_terminated_over_sockets() {
    let place = Place::with_devices().await;
    place.add("ann", &[]).await;
    place.add("bob", &[]).await;
    let (anns, bobs) = (place.sign_in("ann").await, place.sign_in("bob").await);
    let sessions = "/_seawall/auth/app-sessions";
    let begun = place.ask("POST", sessions, &anns, Some(json!({ "name": "game" }))).await.expect_status(201).json();
    let own = format!("{sessions}/{}", text(&begun, "id"));
    place.get(&own, &bobs).await.expect_problem(404, "invalid-input");
    let offered = place.ask("POST", &format!("{own}/token"), &anns, None).await.expect_status(201).json();
    let join = || Some(json!({ "token": text(&offered, "token") }));
    let joined = place.ask("POST", &format!("{sessions}/join"), &bobs, join()).await.expect_status(200).json();
    assert_eq!(joined["members"].as_array().unwrap().len(), 2);
    place.ask("POST", &format!("{sessions}/join"), &bobs, join()).await.expect_problem(403, "device-refused");
    place.ask("DELETE", &own, &bobs, None).await.expect_problem(404, "invalid-input");
    place.ask("DELETE", &own, &anns, None).await.expect_status(204);
    assert_eq!(place.get(sessions, &bobs).await.expect_status(200).json()["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_has_sessions_of_the_application_only_when_it_was_given_for_them() {
    let configuration =
        super::keys::configuration().replace("\"orders:write\"]", "\"orders:write\", \"app-sessions\"]");
    let place = Place::with(&configuration).await;
    place.add("ann", &[]).await;
    let begin = async |key: &Value| {
        let request = Request::post("/_seawall/auth/app-sessions").json(&json!({ "name": "game" }));
        place.app.client().request(request.header("X-API-Key", text(key, "key"))).await
    };
    let other = place.key("ann", json!({})).await;
    begin(&other).await.expect_problem(403, "scope-required");
    let bare = place.key("ann", json!({ "scopes": [] })).await;
    begin(&bare).await.expect_problem(403, "scope-required");
    let given = place.key("ann", json!({ "scopes": ["app-sessions"] })).await;
    begin(&given).await.expect_status(201);
}

//! API keys, over sockets: from the page that makes one to what the application learns of who shows it.

use std::{fs, time::Duration};

use seawall_testkit::client::{RawResponse, Request, websocket};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{CONFIGURATION, Place};

/// Routes for keys besides those for people.
pub(super) fn configuration() -> String {
    let identity = "enabled = true\nscopes = [\"orders:read\", \"orders:write\"]";
    CONFIGURATION.replace("enabled = true", identity)
        + "[route.\"/orders/*\"]\naccess.require = \"scope orders:read\"\n\
           [route.\"/write/*\"]\naccess.require = \"scope orders:write\"\n\
           [route.\"/reports/*\"]\naccess.require = \"scope orders:read and role admin\"\n\
           [route.\"/programs/*\"]\naccess.require = \"key\"\n\
           [route.\"/either/*\"]\naccess.require = \"known\"\n"
}

impl Place {
    pub(super) async fn with_scopes() -> Self {
        Self::with(&configuration()).await
    }

    /// Makes a key as an operator.
    pub(super) async fn key(&self, user: &str, more: Value) -> Value {
        let mut asked = json!({ "label": "nightly", "scopes": ["orders:read"] });
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.operator("POST", &format!("/api/users/{user}/keys"), Some(asked)).await.expect_status(201).json()
    }

    async fn shows(&self, path: &str, key: &Value) -> RawResponse {
        self.app.client().request(Request::get(path).header("X-API-Key", text(key, "key"))).await
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_9_a_program_with_a_key_is_let_in_for_its_scopes_and_the_key_stays_here() {
    let place = Place::with_scopes().await;
    let id = place.add("Ann", &["admin"]).await;
    let session = place.sign_in("ann").await;
    let asked = json!({ "label": "nightly", "scopes": ["orders:read"], "expires_in": "90day" });
    let made = place.ask("POST", "/_seawall/auth/keys", &session, Some(asked)).await.expect_status(201).json();
    let key = text(&made, "key");
    assert!(key.starts_with(&format!("sw_test_{}_", text(&made, "id"))) && key.len() == 67, "{key}");
    for (name, value) in [("X-API-Key", key.to_owned()), ("Authorization", format!("Bearer {key}"))] {
        let request = Request::get("/orders/1")
            .header(name, value)
            .header("Cookie", &*session)
            .header("X-Seawall-Key", "forged")
            .header("x_seawall_scopes", "forged");
        place.app.client().request(request).await.expect_status(200);
        let seen = place.upstream.requests().pop().unwrap();
        for (name, told) in [
            ("x-seawall-user", Some(&*id)),
            ("x-seawall-user-name", Some("Ann")),
            ("x-seawall-roles", Some("admin")),
            ("x-seawall-key", Some(text(&made, "id"))),
            ("x-seawall-scopes", Some("orders:read")),
            ("x-api-key", None),
            ("authorization", None),
            ("cookie", None),
        ] {
            assert_eq!(seen.header(name), told, "{name}: {seen:?}");
        }
        assert!(!seen.headers.iter().any(|(_, value)| value == "forged" || value.contains(key)), "{seen:?}");
    }
    for (path, with_key, with_session) in [
        ("/orders/1", 200, 200),
        ("/write/1", 403, 200),
        ("/reports/1", 200, 200),
        ("/programs/1", 200, 403),
        ("/either/1", 200, 200),
        ("/private/1", 403, 200),
        ("/admin/1", 403, 200),
        ("/open", 200, 200),
    ] {
        assert_eq!(place.shows(path, &made).await.status, with_key, "{path} with a key");
        assert_eq!(place.get(path, &session).await.status, with_session, "{path} with a session");
    }
    place.app.client().get("/programs/1").await.expect_problem(401, "not-signed-in");
    // The application's own credentials pass.
    let own = Request::get("/open").header("Authorization", "Bearer eyJ").header("X-API-Key", "own");
    place.app.client().request(own).await.expect_status(200);
    let seen = place.upstream.requests().pop().unwrap();
    assert_eq!((seen.header("authorization"), seen.header("x-api-key")), (Some("Bearer eyJ"), Some("own")));
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_9_a_key_that_does_not_hold_is_refused_everywhere_and_counted() {
    let place = Place::with_scopes().await;
    place.add("ann", &[]).await;
    let session = place.sign_in("ann").await;
    let made = place.key("ann", json!({})).await;
    let key = text(&made, "key");
    let before = place.app.metric("seawall_cache_lookups", &["api_keys", "miss"]);
    for bad in ["sw_live_x", "sw_", &key[..66], &key.replace("sw_test_", "sw_live_")] {
        let request = Request::get("/open").header("X-API-Key", bad).header("Cookie", &*session);
        let refused = place.app.client().request(request).await;
        refused.expect_problem(401, "invalid-credential");
        assert!(refused.header("www-authenticate").unwrap().starts_with("Bearer "), "{bad}");
    }
    assert_eq!(place.app.metric("seawall_cache_lookups", &["api_keys", "miss"]), before, "the store was not asked");
    assert!(place.app.metric("seawall_api_key_refusals", &["malformed"]) >= 4.0);
    let elsewhere = place.key("ann", json!({ "networks": ["10.0.0.0/8"] })).await;
    place.shows("/open", &elsewhere).await.expect_problem(403, "key-address-refused");
    let here = place.key("ann", json!({ "networks": ["::ffff:127.0.0.0/104"] })).await;
    place.shows("/orders/1", &here).await.expect_status(200);
    place.app.close_store();
    place.shows("/orders/1", &here).await.expect_status(200);
    place.shows("/open", &made).await.expect_problem(503, "identity-unavailable");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_revoked_and_a_role_that_is_taken_hold_at_once_and_sockets_close() {
    let place = Place::with_scopes().await;
    let id = place.add("ann", &["admin"]).await;
    let made = place.key("ann", json!({})).await;
    place.shows("/reports/1", &made).await.expect_status(200);
    place.operator("POST", &format!("/api/users/{id}/roles"), Some(json!({ "set": [] }))).await.expect_status(200);
    place.shows("/reports/1", &made).await.expect_problem(403, "not-allowed");
    for (path, done) in [
        (format!("/api/users/{id}/disable"), format!("/api/users/{id}/enable")),
        (format!("/api/keys/{}/revoke", text(&made, "id")), String::new()),
    ] {
        let mut socket = websocket(place.app.public(), "/ws", &[("X-API-Key", text(&made, "key"))]).await;
        place.operator("POST", &path, None).await.expect_status(200);
        place.shows("/orders/1", &made).await.expect_problem(401, "invalid-credential");
        let closed = timeout(Duration::from_secs(1), socket.expect_close()).await;
        assert_eq!(closed.expect("the socket closes").map(|(code, _)| code), Some(1_008), "{path}");
        if !done.is_empty() {
            place.operator("POST", &done, None).await.expect_status(200);
            place.shows("/orders/1", &made).await.expect_status(200);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_its_own_rate_is_refused_beyond_it_and_a_reload_forgets_nothing() {
    let place = Place::with_scopes().await;
    place.add("ann", &[]).await;
    let (made, other) = (place.key("ann", json!({ "rate": "2/h" })).await, place.key("ann", json!({})).await);
    for _ in 0..2 {
        place.shows("/orders/1", &made).await.expect_status(200);
    }
    let configuration = format!("{}\n[route.\"/more/*\"]\naccess.require = \"key\"\n", configuration());
    for _ in 0..2 {
        let refused = place.shows("/orders/1", &made).await;
        refused.expect_problem(429, "quota-exceeded");
        assert!(refused.header("ratelimit").unwrap().starts_with("\"2/h per key\";r=0;t="), "{refused:?}");
        assert_eq!(refused.header("ratelimit-policy"), Some("\"2/h per key\";q=2;w=3600"));
        assert!(refused.header("retry-after").is_some());
        place.shows("/orders/1", &other).await.expect_status(200);
        place.app.reload_with(&configuration).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_manage_their_own_keys_with_a_session_alone() {
    let place = Place::with_scopes().await;
    place.add("ann", &[]).await;
    place.add("bob", &[]).await;
    let (anns, bobs) = (place.sign_in("ann").await, place.sign_in("bob").await);
    let keys = "/_seawall/auth/keys";
    let made = place.key("ann", json!({})).await;
    let own = format!("{keys}/{}", text(&made, "id"));
    let as_key = async |method: &str, path: &str| {
        let request = Request::new(method, path).header("X-API-Key", text(&made, "key"));
        place.app.client().request(request.json(&json!({ "label": "another" }))).await
    };
    for (method, path) in [
        ("GET", keys.to_owned()),
        ("POST", keys.to_owned()),
        ("DELETE", own.clone()),
        ("GET", "/_seawall/auth/session".to_owned()),
    ] {
        as_key(method, &path).await.expect_problem(403, "session-required");
    }
    let list = place.get(keys, &anns).await.expect_status(200).json();
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    assert!(!list.to_string().contains(&text(&made, "key")[20..]), "no secret is shown again");
    assert_eq!(place.get(keys, &bobs).await.expect_status(200).json()["data"], json!([]));
    place.ask("DELETE", &own, &bobs, None).await.expect_status(404);
    let rotated = place.ask("POST", &format!("{own}/rotate"), &anns, Some(json!({ "overlap": "1h" }))).await;
    let rotated = rotated.expect_status(201).json();
    let again = place.ask("POST", &format!("{own}/rotate"), &anns, Some(json!({}))).await;
    again.expect_problem(409, "invalid-input");
    for key in [&made, &rotated] {
        place.shows("/orders/1", key).await.expect_status(200);
    }
    place.ask("DELETE", &own, &anns, None).await.expect_status(204);
    place.shows("/orders/1", &made).await.expect_status(401);
    place.shows("/orders/1", &rotated).await.expect_status(200);
    for (asked, part) in [
        (json!({ "label": "x", "scopes": ["order:read"] }), "did you mean \"orders:read\"?"),
        (json!({ "label": "" }), "needs a label"),
        (json!({ "label": "x", "rate": "often" }), "is not a rate"),
    ] {
        let refused = place.ask("POST", keys, &anns, Some(asked)).await;
        refused.expect_problem(400, "invalid-input");
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(part), "{detail}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_9_warm_keys_read_no_database_and_no_file_or_log_holds_one() {
    let place = Place::with_scopes().await;
    place.add("ann", &[]).await;
    let made = place.key("ann", json!({})).await;
    place.shows("/orders/1", &made).await.expect_status(200);
    let misses = || place.app.metric("seawall_cache_lookups", &["api_keys", "miss"]);
    let before = misses();
    for _ in 0..50 {
        place.shows("/orders/1", &made).await.expect_status(200);
    }
    assert_eq!(misses(), before);
    let log = place.operator("GET", "/api/audit-log", None).await.expect_status(200).json();
    let added = log["data"].as_array().unwrap().iter().find(|entry| entry["action"] == "key.added").unwrap().clone();
    assert_eq!((&added["actor"]["kind"], &added["after"]["scopes"]), (&json!("operator"), &json!(["orders:read"])));
    let mut held = Vec::new();
    for file in fs::read_dir(place.app.data()).unwrap().flatten().filter(|file| file.file_type().unwrap().is_file()) {
        held.extend(fs::read(file.path()).unwrap());
    }
    let holds = |needle: &str| held.windows(needle.len()).any(|window| window == needle.as_bytes());
    let key = text(&made, "key");
    assert!(holds(text(&made, "id")), "the store was looked at");
    assert!(!holds(key) && !holds(key.split('_').nth(3).unwrap()));
    assert!(!place.app.log_text().contains(&key[..11]) && !log.to_string().contains(&key[..17]));
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_list_all_keys_page_by_page() {
    let place = Place::with_scopes().await;
    place.add("ann", &[]).await;
    let made =
        [place.key("ann", json!({})).await, place.key("ann", json!({})).await, place.key("ann", json!({})).await];
    let page = async |query: &str| place.operator("GET", &format!("/api/keys?{query}"), None).await;
    let first = page("limit=2").await.expect_status(200).json();
    let next = text(&first, "next");
    let last = page(&format!("limit=2&after={next}")).await.expect_status(200).json();
    let ids: Vec<_> = [&first, &last].into_iter().flat_map(|page| page["data"].as_array().unwrap().clone()).collect();
    let ids: Vec<_> = ids.iter().map(|key| text(key, "id")).collect();
    assert_eq!((ids, &last["next"]), (made.iter().map(|key| text(key, "id")).collect(), &Value::Null));
    assert_eq!(page("after=00").await.status, 400);
    assert_eq!(place.operator("POST", "/api/keys/00000000/revoke", None).await.status, 404);
    assert_eq!(place.operator("POST", "/api/users/nobody/keys", Some(json!({ "label": "x" }))).await.status, 404);
}

//! Sessions: known in memory, kept as digests, and as lasting as the store.

use std::{fs, sync::Arc, time::Duration};

use seawall_testkit::{
    ManualClock, TestApp,
    upstream::{Kind, Upstream},
};
use serde_json::{Value, json};

use super::{CONFIGURATION, PASSWORD, Place};

#[tokio::test(flavor = "multi_thread")]
async fn warm_requests_read_no_database_and_use_is_written_once_a_minute() {
    let upstream = Upstream::start(Kind::ByPath).await;
    let clock = Arc::new(ManualClock::default());
    let app = TestApp::in_front_of(upstream.url()).with_config(CONFIGURATION).with_clock(Arc::clone(&clock) as _);
    let place = Place { upstream, app: app.on_one_core().start().await };
    place.add("ann", &[]).await;
    let session = place.sign_in("ann").await;
    place.get("/private/a", &session).await.expect_status(200);
    let reads = || place.app.metric("seawall_cache_lookups", &["sessions", "miss"]);
    let before = reads();
    assert!(before >= 1.0, "the first request reads");
    for _ in 0..50 {
        place.get("/private/a", &session).await.expect_status(200);
    }
    assert_eq!(reads(), before);
    let first = used_at(&place).await;
    clock.advance(Duration::from_secs(50));
    place.get("/private/a", &session).await.expect_status(200);
    clock.advance(Duration::from_secs(11));
    for _ in 0..50 {
        place.get("/private/a", &session).await.expect_status(200);
    }
    until_used_after(&place, &first).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_without_use() {
    let upstream = Upstream::start(Kind::ByPath).await;
    let clock = Arc::new(ManualClock::default());
    let configuration = CONFIGURATION.replace("enabled = true", "enabled = true\nsessions = \"strict\"");
    let app = TestApp::in_front_of(upstream.url()).with_config(&configuration).with_clock(Arc::clone(&clock) as _);
    let place = Place { upstream, app: app.start().await };
    place.add("ann", &[]).await;
    let session = place.sign_in("ann").await;
    for _ in 0..2 {
        let before = used_at(&place).await;
        clock.advance(Duration::from_secs(14 * 60));
        place.get("/private/a", &session).await.expect_status(200);
        until_used_after(&place, &before).await;
    }
    clock.advance(Duration::from_secs(15 * 60));
    place.get("/private/a", &session).await.expect_status(401);
}

/// When the session was last used, as the store has it.
async fn used_at(place: &Place) -> String {
    let shown = place.operator("GET", "/api/users/ann/sessions", None).await.expect_status(200).json();
    shown["data"][0]["used_at"].as_str().unwrap().to_owned()
}

/// Loose writes are on their way within a second.
async fn until_used_after(place: &Place, before: &str) {
    let wait = async {
        while used_at(place).await == before {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.expect("the use is written");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_store_holds_opens_nothing_and_the_audit_log_says_what_happened() {
    let place = Place::new().await;
    let id = place.add("ann", &["admin"]).await;
    let session = place.sign_in("ann").await;
    let token = session.split('=').nth(1).unwrap().to_owned();
    place.try_sign_in("ann", "a wrong password").await.expect_status(401);
    place.try_sign_in("a password typed as a name", "x").await.expect_status(401);
    place.operator("POST", &format!("/api/users/{id}/roles"), Some(json!({ "set": [] }))).await.expect_status(200);
    place.ask("POST", "/_seawall/auth/sign-out", &session, None).await.expect_status(204);

    let log = place.operator("GET", "/api/audit-log", None).await.expect_status(200).json();
    let told: Vec<(&str, &str, &str)> = log["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["action"] != "server.started")
        .map(|entry| {
            (
                entry["action"].as_str().unwrap(),
                entry["actor"]["kind"].as_str().unwrap(),
                entry["outcome"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("user.first_offered", "system", "done"),
            ("user.added", "operator", "done"),
            ("session.began", "user", "done"),
            ("user.sign_in", "anonymous", "refused"),
            ("user.sign_in", "anonymous", "refused"),
            ("user.roles_changed", "operator", "done"),
            ("session.ended", "user", "done"),
        ]
    );
    let entry =
        |action: &str| log["data"].as_array().unwrap().iter().find(|entry| entry["action"] == action).unwrap().clone();
    let roles: Value = entry("user.roles_changed");
    assert_eq!((&roles["before"], &roles["after"]), (&json!({ "roles": ["admin"] }), &json!({ "roles": [] })));

    let data = place.app.data();
    let mut held = Vec::new();
    for file in fs::read_dir(&data).unwrap().flatten().filter(|file| file.file_type().unwrap().is_file()) {
        held.extend(fs::read(file.path()).unwrap());
    }
    let holds = |needle: &str| held.windows(needle.len()).any(|window| window == needle.as_bytes());
    assert!(holds(&id), "the store was looked at");
    for secret in [&*token, PASSWORD, "a wrong password", "a password typed as a name"] {
        assert!(!holds(secret), "{secret} is in the store");
    }
    assert!(!place.app.log_text().contains(&token));
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_outlive_the_process() {
    let place = Place::new().await;
    place.add("ann", &[]).await;
    let session = place.sign_in("ann").await;
    let Place { upstream, app } = place;
    let directory = app.into_directory();
    let app = TestApp::in_front_of(upstream.url()).with_config(CONFIGURATION).in_directory(directory).start().await;
    let place = Place { upstream, app };
    place.get("/private/a", &session).await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_listed_page_by_page() {
    let place = Place::new().await;
    for name in ["ann", "bob", "cid"] {
        place.operator("POST", "/api/users", Some(json!({ "name": name }))).await.expect_status(201);
    }
    let again = json!({ "name": "ANN" });
    assert_eq!(place.operator("POST", "/api/users", Some(again)).await.status, 409);
    let first = place.operator("GET", "/api/users?limit=2", None).await.expect_status(200).json();
    assert_eq!((&first["data"][0]["name"], &first["data"][1]["name"]), (&json!("ann"), &json!("bob")));
    let next = first["next"].as_str().unwrap();
    let last = place.operator("GET", &format!("/api/users?limit=2&after={next}"), None).await.expect_status(200).json();
    assert_eq!((last["data"].as_array().unwrap().len(), &last["next"]), (1, &Value::Null));
    assert_eq!(place.operator("GET", "/api/users?after=00", None).await.status, 400);
    assert_eq!(place.operator("POST", "/api/users/nobody/disable", None).await.status, 404);
    // A user without a password cannot sign in.
    place.try_sign_in("bob", "").await.expect_problem(401, "sign-in-refused");
}

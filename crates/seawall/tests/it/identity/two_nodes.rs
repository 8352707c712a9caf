//! Two whole Seawalls on one PostgreSQL and one Redis: whoever is known at one is known at the other, and what ends at one ends at the
//! other within two seconds, whatever breaks between them.

use std::{process::Command, sync::Arc, time::Duration};

use seawall_core::clock::Clock;
use seawall_testkit::{
    ManualClock, RedisServer, TestApp,
    client::{RawResponse, Request, websocket},
    upstream::{Kind, Upstream},
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use super::{PASSWORD, Place};
use crate::postgres::{self, Server};

/// Within this time the other node knows.
const SOON: Duration = Duration::from_secs(2);
/// Longer than anything takes on a machine that is only slow.
const PATIENT: Duration = Duration::from_secs(20);

/// Both nodes, and what they share.
struct Nodes {
    one: Place,
    other: Place,
    clock: Arc<ManualClock>,
    server: Server,
    redis: Option<RedisServer>,
}

impl Nodes {
    /// Over Redis, by a clock that stands.
    async fn over_redis() -> Self {
        let clock = Arc::new(ManualClock::default());
        Self::start(Some(RedisServer::start()), Arc::clone(&clock), Some(clock as _)).await
    }

    /// Over a Redis, by the time of this machine.
    async fn over_redis_in_time() -> Self {
        Self::start(Some(RedisServer::start()), Arc::default(), None).await
    }

    /// Over PostgreSQL alone, by the time of this machine.
    async fn over_postgresql() -> Self {
        Self::start(None, Arc::default(), None).await
    }

    async fn start(redis: Option<RedisServer>, clock: Arc<ManualClock>, own: Option<Arc<dyn Clock>>) -> Self {
        let server = Server::start();
        let shared = redis
            .as_ref()
            .map_or_else(String::new, |redis| format!("redis = \"{}\"\nredis_timeout = \"3s\"\n", redis.url()));
        let configuration = format!(
            "[identity]\nenabled = true\nsign_in_limits = []\nattempts_key = \"the key of both nodes, which is long\"\n\
             [store]\nurl = \"{}\"\n{shared}[rate_limit]\nlimits = []\n\
             [route.\"/private/*\"]\naccess.require = \"known\"\n[route.\"/admin/*\"]\naccess.require = \"role admin\"\n\
             [route.\"/limited/*\"]\nrate_limit.limits = [\"4/h per user\"]\n",
            server.url()
        );
        let place = async || {
            let upstream = Upstream::start(Kind::ByPath).await;
            let app = TestApp::in_front_of(upstream.url()).with_config(&configuration);
            let app = if let Some(clock) = &own { app.with_clock(Arc::clone(clock)) } else { app };
            Place { upstream, app: app.start().await }
        };
        let nodes = Self { one: place().await, other: place().await, clock, server, redis };
        nodes.until_connected(true).await;
        nodes
    }

    /// Waits until both nodes hear of each other, or both know that they do not.
    async fn until_connected(&self, connected: bool) {
        let wait = async {
            for node in [&self.one, &self.other] {
                while node.operator("GET", "/api/store", None).await.json()["messages"]["connected"] != connected {
                    sleep(Duration::from_millis(5)).await;
                }
            }
        };
        timeout(PATIENT, wait).await.unwrap_or_else(|_| panic!("connected never becomes {connected}"));
    }
}

impl Place {
    /// Asks with what a program shows.
    async fn shown(&self, path: &str, credential: &str) -> RawResponse {
        let request = Request::get(path).header("Authorization", format!("Bearer {credential}"));
        self.app.client().request(request).await
    }

    async fn posted(&self, path: &str, body: Value) -> RawResponse {
        self.app.client().post_json(&format!("/_seawall/auth/{path}"), &body).await
    }
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("{name} of {value}")).to_owned()
}

/// Asks until this is answered, and how long that took.
async fn soon(what: &str, status: u16, ask: impl AsyncFn() -> RawResponse) {
    let begun = Instant::now();
    loop {
        let answer = ask().await;
        if answer.status == status {
            break;
        }
        assert!(begun.elapsed() < SOON, "{what}: the other node says {} after {:?}", answer.status, begun.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_ends_at_one_node_ends_at_the_other_within_two_seconds_with_its_sockets() {
    let nodes = Nodes::over_redis().await;
    let (one, other) = (&nodes.one, &nodes.other);
    let id = one.add("ann", &["admin"]).await;
    // A role is taken and given, and the session goes on.
    let session = one.sign_in("ann").await;
    other.get("/admin/a", &session).await.expect_status(200);
    for (role, status) in [("remove", 403), ("add", 200)] {
        let change = Some(json!({ role: ["admin"] }));
        one.operator("POST", &format!("/api/users/{id}/roles"), change).await.expect_status(200);
        soon(role, status, async || other.get("/admin/a", &session).await).await;
    }
    let key = one.operator("POST", "/api/users/ann/keys", Some(json!({ "label": "nightly" }))).await.json();
    let device = paired(&nodes, &session).await;
    let revoke = |kind: &str, made: &Value| format!("/api/{kind}/{}/revoke", text(made, "id"));
    let bearer = |made: &Value, name: &str| ("Authorization", format!("Bearer {}", text(made, name)));
    for (what, shown, path) in [
        ("a key", bearer(&key, "key"), revoke("keys", &key)),
        ("a device", bearer(&device, "credential"), revoke("devices", &device)),
        ("the sessions of a user", ("Cookie", session), format!("/api/users/{id}/sign-out")),
        ("a user", ("Cookie", other.sign_in("ann").await), format!("/api/users/{id}/disable")),
    ] {
        let session = if what == "a user" { one.sign_in("ann").await } else { shown.1.clone() };
        let ask = async || other.app.client().request(Request::get("/private/a").header(shown.0, &*session)).await;
        ask().await.expect_status(200);
        let mut socket = websocket(other.app.public(), "/ws", &[(shown.0, &session)]).await;
        one.operator("POST", &path, None).await.expect_status(200);
        soon(what, 401, ask).await;
        let closed = timeout(SOON, socket.expect_close()).await;
        assert_eq!(closed.unwrap_or_else(|_| panic!("{what}: a socket stays open")).map(|(code, _)| code), Some(1_008));
    }
    let refused = other.try_sign_in("ann", PASSWORD).await;
    refused.expect_problem(401, "sign-in-refused");
}

/// A device that asked at one node and was approved at the other.
async fn paired(nodes: &Nodes, session: &str) -> Value {
    let (one, other) = (&nodes.one, &nodes.other);
    let begun = one.posted("devices/code", json!({ "name": "TV" })).await.expect_status(200).json();
    let code = Some(json!({ "code": begun["user_code"] }));
    other.ask("POST", "/_seawall/auth/devices/approve", session, code).await.expect_status(200);
    nodes.clock.advance(Duration::from_secs(6));
    let asked = json!({ "device_code": begun["device_code"] });
    let device = one.posted("devices/token", asked.clone()).await.expect_status(201).json();
    other.posted("devices/token", asked).await.expect_problem(403, "device-refused");
    device
}

#[tokio::test(flavor = "multi_thread")]
async fn both_nodes_count_what_a_user_asks_together() {
    let nodes = Nodes::over_redis().await;
    let (one, other) = (&nodes.one, &nodes.other);
    for name in ["ann", "bob"] {
        one.add(name, &[]).await;
    }
    let sessions = [one.sign_in("ann").await, other.sign_in("ann").await];
    let mut statuses = Vec::new();
    for round in 0..6 {
        let node = if round % 2 == 0 { one } else { other };
        statuses.push(node.get("/limited/a", &sessions[round / 2 % 2]).await.status);
    }
    assert_eq!(statuses, [200, 200, 200, 200, 429, 429]);
    let bobs = other.sign_in("bob").await;
    assert_eq!(one.get("/limited/a", &bobs).await.status, 200, "another user is counted apart");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_at_both_nodes_gives_one_successor_and_a_late_one_ends_the_session_at_both() {
    let nodes = Nodes::over_redis().await;
    let (one, other) = (&nodes.one, &nodes.other);
    one.add("ann", &[]).await;
    let asked = json!({ "name": "ann", "password": PASSWORD });
    let first = one.posted("token", asked).await.expect_status(200).json();
    other.shown("/private/a", &text(&first, "access_token")).await.expect_status(200);
    let refresh = |tokens: &Value| json!({ "refresh_token": tokens["refresh_token"] });
    let (here, there) = tokio::join!(one.posted("refresh", refresh(&first)), other.posted("refresh", refresh(&first)));
    let (here, there) = (here.expect_status(200).json(), there.expect_status(200).json());
    assert_eq!(here["refresh_token"], there["refresh_token"], "one successor");
    for (node, tokens) in [(one, &there), (other, &here)] {
        node.shown("/private/a", &text(tokens, "access_token")).await.expect_status(200);
    }
    let third = other.posted("refresh", refresh(&here)).await.expect_status(200).json();
    one.shown("/private/a", &text(&third, "access_token")).await.expect_status(200);
    nodes.clock.advance(Duration::from_secs(11));
    one.posted("refresh", refresh(&here)).await.expect_problem(401, "invalid-credential");
    one.shown("/private/a", &text(&third, "access_token")).await.expect_problem(401, "invalid-credential");
    soon("a replay", 401, async || other.shown("/private/a", &text(&third, "access_token")).await).await;
    other.posted("refresh", refresh(&third)).await.expect_problem(401, "invalid-credential");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_redis_is_away_what_ended_is_believed_for_two_seconds_and_afterwards_told_again() {
    let nodes = Nodes::over_redis().await;
    let (one, other, redis) = (&nodes.one, &nodes.other, nodes.redis.as_ref().unwrap());
    one.add("ann", &[]).await;
    let key = one.operator("POST", "/api/users/ann/keys", Some(json!({ "label": "nightly" }))).await.json();
    let (session, key_text) = (one.sign_in("ann").await, text(&key, "key"));
    let both = async || {
        let session = other.get("/private/a", &session).await.status;
        (session, other.shown("/private/a", &key_text).await.status)
    };
    assert_eq!(both().await, (200, 200));
    redis.stop();
    nodes.until_connected(false).await;
    one.operator("POST", "/api/users/ann/sign-out", None).await.expect_status(200);
    one.operator("POST", &format!("/api/keys/{}/revoke", text(&key, "id")), None).await.expect_status(200);
    assert_eq!(one.get("/private/a", &session).await.status, 401, "at once where it was done");
    nodes.clock.advance(SOON - Duration::from_millis(1));
    assert_eq!(both().await, (200, 200), "nobody told it");
    nodes.clock.advance(Duration::from_millis(1));
    assert_eq!(both().await, (401, 401), "and it does not believe what it has for longer");
    // It goes on without Redis, from the database.
    let session = one.sign_in("ann").await;
    other.get("/private/a", &session).await.expect_status(200);
    redis.start_again();
    nodes.until_connected(true).await;
    other.get("/private/a", &session).await.expect_status(200);
    one.operator("POST", "/api/users/ann/sign-out", None).await.expect_status(200);
    soon("a session, once Redis is back", 401, async || other.get("/private/a", &session).await).await;
}

/// Nobody closes a connection, and nothing comes through: only what a node does not hear of itself tells it.
#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_hangs_leaves_nobody_in_for_longer_than_two_seconds() {
    let nodes = Nodes::over_redis_in_time().await;
    let (one, other, redis) = (&nodes.one, &nodes.other, nodes.redis.as_ref().unwrap());
    one.add("ann", &[]).await;
    for _ in 0..3 {
        let session = one.sign_in("ann").await;
        other.get("/private/a", &session).await.expect_status(200);
        let mut socket = websocket(other.app.public(), "/ws", &[("Cookie", &session)]).await;
        let frozen = redis.freeze();
        one.operator("POST", "/api/users/ann/sign-out", None).await.expect_status(200);
        soon("a session", 401, async || other.get("/private/a", &session).await).await;
        drop(frozen);
        nodes.until_connected(true).await;
        // What waited in Redis arrives; or else the node looks for what it missed.
        timeout(PATIENT, socket.expect_close()).await.expect("the socket closes once word comes through");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listening_connection_that_is_cut_leaves_nobody_in_for_longer_than_two_seconds() {
    let nodes = Nodes::over_postgresql().await;
    let (one, other) = (&nodes.one, &nodes.other);
    one.add("ann", &[]).await;
    for round in 0..5 {
        let session = one.sign_in("ann").await;
        other.get("/private/a", &session).await.expect_status(200);
        let cut = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE '%seawall_messages%' AND pid <> pg_backend_pid()";
        let said = Command::new(postgres::programs().join("psql"))
            .args(["-X", "-A", "-t", "-c", cut, "-d", &nodes.server.url()])
            .output()
            .unwrap();
        let cut: u32 = String::from_utf8_lossy(&said.stdout).trim().parse().unwrap_or_else(|_| panic!("{said:?}"));
        assert!(cut > 0, "round {round}: nobody listened");
        one.operator("POST", "/api/users/ann/sign-out", None).await.expect_status(200);
        soon("a session", 401, async || other.get("/private/a", &session).await).await;
        nodes.until_connected(true).await;
    }
}

//! Health: whether the process lives, whether a request would be served, and what the application depends on.

use std::time::Duration;

use seawall::app::catalogue;
use seawall_config::{Inputs, SourceText, load};
use seawall_testkit::{
    StartedApp, TemporaryDirectory,
    client::{RawResponse, Request},
    in_front, in_front_with_clock,
    upstream::{Kind, Upstream},
};
use serde_json::json;

const LIVE: &str = "/_seawall/health/live";
const READY: &str = "/_seawall/health/ready";

/// Longer than results are kept.
const LATER: Duration = Duration::from_millis(1_001);

async fn ready(app: &StartedApp, status: u16) -> RawResponse {
    app.client().get(READY).await.expect_status(status)
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_12_live_and_ready_are_answered_here() {
    let (upstream, app) = in_front("").await;
    for path in [LIVE, READY] {
        let answer = app.client().get(path).await.expect_status(200);
        assert_eq!(answer.json(), json!({ "status": "ok" }), "{path}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        let head = app.client().request(Request::new("HEAD", path)).await.expect_status(200);
        assert_eq!((head.body.len(), head.header("content-type")), (0, Some("application/json")), "{path}");
    }
    assert_eq!(upstream.requests().len(), 0);
    let line = app.request_line(READY).await;
    assert_eq!((&line["http.route"], &line["http.status"]), (&"/_seawall/*".into(), &200.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_12_health_is_answered_at_the_applications_own_paths_too() {
    let config = "[health]\nlive_paths = [\"/api/health\", \"/healthz\"]\nready_paths = [\"/api/health/ready\"]\n";
    let (mut upstream, app) = in_front(config).await;
    for path in ["/api/health", "/healthz", "/api/health/ready"] {
        assert_eq!(app.client().get(path).await.expect_status(200).json(), json!({ "status": "ok" }), "{path}");
    }
    for path in ["/api/health/other", "/api/healthy"] {
        assert_eq!(app.client().get(path).await.expect_status(200).json(), json!({ "ok": true }), "{path}");
    }
    assert_eq!(upstream.requests().len(), 2, "aliases do not reach the application");
    upstream.stop().await;
    app.client().get("/api/health").await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_12_an_alias_is_found_in_any_spelling() {
    let config = "[health]\nlive_paths = [\"/api/health\"]\nready_paths = [\"/Ready\"]\n";
    let (upstream, app) = in_front(config).await;
    for path in ["/api/health/", "/API/health", "//api//health", "/%61pi/health", "/ready", "/Ready", "/READY/"] {
        let answer = app.client().get(path).await;
        assert_eq!((answer.status, upstream.requests().len()), (200, 0), "{path}: {}", answer.text());
    }
    for path in ["/_seawall/health/live/", "/_SEAWALL/health/live", "//_seawall/health/live"] {
        let answer = app.client().get(path).await;
        assert_eq!((answer.status, upstream.requests().len()), (200, 0), "{path}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ready_is_no_when_the_application_is_down_and_yes_when_it_is_back() {
    let (mut upstream, app, clock) = in_front_with_clock("").await;
    ready(&app, 200).await;
    upstream.stop().await;
    ready(&app, 200).await;
    clock.advance(LATER);
    assert_eq!(ready(&app, 503).await.json(), json!({ "status": "unavailable" }));
    app.client().get(LIVE).await.expect_status(200);
    upstream.restart_on_same_port().await;
    ready(&app, 503).await;
    clock.advance(LATER);
    ready(&app, 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ready_need_not_depend_on_the_application() {
    let (mut upstream, app) = in_front("[health]\nupstream = false\n").await;
    upstream.stop().await;
    ready(&app, 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_12_readiness_depends_on_databases_that_answer() {
    let directory = TemporaryDirectory::new();
    let shop = directory.path().join("shop.db");
    rusqlite::Connection::open(&shop).unwrap().execute_batch("CREATE TABLE orders (id INTEGER)").unwrap();
    let silent = Upstream::start(Kind::NeverReads).await;
    let config = format!(
        "[health]\nshow = \"all\"\n[health.shop]\nurl = \"sqlite://{}\"\n[health.archive]\nurl = \"postgres://app:s3cret@{}/archive?sslmode=disable\"\ntimeout = \"200ms\"\nrequired = false\n",
        shop.display(),
        silent.address
    );
    let (_upstream, app, clock) = in_front_with_clock(&config).await;
    let answer = ready(&app, 200).await;
    let checks = answer.json()["checks"].clone();
    assert_eq!(checks["shop"]["status"], "ok", "{checks}");
    assert_eq!(
        (&checks["archive"]["status"], &checks["archive"]["error"]),
        (&"failed".into(), &"no answer within 200 ms".into()),
        "{checks}"
    );
    assert!(!answer.text().contains("s3cret"), "{}", answer.text());
    std::fs::remove_file(&shop).unwrap();
    clock.advance(LATER);
    ready(&app, 503).await;
    assert!(!shop.exists(), "a check makes no database");
}

#[tokio::test(flavor = "multi_thread")]
async fn pm_7_checks_of_dependencies_fail_and_recover() {
    let mut database = Upstream::start(Kind::NeverReads).await;
    let mail = Upstream::start(Kind::always("/status/204")).await;
    let config = format!(
        "[health]\nshow = \"all\"\n[health.database]\ntcp = \"{}\"\n[health.mail]\nurl = \"{}/health\"\ntimeout = \"300ms\"\n",
        database.address,
        mail.url()
    );
    let (_upstream, app, clock) = in_front_with_clock(&config).await;
    let checks = ready(&app, 200).await.json()["checks"].clone();
    for name in ["database", "mail", "upstream"] {
        assert_eq!((&checks[name]["status"], &checks[name]["required"]), (&"ok".into(), &true.into()), "{checks}");
    }
    assert_eq!(mail.requests()[0].target, "/health");

    database.stop().await;
    mail.become_kind(Kind::always("/status/503"));
    ready(&app, 200).await;
    clock.advance(LATER);
    let checks = ready(&app, 503).await.json()["checks"].clone();
    assert_eq!((&checks["database"]["status"], &checks["mail"]["status"]), (&"failed".into(), &"failed".into()));
    assert_eq!(checks["upstream"]["status"], "ok");
    assert_eq!(checks["mail"]["error"], "answered with status 503");
    assert!(checks["database"]["error"].as_str().is_some_and(|error| error.contains("refused")), "{checks}");

    database.restart_on_same_port().await;
    mail.become_kind(Kind::always("/never"));
    clock.advance(LATER);
    let checks = ready(&app, 503).await.json()["checks"].clone();
    assert_eq!((&checks["database"]["status"], &checks["mail"]["status"]), (&"ok".into(), &"failed".into()));
    mail.until("the check to be given up", |mail| mail.open_connections() == 0).await;

    mail.become_kind(Kind::always("/status/301?Location=%2F"));
    clock.advance(LATER);
    ready(&app, 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_is_not_required_is_only_shown() {
    let mut cache = Upstream::start(Kind::NeverReads).await;
    let config =
        format!("[health]\nshow = \"checks\"\n[health.cache]\ntcp = \"{}\"\nrequired = false\n", cache.address);
    let (_upstream, app) = in_front(&config).await;
    cache.stop().await;
    let report = ready(&app, 200).await.json();
    assert_eq!((&report["status"], &report["checks"]["cache"]["status"]), (&"degraded".into(), &"failed".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_kept_for_a_second_however_often_they_are_asked_for() {
    let mail = Upstream::start(Kind::ByPath).await;
    let config = format!("[health.mail]\nurl = \"{}/echo\"\n", mail.url());
    let (_upstream, app, clock) = in_front_with_clock(&config).await;
    for expected in 1..=3 {
        let asking = (0..20).map(|_| {
            let client = app.client();
            tokio::spawn(async move { client.get(READY).await.status })
        });
        for asked in asking.collect::<Vec<_>>() {
            assert_eq!(asked.await.unwrap(), 200);
        }
        app.admin_client().get("/health").await.expect_status(200);
        assert_eq!(mail.requests().len(), expected, "twenty-one questions, one check");
        clock.advance(LATER);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_shown_no_more_than_is_configured() {
    for (show, checks, version, error) in [
        (None, false, false, false),
        (Some("status"), false, false, false),
        (Some("checks"), true, false, false),
        (Some("all"), true, true, true),
    ] {
        let config = show.map(|show| format!("[health]\nshow = \"{show}\"\n")).unwrap_or_default();
        let (mut upstream, app) = in_front(&config).await;
        upstream.stop().await;
        let shown = ready(&app, 503).await.json();
        assert_eq!(shown["status"], "unavailable");
        let upstream = &shown["checks"]["upstream"];
        let seen = (upstream["status"] == "failed", shown["version"].is_string(), upstream["error"].is_string());
        assert_eq!(seen, (checks, version, error), "{show:?}: {shown}");
        assert_eq!(shown["uptime_s"].is_u64(), version, "{show:?}: {shown}");
        let full = app.admin_client().get("/health").await.expect_status(503).json();
        assert_eq!(full["version"], env!("CARGO_PKG_VERSION"), "the admin listener shows all");
        assert!(full["memory_bytes"].as_u64().is_some_and(|bytes| bytes > 1_000_000), "{full}");
        assert!(full["checks"]["upstream"]["error"].is_string(), "{full}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_12_uptime_is_told_in_seconds() {
    let (_upstream, app, clock) = in_front_with_clock("").await;
    clock.advance(Duration::from_millis(90_500));
    assert_eq!(app.admin_client().get("/health").await.json()["uptime_s"], 90);
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_8_what_is_not_served_under_the_prefix_is_a_problem() {
    let (upstream, app) = in_front("[health]\nlive_paths = [\"/api/health\"]\n").await;
    for path in ["/_seawall", "/_seawall/", "/_seawall/health", "/_seawall/health/live/x", "/_seawall/problems"] {
        for method in ["GET", "POST", "DELETE"] {
            let answer = app.client().request(Request::new(method, path)).await;
            answer.expect_problem(404, "not-found");
        }
    }
    app.client().get("/_seawall/problems/none").await.expect_problem(404, "not-found");
    for path in [LIVE, READY, "/_seawall/problems/not-found", "/api/health"] {
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"] {
            let answer = app.client().request(Request::new(method, path).body("{}")).await.expect_status(405);
            assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{method} {path}: {answer:?}");
            assert!(answer.header("allow").is_some_and(|allow| allow.contains("GET")), "{method} {path}: {answer:?}");
            let problem = answer.json();
            assert_eq!(problem["request_id"].as_str(), answer.header("x-request-id"), "{method} {path}");
        }
    }
    assert_eq!(upstream.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_prefix_can_be_another() {
    let (upstream, app) = in_front("[server]\nprefix = \"/internal/edge\"\n").await;
    app.client().get("/internal/edge/health/ready").await.expect_status(200);
    let problem = app.client().get("/internal/edge/nothing").await.expect_problem(404, "not-found");
    let address = problem["type"].as_str().expect("a type").to_owned();
    assert_eq!(address, "/internal/edge/problems/not-found");
    app.client().get(&address).await.expect_status(200);
    assert_eq!(upstream.requests().len(), 0);
    app.client().get(LIVE).await.expect_status(200);
    assert_eq!(upstream.requests().len(), 1, "the usual one belongs to the application");
}

/// Each of them would end the process when it starts, or answer nothing.
#[test]
fn rg_9_aliases_that_cannot_be_served_are_refused_when_the_configuration_is_checked() {
    let mut accepted = Vec::new();
    for paths in [
        "live_paths = [\"/api/*\"]",
        "live_paths = [\"GET /api/health\"]",
        "live_paths = [\"/api/health\", \"/api/health\"]",
        "live_paths = [\"/api/health\"]\nready_paths = [\"/api/health\"]",
        "live_paths = [\"/api/health\"]\nready_paths = [\"/API/health/\"]",
        "live_paths = [\"/_seawall/health/live\"]",
    ] {
        let file = SourceText::new("seawall.toml", format!("[health]\n{paths}\n"));
        let loaded = load(&catalogue::schema(), Inputs { file: Some(file), ..Inputs::default() });
        // What one section cannot see is seen when its routes are built, as `seawall check` does.
        if loaded.is_ok_and(|config| seawall::app::sites::verify(&config, std::path::Path::new(".")).is_ok()) {
            accepted.push(paths);
        }
    }
    assert_eq!(accepted, [""; 0]);
}

/// With it, nothing would be left for the application.
#[test]
fn rg_9_a_prefix_that_takes_everything_is_refused_when_the_configuration_is_checked() {
    for prefix in ["", "/", "//"] {
        let file = SourceText::new("seawall.toml", format!("[server]\nprefix = \"{prefix}\"\n"));
        let loaded = load(&catalogue::schema(), Inputs { file: Some(file), ..Inputs::default() });
        assert!(loaded.is_err(), "{prefix:?} is accepted");
    }
}

//! What operators look at: health at its paths, and metrics.

use std::{net::TcpListener, time::Duration};

use seawall_testkit::{
    client::Request,
    upstream::{Kind, Upstream},
};
use tokio::time::{Instant, sleep};

use super::binary::{Place, Server};

/// A server with this configuration in front of an upstream whose paths choose what it does.
async fn serve(toml: &str) -> (Upstream, Server, Place) {
    let upstream = Upstream::start(Kind::ByPath).await;
    let place = Place::with_config(toml);
    let server = place.serve(&["run", "--to", &upstream.url()]);
    (upstream, server, place)
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_12_health_is_answered_at_the_applications_own_paths() {
    let toml = "[health]\nlive_paths = [\"/api/health\"]\nready_paths = [\"/api/health/ready\"]\n";
    let (mut upstream, server, _place) = serve(toml).await;
    for path in ["/api/health", "/api/health/ready", "/_seawall/health/live", "/_seawall/health/ready"] {
        let answer = server.client().get(path).await.expect_status(200);
        assert_eq!(answer.text(), "{\"status\":\"ok\"}\n", "strangers are told one word at {path}");
        assert!(answer.header("x-request-id").is_some() && answer.header("cache-control") == Some("no-store"));
    }
    assert!(upstream.requests().is_empty(), "they no longer reach the application");
    upstream.stop().await;
    server.client().get("/api/health").await.expect_status(200);
    // Results are kept for a second, so it is asked again until then.
    let limit = Instant::now() + Duration::from_secs(10);
    while server.client().get("/api/health/ready").await.status != 503 {
        assert!(Instant::now() < limit, "readiness never fails");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_12_readiness_depends_on_the_applications_own_dependencies() {
    let database = TcpListener::bind("127.0.0.1:0").unwrap();
    let there = database.local_addr().unwrap();
    let gone = {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap();
        closed.local_addr().unwrap()
    };
    let failing = Upstream::start(Kind::always("/status/500")).await;
    for (checks, status, word) in [
        (format!("[health.database]\ntcp = \"{there}\"\n"), 200, "ok"),
        (format!("[health.database]\ntcp = \"{gone}\"\n"), 503, "unavailable"),
        (format!("[health.database]\ntcp = \"{gone}\"\nrequired = false\n"), 200, "degraded"),
        (format!("[health.search]\nurl = \"{}/ping\"\n", failing.url()), 503, "unavailable"),
    ] {
        let (_upstream, server, _place) = serve(&format!("[health]\nshow = \"checks\"\n{checks}")).await;
        let ready = server.client().get("/_seawall/health/ready").await.expect_status(status);
        assert_eq!(ready.json()["status"], word, "{checks}");
        assert_eq!(ready.json()["checks"]["upstream"]["status"], "ok", "{checks}");
        assert!(!ready.text().contains(&gone.to_string()), "what failed is told to operators only: {}", ready.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_12_the_admin_listener_shows_everything() {
    let (_upstream, server, _place) = serve("[health.database]\ntcp = \"127.0.0.1:9\"\nrequired = false\n").await;
    let health = server.admin_client().get("/health").await.expect_status(200).json();
    assert_eq!((&health["status"], &health["version"]), (&"degraded".into(), &env!("CARGO_PKG_VERSION").into()));
    assert!(health["uptime_s"].is_u64() && health["memory_bytes"].as_u64() > Some(1_000_000), "{health}");
    let database = &health["checks"]["database"];
    assert_eq!((&database["status"], &database["required"]), (&"failed".into(), &false.into()));
    assert!(database["error"].as_str().is_some_and(|error| error.contains("refused")), "{health}");
    // No website reaches it through a visitor's browser.
    let foreign = [
        Request::get("/health").header("Host", "evil.example"),
        Request::get("/health").header("Origin", "https://evil.example"),
    ];
    for request in foreign {
        server.admin_client().request(request).await.expect_status(403);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_11_metrics_tell_statuses_routes_and_decisions() {
    let (_upstream, server, _place) = serve("[route.\"/items/{id}\"]\nrate_limit.limits = [\"1/min per ip\"]\n").await;
    server.client().get("/status/404").await.expect_status(404);
    server.client().get("/items/1").await.expect_status(200);
    server.client().get("/items/2").await.expect_status(429);
    let metrics = server.admin_client().get("/metrics").await.expect_status(200);
    assert!(metrics.header("content-type").is_some_and(|kind| kind.starts_with("application/openmetrics-text")));
    let text = metrics.text();
    let labels = |route, status| {
        format!("{{http_request_method=\"GET\",http_route=\"{route}\",http_response_status_code=\"{status}\"}} 1\n")
    };
    for line in [
        format!("http_server_request_duration_seconds_count{}", labels("*", 404)),
        format!("http_server_request_duration_seconds_count{}", labels("/items/{id}", 200)),
        format!("http_server_request_duration_seconds_count{}", labels("/items/{id}", 429)),
        "seawall_guard_decisions_total{guard=\"rate_limit\",route=\"/items/{id}\",decision=\"refused\"} 1\n".to_owned(),
        "http_server_active_requests 0\n".to_owned(),
        "seawall_connections_accepted_total 3\n".to_owned(),
    ] {
        assert!(text.contains(&line), "{line} in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}

/// The soft limit is raised; where the hard one is too low, fewer clients connect instead of accepting failing for all.
#[tokio::test(flavor = "multi_thread")]
async fn open_files_bound_the_number_of_clients() {
    let upstream = Upstream::start(Kind::ByPath).await;
    let place = Place::with_config("[server]\nworkers = 1\n");
    let seawall = env!("CARGO_BIN_EXE_seawall");
    let mut command = place.command("sh");
    let arguments =
        format!("ulimit -n 160; exec {seawall} run --to {} --listen 127.0.0.1:0 --admin 127.0.0.1:0", upstream.url());
    command.args(["-c", &arguments]);
    let child = crate::applications::child::Child::start(command);
    let said = child
        .said("that fewer may connect", |said| said.contains("fewer clients may connect").then(|| said.to_owned()));
    assert!(said.contains("\"open_files\":160") && said.contains("\"max_connections\":16"), "{said}");
    let public = child.said("where it listens", |said| {
        said.lines().find_map(|line| Some(line.strip_prefix("  public   http://")?.trim().to_owned()))
    });
    let address = public.parse().unwrap();
    let mut kept = Vec::new();
    for _ in 0..40 {
        kept.push(seawall_testkit::client::RawClient::connect(address).await);
    }
    let mut served = 0;
    for connection in &mut kept {
        let answer = connection.try_request(&Request::get("/echo")).await;
        served += usize::from(answer.is_ok_and(|answer| answer.status == 200));
    }
    assert_eq!(served, 16, "as many as there are files for, and no more");
    drop(kept);
    let limit = Instant::now() + Duration::from_secs(10);
    // Until the server has seen the others leave, it may still be full.
    loop {
        let mut connection = seawall_testkit::client::RawClient::connect(address).await;
        if connection.try_request(&Request::get("/echo")).await.is_ok_and(|answer| answer.status == 200) {
            break;
        }
        assert!(Instant::now() < limit, "{child}");
    }
    assert!(!child.out().contains("accepting a connection failed"), "{child}");
}

/// What a shell allows at first is not what the system allows (`ulimit -S` and `-H`).
#[tokio::test(flavor = "multi_thread")]
async fn the_soft_limit_of_open_files_is_raised_to_the_hard_one() {
    let place = Place::with_config("[server]\nworkers = 1\n");
    let seawall = env!("CARGO_BIN_EXE_seawall");
    let mut command = place.command("sh");
    let run = format!("exec {seawall} run --to http://127.0.0.1:9 --listen 127.0.0.1:0 --admin 127.0.0.1:0");
    command.args(["-c", &format!("ulimit -S -n 160; ulimit -H -n 1128; {run}")]);
    let child = crate::applications::child::Child::start(command);
    let said = child
        .said("that fewer may connect", |said| said.contains("fewer clients may connect").then(|| said.to_owned()));
    assert!(said.contains("\"open_files\":1128") && said.contains("\"max_connections\":500"), "{said}");
}

//! The admin listener and its socket: who is let in, what they see, and what is kept in the data directory.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    time::Duration,
};

use seawall::app::{DataDirectory, catalogue, tiny_http};
use seawall_testkit::{
    StartedApp, TestApp,
    client::{RawClient, RawResponse, Request},
    in_front,
    upstream::{Kind, Upstream},
};

const LIMIT: Duration = Duration::from_secs(5);

/// Paths, whether they are open to anyone on this machine, and their status for those who may.
const PATHS: [(&str, bool, u16); 12] = [
    ("/health", true, 200),
    ("/health/live", true, 200),
    ("/health/ready", true, 200),
    ("/metrics", true, 200),
    ("/", false, 200),
    ("/api/status", false, 200),
    ("/api/config", false, 200),
    ("/api/diff", false, 200),
    ("/api/report", false, 200),
    ("/api/versions", false, 200),
    ("/api/reload", false, 405),
    ("/api/nothing", false, 404),
];

async fn ask(app: &StartedApp, path: &str, headers: &[(&str, &str)]) -> RawResponse {
    let request = headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
    app.admin_client().request(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_but_health_and_metrics_wants_the_token() {
    let (_upstream, app) = in_front("").await;
    let token = app.admin_token();
    let bearer = |token: &str| format!("Bearer {token}");
    let almost = format!("{}x", token.get(..token.len() - 1).expect("it is long"));
    for (path, open, status) in PATHS {
        assert_eq!(ask(&app, path, &[("Authorization", &bearer(&token))]).await.status, status, "{path}");
        for wrong in ["", "Bearer", "Bearer ", "Bearer null", &bearer(&almost), &token, &format!("Basic {token}")] {
            let answer = ask(&app, path, &[("Authorization", wrong)]).await;
            if open {
                assert_eq!(answer.status, status, "{path} with {wrong:?}");
            } else {
                let problem = answer.expect_problem(401, "admin-token-required");
                assert_eq!(problem["code"], "UNAUTHORIZED", "{path} with {wrong:?}");
                assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"seawall admin\""), "{path}");
            }
        }
        let in_query = ask(&app, &format!("{path}?token={token}"), &[]).await;
        assert_eq!(in_query.status, if open { status } else { 401 }, "{path}: a token in an address would be logged");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_website_reaches_it_through_a_visitors_browser() {
    let (_upstream, app) = in_front("").await;
    let bearer = format!("Bearer {}", app.admin_token());
    let port = app.admin().port();
    let own = |host: &str| format!("{host}:{port}");
    for (path, _, status) in PATHS {
        for host in ["localhost", "127.0.0.1", "[::1]"] {
            let origin = format!("http://{}", own(host));
            for headers in [&[("Host", own(host))][..], &[("Host", own(host)), ("Origin", origin)]] {
                let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
                let headers = [headers, vec![("Authorization", bearer.as_str())]].concat();
                assert_eq!(ask(&app, path, &headers).await.status, status, "{path} with {headers:?}");
            }
        }
        let foreign_host =
            [own("evil.example"), own("127.0.0.1.evil.example"), "localhost".to_owned(), own("10.0.0.1")];
        for host in &foreign_host {
            let answer = ask(&app, path, &[("Host", host), ("Authorization", &bearer)]).await;
            answer.expect_problem(403, "admin-host-refused");
        }
        let other_port = format!("http://localhost:{}", port - 1);
        for origin in ["https://evil.example", "null", "http://localhost", "https://localhost", &other_port] {
            let answer = ask(&app, path, &[("Origin", origin), ("Authorization", &bearer)]).await;
            answer.expect_problem(403, "admin-host-refused");
            assert_eq!(answer.header("access-control-allow-origin"), None, "{path} for {origin}");
        }
    }
    let mut bare = RawClient::connect(app.admin()).await;
    bare.write(b"GET /metrics HTTP/1.0\r\n\r\n").await;
    assert_eq!(bare.read_response("GET").await.status, 403, "nor does a request without a host");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_of_an_admin_problems_type_is_served() {
    let (_upstream, app) = in_front("").await;
    for (request, status, slug) in [
        (Request::get("/api/status"), 401, "admin-token-required"),
        (Request::get("/health").header("Host", "evil.example"), 403, "admin-host-refused"),
    ] {
        let problem = app.admin_client().request(request).await.expect_problem(status, slug);
        let address = problem["type"].as_str().expect("a type");
        let page = app.admin_client().get(address).await.expect_status(200);
        assert!(page.text().contains(problem["code"].as_str().expect("a code")), "{address}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_8_the_page_of_every_problem_is_served_at_its_address() {
    let (upstream, app) = in_front("").await;
    for problem in catalogue::problems() {
        let page = app.client().get(&format!("/_seawall/problems/{}", problem.slug)).await.expect_status(200);
        assert_eq!(page.header("content-type"), Some("text/plain; charset=utf-8"), "{}", problem.slug);
        let text = page.text();
        let status = problem.status.as_u16().to_string();
        for part in [problem.title, problem.code, problem.documentation, status.as_str()] {
            assert!(text.contains(part), "{} lacks {part:?} in:\n{text}", problem.slug);
        }
        assert!(text.starts_with(problem.title), "{text}");
    }
    assert_eq!(upstream.requests().len(), 0);
    let problem = app.client().get("/a%2Fb").await.expect_problem(400, "invalid-path");
    app.client().get(problem["type"].as_str().expect("a type")).await.expect_status(200);
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).permissions().mode() & 0o7777
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_owner_may_look_into_the_data_directory() {
    let (_upstream, app) = in_front("").await;
    let data = app.data();
    let socket = DataDirectory::socket_in(&data);
    until_bound(&socket).await;
    for (path, expected) in
        [(data.clone(), 0o700), (data.join("admin.token"), 0o600), (data.join("lock"), 0o600), (socket, 0o600)]
    {
        assert_eq!(mode(&path), expected, "{} is {:o}", path.display(), mode(&path));
    }
    assert_eq!(fs::read_to_string(data.join(".gitignore")).unwrap(), "*\n", "nothing of it goes into a repository");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_made_once_and_stays_over_restarts() {
    let upstream = Upstream::start(Kind::ByPath).await;
    let app = TestApp::in_front_of(upstream.url()).start().await;
    let token = app.admin_token();
    assert_eq!(token.len(), 64);
    assert!(token.bytes().all(|byte| byte.is_ascii_hexdigit()), "{token}");
    let file = app.data().join("admin.token");
    assert_eq!(fs::read_to_string(&file).unwrap().trim(), token);
    let made = fs::metadata(&file).unwrap().ino();
    let directory = app.into_directory();
    let again = TestApp::in_front_of(upstream.url()).in_directory(directory).start().await;
    assert_eq!((again.admin_token(), fs::metadata(&file).unwrap().ino()), (token, made));
    assert_eq!(mode(&file), 0o600);
    let other = TestApp::in_front_of(upstream.url()).start().await;
    assert_ne!(other.admin_token(), again.admin_token());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configured_token_is_the_one_and_is_never_shown() {
    const TOKEN: &str = "0123456789abcdef0123456789abcdef";
    let (_upstream, app) = in_front(&format!("[admin]\ntoken = \"{TOKEN}\"\n")).await;
    assert!(!app.data().join("admin.token").exists());
    let bearer = format!("Bearer {TOKEN}");
    let config = ask(&app, "/api/config", &[("Authorization", &bearer)]).await.expect_status(200).text();
    assert!(config.contains("[admin]") && config.contains("[rate_limit]"), "{config}");
    let status = ask(&app, "/api/status", &[("Authorization", &bearer)]).await.expect_status(200).text();
    for shown in [config, status, app.log_text(), ask(&app, "/metrics", &[]).await.text()] {
        assert!(!shown.contains(TOKEN), "{shown}");
    }
}

/// The socket is bound by a task of its own, a moment after the start.
async fn until_bound(socket: &Path) {
    let bound = async {
        while tiny_http::get_unix(socket, "/health/live", LIMIT).await.is_err() {
            // Files tell nobody when they appear.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LIMIT, bound).await.unwrap_or_else(|_| panic!("{} never answers", socket.display()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_beside_the_token_wants_none() {
    let (upstream, mut app) = in_front("environment = \"staging\"\n").await;
    let socket = DataDirectory::socket_in(&app.data());
    until_bound(&socket).await;
    app.client().get("/echo").await.expect_status(200);
    let answer = tiny_http::get_unix(&socket, "/api/status", LIMIT).await.unwrap();
    let status: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((answer.status, &status["health"]["status"]), (200, &"ok".into()), "{status}");
    assert_eq!(status["public"], app.public().to_string());
    assert_eq!(status["admin"], app.admin().to_string());
    assert_eq!(status["upstream"], upstream.url());
    assert_eq!((&status["environment"], &status["active_requests"]), (&"staging".into(), &0.0.into()), "{status}");
    let config = tiny_http::get_unix(&socket, "/api/config", LIMIT).await.unwrap();
    assert!(config.body.contains("environment = \"staging\""), "{}", config.body);
    assert_eq!(tiny_http::get_unix(&socket, "/nothing", LIMIT).await.unwrap().status, 404);
    app.drain().await;
    app.ended_within(LIMIT).await;
    assert!(!socket.exists(), "no socket stays behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_beyond_the_most_are_told_so_while_clients_are_served() {
    const MOST: usize = 256;
    let (_upstream, app) = in_front("").await;
    let mut held = Vec::new();
    for _ in 0..MOST {
        held.push(RawClient::connect(app.admin()).await);
    }
    let problem = app.admin_client().get("/health").await.expect_problem(503, "too-many-connections");
    assert_eq!((&problem["retryable"], &problem["fault"]), (&true.into(), &"seawall".into()), "{problem}");
    assert_eq!(app.metric("seawall_control_connections_closed", &["admin", "full"]), 1.0);
    app.client().get("/echo").await.expect_status(200);
    let socket = DataDirectory::socket_in(&app.data());
    assert_eq!(tiny_http::get_unix(&socket, "/health/live", LIMIT).await.unwrap().status, 200, "it has its own places");
    drop(held);
    let served = async { while app.admin_client().get("/health/live").await.status != 200 {} };
    tokio::time::timeout(LIMIT, served).await.expect("places come back");
}

/// The times are fixed, so this takes as long as a head may.
#[tokio::test(flavor = "multi_thread")]
async fn rg_4_operators_and_the_application_have_limits_too() {
    const HEAD: Duration = Duration::from_secs(10);
    let (_upstream, app) = in_front("[outbound.api]\nurl = \"http://127.0.0.1:9\"\n").await;
    let cut = |address, listener| {
        let app = &app;
        async move {
            let begun = tokio::time::Instant::now();
            let mut client = RawClient::connect(address).await.with_limit(HEAD * 2);
            client.write("GET /health HTTP/1.1\r\nHost: ").await;
            client.expect_closed().await;
            assert!(begun.elapsed() >= HEAD && begun.elapsed() < HEAD + LIMIT, "{listener}: {:?}", begun.elapsed());
            app.until_metric("seawall_control_connections_closed", &[listener, "slow_head"], 1.0).await;
        }
    };
    tokio::join!(cut(app.admin(), "admin"), cut(app.outbound(), "calls"));
}

/// One line of the exposition that is no comment: a name, its labels, a value.
fn sample(line: &str) -> (&str, Vec<(&str, &str)>) {
    let bad = |what: &str| -> ! { panic!("{what} in {line:?}") };
    let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| bad("no value"));
    if value.parse::<f64>().is_err() {
        bad("no number");
    }
    let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
    let Some(labels) = labels.strip_suffix('}') else { bad("an open brace") };
    let labels = labels.split("\",").filter(|label| !label.is_empty()).map(|label| {
        let (label, value) = label.split_once("=\"").unwrap_or_else(|| bad("a label without a value"));
        (label, value.trim_end_matches('"'))
    });
    let sane = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if name.is_empty() || !name.bytes().all(sane) {
        bad("an odd name");
    }
    (name, labels.collect())
}

/// Spans are exported by a feature that these tests do not build; certificates have metrics where there are any, the outbox where a
/// feature sends messages, shared counters and a way to other nodes where they are configured, caches where a feature keeps one, versions of the
/// API and signatures where there are some, the payload filter where it is enabled, drift where answers are compared, calls of other
/// services and of language models where there are some.
const ELSEWHERE: [&str; 18] = [
    "span",
    "seawall_tls_reloads",
    "seawall_tls_certificate",
    "seawall_outbox",
    "seawall_backup",
    "seawall_shared_counters",
    "seawall_messages_connected",
    "seawall_cache",
    "seawall_rate_limit_fallbacks",
    "seawall_password",
    "seawall_admin_key",
    "seawall_api_version",
    "seawall_schema_drift",
    "seawall_signatures",
    "seawall_payload_filter",
    "seawall_outbound",
    "seawall_llm",
    "gen_ai_client",
];

#[tokio::test(flavor = "multi_thread")]
async fn wk_11_every_metric_is_told_in_the_format_that_scrapers_read() {
    let (_upstream, app) =
        in_front("[identity]\nenabled = true\n[backup]\nto = \"backups\"\n[rate_limit]\nlimits = [\"2/min per ip\"]\n")
            .await;
    app.client().get("/echo").await.expect_status(200);
    app.client().get("/close").await.expect_status(502);
    app.client().get("/limited").await.expect_status(429);
    let mut connection = app.connect().await;
    connection.write("no request\r\n").await;
    connection.read_response("GET").await.expect_status(400);
    app.until_metric("seawall_http_refused", &["missing_version", "request"], 1.0).await;
    app.until_metric("http_server_active_requests", &[], 0.0).await;
    let answer = ask(&app, "/metrics", &[]).await.expect_status(200);
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("application/openmetrics-text")));
    let text = answer.text();
    assert!(text.ends_with("# EOF\n"), "{text}");
    let mut types = std::collections::BTreeMap::new();
    let mut names = std::collections::BTreeSet::new();
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            match comment.split(' ').collect::<Vec<_>>()[..] {
                ["TYPE", name, kind] => assert!(types.insert(name, kind).is_none(), "{name} is declared twice"),
                ["HELP", name, _, ..] => assert!(!types.contains_key(name), "{name}: help comes first"),
                ["EOF"] => {}
                _ => panic!("an unknown comment: {line}"),
            }
            continue;
        }
        let (name, labels) = sample(line);
        let family = types.keys().filter(|family| name.starts_with(**family)).max_by_key(|family| family.len());
        assert!(family.is_some(), "{name} has no type before it");
        assert!(labels.iter().all(|(label, _)| !label.is_empty()), "{line}");
        names.insert(name);
    }
    for metric in catalogue::metrics().filter(|metric| !ELSEWHERE.iter().any(|part| metric.name.contains(part))) {
        assert!(types.contains_key(metric.name), "{} is not told", metric.name);
        assert!(text.contains(&format!("# HELP {} ", metric.name)), "{} has no help", metric.name);
    }
    for name in [
        "http_server_request_duration_seconds_bucket",
        "http_server_request_duration_seconds_sum",
        "http_server_request_duration_seconds_count",
        "http_server_active_requests",
        "seawall_guard_decisions_total",
        "seawall_upstream_failures_total",
        "seawall_connections_accepted_total",
        "seawall_sockets",
    ] {
        assert!(names.contains(name), "{name} in:\n{text}");
    }
    for line in [
        "seawall_guard_decisions_total{guard=\"rate_limit\",route=\"*\",decision=\"refused\"} 1",
        "seawall_upstream_failures_total{problem=\"bad-gateway\"} 1",
        "http_server_request_duration_seconds_count{http_request_method=\"GET\",http_route=\"*\",http_response_status_code=\"200\"} 1",
    ] {
        assert!(text.lines().any(|told| told == line), "{line} in:\n{text}");
    }
}

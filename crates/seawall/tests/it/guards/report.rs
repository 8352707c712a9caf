//! Report mode as a whole (checklist WK-17): the same recorded requests in front of guards that report, that are off, and of which one
//! enforces; and what operators are told of it.

use std::{collections::BTreeSet, time::Duration};

use seawall::app::catalogue;
use seawall_guards::ReportOnly;
use seawall_testkit::{
    StartedApp, TemporaryDirectory, TestApp,
    client::{RawClient, RawResponse, Request},
    in_front,
    upstream::{Kind, Upstream},
};
use serde_json::{Value, json};

use crate::identity::{PASSWORD, cookie};

/// Everything small, so that every guard has something to refuse.
const TIGHT: &str = r#"
[identity]
enabled = true
[rescue]
upstream_errors = "replace"
[cors]
origins = ["https://app.example.com"]
[body]
max = "1 KB"
[form]
duplicates = "refuse"
max_file = "100 B"
types = ["text/plain"]
[rate_limit]
limits = []
[versions]
by = "path"
below = "/api"
[versions.v1]
deprecated = "2026-01-01"
[schema]
document = "openapi.json"
unknown_fields = "allow"
[route."/orders"]
idempotency.required = true
[payload_filter]
enabled = true
[route."/limited"]
rate_limit.limits = ["2/hour per ip", "3/day per ip"]
[route."/mine"]
rate_limit.limits = ["2/hour per user"]
[route."/members"]
access.require = "user"
[signatures.hooks]
preset = "github"
secret = "a-secret-of-both-sides"
[route."/status/202"]
signatures.require = "hooks"
[route."/kept/{name}"]
conditional.etag = "strong"
conditional.if_match = "check"
conditional.coalesce = true
[route."/slow/{ms}"]
load_shed.max_in_flight = 1
deadline.response_head = "20s"
"#;

/// What the application says of itself.
const DOCUMENT: &str = r#"{"openapi": "3.1.0", "paths": {"/described": {"get": {"parameters": [
    {"name": "days", "in": "query", "schema": {"type": "integer", "maximum": 3650}}
]}}, "/status/203": {"post": {"requestBody": {"required": true, "content": {"application/json": {"schema":
    {"type": "object", "properties": {"days": {"type": "integer", "maximum": 3650}}}
}}}}}}}"#;

/// What is sent, in order; with a session where one is told.
#[expect(clippy::too_many_lines, reason = "a table: a row for each request")]
fn recorded(session: &str) -> Vec<Request> {
    let foreign = |method: &str, target: &str| Request::new(method, target).header("Origin", "https://evil.example");
    let listed = |method: &str, target: &str| Request::new(method, target).header("Origin", "https://app.example.com");
    let json = |body: &str| Request::post("/status/201?").header("Content-Type", "application/json").body(body);
    let described = |body: &str| Request::post("/status/203?").header("Content-Type", "application/json").body(body);
    // Of "Hello, World!".
    let signature = "sha256=c05b3bbbd20feb717f2db941f055a7e8330410f1ad1ee11b8f0ff2cea38ed621";
    let hook = |body: &str| Request::post("/status/202?").header("X-Hub-Signature-256", signature).body(body);
    let form = |body: &str| {
        Request::post("/status/201?").header("Content-Type", "application/x-www-form-urlencoded").body(body)
    };
    let parts = |content: String| {
        let head = "--b\r\nContent-Disposition: form-data; name=f; filename=f.png\r\n\r\n";
        let request = Request::post("/status/201?").header("Content-Type", "multipart/form-data; boundary=b");
        request.body(format!("{head}{content}\r\n--b--\r\n"))
    };
    let asks = |request: Request| request.header("Access-Control-Request-Method", "PUT");
    let own = "/headers?Access-Control-Allow-Origin=https://app.example.com&Vary=X&";
    let any = "/headers?Access-Control-Allow-Origin=*&X-RateLimit-Limit=77&";
    let handshake = Request::get("/status/426?").header("Upgrade", "websocket").header("Connection", "Upgrade");
    let mut requests: Vec<Request> = (0..5).map(|_| Request::get("/limited?")).collect();
    requests.extend((0..4).map(|_| Request::get("/mine?").header("Cookie", session)));
    requests.extend([
        Request::get("/members?"),
        Request::get("/members?").header("Cookie", session),
        asks(foreign("OPTIONS", "/status/204?")),
        asks(listed("OPTIONS", own)),
        foreign("GET", any),
        listed("GET", own),
        listed("GET", any),
        Request::get(any),
        handshake,
        Request::post("/status/201?").body(vec![b'x'; 1_000]),
        Request::post("/status/201?").body(vec![b'x'; 1_001]),
        Request::post("/status/201?").chunked([vec![b'x'; 900], vec![b'x'; 900]]),
        Request::get("/stack-trace?"),
        Request::post("/orders?").body("x"),
        Request::post("/orders?").header("Idempotency-Key", "\"a key\"").body("x"),
        Request::post("/orders?").header("Idempotency-Key", "\"a key\"").body("y"),
        Request::post("/orders?").header("Idempotency-Key", "\"a key").body("x"),
        Request::get("/api/v1/echo?"),
        Request::get("/api/v9/echo?"),
        Request::get("/described?days=30&"),
        Request::get("/described?days=9999&"),
        foreign("POST", "/status/201?").header("Cookie", session).header("Sec-Fetch-Site", "cross-site"),
        Request::post("/status/201?").header("Cookie", session).header("Sec-Fetch-Site", "same-origin"),
        json("{\"a\":1}"),
        json("{\"a\":1,\"a\":2}"),
        json("{\"a\":[[[[[[[[[[[]]]]]]]]]]]}"),
        described("{\"days\":30}"),
        described("{\"days\":9999}"),
        described("{\"days\":30,\"days\":9999}"),
        described("{\"days\""),
        described("{\"days\":30}").header("Content-Encoding", "gzip"),
        Request::post("/status/203?").header("Content-Type", "text/plain").body("days"),
        Request::post("/status/203?"),
        json("{\"a\":\"' or 1=1--\"}"),
        Request::get("/status/200?q=%3Cscript%3E&"),
        Request::post("/status/201?")
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body("host=127.0.0.1%3Bcat+%2Fetc%2Fpasswd"),
        json("{\"a\"").header("Content-Encoding", "gzip"),
        Request::post("/status/202?").body("unsigned"),
        hook("Hello, World!"),
        hook("Hello, Mars!"),
        Request::get("/kept/a?"),
        Request::get("/kept/a?").header("If-None-Match", "*"),
        Request::new("PUT", "/kept/a?"),
        Request::new("PUT", "/kept/a?").header("If-Match", "*").body("a"),
        Request::new("PUT", "/kept/a?").header("If-Match", "\"other\"").body("a"),
        form("a=1&b=%20"),
        form("a=1&a=2"),
        form("a=%zz"),
        form("a").header("Content-Encoding", "gzip"),
        parts("GIF89a".to_owned()),
        parts("x".repeat(101)),
        parts("x".to_owned()).header("Content-Type", "text/plain"),
        Request::get("/status/503?Retry-After=7&"),
        Request::get("/status/404?"),
    ]);
    requests
}

/// What came of one request: who would have refused it, who did, and what was answered.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    reported: BTreeSet<String>,
    refused: Option<String>,
    answer: (u16, Vec<(String, String)>, Vec<u8>),
}

/// Fields that no two answers share.
const OF_ITS_OWN: [&str; 3] = ["date", "x-request-id", "age"];

fn kept(answer: RawResponse) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let headers = answer.headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value));
    let mut headers: Vec<_> = headers.filter(|(name, _)| !OF_ITS_OWN.contains(&name.as_str())).collect();
    headers.sort();
    (answer.status, headers, answer.body)
}

/// The same request, to be found again in the log.
fn marked(request: &Request, mark: &str) -> Request {
    request.clone().with_target(format!("{}mark={mark}", request.target()))
}

async fn outcome(app: &StartedApp, answer: RawResponse, mark: &str) -> Outcome {
    let ends = format!("mark={mark}");
    let line = app.log_line(mark, |line| line["url.query"].as_str().is_some_and(|query| query.ends_with(&ends))).await;
    let reported = line["guard.reported"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
    Outcome {
        reported: reported.collect(),
        // A preflight that a guard answers has its name too, but no problem.
        refused: line["guard.name"].as_str().filter(|_| line["problem"].is_string()).map(str::to_owned),
        answer: kept(answer),
    }
}

/// The configuration with this mode for all, in which the guards of one section enforce.
fn configuration(mode: &str, enforces: Option<&str>) -> String {
    let config = format!("mode = \"{mode}\"\n{TIGHT}");
    let Some(section) = enforces.map(|section| format!("\n[{section}]\n")) else { return config };
    let enforces = format!("{section}mode = \"enforce\"\n");
    if config.contains(&section) { config.replace(&section, &enforces) } else { config + &enforces }
}

/// An application that has a document.
async fn described(config: &str) -> (Upstream, StartedApp) {
    let directory = TemporaryDirectory::new();
    std::fs::write(directory.path().join("openapi.json"), DOCUMENT).expect("the document is written");
    let upstream = Upstream::start(Kind::ByPath).await;
    let app = TestApp::in_front_of(upstream.url()).in_directory(directory).with_config(config).start().await;
    (upstream, app)
}

/// Sends everything through a Seawall of its own.
async fn sent(mode: &str, enforces: Option<&str>) -> (Vec<Outcome>, Upstream, StartedApp) {
    let (upstream, app) = described(&configuration(mode, enforces)).await;
    let token = format!("Bearer {}", app.admin_token());
    let ann = Request::post("/api/users").json(&json!({ "name": "ann", "password": PASSWORD }));
    app.admin_client().request(ann.header("Authorization", token)).await.expect_status(201);
    let signs_in = json!({ "name": "ann", "password": PASSWORD });
    let session = cookie(&app.client().post_json("/_seawall/auth/sign-in", &signs_in).await.expect_status(200));

    let mut outcomes = Vec::new();
    for (place, request) in recorded(&session).iter().enumerate() {
        let mark = format!("m{place}.");
        let answer = app.client().request(marked(request, &mark)).await;
        outcomes.push(outcome(&app, answer, &mark).await);
    }
    // Two that come while one is in flight, one of them after another of the two.
    let mut busy = RawClient::connect(app.public()).await.with_limit(Duration::from_secs(30));
    busy.write(Request::get("/slow/20000?").encode("a")).await;
    let slow = |upstream: &Upstream| upstream.requests().iter().any(|seen| seen.target.starts_with("/slow/20000"));
    upstream.until("a request in flight", slow).await;
    for mark in ["b0.", "b1."] {
        let answer = app.client().get(&format!("/slow/1?mark={mark}")).await;
        outcomes.push(outcome(&app, answer, mark).await);
    }
    drop(busy);
    app.until_metric("http_server_active_requests", &[], 0.0).await;
    let answer = app.client().get("/slow/1?mark=last.").await;
    outcomes.push(outcome(&app, answer, "last.").await);
    (outcomes, upstream, app)
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_17_what_a_guard_reports_is_what_it_refuses_when_it_alone_enforces() {
    let (reports, _upstream, app) = sent("report", None).await;
    let ones = catalogue::ORDER.iter().map(|step| step.guard).filter(|guard| guard.report_only == ReportOnly::Yes);
    let ones: Vec<_> = ones.collect();
    for guard in &ones {
        let seen = reports.iter().filter(|outcome| outcome.reported.contains(guard.name)).count();
        assert!(seen > 0, "{} is provoked by no recorded request; add one", guard.name);
        let told = app.report().await;
        let rows = told["data"].as_array().unwrap().iter().filter(|row| row["guard"] == guard.name);
        let refused: u64 = rows.map(|row| row["refused"].as_u64().unwrap()).sum();
        assert_eq!(usize::try_from(refused).unwrap(), seen, "{} in the report", guard.name);
    }
    let sections: BTreeSet<_> = ones.iter().map(|guard| guard.section.name).collect();
    for section in sections {
        let names: BTreeSet<_> =
            ones.iter().filter(|guard| guard.section.name == section).map(|one| one.name).collect();
        let (refusals, _upstream, _app) = sent("report", Some(section)).await;
        for (place, (report, refusal)) in reports.iter().zip(&refusals).enumerate() {
            let would = report.reported.iter().find(|name| names.contains(name.as_str()));
            assert_eq!(would, refusal.refused.as_ref(), "request {place}, {section} alone:\n{report:?}\n{refusal:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_17_report_mode_changes_no_answer() {
    let (reports, ..) = sent("report", None).await;
    let (off, ..) = sent("off", None).await;
    assert_eq!(reports.len(), off.len());
    for (place, (report, off)) in reports.iter().zip(&off).enumerate() {
        assert_eq!((&report.answer, &report.refused), (&off.answer, &off.refused), "request {place}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_17_pages_that_the_application_says_nothing_of_keep_their_grants_in_report_mode() {
    let (_upstream, app) = described(&configuration("report", None)).await;
    let listed = |method: &str| Request::new(method, "/status/404").header("Origin", "https://app.example.com");
    let preflight = app.client().request(listed("OPTIONS").header("Access-Control-Request-Method", "PUT")).await;
    assert_eq!(
        (preflight.status, preflight.header("access-control-allow-origin")),
        (204, Some("https://app.example.com"))
    );
    let answer = app.client().request(listed("GET")).await.expect_status(404);
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://app.example.com"));
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_17_operators_are_told_which_limit_would_refuse_none_and_a_reload_forgets_nothing() {
    let config = "mode = \"report\"\n[route.\"/limited\"]\nrate_limit.limits = [\"5/hour per ip\"]\n";
    let (_upstream, app) = in_front(config).await;
    for _ in 0..8 {
        app.client().get("/limited?token=s3cret").await.expect_status(200);
    }
    app.reload_with(&format!("{config}[body]\nmax = \"2 MB\"\n")).await;
    app.client().get("/limited?token=s3cret").await.expect_status(200);
    let told = app.report().await;
    let row = told["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["guard"] == "rate_limit" && row["route"] == "/limited")
        .unwrap();
    assert_eq!((&row["guard"], &row["seen"], &row["refused"]), (&json!("rate_limit"), &json!(9), &json!(4)), "{row}");
    assert_eq!(
        row["suggestions"],
        json!([
            "`limits` in `[rate_limit]`: \"5/h per ip\" would have refused 4 of 9; \"9/h per ip\" would refuse none"
        ])
    );
    let example = &row["problems"][0]["examples"][0];
    assert_eq!((&example["path"], &example["status"]), (&json!("/limited?token=[redacted]"), &json!(429)), "{row}");
    assert!(!told.to_string().contains("s3cret"), "{told}");

    app.reload_with(&config.replace("5/hour", "9/hour")).await;
    let told = app.report().await;
    let row = told["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["guard"] == "rate_limit" && row["route"] == "/limited")
        .unwrap();
    assert_eq!((&row["seen"], &row["refused"]), (&json!(0), &json!(0)), "another limit is counted anew: {row}");
    let only = app.report_of("guard=body&route=*").await;
    let rows: Vec<_> = only["data"].as_array().unwrap().iter().map(|row| (&row["guard"], &row["route"])).collect();
    assert_eq!(rows, [(&json!("body"), &json!("*"))]);
}

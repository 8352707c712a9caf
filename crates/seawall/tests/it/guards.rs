//! Guards over real sockets: what each does by default, how refusals look, and that they come before the body.

mod conditional;
mod cross_site;
mod form;
mod idempotency;
mod json;
mod limits;
mod modes;
mod openapi;
mod origins;
mod payload_filter;
mod proxies;
mod report;
mod schema;
mod schema_answers;
mod schema_bodies;
mod schema_fetched;
mod shed;
mod signatures;
mod versions;

use seawall_testkit::{
    StartedApp,
    client::{RawResponse, Request},
    in_front,
    upstream::Upstream,
};

/// Headers with one value on every answer (checklist WK-3).
const EVERYWHERE: [(&str, &str); 5] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("x-xss-protection", "0"),
    ("referrer-policy", "strict-origin-when-cross-origin"),
    ("permissions-policy", "geolocation=(), microphone=(), camera=()"),
];

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// Everything small, so that each refusal is a request away.
const TIGHT: &str = r#"
[cors]
origins = ["https://app.example.com"]
[body]
max = "1 KB"
[deadline]
response_head = "200ms"
[route."/limited"]
rate_limit.limits = ["1/min per ip"]
[route."/slow/{ms}"]
load_shed.max_in_flight = 1
deadline.response_head = "20s"
"#;

/// One way to be refused: the request, the answer, and the guard that the log names.
struct Refusal {
    request: Request,
    status: u16,
    slug: &'static str,
    guard: Option<&'static str>,
}

fn refusals() -> Vec<Refusal> {
    let row = |request, status, slug, guard| Refusal { request, status, slug, guard };
    let foreign = Request::new("OPTIONS", "/preflight").header("Origin", "https://evil.example");
    vec![
        row(Request::get("/a%2Fb"), 400, "invalid-path", Some("strict_http")),
        row(Request::get("/host").header("Host", "a b"), 400, "invalid-host", None),
        row(Request::new("TRACE", "/trace"), 405, "method-refused", Some("strict_http")),
        row(Request::get("/large").header("Cookie", "x".repeat(40_000)), 431, "headers-too-large", Some("strict_http")),
        row(foreign.header("Access-Control-Request-Method", "PUT"), 403, "origin-refused", Some("cors")),
        row(Request::get("/limited"), 429, "quota-exceeded", Some("rate_limit")),
        row(Request::get("/slow/1"), 503, "overloaded", Some("load_shed")),
        row(Request::post("/body").body(vec![b'x'; 1_001]), 413, "request-too-large", Some("body")),
        row(Request::get("/_seawall/nothing"), 404, "not-found", None),
        row(Request::get("/close"), 502, "bad-gateway", None),
        row(Request::get("/never"), 504, "upstream-timeout", None),
    ]
}

/// A server whose one request of `/limited` is used up and whose one place of `/slow` is taken.
async fn tight(toml: &str) -> (Upstream, StartedApp, seawall_testkit::client::RawClient) {
    let (upstream, app) = in_front(toml).await;
    app.client().get("/limited").await.expect_status(200);
    let mut busy = app.connect().await;
    busy.write(Request::get("/slow/20000").encode("a")).await;
    upstream.until("the place to be taken", |upstream| upstream.requests().len() == 2).await;
    (upstream, app, busy)
}

fn expect_dressed(answer: &RawResponse) {
    for (name, value) in EVERYWHERE {
        assert_eq!(answer.headers_named(name), [value], "{name} of {answer:?}");
    }
    assert_eq!(answer.headers_named("content-security-policy").len(), 1, "{answer:?}");
    assert_eq!(answer.headers_named("x-request-id").len(), 1, "{answer:?}");
    assert_eq!(answer.header("strict-transport-security"), None, "not over plain http: {answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_3_every_refusal_is_dressed_and_found_again_in_the_log() {
    let (_upstream, app, _busy) = tight(TIGHT).await;
    for Refusal { request, status, slug, guard } in refusals() {
        let path = request.target().to_owned();
        let answer = app.client().request(request).await;
        let problem = answer.expect_problem(status, slug);
        expect_dressed(&answer);
        assert_eq!(answer.header("content-security-policy"), Some("default-src 'none'; frame-ancestors 'none'"));
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{slug}");
        assert_eq!(problem["request_id"].as_str(), answer.header("x-request-id"), "{slug}");
        let id = problem["request_id"].as_str().expect("an id");
        let line = app.log_line(slug, |line| line["request.id"] == id).await;
        assert_eq!((&line["http.status"], &line["problem"]), (&status.into(), &slug.into()), "{line}");
        assert_eq!((line["guard.name"].as_str(), line["url.path"].as_str()), (guard, Some(path.as_str())), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_3_every_answer_of_the_application_is_dressed() {
    let (_upstream, app) = in_front("").await;
    for path in ["/echo", "/html", "/status/204", "/status/304", "/status/404", "/status/500", "/_seawall/health/live"]
    {
        expect_dressed(&app.client().get(path).await);
    }
    let script = app.client().get("/asset/1.css").await.expect_status(200);
    assert_eq!(script.header("content-security-policy"), None, "a policy of its own would follow what loads it");
    let own = app.client().get("/headers?X-Frame-Options=SAMEORIGIN&Server=x/1&X-Content-Type-Options=wrong").await;
    assert_eq!(own.headers_named("x-frame-options"), ["SAMEORIGIN"], "what the application says is respected");
    assert_eq!((own.headers_named("x-content-type-options"), own.header("server")), (vec!["nosniff"], None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_gets_a_page_and_a_program_json() {
    let (_upstream, app, _busy) = tight(TIGHT).await;
    for Refusal { request, status, slug, .. } in refusals() {
        let page = app.client().request(request.header("Accept", BROWSER)).await.expect_status(status);
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"), "{slug}");
        let policy = page.header("content-security-policy").expect("a page has a policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'unsafe-inline'"), "{slug}: {policy}");
        let id = page.header("x-request-id").expect("an id");
        let text = page.text();
        assert!(text.contains("<!doctype html>") && text.contains(id) && text.contains(&status.to_string()), "{text}");
        assert!(!text.contains("<script") && !text.contains("src="), "the page loads nothing: {text}");
    }
    for accept in [None, Some("*/*"), Some("application/json"), Some("application/json, text/html"), Some("image/png")]
    {
        let request = Request::get("/limited");
        let request = accept.into_iter().fold(request, |request, accept| request.header("Accept", accept));
        app.client().request(request).await.expect_problem(429, "quota-exceeded");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_shows_what_the_client_sent_as_text_only() {
    let (_upstream, app) = in_front("[strict_http]\nhosts = [\"app.example\"]\n").await;
    for (path, host) in [("/<script>alert(1)</script>%2f", "app.example"), ("/%3Cscript%3E", "<script>x</script>")] {
        let mut connection = app.connect().await;
        let request = Request::get(path).header("Host", host).header("Accept", BROWSER);
        // A host that no library takes may be refused before there is a page.
        let text = connection.request(&request).await.expect_status(400).text();
        assert!(!text.contains("<script"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guard_refuses_before_the_body_is_asked_for() {
    let (upstream, app, _busy) = tight(TIGHT).await;
    let asked = upstream.requests().len();
    for (path, length, origin, status, slug) in [
        ("/limited", 10, None, 429, "quota-exceeded"),
        ("/slow/1", 10, None, 503, "overloaded"),
        ("/body", 1_001, None, 413, "request-too-large"),
        ("/a%2Fb", 10, None, 400, "invalid-path"),
        ("/_seawall/nothing", 10, Some("https://app.example.com"), 404, "not-found"),
    ] {
        let mut connection = app.connect().await;
        let origin = origin.map(|origin| format!("Origin: {origin}\r\n")).unwrap_or_default();
        let head = format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n{origin}");
        connection.write(format!("{head}Expect: 100-continue\r\n\r\n")).await;
        let answer = connection.read_response("POST").await;
        answer.expect_problem(status, slug);
        assert_eq!(answer.interim, [], "{slug}: no permission to send");
        assert_eq!(app.request_line(path).await["bytes.in"], 0, "{slug}");
    }
    assert_eq!(upstream.requests().len(), asked, "and the application was not asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_8_problems_tell_whose_fault_it_is_and_whether_to_try_again() {
    let (_upstream, app, _busy) = tight(TIGHT).await;
    for Refusal { request, slug, .. } in refusals() {
        let problem = app.client().request(request).await.json();
        let (fault, retryable) = match slug {
            "quota-exceeded" => ("client", true),
            "overloaded" => ("seawall", true),
            "bad-gateway" | "upstream-timeout" => ("upstream", true),
            _ => ("client", false),
        };
        assert_eq!((&problem["fault"], &problem["retryable"]), (&fault.into(), &retryable.into()), "{problem}");
        assert!(problem["title"].as_str().is_some_and(|title| title.len() > 10), "{problem}");
        assert!(matches!(problem["severity"].as_str(), Some("low" | "medium" | "high")), "{problem}");
        assert!(problem["code"].as_str().is_some_and(|code| code.to_uppercase() == code), "{problem}");
        assert_eq!(problem["instance"], problem["request_id"], "{problem}");
    }
}

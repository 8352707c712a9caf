//! What never reaches the application: paths with two readings, other hosts, pages of other origins.

use seawall_testkit::client::{RawResponse, Request};

use super::{Application, expect_problem, in_front_of};

/// Spellings that servers read differently are refused and not forwarded.
pub(super) async fn paths(application: Application) {
    let app = in_front_of(&application, "").await;
    for path in
        ["/a/../index.html", "/%2e%2e/etc/passwd", "/..%2f..%2fetc%2fpasswd", "/a\\b", "/a%00b", "/..;x/a", "/%zz"]
    {
        let answer = app.client().get(path).await;
        expect_problem(&answer, 400, "invalid-path");
        let line = app.request_line(path).await;
        assert_eq!((&line["guard.name"], line.get("upstream.duration_ms")), (&"strict_http".into(), None), "{line}");
    }
    // A spelling with one meaning is brought into its plain form and forwarded.
    app.client().get("/%69ndex.html").await.expect_status(200);
    let traced = app.client().request(Request::new("TRACE", "/")).await;
    expect_problem(&traced, 405, "method-refused");
}

/// A handshake without a key, and one of another version, never reach the application.
pub(super) async fn handshakes(application: Application) {
    let app = in_front_of(&application, "").await;
    let asks = || Request::get("/index.html").header("Connection", "Upgrade").header("Upgrade", "websocket");
    let keyless = app.client().request(asks().header("Sec-WebSocket-Version", "13")).await;
    expect_problem(&keyless, 400, "invalid-handshake");
    let old = app.client().request(asks().header("Sec-WebSocket-Version", "8")).await;
    expect_problem(&old, 426, "invalid-handshake");
    let line = app.request_line("/index.html").await;
    assert_eq!((&line["guard.name"], line.get("upstream.duration_ms")), (&"websocket".into(), None), "{line}");
}

/// One host, well-formed, and one of those that are listed.
pub(super) async fn hosts(application: Application) {
    let app = in_front_of(&application, "[strict_http]\nhosts = [\"shop.example\"]\n").await;
    let client = app.client();
    let get = |hosts: &[&str]| {
        let request = Request::get("/index.html");
        client.request(hosts.iter().fold(request, |request, host| request.header("Host", *host)))
    };
    for hosts in [&["shop.example"][..], &["shop.example:8080"], &["SHOP.example"]] {
        get(hosts).await.expect_status(200);
    }
    for hosts in [&["evil.example"][..], &["shop.example", "evil.example"], &["shop.example", "shop.example"], &["a/b"]]
    {
        expect_problem(&get(hosts).await, 400, "invalid-host");
    }
}

/// Outside production, a page on localhost may call an application that says nothing of CORS; no other may.
pub(super) async fn local_origins(application: Application) {
    let app = in_front_of(&application, "").await;
    let local = "http://localhost:5173";
    let bare = application.directly().request(preflight(local)).await;
    assert_eq!(bare.header("access-control-allow-origin"), None, "the application itself grants nothing");
    let granted = app.client().request(preflight(local)).await.expect_status(204);
    expect_grant(&granted, local);
    assert!(granted.header("access-control-allow-methods").is_some_and(|methods| methods.contains("DELETE")));
    assert!(granted.header("access-control-allow-headers").is_some_and(|names| names.contains("Content-Type")));
    let answer = app.client().request(Request::get("/index.html").header("Origin", local)).await.expect_status(200);
    expect_grant(&answer, local);
    for request in [preflight("https://evil.example"), Request::get("/").header("Origin", "https://evil.example")] {
        let answer = app.client().request(request).await;
        assert_eq!(answer.header("access-control-allow-origin"), None, "{answer:?}");
    }
}

/// With origins listed, Seawall answers preflights itself, grants exactly those origins, and refuses others.
pub(super) async fn listed_origins(application: Application) {
    let toml = "environment = \"production\"\ncors.origins = [\"https://app.example\"]\n";
    let app = in_front_of(&application, toml).await;
    let listed = "https://app.example";
    let granted = app.client().request(preflight(listed)).await.expect_status(204);
    expect_grant(&granted, listed);
    let line = app.log_line("the preflight", |line| line["http.method"] == "OPTIONS").await;
    assert_eq!((&line["guard.name"], line.get("upstream.duration_ms")), (&"cors".into(), None), "{line}");
    for other in ["https://app.example.evil.example", "http://app.example", "https://app.example:8443", "null"] {
        expect_problem(&app.client().request(preflight(other)).await, 403, "origin-refused");
        let read = app.client().request(Request::get("/index.html").header("Origin", other)).await.expect_status(200);
        assert_eq!(read.header("access-control-allow-origin"), None, "{other}");
        assert!(varies(&read), "{read:?}");
    }
    // Production knows no localhost.
    expect_problem(&app.client().request(preflight("http://localhost:5173")).await, 403, "origin-refused");
}

fn preflight(origin: &str) -> Request {
    Request::new("OPTIONS", "/index.html").header("Origin", origin).header("Access-Control-Request-Method", "DELETE")
}

#[track_caller]
fn expect_grant(answer: &RawResponse, origin: &str) {
    assert_eq!(answer.headers_named("access-control-allow-origin"), [origin], "{answer:?}");
    let exposed = answer.header("access-control-expose-headers").expect("pages may read our fields");
    assert!(exposed.contains("X-Request-Id") && exposed.contains("X-RateLimit-Remaining"), "{exposed}");
    assert!(varies(answer), "{answer:?}");
}

fn varies(answer: &RawResponse) -> bool {
    answer
        .headers_named("vary")
        .iter()
        .any(|line| line.split(',').any(|name| name.trim().eq_ignore_ascii_case("origin")))
}

/// Nobody in particular is let into a route for people who signed in; whoever forges a field is nobody in particular.
pub(super) async fn strangers(application: Application) {
    let configuration = "[identity]\nenabled = true\n[route.\"/private/*\"]\naccess.require = \"user\"\n";
    let app = in_front_of(&application, configuration).await;
    let forged = Request::get("/private/file").header("X-Seawall-User", "admin").header("Cookie", "seawall=forged");
    let refused = app.client().request(forged).await;
    expect_problem(&refused, 401, "not-signed-in");
    let line = app.request_line("/private/file").await;
    assert_eq!((&line["guard.name"], line.get("upstream.duration_ms")), (&"access".into(), None), "{line}");
    app.client().request(Request::get("/index.html").header("X-Seawall-User", "admin")).await.expect_status(200);
}

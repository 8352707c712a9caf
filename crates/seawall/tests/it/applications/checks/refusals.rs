//! What never reaches the application: paths with two readings, other hosts, pages of other origins.

use seawall_testkit::{
    TemporaryDirectory, TestApp,
    client::{RawResponse, Request},
};

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

/// A form and a socket of another site's page are refused with the visitor's cookies; the application's own page and a program are not.
pub(super) async fn other_sites(application: Application) {
    let app = in_front_of(&application, "[route.\"/json\"]\ncsrf.content_types = [\"application/json\"]\n").await;
    let client = app.client();
    let form = |site: &str| {
        let form = Request::post("/index.html").header("Cookie", "session=1").header("Sec-Fetch-Site", site);
        form.header("Content-Type", "text/plain").body("{}")
    };
    expect_problem(&client.request(form("cross-site")).await, 403, "cross-site-refused");
    let line = app.request_line("/index.html").await;
    assert_eq!((&line["guard.name"], line.get("upstream.duration_ms")), (&"csrf".into(), None), "{line}");
    let socket = Request::get("/index.html").header("Connection", "Upgrade").header("Upgrade", "websocket");
    let socket = socket.header("Sec-WebSocket-Version", "13").header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    let socket = socket.header("Cookie", "session=1").header("Origin", "https://evil.example");
    expect_problem(&client.request(socket).await, 403, "cross-site-refused");
    let directly = application.directly().request(form("same-origin")).await;
    assert_eq!(client.request(form("same-origin")).await.status, directly.status);
    let program =
        Request::post("/index.html").header("Origin", "https://evil.example").header("Content-Type", "text/plain");
    assert_eq!(client.request(program.body("{}")).await.status, directly.status);
    let json = Request::post("/json").header("Cookie", "session=1").header("Content-Type", "text/plain");
    expect_problem(&client.request(json.body("{}")).await, 415, "content-type-refused");
}

/// A version that is not listed is refused, one that ends says so, and requests without one are the application's.
pub(super) async fn versions(application: Application) {
    let toml = "[versions]\nby = \"header X-API-Version\"\n[versions.v1]\ndeprecated = \"2026-01-01\"\nsunset = \"2099-12-31\"\n";
    let app = in_front_of(&application, toml).await;
    let client = app.client();
    let of = |version: &str| Request::get("/index.html").header("X-API-Version", version);
    expect_problem(&client.request(of("v2")).await, 400, "api-version-unknown");
    let old = client.request(of("1")).await.expect_status(200);
    assert_eq!(old.header("deprecation"), Some("@1767225600"));
    assert_eq!(old.header("sunset"), Some("Thu, 31 Dec 2099 00:00:00 GMT"));
    let plain = client.get("/index.html").await.expect_status(200);
    assert_eq!((plain.header("deprecation"), plain.header("sunset")), (None, None));
}

/// What two readers of JSON would read in two ways never arrives.
pub(super) async fn unsound_json(application: Application) {
    let app = in_front_of(&application, "").await;
    let twice = Request::post("/index.html").header("Content-Type", "application/json").body("{\"a\":1,\"a\":2}");
    expect_problem(&app.client().request(twice).await, 400, "unsound-json");
    let line = app.request_line("/index.html").await;
    assert_eq!((&line["guard.name"], line.get("upstream.duration_ms")), (&"json".into(), None), "{line}");
}

/// A form with two readings never arrives.
pub(super) async fn unsound_forms(application: Application) {
    let app = in_front_of(&application, "").await;
    let form = Request::post("/index.html").header("Content-Type", "application/x-www-form-urlencoded").body("a=%zz");
    expect_problem(&app.client().request(form).await, 400, "unsound-form");
    let line = app.request_line("/index.html").await;
    assert_eq!((&line["guard.name"], line.get("upstream.duration_ms")), (&"form".into(), None), "{line}");
}

/// What the application answers to a request with a key, whatever it is, is answered again.
pub(super) async fn repeated(application: Application) {
    let app = in_front_of(&application, "").await;
    let keyed = |body: &'static str| Request::post("/index.html").header("Idempotency-Key", "\"k\"").body(body);
    let first = app.client().request(keyed("x")).await;
    let again = app.client().request(keyed("x")).await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), (None, Some("true")));
    expect_problem(&app.client().request(keyed("y")).await, 422, "idempotency-key-reused");
}

/// What its document does not describe is refused with the field's name.
pub(super) async fn undescribed(application: Application) {
    let document = r#"{"openapi": "3.1.0", "paths": {"/index.html": {"get": {"parameters": [
        {"name": "days", "in": "query", "schema": {"type": "integer", "maximum": 3650}}
    ]}}}}"#;
    let directory = TemporaryDirectory::new();
    std::fs::write(directory.path().join("openapi.json"), document).expect("the document is written");
    let app = TestApp::in_front_of(application.url()).in_directory(directory);
    let app = app.with_config("[schema]\ndocument = \"openapi.json\"\n").start().await;
    app.client().get("/index.html?days=30").await.expect_status(200);
    let refused = app.client().get("/index.html?days=9999").await;
    expect_problem(&refused, 400, "validation-failed");
    assert_eq!(refused.json()["errors"][0]["field"], "query.days");
}

/// A page that wants a signature is given with the right one alone.
pub(super) async fn unsigned(application: Application) {
    // That of nothing: a GET has no body.
    const SIGNATURE: &str = "sha256=60a0c617385cb5905878c733861ef28105b80316e6236e2bb7dc770066321aff";
    let toml = "[signatures.hooks]\npreset = \"github\"\nsecret = \"a-secret-of-both-sides\"\n\
        [route.\"/index.html\"]\nsignatures.require = \"hooks\"\n";
    let app = in_front_of(&application, toml).await;
    expect_problem(&app.client().get("/index.html").await, 401, "signature-refused");
    let signed = |signature| Request::get("/index.html").header("X-Hub-Signature-256", signature);
    app.client().request(signed(SIGNATURE.to_owned())).await.expect_status(200);
    expect_problem(&app.client().request(signed(SIGNATURE.replace('a', "b"))).await, 401, "signature-refused");
}

/// Whoever has a page is told so, and nobody changes what is another by then.
pub(super) async fn conditions(application: Application) {
    let toml = "[conditional]\netag = \"strong\"\nupstream_tags = true\nif_match = \"check\"\n";
    let app = in_front_of(&application, toml).await;
    let client = app.client();
    let page = client.get("/index.html").await.expect_status(200);
    let tag = page.header("etag").expect("its own, or ours");
    let same = client.request(Request::get("/index.html").header("If-None-Match", tag)).await.expect_status(304);
    assert_eq!(same.body.len(), 0);
    expect_problem(&client.request(Request::new("PUT", "/index.html")).await, 428, "precondition-required");
    let other = Request::new("PUT", "/index.html").header("If-Match", "\"other\"");
    expect_problem(&client.request(other).await, 412, "precondition-failed");
}

/// An attack in the query is refused once the filter enforces; before, it is the application's.
pub(super) async fn attacks(application: Application) {
    let attack = "/index.html?q=%27+or+1%3D1--";
    let app = in_front_of(&application, "[payload_filter]\nenabled = true\n").await;
    app.client().get(attack).await.expect_status(200);
    let app = in_front_of(&application, "[payload_filter]\nenabled = true\nmode = \"enforce\"\n").await;
    expect_problem(&app.client().get(attack).await, 400, "suspicious-payload");
    app.client().get("/index.html?q=O%27Brien+%26+Sons").await.expect_status(200);
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

//! Who calls, under which id, in which trace: in the answer, in the log, and told to the application.

use std::collections::BTreeSet;

use seawall_testkit::client::Request;

use super::{Application, in_front_of};

/// An address that no test connects from.
const FORGED: &str = "203.0.113.7";

/// A fresh UUIDv7 on every answer and in its log line; a stranger's own id is not kept.
pub(super) async fn identified(application: Application) {
    let app = in_front_of(&application, "").await;
    let mut ids = BTreeSet::new();
    for path in ["/index.html", "/not-here", "/a%2Fb"] {
        let answer = app.client().request(Request::get(path).header("X-Request-Id", "chosen-by-me")).await;
        let id = answer.header("x-request-id").expect("every answer has an id").to_owned();
        let version = id.split('-').nth(2).and_then(|part| part.chars().next());
        assert_eq!((id.len(), version), (36, Some('7')), "{id} is a UUIDv7");
        let line = app.request_line(path).await;
        assert_eq!(line["request.id"], id.as_str());
        assert_eq!((&line["http.status"], &line["http.method"]), (&answer.status.into(), &"GET".into()));
        assert!(ids.insert(id), "each request has its own");
    }
}

/// Every log line names its trace; a stranger's trace is not continued, a trusted proxy's is.
pub(super) async fn traced(application: Application) {
    const THEIRS: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    for (toml, continued) in [("", false), ("[client_address]\ntrusted = [\"127.0.0.1\"]\n", true)] {
        let app = in_front_of(&application, toml).await;
        let parent = format!("00-{THEIRS}-00f067aa0ba902b7-01");
        app.client().request(Request::get("/index.html").header("traceparent", parent)).await.expect_status(200);
        let line = app.request_line("/index.html").await;
        let trace = line["trace.id"].as_str().expect("every line has its trace");
        assert_eq!((trace.len(), trace == THEIRS), (32, continued), "{line}");
    }
}

/// Forwarding headers of strangers are not believed; those of a trusted proxy are.
pub(super) async fn addressed(application: Application) {
    for (toml, believed) in [("", "127.0.0.1"), ("[client_address]\ntrusted = [\"127.0.0.0/8\"]\n", FORGED)] {
        let app = in_front_of(&application, toml).await;
        let request = Request::get("/index.html").header("X-Forwarded-For", FORGED);
        app.client().request(request).await.expect_status(200);
        let line = app.request_line("/index.html").await;
        assert_eq!(line["client.address"], believed, "{toml}");
        let untrusted = app.metric("seawall_untrusted_forwarded", &[]);
        assert_eq!(untrusted > 0.0, believed != FORGED, "{toml}");
    }
}

/// The application is told the id, the trace, and who calls; what a stranger forged does not reach it.
pub(super) async fn told(application: Application) {
    let app = in_front_of(&application, "").await;
    let request = Request::get("/api/told")
        .header("Host", "shop.example:8080")
        .header("X-Forwarded-For", FORGED)
        .header("X-Real-IP", FORGED)
        .header("Forwarded", format!("for={FORGED}"))
        .header("X_Forwarded_For", FORGED);
    let answer = app.client().request(request).await.expect_status(200);
    assert!(!answer.text().contains(FORGED), "{}", answer.text());
    let told = answer.json();
    assert_eq!(told["host"], "shop.example:8080");
    assert_eq!(told["x-forwarded-for"], "127.0.0.1");
    assert_eq!(told["x-forwarded-host"], "shop.example:8080");
    assert_eq!(told["x-forwarded-proto"], "http");
    assert_eq!(told["forwarded"], "for=127.0.0.1;host=\"shop.example:8080\";proto=http");
    assert_eq!(told["x-request-id"].as_str(), answer.header("x-request-id"));
    let line = app.request_line("/api/told").await;
    let trace = line["trace.id"].as_str().expect("every line has its trace");
    assert!(told["traceparent"].as_str().is_some_and(|parent| parent.contains(trace)), "{told}");
}

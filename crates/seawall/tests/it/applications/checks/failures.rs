//! When the application is silent, dies or crashes: the client is told whose fault it is, and nothing needs a restart.

use seawall_testkit::client::Request;

use super::{Application, Kind, expect_problem, in_front_of};

/// An application that accepts connections and answers nothing is named after the limit; then it is served again.
pub(super) async fn silent(application: Application) {
    let app = in_front_of(&application, "[deadline]\nresponse_head = \"300ms\"\n").await;
    application.hold();
    let answer = app.client().get("/index.html").await;
    expect_problem(&answer, 504, "upstream-timeout");
    assert_eq!((&answer.json()["code"], &answer.json()["fault"]), (&"TIMEOUT".into(), &"upstream".into()));
    application.release();
    app.client().get("/index.html").await.expect_status(200);
}

/// Killed in the middle of a request it is a bad gateway, gone it is unreachable, started again it is served.
pub(super) async fn dying(mut application: Application) {
    let app = in_front_of(&application, "").await;
    application.hold();
    let mut waiting = app.connect().await;
    waiting.write("GET /index.html HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    app.until_metric("seawall_upstream_connections_opened", &[], 1.0).await;
    application.kill();
    expect_problem(&waiting.read_response("GET").await, 502, "bad-gateway");

    let gone = app.client().get("/index.html").await;
    expect_problem(&gone, 503, "upstream-unreachable");
    assert_eq!((&gone.json()["code"], &gone.json()["retryable"]), (&"SERVICE_UNAVAILABLE".into(), &true.into()));
    // It was tried again, in vain.
    assert!(app.metric("seawall_upstream_retries", &[]) >= 2.0, "a request that was not sent is tried again");
    let ready = app.client().get("/_seawall/health/ready").await.expect_status(503);
    assert_eq!(ready.json()["status"], "unavailable");
    app.client().get("/_seawall/health/live").await.expect_status(200);

    // Twice, so that the second time connections to the dead one are kept for the next request.
    for _ in 0..2 {
        application.start_again();
        app.client().get("/index.html").await.expect_status(200);
        application.kill();
    }
    application.start_again();
    app.client().get("/index.html").await.expect_status(200);
}

/// In production, what the application says when it fails is replaced, and goes to the log under the request's id.
pub(super) async fn crashing(application: Application) {
    // Python's server fails in a way of its own: it knows no POST.
    let (request, status, inside, logged) = match application.kind {
        Kind::HttpServer => (Request::post("/crash"), 501, "Unsupported method", "Unsupported method"),
        Kind::Express => (Request::get("/api/crash"), 500, "10.0.0.7", "Error: cannot reach postgres"),
        // The log keeps the beginning of an answer.
        Kind::FastApi => (Request::get("/api/crash"), 500, "10.0.0.7", "Traceback (most recent call last)"),
    };
    let bare = application.directly().request(request.clone()).await.expect_status(status);
    assert!(bare.text().contains(inside), "the application itself tells everyone: {}", bare.text());
    let development = in_front_of(&application, "").await;
    let shown = development.client().request(request.clone()).await.expect_status(status);
    assert!(shown.text().contains(inside), "a developer sees it");

    let app = in_front_of(&application, "environment = \"production\"\n").await;
    let answer = app.client().request(request.clone()).await;
    expect_problem(&answer, status, "upstream-error");
    assert!(!answer.text().contains(inside) && answer.json().get("inside").is_none(), "{}", answer.text());
    let line = app.request_line(request.target()).await;
    assert_eq!(line["request.id"].as_str(), answer.header("x-request-id"));
    assert!(line["error"].as_str().is_some_and(|error| error.contains(logged)), "{line}");
}

/// An endpoint that never answers is bounded by its route's own limit; others keep the general one.
pub(super) async fn hanging(application: Application) {
    let toml = "[route.\"GET /api/hang\"]\ndeadline.response_head = \"300ms\"\n";
    let app = in_front_of(&application, toml).await;
    expect_problem(&app.client().get("/api/hang").await, 504, "upstream-timeout");
    let line = app.request_line("/api/hang").await;
    assert_eq!(
        (&line["http.route"], &line["problem"]),
        (&"GET /api/hang".into(), &"upstream-timeout".into()),
        "{line}"
    );
    app.client().get("/api/items").await.expect_status(200);
}

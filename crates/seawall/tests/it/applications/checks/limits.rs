//! How often, how much at once, how large: told before, refused beyond, only recorded in report mode.

use seawall_testkit::client::Request;

use super::{Application, expect_problem, in_front_of};

/// Three requests a minute: the fields count down, the fourth is refused, and the application is not asked.
pub(super) async fn rate(application: Application) {
    let app = in_front_of(&application, "[rate_limit]\nlimits = [\"3/min per ip\"]\n").await;
    for left in ["2", "1", "0"] {
        let answer = app.client().get("/index.html").await.expect_status(200);
        assert_eq!(answer.header("ratelimit-policy"), Some("\"3/min per ip\";q=3;w=60"));
        let standing = answer.header("ratelimit").expect("the field stands on every answer");
        assert!(standing.starts_with(&format!("\"3/min per ip\";r={left};t=")), "{standing}");
        assert_eq!(answer.headers_named("x-ratelimit-limit"), ["3"]);
        assert_eq!(answer.headers_named("x-ratelimit-remaining"), [left]);
    }
    let refused = app.client().get("/one-too-many").await;
    expect_problem(&refused, 429, "quota-exceeded");
    assert_eq!(refused.json()["code"], "RATE_LIMITED");
    let wait_s: u64 = refused.header("retry-after").and_then(|text| text.parse().ok()).expect("it says when");
    assert!((1..=61).contains(&wait_s), "{wait_s}");
    let line = app.request_line("/one-too-many").await;
    assert_eq!((&line["guard.name"], line.get("upstream.duration_ms")), (&"rate_limit".into(), None), "{line}");
    assert!((app.metric("seawall_guard_decisions", &["rate_limit", "*", "refused"]) - 1.0).abs() < f64::EPSILON);
}

/// One request at once: while it is served, others are refused; afterwards they are not.
pub(super) async fn in_flight(application: Application) {
    let app = in_front_of(&application, "[load_shed]\nmax_in_flight = 1\n").await;
    application.hold();
    let mut first = app.connect().await;
    first.write("GET /index.html HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    // The connection to the application is made once all guards have let the request pass.
    app.until_metric("seawall_upstream_connections_opened", &[], 1.0).await;
    let refused = app.client().get("/index.html").await;
    expect_problem(&refused, 503, "overloaded");
    assert_eq!(refused.header("retry-after"), Some("1"));
    application.release();
    first.read_response("GET").await.expect_status(200);
    app.until_metric("http_server_active_requests", &[], 0.0).await;
    app.client().get("/index.html").await.expect_status(200);
}

/// A body beyond the limit is refused, whether its length is declared or not, before the application answers.
pub(super) async fn body(application: Application) {
    let app = in_front_of(&application, "[body]\nmax = \"1 KB\"\n").await;
    let declared = app.client().request(Request::post("/api/upload").body(vec![b'x'; 1_001])).await;
    expect_problem(&declared, 413, "request-too-large");
    assert_eq!(declared.json()["code"], "REQUEST_TOO_LARGE");
    if super::Suits::WithCode.holds(application.kind) {
        // The limit itself fits; one byte more does not, though no length announced it.
        let fits = app.client().request(Request::post("/api/upload").chunked([vec![b'x'; 500], vec![b'x'; 500]])).await;
        assert_eq!((fits.status, &fits.json()["received"]), (200, &1_000.into()));
        let chunked = Request::post("/api/upload").chunked([vec![b'x'; 500], vec![b'x'; 501]]);
        expect_problem(&app.client().request(chunked).await, 413, "request-too-large");
    }
}

/// With `mode = "report"` everything passes, and the log and the metrics say what would have been refused.
pub(super) async fn reported(application: Application) {
    let toml = "mode = \"report\"\nrate_limit.limits = [\"1/min per ip\"]\nbody.max = \"10 B\"\n";
    let app = in_front_of(&application, toml).await;
    app.client().get("/index.html").await.expect_status(200);
    let bare = application.directly().request(Request::post("/api/items").body("{\"name\": \"long enough\"}")).await;
    let answer = app.client().request(Request::post("/api/items").body("{\"name\": \"long enough\"}")).await;
    assert_eq!(answer.status, bare.status, "the application's own answer");
    let line = app.request_line("/api/items").await;
    assert_eq!(line["guard.reported"], serde_json::json!(["rate_limit", "body"]), "{line}");
    assert_eq!(line.get("guard.name"), None, "{line}");
    for guard in ["rate_limit", "body"] {
        assert!(app.metric("seawall_guard_decisions", &[guard, "*", "reported"]) > 0.0, "{guard}");
    }
}

//! Modes: what would be refused passes in report mode and is told, globally, by guard, by route, and by both.

use seawall_testkit::{
    StartedApp,
    client::{Request, try_websocket, websocket},
    in_front,
};
use serde_json::{Value, json};

/// What the second request to `/limited`, allowed once, meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meets {
    Refusal,
    Report,
    Nothing,
}

const LIMITED: &str = "[route.\"/limited\"]\nrate_limit.limits = [\"1/min per ip\"]\n";

#[tokio::test(flavor = "multi_thread")]
async fn wk_17_the_nearest_mode_holds() {
    for (before, own, meets) in [
        ("", "", Meets::Refusal),
        ("mode = \"report\"\n", "", Meets::Report),
        ("[rate_limit]\nmode = \"report\"\n", "", Meets::Report),
        ("", "mode = \"report\"\n", Meets::Report),
        ("", "rate_limit.mode = \"report\"\n", Meets::Report),
        ("[body]\nmode = \"report\"\n", "", Meets::Refusal),
        ("mode = \"report\"\n[rate_limit]\nmode = \"enforce\"\n", "", Meets::Refusal),
        ("mode = \"report\"\n", "mode = \"enforce\"\n", Meets::Refusal),
        ("[rate_limit]\nmode = \"report\"\n", "mode = \"enforce\"\n", Meets::Refusal),
        ("[rate_limit]\nmode = \"report\"\n", "rate_limit.mode = \"enforce\"\n", Meets::Refusal),
        ("", "mode = \"enforce\"\nrate_limit.mode = \"report\"\n", Meets::Report),
        ("[rate_limit]\nmode = \"off\"\n", "", Meets::Nothing),
        ("", "rate_limit.mode = \"off\"\n", Meets::Nothing),
        ("[rate_limit]\nmode = \"off\"\n", "rate_limit.mode = \"enforce\"\n", Meets::Refusal),
    ] {
        let config = format!("{before}{LIMITED}{own}");
        let (upstream, app) = in_front(&config).await;
        app.client().get("/limited?first").await.expect_status(200);
        let second = app.client().get("/limited?second").await;
        assert_eq!(second.status, if meets == Meets::Refusal { 429 } else { 200 }, "{config}");
        assert_eq!(upstream.requests().len(), if meets == Meets::Refusal { 1 } else { 2 }, "{config}");
        let line = app.log_line("the second request", |line| line["url.query"] == "second").await;
        let (guard, reported) = (line.get("guard.name"), line.get("guard.reported"));
        match meets {
            Meets::Refusal => assert_eq!((guard, reported), (Some(&json!("rate_limit")), None), "{config}{line}"),
            Meets::Report => assert_eq!((guard, reported), (None, Some(&json!(["rate_limit"]))), "{config}{line}"),
            Meets::Nothing => assert_eq!((guard, reported), (None, None), "{config}{line}"),
        }
        let counted = |decision| app.metric("seawall_guard_decisions", &["rate_limit", "/limited", decision]);
        let expected = |wanted| f64::from(u8::from(meets == wanted));
        assert_eq!(counted("refused"), expected(Meets::Refusal), "{config}");
        assert_eq!(counted("reported"), expected(Meets::Report), "{config}");
        assert_eq!(second.header("ratelimit").is_some(), meets == Meets::Refusal, "{config}");
    }
}

/// The names that the request log's line of `path` has as reported.
async fn reported(app: &StartedApp, path: &str) -> Value {
    app.request_line(path).await.get("guard.reported").cloned().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_17_every_guard_that_refuses_can_report_instead() {
    let config = "environment = \"production\"\nmode = \"report\"\n[cors]\norigins = [\"https://app.example.com\"]\n\
                  [body]\nmax = \"1 KB\"\n[load_shed]\nmax_in_flight = 1\n\
                  [route.\"/limited\"]\nrate_limit.limits = [\"1/min per ip\"]\n";
    let (upstream, app) = in_front(config).await;
    app.client().get("/limited").await.expect_status(200);
    app.client().get("/limited?again").await.expect_status(200);
    app.log_line("the limit", |line| line["guard.reported"] == json!(["rate_limit"])).await;

    let asks = Request::new("OPTIONS", "/preflight").header("Origin", "https://evil.example");
    let preflight = app.client().request(asks.header("Access-Control-Request-Method", "PUT")).await;
    assert_eq!(preflight.header("access-control-allow-origin"), None, "it passes, but it is granted nothing");
    assert_eq!((preflight.status, reported(&app, "/preflight").await), (200, json!(["cors"])));
    websocket(app.public(), "/ws", &[("Origin", "https://evil.example")]).await;
    assert_eq!(reported(&app, "/ws").await, json!(["cors"]));

    app.client().request(Request::post("/upload").body(vec![0; 1_001])).await.expect_status(200);
    assert_eq!(reported(&app, "/upload").await, json!(["body"]));

    let trace = app.client().get("/stack-trace").await.expect_status(500);
    assert!(trace.text().contains("Traceback"), "the application's own answer");
    assert_eq!(reported(&app, "/stack-trace").await, json!(["rescue"]));

    let mut busy = app.connect().await;
    busy.write(Request::get("/slow/20000").encode("a")).await;
    upstream
        .until("a request in flight", |upstream| upstream.requests().iter().any(|seen| seen.target == "/slow/20000"))
        .await;
    app.client().get("/echo").await.expect_status(200);
    assert_eq!(reported(&app, "/echo").await, json!(["load_shed"]));
    drop(busy);
    app.until_metric("http_server_active_requests", &[], 0.0).await;
    app.client().get("/html").await.expect_status(200);
    assert_eq!(app.request_line("/html").await.get("guard.reported"), None, "each place was given back");

    for (guard, route, count) in [
        ("rate_limit", "/limited", 1.0),
        ("cors", "*", 2.0),
        ("body", "*", 1.0),
        ("rescue", "*", 1.0),
        ("load_shed", "*", 1.0),
    ] {
        assert_eq!(app.metric("seawall_guard_decisions", &[guard, route, "reported"]), count, "{guard}");
        assert_eq!(app.metric("seawall_guard_decisions", &[guard, route, "refused"]), 0.0, "{guard}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_17_guards_that_are_off_do_not_look() {
    let config = "environment = \"production\"\n[cors]\nmode = \"off\"\norigins = [\"https://app.example.com\"]\n\
                  [body]\nmode = \"off\"\nmax = \"10 B\"\n[load_shed]\nmode = \"off\"\nmax_in_flight = 1\n\
                  [rate_limit]\nmode = \"off\"\nlimits = [\"1/min per ip\"]\n[rescue]\nmode = \"off\"\n";
    let (upstream, app) = in_front(config).await;
    let foreign = [("Origin", "https://evil.example")];
    assert!(try_websocket(app.public(), "/ws", &foreign).await.is_ok());
    app.client().request(Request::post("/upload").body(vec![0; 1_000])).await.expect_status(200);
    assert!(app.client().get("/stack-trace").await.expect_status(500).text().contains("Traceback"));
    let mut busy = app.connect().await;
    busy.write(Request::get("/slow/20000").encode("a")).await;
    upstream.until("a request in flight", |upstream| upstream.requests().len() == 4).await;
    let answer = app.client().get("/headers?Access-Control-Allow-Origin=*").await.expect_status(200);
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "what the application says stands");
    assert_eq!(answer.header("ratelimit"), None);
    for line in app.log_text().lines() {
        assert!(!line.contains("guard."), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_always_enforced_stays_so_in_report_mode() {
    let config =
        "mode = \"report\"\n[rate_limit]\nlimits = [\"1/min per ip\"]\n[deadline]\nresponse_head = \"200ms\"\n";
    let (_upstream, app) = in_front(config).await;
    app.client().get("/a%2Fb").await.expect_problem(400, "invalid-path");
    app.client().get("/never").await.expect_problem(504, "upstream-timeout");
    app.client().get("/_seawall/health/live").await.expect_status(200);
    app.client().get("/_seawall/health/live").await.expect_problem(429, "quota-exceeded");
}

//! Routes: which requests a route is for, what differs there, and that no other spelling of a request slips past it.

use seawall_testkit::{
    StartedApp,
    client::{RawResponse, Request},
    in_front, in_front_with_clock,
};

/// The route that the limit header of an answer tells: each route of these tests has a limit of its own number.
fn limit(answer: &RawResponse) -> &str {
    answer.header("x-ratelimit-limit").unwrap_or_else(|| panic!("no limit in {answer:?}"))
}

async fn limit_of(app: &StartedApp, method: &str, path: &str) -> String {
    limit(&app.client().request(Request::new(method, path)).await).to_owned()
}

const BY_NUMBER: &str = r#"
[rate_limit]
limits = ["1000/min per ip"]
[route."/api/*"]
rate_limit.limits = ["901/min per ip"]
[route."GET /api/users/{id}"]
rate_limit.limits = ["902/min per ip"]
[route."/api/users/me"]
rate_limit.limits = ["903/min per ip"]
[route."POST|PUT /api/users/{name}"]
rate_limit.limits = ["904/min per ip"]
[route."/login"]
rate_limit.limits = ["905/min per ip"]
[route."POST /login"]
rate_limit.limits = ["906/min per ip"]
[route."/"]
rate_limit.limits = ["907/min per ip"]
"#;

#[tokio::test(flavor = "multi_thread")]
async fn the_most_specific_path_holds_then_the_method() {
    let (_upstream, app) = in_front(BY_NUMBER).await;
    for (request, expected) in [
        ("GET /elsewhere", "1000"),
        ("GET /", "907"),
        ("GET /?query", "907"),
        ("GET /api", "901"),
        ("GET /api/", "901"),
        ("GET /api/orders/7", "901"),
        ("DELETE /api/orders", "901"),
        ("GET /apis", "1000"),
        ("GET /api/users/7", "902"),
        ("HEAD /api/users/7", "902"),
        ("POST /api/users/7", "904"),
        ("PUT /api/users/7", "904"),
        ("PATCH /api/users/7", "901"),
        ("GET /api/users/me", "903"),
        ("POST /api/users/me", "903"),
        ("GET /api/users/7/orders", "901"),
        ("GET /api/users", "901"),
        ("GET /login", "905"),
        ("HEAD /login", "905"),
        ("POST /login", "906"),
        ("GET /login/other", "1000"),
    ] {
        let (method, path) = request.split_once(' ').expect("a method and a path");
        assert_eq!(limit_of(&app, method, path).await, expected, "{request}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_11_logs_and_metrics_name_the_pattern_and_not_the_path() {
    let (_upstream, app) = in_front(BY_NUMBER).await;
    for (path, route) in [
        ("/api/users/7", "GET /api/users/{id}"),
        ("/api/users/8", "GET /api/users/{id}"),
        ("/api/x", "/api/*"),
        ("/y", "*"),
    ] {
        app.client().get(path).await.expect_status(200);
        assert_eq!(app.request_line(path).await["http.route"], route, "{path}");
    }
    let seen = |route: &str| app.metric("http_server_request_duration_seconds", &["GET", route, "200"]);
    assert_eq!((seen("GET /api/users/{id}"), seen("/api/*"), seen("*")), (2.0, 1.0, 1.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_16_no_spelling_of_a_path_slips_past_the_limit_of_its_route() {
    for (route, method, spellings) in [
        (
            "POST /login",
            "POST",
            &[
                "/login",
                "/login/",
                "/login//",
                "//login",
                "/LOGIN",
                "/Login/",
                "/%6Cogin",
                "/%4Cogin",
                "/lo%67in?x=1",
                "/login?next=%2F",
                "http://app.example/login",
                "http://app.example//LOGIN/",
            ][..],
        ),
        (
            "GET /api/users/{id}",
            "GET",
            &["/api/users/7", "/api/users/7/", "/API/users/7", "/api//users///7", "/%61pi/users/7", "/api/Users/8"],
        ),
        (
            "POST /v1/users:delete",
            "POST",
            &[
                "/v1/users:delete",
                "/v1/users%3Adelete",
                "/v1/users%3adelete/",
                "/V1//Users%3ADelete;x=1",
                "/v1/users:delete%3Bx=1",
            ],
        ),
        (
            "/packages/@internal/*",
            "GET",
            &["/packages/@internal/a", "/packages/%40internal/a", "/packages/%40INTERNAL"],
        ),
        ("/caf\u{e9}", "GET", &["/caf%C3%A9", "/caf%c3%a9", "/%63af%c3%a9/"]),
        ("/admin/*", "DELETE", &["/admin", "/admin/", "/ADMIN/x", "//admin//x", "/%61dmin/x/y", "/admin/x%20y"]),
    ] {
        let config = format!("[route.\"{route}\"]\nrate_limit.limits = [\"1/min per ip\"]\n");
        let (upstream, app, _clock) = in_front_with_clock(&config).await;
        let ask = |path: &'static str| {
            let request = Request::new(method, path).header("Host", "app.example");
            let client = app.client();
            async move { client.request(request).await }
        };
        ask(spellings[0]).await.expect_status(200);
        for spelling in spellings {
            let answer = ask(spelling).await;
            assert_eq!(answer.status, 429, "{method} {spelling} slips past {route}");
        }
        assert_eq!(upstream.requests().len(), 1, "{route}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn head_counts_as_the_get_that_it_asks_about() {
    let (_upstream, app, _clock) =
        in_front_with_clock("[route.\"GET /report\"]\nrate_limit.limits = [\"3/min per ip\"]\n").await;
    for (method, status) in [("GET", 200), ("HEAD", 200), ("GET", 200), ("HEAD", 429), ("GET", 429), ("POST", 200)] {
        let answer = app.client().request(Request::new(method, "/report")).await;
        assert_eq!(answer.status, status, "{method}");
        assert_eq!(answer.body.is_empty(), method == "HEAD", "{method}: an answer to HEAD has no body");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_nobody_named_belong_to_the_route_for_any() {
    let (_upstream, app) = in_front(BY_NUMBER).await;
    for method in ["OPTIONS", "PROPFIND", "PURGE"] {
        assert_eq!(limit_of(&app, method, "/login").await, "905", "{method}");
    }
    for method in ["get", "Post"] {
        // Some applications would take it for its upper case, so it would slip past that route.
        app.client().request(Request::new(method, "/login")).await.expect_problem(400, "invalid-request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_route_does_not_change_stays_as_it_is_for_all() {
    let config = "[body]\nmax = \"20 B\"\n[security_headers]\nframe_options = \"SAMEORIGIN\"\n\
                  [route.\"/embed/*\"]\nsecurity_headers.frame_options = \"\"\n\
                  [route.\"POST /upload\"]\nbody.max = \"1 KB\"\ndeadline.response_head = \"200ms\"\n";
    let (_upstream, app) = in_front(config).await;
    let framing = |answer: &RawResponse| answer.header("x-frame-options").map(str::to_owned);
    let elsewhere = app.client().get("/html").await;
    assert_eq!(framing(&elsewhere).as_deref(), Some("SAMEORIGIN"));
    let embedded = app.client().get("/embed/html").await;
    assert_eq!((framing(&embedded), embedded.header("referrer-policy")), (None, elsewhere.header("referrer-policy")));
    let upload = app.client().request(Request::post("/upload").body("x".repeat(500))).await.expect_status(200);
    assert_eq!(framing(&upload).as_deref(), Some("SAMEORIGIN"));
    app.client().request(Request::post("/embed/x").body("x".repeat(21))).await.expect_problem(413, "request-too-large");
}

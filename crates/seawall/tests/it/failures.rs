//! An application that is down, late, broken or gone in the middle: what the client is told, whose fault it is, and what
//! happens afterwards without a restart.

use std::time::Duration;

use seawall_testkit::{
    TestApp,
    client::{FailureKind, Request},
    in_front,
    upstream::{Kind, LEAKED_SECRET, Upstream},
};

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_is_down_gives_503_and_its_return_needs_no_restart() {
    let (mut upstream, app) = in_front("").await;
    let mut connection = app.connect().await;
    connection.send("GET", "/echo", &[], b"").await.expect_status(200);
    upstream.stop().await;
    for method in ["GET", "POST"] {
        let answer = connection.send(method, "/echo", &[], b"").await;
        let problem = answer.expect_problem(503, "upstream-unreachable");
        assert_eq!((&problem["fault"], &problem["retryable"]), (&"upstream".into(), &true.into()), "{method}");
        assert_eq!((&problem["retry_after"], answer.header("retry-after")), (&1.into(), Some("1")), "{method}");
    }
    upstream.restart_on_same_port().await;
    connection.send("GET", "/echo", &[], b"").await.expect_status(200);
    connection.send("POST", "/echo", &[], b"x").await.expect_status(200);
    app.until_metric("seawall_upstream_failures", &["upstream-unreachable"], 2.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pm_7_an_application_that_never_answers_gives_504_after_the_limit() {
    let (upstream, app) = in_front("[deadline]\nresponse_head = \"150ms\"\n").await;
    let problem = app.client().get("/never").await.expect_problem(504, "upstream-timeout");
    assert_eq!((&problem["code"], &problem["fault"]), (&"TIMEOUT".into(), &"upstream".into()));
    upstream.until("the connection to be given up", |upstream| upstream.open_connections() == 0).await;
    let posted = app.client().request(Request::post("/never").body("x")).await;
    posted.expect_problem(504, "upstream-timeout");
    assert_eq!(upstream.requests().iter().filter(|request| request.method == "POST").count(), 1, "sent once");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_is_only_slow_is_waited_for() {
    let (_upstream, app) = in_front("[deadline]\nresponse_head = \"5s\"\n").await;
    assert_eq!(app.client().get("/slow/300").await.expect_status(200).text(), "slow");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_gives_no_valid_answer_gives_502() {
    let (upstream, app) = in_front("[upstream]\nbreaker_failures = 100\n").await;
    for (method, path) in [
        ("GET", "/reset"),
        ("POST", "/reset"),
        ("GET", "/close"),
        ("POST", "/close"),
        ("GET", "/bad-head"),
        ("GET", "/huge-header"),
        ("GET", "/headers?Content-Length=3&Content-Length=4"),
        ("GET", "/upgrade-other"),
    ] {
        let problem = app.client().request(Request::new(method, path)).await.expect_problem(502, "bad-gateway");
        assert_eq!(problem["fault"], "upstream", "{method} {path}");
    }
    for kind in [Kind::ClosesOnAccept, Kind::ResetsOnAccept] {
        upstream.become_kind(kind.clone());
        for method in ["GET", "POST"] {
            app.client().request(Request::new(method, "/")).await.expect_problem(502, "bad-gateway");
        }
    }
    upstream.become_kind(Kind::ByPath);
    app.client().get("/echo").await.expect_status(200);
}

/// Undone by nobody, such bytes would be passed as what they are not.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_a_transfer_coding_that_is_not_undone_gives_502() {
    let (_upstream, app) = in_front("[deadline]\nresponse_idle = \"300ms\"\n").await;
    for coding in ["xchunked", "gzip", "gzip%2C%20chunked"] {
        let answer =
            app.connect().await.try_request(&Request::get(format!("/headers?Transfer-Encoding={coding}"))).await;
        answer.unwrap_or_else(|failure| panic!("{coding}: {failure}")).expect_problem(502, "bad-gateway");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_off_is_never_passed_as_a_whole_one() {
    let (_upstream, app) = in_front("").await;
    for path in ["/short-body", "/reset-body", "/bad-chunk"] {
        let mut connection = app.connect().await;
        let failure = connection.try_request(&Request::get(path)).await.expect_err(path);
        assert!(matches!(failure.kind, FailureKind::Closed | FailureKind::Reset), "{path}: {failure}");
        let partial = failure.partial.expect("the head came");
        assert_eq!(partial.status, 200, "{path}");
        let line = app.request_line(path).await;
        assert!(line["error"].as_str().is_some_and(|error| error.contains("broke off")), "{line}");
    }
    app.until_metric("seawall_upstream_failures", &["broken-body"], 3.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_falls_silent_is_cut_off_after_the_limit() {
    let (upstream, app) = in_front("[deadline]\nresponse_idle = \"150ms\"\n").await;
    let mut connection = app.connect().await;
    let failure = connection.try_request(&Request::get("/slow-body/9000")).await.unwrap_err();
    assert!(matches!(failure.kind, FailureKind::Closed | FailureKind::Reset), "{failure}");
    assert_eq!(failure.partial.unwrap().text(), "first");
    upstream.until("the connection to be given up", |upstream| upstream.open_connections() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_beyond_an_answers_length_never_become_another_answer() {
    let (_upstream, app) = in_front("").await;
    let mut connection = app.connect().await;
    for _ in 0..3 {
        assert_eq!(connection.send("GET", "/long-body", &[], b"").await.text(), "0123456789");
        let next = connection.send("GET", "/echo?after", &[], b"").await.expect_status(200);
        assert_eq!(next.json()["target"], "/echo?after");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_with_two_framings_is_a_bad_gateway() {
    let (_upstream, app) = in_front("").await;
    let mut connection = app.connect().await;
    connection.send("GET", "/cl-te", &[], b"").await.expect_problem(502, "bad-gateway");
    connection.send("GET", "/echo", &[], b"").await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_flight_get_a_problem_when_the_application_is_killed() {
    let (mut upstream, app) = in_front("").await;
    let clients: Vec<_> = (0..20)
        .map(|number| {
            let client = app.client();
            let method = if number % 2 == 0 { "GET" } else { "POST" };
            tokio::spawn(async move { client.request(Request::new(method, "/never")).await })
        })
        .collect();
    upstream.until("all requests to arrive", |upstream| upstream.requests().len() == 20).await;
    upstream.stop().await;
    for client in clients {
        client.await.unwrap().expect_problem(502, "bad-gateway");
    }
    // Ten failures in a row hold further requests back, until it is seen to be there again.
    let server = upstream.url();
    app.until_metric("seawall_upstream_breaker_state", &[&server], 2.0).await;
    app.until_metric("seawall_upstream_up", &[&server], 0.0).await;
    upstream.restart_on_same_port().await;
    app.until_metric("seawall_upstream_breaker_state", &[&server], 1.0).await;
    for _ in 0..2 {
        app.client().get("/echo").await.expect_status(200);
    }
    app.until_metric("seawall_upstream_breaker_state", &[&server], 0.0).await;
    app.until_metric("http_server_active_requests", &[], 0.0).await;
}

/// A connection that the application closes just as the next request is sent: the same for one that rested and one that did not.
#[tokio::test(flavor = "multi_thread")]
async fn a_safe_request_on_a_connection_that_has_died_is_sent_again_and_another_is_not() {
    for rest in [Duration::ZERO, Duration::from_millis(700)] {
        let upstream = Upstream::start(Kind::DiesWhenReused).await;
        let app = TestApp::in_front_of(upstream.url()).start().await;
        let mut connection = app.connect().await;
        connection.send("GET", "/echo?first", &[], b"").await.expect_status(200);
        connection.expect_silence(rest).await;
        let again = connection.send("GET", "/echo?again", &[], b"").await;
        assert_eq!(again.status, 200, "GET after a rest of {rest:?}: {}", again.text());

        connection.expect_silence(rest).await;
        let posted = connection.send("POST", "/echo?posted", &[], b"once").await;
        posted.expect_problem(502, "bad-gateway");
        let posts = upstream.requests().iter().filter(|request| request.method == "POST").count();
        assert_eq!(posts, 1, "a request that may have had an effect is not sent twice");
        assert_eq!(app.metric("seawall_upstream_retries", &[]), 1.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_was_closed_at_rest_is_not_used() {
    let (upstream, app) = in_front("").await;
    let mut connection = app.connect().await;
    for number in 1..=5 {
        connection.send("POST", "/early-close-after-answer", &[], b"x").await.expect_status(200);
        upstream.until("the close", |upstream| upstream.open_connections() == 0).await;
        assert_eq!(upstream.requests().len(), number);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_at_rest_are_given_up_after_their_time() {
    let (upstream, app) = in_front("[upstream]\nkeep = \"200ms\"\n").await;
    app.client().get("/echo").await.expect_status(200);
    assert_eq!(upstream.open_connections(), 1);
    upstream.until("the idle connection to be closed", |upstream| upstream.open_connections() == 0).await;
}

const PRODUCTION: &str = "environment = \"production\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn pm_7_production_keeps_stack_traces_inside_and_logs_them_redacted() {
    let (_upstream, app) = in_front(PRODUCTION).await;
    let answer = app.client().get("/stack-trace").await;
    let problem = answer.expect_problem(500, "upstream-error");
    assert_eq!((&problem["code"], &problem["fault"]), (&"UPSTREAM_ERROR".into(), &"upstream".into()));
    for leaked in ["Traceback", "views.py", LEAKED_SECRET, "gunicorn", "Flask"] {
        assert!(!answer.text().contains(leaked), "{leaked} in {}", answer.text());
        assert!(answer.headers.iter().all(|(_, value)| !value.contains(leaked)), "{leaked} in {:?}", answer.headers);
    }
    let line = app.request_line("/stack-trace").await;
    let error = line["error"].as_str().expect("the original is in the log");
    assert!(error.contains("Traceback") && error.contains("views.py"), "{error}");
    assert!(error.contains("key=[redacted]") && !error.contains("settings.AWS_SECRET"), "{error}");
    assert_eq!((&line["request.id"], &line["level"]), (&problem["request_id"], &"warn".into()));
    assert_eq!((&line["problem"], &line["guard.name"]), (&"upstream-error".into(), &"rescue".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn production_keeps_the_status_and_the_retry_time_of_a_failure() {
    let (_upstream, app) = in_front(PRODUCTION).await;
    for status in [500, 502, 503, 504, 599] {
        let answer = app.client().get(&format!("/status/{status}?Retry-After=7")).await;
        assert_eq!(answer.expect_problem(status, "upstream-error")["retry_after"], 7);
        assert_eq!(answer.header("retry-after"), Some("7"));
    }
    let fine = app.client().get("/status/404").await;
    assert_eq!((fine.status, fine.text().as_str()), (404, "{\"status\":404}"), "what is not a failure passes");
}

#[tokio::test(flavor = "multi_thread")]
async fn development_and_staging_show_the_applications_own_failure() {
    for environment in ["development", "staging"] {
        let (_upstream, app) = in_front(&format!("environment = \"{environment}\"\n")).await;
        let answer = app.client().get("/stack-trace").await.expect_status(500);
        assert!(answer.text().contains("Traceback"), "{environment}");
        assert_eq!(answer.header("x-powered-by"), None, "{environment}: versions are hidden everywhere");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_8_what_happened_inside_is_told_in_development_only() {
    for (environment, told) in [("development", true), ("staging", false), ("production", false)] {
        let (mut upstream, app) = in_front(&format!("environment = \"{environment}\"\n")).await;
        upstream.stop().await;
        let problem = app.client().get("/echo").await.expect_problem(503, "upstream-unreachable");
        assert_eq!(problem["inside"].is_string(), told, "{environment}: {problem}");
        let line = app.request_line("/echo").await;
        assert!(line["error"].as_str().is_some_and(|error| error.contains("refused")), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_total_limit_ends_a_wait_and_cuts_an_answer() {
    let (upstream, app) = in_front("[deadline]\ntotal = \"200ms\"\n").await;
    app.client().get("/never").await.expect_problem(504, "upstream-timeout");
    let mut connection = app.connect().await;
    let failure = connection.try_request(&Request::get("/trickle/10000/20")).await.unwrap_err();
    assert!(matches!(failure.kind, FailureKind::Closed | FailureKind::Reset), "{failure}");
    upstream.until("both connections to be given up", |upstream| upstream.open_connections() == 0).await;
}

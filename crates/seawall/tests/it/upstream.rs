//! The application's servers: which of them is asked, what happens when one fails, and how many connections there are.

mod breaking;
mod checking;
mod encrypted;
mod hostile;
mod http2;
mod places;
mod retries;
mod scripted;
mod sockets;

use std::time::Duration;

use seawall_testkit::{
    TestApp,
    client::Request,
    in_front, in_front_with_clock,
    upstream::{Kind, Upstream},
};

/// Five in a row, counted by request: an application that fails is given a minute, then one request tries it at a time.
#[tokio::test(flavor = "multi_thread")]
async fn wk_5_five_failures_in_a_row_hold_requests_back_for_a_minute_and_two_successes_let_them_through() {
    // No idle connections: that one of them turns out dead says nothing of the server.
    let config = "[upstream]\nmax_idle = 0\n[retry]\nattempts = 1\n";
    let (upstream, app, clock) = in_front_with_clock(config).await;
    let state = "seawall_upstream_breaker_state";
    let server = upstream.url();
    for _ in 0..4 {
        app.client().get("/close").await.expect_problem(502, "bad-gateway");
    }
    // A success in between begins the count anew.
    app.client().get("/echo").await.expect_status(200);
    for _ in 0..5 {
        app.until_metric(state, &[&server], 0.0).await;
        app.client().get("/close").await.expect_problem(502, "bad-gateway");
    }
    app.until_metric(state, &[&server], 2.0).await;
    let seen = upstream.requests().len();
    let held = app.client().get("/echo").await;
    let problem = held.expect_problem(503, "circuit-breaker-open");
    assert_eq!((&problem["code"], held.header("retry-after")), (&"CIRCUIT_BREAKER_OPEN".into(), Some("60")));
    assert_eq!(upstream.requests().len(), seen, "nothing is sent");
    let health = app.client().get("/_seawall/health/ready").await.expect_status(503);
    assert_eq!(health.json()["status"], "unavailable");
    let health = app.admin_client().get("/health").await.json();
    assert_eq!(health["checks"]["upstream"]["servers"][0]["breaker"], "open", "{health}");

    clock.advance(Duration::from_secs(60));
    app.client().get("/close").await.expect_problem(502, "bad-gateway");
    app.client().get("/echo").await.expect_problem(503, "circuit-breaker-open");
    clock.advance(Duration::from_secs(60));
    app.client().get("/echo").await.expect_status(200);
    app.until_metric(state, &[&server], 1.0).await;
    app.client().get("/echo").await.expect_status(200);
    app.until_metric(state, &[&server], 0.0).await;
    assert!(app.metric("seawall_upstream_breaker_opened", &[&server]) >= 2.0);
}

/// The waiting room holds one: of three requests for one connection, one is served, one waits, one is told to come back.
#[tokio::test(flavor = "multi_thread")]
async fn connections_to_a_server_are_bounded_over_all_cores_and_those_who_wait_too() {
    let (upstream, app) = in_front("[upstream]\nmax_connections = 1\nmax_waiting = 1\n").await;
    let slow = |path: &'static str| {
        let client = app.client();
        tokio::spawn(async move { client.get(path).await })
    };
    let first = slow("/slow/1500");
    upstream.until("the first request", |upstream| upstream.requests().len() == 1).await;
    let (second, third) = (slow("/echo?2"), slow("/echo?3"));
    let mut answers = [first.await.unwrap(), second.await.unwrap(), third.await.unwrap()];
    answers.sort_by_key(|answer| answer.status);
    assert_eq!(answers.each_ref().map(|answer| answer.status), [200, 200, 503]);
    answers[2].expect_problem(503, "upstream-busy");
    assert!(upstream.connections_opened() <= 2, "never two at once: {}", upstream.connections_opened());
}

/// With as many connections as allowed all idle on other cores, a request gets a place and is served.
#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_of_another_core_gives_up_its_place() {
    let (upstream, app) = in_front("[upstream]\nmax_connections = 1\nkeep = \"1min\"\n").await;
    for number in 0..40 {
        // Whichever core accepts it: the one connection allowed is idle there, or on the other.
        app.client().get(&format!("/echo?{number}")).await.expect_status(200);
    }
    assert!(upstream.open_connections() <= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_spread_over_servers_by_weight_and_load() {
    let servers = [Upstream::start(Kind::ByPath).await, Upstream::start(Kind::ByPath).await];
    let weighed = [servers[0].url(), format!("{} weight=3", servers[1].url())];
    let app = TestApp::in_front_of_servers(weighed).start().await;
    let slow: Vec<_> = (0..40)
        .map(|_| {
            let client = app.client();
            tokio::spawn(async move { client.get("/slow/700").await.expect_status(200) })
        })
        .collect();
    for request in slow {
        request.await.unwrap();
    }
    let seen = servers.each_ref().map(|server| server.requests().len());
    // Each core balances by what it sees itself.
    assert!((7..=13).contains(&seen[0]) && seen[0] + seen[1] == 40, "one in four: {seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_gone_costs_no_request_while_another_serves() {
    let (gone, serves) = (Upstream::start(Kind::ByPath).await, Upstream::start(Kind::ByPath).await);
    let app = TestApp::in_front_of_servers([gone.url(), serves.url()]).start().await;
    let mut gone = gone;
    gone.stop().await;
    for number in 0..30 {
        let request = if number % 2 == 0 { Request::get("/echo") } else { Request::post("/echo").body("x") };
        app.client().request(request).await.expect_status(200);
    }
    assert_eq!(serves.requests().len(), 30);
    // It is held back after five failures, and back soon after it is there again.
    app.until_metric("seawall_upstream_breaker_state", &[&gone.url()], 2.0).await;
    gone.restart_on_same_port().await;
    app.until_metric("seawall_upstream_breaker_state", &[&gone.url()], 1.0).await;
    for _ in 0..20 {
        app.client().get("/echo").await.expect_status(200);
    }
    assert!(!gone.requests().is_empty(), "it gets requests again");
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_take_a_server_out_and_bring_it_back() {
    let servers = [Upstream::start(Kind::ByPath).await, Upstream::start(Kind::ByPath).await];
    let app = TestApp::in_front_of_servers(servers.each_ref().map(Upstream::url))
        .with_config("[upstream]\ncheck_path = \"/status/200\"\ncheck_interval = \"100ms\"\n")
        .start()
        .await;
    let up = |server: &Upstream| ("seawall_upstream_up", server.url());
    servers[0].become_kind(Kind::always("/status/500"));
    let (metric, url) = up(&servers[0]);
    app.until_metric(metric, &[&url], 0.0).await;
    let answered = |server: &Upstream| server.requests().iter().filter(|request| request.target == "/echo").count();
    let before = answered(&servers[0]);
    for _ in 0..10 {
        app.client().get("/echo").await.expect_status(200);
    }
    assert_eq!((answered(&servers[0]) - before, answered(&servers[1])), (0, 10));
    servers[0].become_kind(Kind::ByPath);
    app.until_metric(metric, &[&url], 1.0).await;
}

/// What may be sent twice is, with its body; what may not is not. A key says so to the application, where Seawall does not keep it itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_request_is_sent_again_only_when_that_does_no_harm() {
    for (request, again) in [
        (Request::new("PUT", "/x").body("put"), true),
        (Request::new("DELETE", "/x"), true),
        (Request::post("/x").body("post"), false),
        (Request::new("PATCH", "/x").body("patch"), false),
        (Request::post("/x").header("Idempotency-Key", "\"1\"").body("keyed"), true),
        (Request::new("PUT", "/x").chunked(["in ", "parts"]), true),
        (Request::new("PUT", "/x").body(vec![b'x'; 100_000]), false),
    ] {
        let (breaks, serves) =
            (Upstream::start(Kind::always("/close")).await, Upstream::start(Kind::always("/echo")).await);
        let app = TestApp::in_front_of_servers([breaks.url(), serves.url()]);
        let app = app.with_config("[idempotency]\nmode = \"off\"\n").start().await;
        // Each core begins with the first server.
        let answer = app.client().request(request.clone()).await;
        let what = format!("{} with {:?}", request.method(), answer);
        let seen = (breaks.requests().len(), serves.requests().len());
        if again {
            assert_eq!((answer.status, seen), (200, (1, 1)), "{what}");
            let (first, second) = (&breaks.requests()[0], &serves.requests()[0]);
            assert_eq!(first.body, second.body, "{what}");
        } else {
            assert_eq!((answer.status, seen), (502, (1, 0)), "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_that_are_named_are_tried_elsewhere() {
    let (busy, serves) =
        (Upstream::start(Kind::always("/status/503")).await, Upstream::start(Kind::always("/echo")).await);
    let config = "[retry]\nstatuses = [503]\n[route.\"/once\"]\nretry.attempts = 1\n";
    let app = TestApp::in_front_of_servers([busy.url(), serves.url()]).with_config(config).start().await;
    app.client().get("/").await.expect_status(200);
    assert_eq!((busy.requests().len(), serves.requests().len()), (1, 1));
    app.client().request(Request::post("/").body("x")).await;
    let seen = busy.requests().len() + serves.requests().len();
    assert_eq!(seen, 3, "a POST is sent once");
}

/// A budget bounds what retries add to the load: beyond the reserve of ten a second, a fifth.
#[tokio::test(flavor = "multi_thread")]
async fn retries_are_bounded_by_a_budget() {
    let config = "[upstream]\nbreaker_failures = 100000\n[retry]\nbackoff = \"1ms\"\n\
                  [rate_limit]\nmode = \"off\"\n[load_shed]\nmode = \"off\"\n";
    let (upstream, app, _clock) = in_front_with_clock(config).await;
    let mut client = app.connect().await;
    for _ in 0..300 {
        let answer = client.send("GET", "/close", &[], b"").await;
        answer.expect_problem(502, "bad-gateway");
    }
    let sent = upstream.requests().len();
    // 300 and a fifth of them, and the reserve of ten seconds, of one core's half of it.
    assert!((340..=300 + 60 + 100 + 1).contains(&sent), "{sent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_application_may_be_asked_for_by_a_name_of_its_own() {
    let (_upstream, app) = in_front("[upstream]\nhost = \"app.internal\"\n").await;
    let seen = app.client().get("/echo").await.expect_status(200).json()["headers"].to_string().to_lowercase();
    assert!(seen.contains("[\"host\",\"app.internal\"]"), "{seen}");
}

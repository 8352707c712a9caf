//! Conditional requests and requests that are alike, in front of an application that knows nothing of either.

use std::time::Duration;

use seawall_testkit::{
    StartedApp,
    client::{H2Client, RawClient, RawResponse, Request},
    in_front,
    upstream::{Kind, Upstream, pattern},
};

async fn tag(app: &StartedApp, target: &str) -> String {
    app.client().get(target).await.expect_status(200).header("etag").expect("it is tagged").to_owned()
}

fn has(target: &str, tag: &str) -> Request {
    Request::get(target).header("If-None-Match", tag)
}

fn change(method: &str, target: &str, field: (&str, &str)) -> Request {
    Request::new(method, target).header(field.0, field.1).body("changed")
}

fn seen(upstream: &Upstream, method: &str) -> usize {
    upstream.requests().iter().filter(|request| request.method == method).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_14_a_client_that_has_the_answer_is_told_so_over_either_version() {
    let (upstream, app) = in_front("[conditional]\netag = \"weak\"\n").await;
    let mut connection = app.connect().await;
    for target in ["/bytes/3000?Cache-Control=private&Content-Type=text/plain", "/chunked/300000"] {
        let tag = tag(&app, target).await;
        assert!(tag.starts_with("W/\""), "{tag}");
        let same = connection.request(&has(target, &tag)).await.expect_status(304);
        assert_eq!((same.header("etag"), same.body.len()), (Some(&*tag), 0));
        assert_eq!((same.header("content-length"), same.header("content-type")), (None, None));
        assert!(same.header("x-request-id").is_some() && same.header("x-content-type-options").is_some());
        let other = connection.request(&has(target, "\"other\"")).await.expect_status(200);
        assert_eq!(other.header("etag"), Some(&*tag));
        let newer = H2Client::connect(app.public()).await;
        let asks = http::Request::get(target).header("if-none-match", &tag).body(http_body_util::Full::default());
        let answer = newer.request(asks.unwrap()).await;
        assert_eq!((answer.status().as_u16(), answer.body().len()), (304, 0));
    }
    assert_eq!(app.metric("seawall_guard_decisions", &["conditional", "*", "answered"]), 4.0);
    let opened = upstream.connections_opened();
    let large = tag(&app, "/bytes/20000").await;
    for _ in 0..5 {
        connection.request(&has("/bytes/20000", &large)).await.expect_status(304);
    }
    assert!(upstream.connections_opened() <= opened + 2, "what is not sent costs no connection");
    assert_eq!(upstream.violations(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_14_what_streams_is_long_or_sets_cookies_passes_as_it_came() {
    let (_upstream, app) = in_front("[conditional]\netag = \"weak\"\nmax = \"64 KiB\"\n").await;
    for target in
        ["/sse/3/1", "/bytes/65537", "/status/404", "/headers?Set-Cookie=a%3D1", "/headers?Cache-Control=no-store"]
    {
        assert_eq!(app.client().get(target).await.header("etag"), None, "{target}");
    }
    let long = app.client().get("/chunked/200000").await.expect_status(200);
    assert_eq!((long.header("etag"), &long.body), (None, &pattern(200_000)));
    // The first event is there long before the last.
    let mut connection = app.connect().await.with_limit(Duration::from_secs(20));
    connection.write(Request::get("/sse/2/19000").encode("a")).await;
    connection.read_head("GET").await.expect_status(200);
    assert!(connection.next_piece().await.is_some(), "the first event");
    app.until_metric("seawall_bodies_held_bytes", &[], 0.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_applications_own_tags_are_its_own_business_unless_it_does_not_look_at_them() {
    let own = "/headers?ETag=%22seven%22";
    let (_upstream, app) = in_front("[conditional]\netag = \"weak\"\n").await;
    app.client().request(has(own, "\"seven\"")).await.expect_status(200);
    let (_upstream, app) = in_front("[conditional]\nupstream_tags = true\n").await;
    app.client().request(has(own, "\"seven\"")).await.expect_status(304);
    app.client().request(has(own, "\"eight\"")).await.expect_status(200);
    let head = Request::new("HEAD", own).header("If-None-Match", "\"seven\"");
    app.client().request(head).await.expect_status(304);
    assert_eq!(app.client().get("/echo").await.header("etag"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strong_tag_is_of_the_bytes_that_are_sent_and_a_weak_one_holds_for_both() {
    let page = |tag: Option<&str>| {
        let asks = Request::get("/bytes/5000?Content-Type=text/css").header("Accept-Encoding", "gzip");
        tag.map_or_else(|| asks.clone(), |tag| asks.clone().header("If-None-Match", tag))
    };
    for (strength, coding) in [("strong", None), ("weak", Some("gzip"))] {
        let (_upstream, app) = in_front(&format!("[conditional]\netag = \"{strength}\"\n")).await;
        let answer = app.client().request(page(None)).await.expect_status(200);
        let tag = answer.header("etag").unwrap();
        assert_eq!((answer.header("content-encoding"), tag.starts_with("W/")), (coding, strength == "weak"));
        app.client().request(page(Some(tag))).await.expect_status(304);
    }
}

const CHECKS: &str = "[conditional]\netag = \"strong\"\nif_match = \"check\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn rg_15_a_change_needs_the_tag_of_what_it_changes() {
    let (upstream, app) = in_front("[route.\"/asset/{name}\"]\nconditional.if_match = \"require\"\n").await;
    app.client().request(Request::new("PUT", "/asset/a.js")).await.expect_problem(428, "precondition-required");
    assert_eq!(upstream.requests().len(), 0);
    app.client().request(change("PUT", "/asset/a.js", ("If-Match", "\"a\""))).await.expect_status(200);
    assert_eq!(upstream.requests()[0].header("if-match"), Some("\"a\""), "the application compares");
    app.client().request(Request::new("PUT", "/echo")).await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_15_a_change_of_what_has_changed_reaches_nobody() {
    let (upstream, app) = in_front(CHECKS).await;
    upstream.become_kind(Kind::always("/bytes/2000"));
    let first = tag(&app, "/orders/7").await;
    app.client().request(change("PUT", "/orders/7", ("If-Match", &first))).await.expect_status(200);
    let put = upstream.requests().into_iter().find(|request| request.method == "PUT").expect("it was sent");
    assert_eq!((&*put.body, put.header("if-match")), (&b"changed"[..], None), "no application made that tag");
    let asked = upstream.requests().into_iter().rfind(|request| request.method == "GET").expect("it was asked");
    assert_eq!((&*asked.target, asked.header("content-length"), asked.header("if-match")), ("/orders/7", None, None));

    upstream.become_kind(Kind::always("/bytes/2001"));
    let refused = app.client().request(change("PUT", "/orders/7", ("If-Match", &first))).await;
    refused.expect_problem(412, "precondition-failed");
    let current = refused.header("etag").expect("it says what is there").to_owned();
    assert_ne!(current, first);
    app.client().request(change("PATCH", "/orders/7", ("If-Match", &current))).await.expect_status(200);
    let anew = app.client().request(change("PUT", "/orders/7", ("If-None-Match", "*"))).await;
    anew.expect_problem(412, "precondition-failed");
    upstream.become_kind(Kind::always("/status/404"));
    let gone = app.client().request(change("DELETE", "/orders/7", ("If-Match", &current))).await;
    gone.expect_problem(412, "precondition-failed");
    app.client().request(change("PUT", "/orders/8", ("If-None-Match", "*"))).await.expect_status(404);
    assert_eq!((seen(&upstream, "PUT"), seen(&upstream, "PATCH"), seen(&upstream, "DELETE")), (2, 1, 0));
    assert_eq!(upstream.violations(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_15_the_applications_own_tags_are_compared_and_sent_on() {
    let (upstream, app) = in_front(&CHECKS.replace("strong", "off")).await;
    upstream.become_kind(Kind::always("/headers?ETag=%22seven%22"));
    app.client().request(change("PUT", "/a", ("If-Match", "\"seven\""))).await.expect_status(200);
    let put = upstream.requests().into_iter().find(|request| request.method == "PUT").expect("it was sent");
    assert_eq!(put.header("if-match"), Some("\"seven\""));
    app.client().request(change("PUT", "/a", ("If-Match", "\"six\""))).await.expect_problem(412, "precondition-failed");
    for unknown in ["/echo", "/status/403", "/close", "/status/503"] {
        upstream.become_kind(Kind::always(unknown));
        let refused = app.client().request(change("PUT", "/a", ("If-Match", "\"seven\""))).await;
        refused.expect_problem(502, "current-state-unknown");
    }
    assert_eq!(seen(&upstream, "PUT"), 1);
}

/// An application that takes a GET for what such a field says would carry the change out before it was compared.
#[tokio::test(flavor = "multi_thread")]
async fn the_question_for_the_current_state_names_no_other_method() {
    let passes = "[strict_http]\noverrides = \"pass\"\n";
    let (upstream, app) = in_front(&format!("{passes}{}", CHECKS.replace("strong", "off"))).await;
    upstream.become_kind(Kind::always("/headers?ETag=%22seven%22"));
    for field in ["X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override"] {
        let change = change("PUT", "/a", ("If-Match", "\"seven\"")).header(field, "DELETE");
        app.client().request(change).await.expect_status(200);
        let requests = upstream.requests();
        let [.., question, change] = &requests[..] else { panic!("{requests:?}") };
        assert_eq!((&*question.method, question.header(field)), ("GET", None));
        assert_eq!((&*change.method, change.header(field)), ("PUT", Some("DELETE")));
    }
}

/// Writes a change and does not wait for its answer.
async fn begins(app: &StartedApp, tag: &str, ms: u64) -> RawClient {
    let mut connection = app.connect().await.with_limit(Duration::from_secs(30));
    let path = format!("/slow/{ms}");
    connection.write(change("PUT", &path, ("If-Match", tag)).encode("a")).await;
    connection
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_15_changes_of_one_resource_follow_one_another() {
    let (upstream, app) = in_front(&format!("{CHECKS}wait = \"100ms\"\n")).await;
    let slow = tag(&app, "/slow/800").await;
    let mut first = begins(&app, &slow, 800).await;
    upstream.until("the first asks", |upstream| seen(upstream, "GET") == 2).await;
    // Spelled otherwise it is the same path, for all that is known of the application.
    let busy = app.client().request(change("PUT", "/SLOW/800/", ("If-Match", &slow))).await;
    busy.expect_problem(503, "resource-busy");
    assert_eq!(busy.header("retry-after"), Some("1"));
    first.read_response("PUT").await.expect_status(200);
    assert_eq!((seen(&upstream, "GET"), seen(&upstream, "PUT")), (2, 1), "the second asked nothing");
    // A client that leaves gives its turn back.
    let second = begins(&app, &slow, 800).await;
    upstream.until("the second asks", |upstream| seen(upstream, "GET") == 3).await;
    drop(second);
    app.until_metric("http_server_active_requests", &[], 0.0).await;
    begins(&app, &slow, 800).await.read_response("PUT").await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_body_keeps_nobody_from_the_resource() {
    let (upstream, app) = in_front(&format!("{CHECKS}wait = \"100ms\"\n")).await;
    upstream.become_kind(Kind::always("/bytes/100"));
    let tag = tag(&app, "/a").await;
    let mut slow = app.connect().await;
    slow.write(format!("PUT /a HTTP/1.1\r\nHost: a\r\nIf-Match: {tag}\r\nContent-Length: 4\r\n\r\nha")).await;
    app.until_metric("seawall_bodies_held_bytes", &[], 2.0).await;
    app.client().request(change("PUT", "/a", ("If-Match", &tag))).await.expect_status(200);
    slow.write("lf").await;
    slow.read_response("PUT").await.expect_status(200);
    assert_eq!(upstream.requests().last().map(|request| request.body.clone()), Some(b"half".to_vec()));
}

const COALESCES: &str = "[conditional]\ncoalesce = true\n";

/// So many of the same request at once: the first on its way before the others come.
async fn together(app: &StartedApp, upstream: &Upstream, asks: &[Request]) -> Vec<RawResponse> {
    let mut connections = Vec::new();
    let before = upstream.requests().len();
    for request in asks {
        let mut connection = app.connect().await.with_limit(Duration::from_secs(30));
        connection.write(request.encode("a")).await;
        connections.push(connection);
        upstream.until("the first", |upstream| upstream.requests().len() > before).await;
    }
    let mut answers = Vec::new();
    for connection in &mut connections {
        answers.push(connection.read_response("GET").await);
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_15_gets_of_one_caller_that_are_alike_ask_once() {
    let (upstream, app) = in_front(COALESCES).await;
    let ann = Request::get("/slow/1500").header("Authorization", "Bearer ann");
    let answers = together(&app, &upstream, &[ann.clone(), ann.clone(), ann.clone(), ann.clone()]).await;
    let ids: std::collections::BTreeSet<_> =
        answers.iter().filter_map(|answer| answer.header("x-request-id")).collect();
    assert_eq!(ids.len(), 4, "each is a request of its own");
    for answer in &answers {
        assert_eq!((answer.status, &answer.body), (200, &answers[0].body));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
    assert_eq!(upstream.requests().len(), 1);
    assert_eq!(app.metric("seawall_coalesced_requests", &["shared"]), 3.0);
    app.client().request(ann).await.expect_status(200);
    assert_eq!(upstream.requests().len(), 2, "who comes later asks anew");
    app.until_metric("seawall_bodies_held_bytes", &[], 0.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_15_never_between_callers_nor_for_another_question() {
    let (upstream, app) = in_front(COALESCES).await;
    let asks = |name: &str, value: &str| Request::get("/slow/1000").header(name, value);
    let asks = [
        asks("Authorization", "Bearer ann"),
        asks("Authorization", "Bearer bob"),
        asks("Cookie", "session=ann"),
        asks("Cookie", "session=bob"),
        asks("X-API-Key", "bob"),
        asks("Accept-Language", "de"),
        Request::get("/slow/1000?page=2"),
    ];
    together(&app, &upstream, &asks).await;
    assert_eq!(upstream.requests().len(), asks.len());
    let (upstream, app) = in_front("").await;
    together(&app, &upstream, &[Request::get("/slow/1000"), Request::get("/slow/1000")]).await;
    assert_eq!(upstream.requests().len(), 2, "nobody asked for it");
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_15_nobody_waits_longer_than_it_is_said() {
    let (upstream, app) = in_front(&format!("{COALESCES}wait = \"50ms\"\n")).await;
    together(&app, &upstream, &[Request::get("/slow/1000"), Request::get("/slow/1000")]).await;
    assert_eq!(upstream.requests().len(), 2);
    assert_eq!(app.metric("seawall_coalesced_requests", &["alone"]), 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_15_who_leads_and_leaves_takes_nobody_along() {
    let (upstream, app) = in_front(COALESCES).await;
    let asks = Request::get("/slow/1000");
    let mut leads = app.connect().await;
    leads.write(asks.encode("a")).await;
    upstream.until("it is asked", |upstream| upstream.requests().len() == 1).await;
    let mut follows = app.connect().await.with_limit(Duration::from_secs(30));
    follows.write(asks.encode("a")).await;
    app.until_metric("http_server_active_requests", &[], 2.0).await;
    drop(leads);
    follows.read_response("GET").await.expect_status(200);
    assert_eq!(upstream.requests().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_15_who_has_changed_something_gets_no_answer_from_before() {
    let (upstream, app) = in_front(COALESCES).await;
    let asks = Request::get("/slow/1500");
    let mut before = app.connect().await.with_limit(Duration::from_secs(30));
    before.write(asks.encode("a")).await;
    upstream.until("it is asked", |upstream| upstream.requests().len() == 1).await;
    app.client().request(Request::post("/upload").body("changed")).await.expect_status(200);
    app.client().request(asks).await.expect_status(200);
    before.read_response("GET").await.expect_status(200);
    assert_eq!(seen(&upstream, "GET"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_15_of_those_who_share_each_is_told_by_its_own_tag() {
    let (upstream, app) = in_front(&format!("{COALESCES}etag = \"weak\"\n")).await;
    let tag = tag(&app, "/slow/1000").await;
    let asks = has("/slow/1000", &tag);
    let answers = together(&app, &upstream, &[asks.clone(), asks.clone(), asks]).await;
    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [304; 3]);
    assert_eq!(upstream.requests().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_17_in_report_mode_changes_pass_and_are_told_and_no_answer_is_tagged() {
    let (upstream, app) = in_front(&format!("{CHECKS}mode = \"report\"\ncoalesce = true\n")).await;
    assert_eq!(app.client().get("/echo").await.header("etag"), None);
    app.client().request(Request::new("PUT", "/echo")).await.expect_status(200);
    app.client().request(change("PUT", "/echo", ("If-Match", "\"other\""))).await.expect_status(200);
    assert_eq!(app.metric("seawall_guard_decisions", &["conditional", "*", "reported"]), 2.0);
    assert_eq!(seen(&upstream, "PUT"), 2);
}

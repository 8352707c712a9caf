//! A document that the application gives itself: fetched at start and at each reload, and never while Seawall would go on without it.

use seawall::app::AppError;
use seawall_core::http::percent::{UNRESERVED, encoded};
use seawall_testkit::{
    Authority, Bridge, StartedApp, TemporaryDirectory, TestApp, Validity,
    upstream::{Kind, Upstream},
};
use serde_json::Value;

const CONFIG: &str =
    "[schema]\ndocument = \"upstream:/v1/openapi.json\"\ndocument_wait = \"1s\"\n[openapi]\npublish = \"public\"\n";

/// A document in which `days` may be so many.
fn document(most: u32) -> String {
    format!(
        r#"{{"openapi": "3.1.0", "info": {{"title": "Orders", "version": "1"}}, "paths": {{"/orders": {{"get": {{"parameters": [
            {{"name": "days", "in": "query", "schema": {{"type": "integer", "maximum": {most}}}}}
        ]}}}}}}}}"#
    )
}

/// An application that says this at every path.
fn says(text: &str, more: &str) -> Kind {
    Kind::always(format!("/say?{}{more}", encoded(text, UNRESERVED)))
}

async fn in_front_of(url: impl Into<String>) -> Result<StartedApp, AppError> {
    TestApp::in_front_of(url).with_config(CONFIG).try_start().await
}

/// Why a start is refused.
async fn refused(kind: Kind) -> String {
    let upstream = Upstream::start(kind).await;
    match in_front_of(upstream.url()).await {
        Err(error) => {
            assert_eq!(error.exit_code(), if matches!(error, AppError::NotGiven(_)) { 69 } else { 64 });
            format!("{error}: {:?} {:?}", std::error::Error::source(&error).map(ToString::to_string), error.help())
        }
        Ok(_) => panic!("it starts"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_of_the_application_is_fetched_before_anybody_is_served_and_published_as_it_came() {
    let upstream = Upstream::start(says(&document(30), "")).await;
    let app = in_front_of(upstream.url()).await.expect("it starts");
    let asked = upstream.requests();
    let targets: Vec<_> = asked.iter().map(|request| (&*request.method, &*request.target)).collect();
    assert_eq!(targets, [("GET", "/v1/openapi.json")], "once, whatever cores and routes there are");
    assert_eq!(asked[0].header("accept"), Some("application/json"));
    app.client().get("/orders?days=30").await.expect_status(200);
    app.client().get("/orders?days=31").await.expect_problem(400, "validation-failed");
    let published: Value = app.client().get("/_seawall/openapi.json").await.expect_status(200).json();
    assert_eq!(published["paths"]["/orders"]["get"]["parameters"][0]["schema"]["maximum"], 30);
    assert_eq!(upstream.requests().len(), 2, "what is published was fetched before");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_comes_up_after_seawall_is_waited_for() {
    let upstream = Upstream::start(Kind::ClosesOnAccept).await;
    let patient = CONFIG.replace("\"1s\"", "\"1min\"");
    let starting = tokio::spawn(TestApp::in_front_of(upstream.url()).with_config(&patient).try_start());
    upstream.until("a question in vain", |upstream| upstream.connections_opened() > 1).await;
    assert!(!starting.is_finished());
    upstream.become_kind(says(&document(30), ""));
    let app = starting.await.expect("it does not panic").expect("it starts");
    app.client().get("/orders?days=31").await.expect_problem(400, "validation-failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_without_the_document_is_refused_and_says_what_was_tried() {
    let away = refused(Kind::ClosesOnAccept).await;
    for word in ["/v1/openapi.json", "asked ", " times", "http://127.0.0.1:", "document_wait"] {
        assert!(away.contains(word), "{word} in {away}");
    }
    assert!(refused(Kind::always("/status/503")).await.contains("status 503"));
    assert!(refused(Kind::always("/status/302?Location=/other")).await.contains("status 302"));
    assert!(refused(Kind::always("/html")).await.contains("text/html"));
    assert!(refused(Kind::always("/chunked/6000000?Content-Type=application/json")).await.contains("longer than"));
    assert!(refused(says(&document(30), "&Content-Encoding=gzip")).await.contains("Content-Encoding"));
    let broken = refused(says(r#"{"openapi": "2.0"}"#, "")).await;
    assert!(broken.contains("guards cannot be built"), "what is no document is not waited for: {broken}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_fetches_it_again_and_one_that_cannot_keeps_what_runs() {
    let upstream = Upstream::start(says(&document(30), "")).await;
    let app = in_front_of(upstream.url()).await.expect("it starts");
    upstream.become_kind(says(&document(10), ""));
    app.client().get("/orders?days=30").await.expect_status(200);
    app.reload().await.expect("it is taken over");
    app.client().get("/orders?days=30").await.expect_problem(400, "validation-failed");

    upstream.become_kind(Kind::always("/status/500"));
    let refusal = app.reload().await.expect_err("there is no document").text();
    assert!(refusal.contains("status 500") && refusal.contains("asked 1 times"), "{refusal}");
    upstream.become_kind(says(r#"{"openapi": "3.1.0", "paths": 7}"#, ""));
    app.reload().await.expect_err("it is no document");
    upstream.become_kind(says("{}", ""));
    app.client().get("/orders?days=10").await.expect_status(200);
    app.client().get("/orders?days=30").await.expect_problem(400, "validation-failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_asks_the_servers_that_requests_will_be_led_to() {
    let (old, new) = (Upstream::start(says(&document(30), "")).await, Upstream::start(says(&document(10), "")).await);
    let config = |upstream: &Upstream| format!("[upstream]\nurl = \"{}\"\n{CONFIG}", upstream.url());
    let app = TestApp::in_front_of_servers([]).with_config(&config(&old)).start().await;
    app.reload_with(&config(&new)).await;
    app.client().get("/orders?days=30").await.expect_problem(400, "validation-failed");
    assert_eq!((old.requests().len(), new.requests().len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_servers_the_first_that_gives_it_is_enough() {
    let (away, broken) = (Upstream::start(Kind::ClosesOnAccept).await, Upstream::start(Kind::always("/html")).await);
    let good = Upstream::start(says(&document(30), "")).await;
    let servers = [&away, &broken, &good].map(Upstream::url);
    let app = TestApp::in_front_of_servers(servers).with_config(CONFIG).start().await;
    app.client().get("/orders?days=31").await.expect_problem(400, "validation-failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_fetched_over_sockets_and_tls_as_requests_are() {
    let upstream = Upstream::start(says(&document(30), "")).await;
    let directory = TemporaryDirectory::new();
    let socket = Bridge::unix(&directory.path().join("app.sock"), upstream.address);
    let app = in_front_of(socket.url()).await.expect("it starts");
    app.client().get("/orders?days=31").await.expect_problem(400, "validation-failed");

    let authority = Authority::new();
    std::fs::write(directory.path().join("ca.pem"), authority.pem()).expect("it is written");
    let encrypted = Bridge::tls(authority.identity("localhost", Validity::Current), upstream.address).await;
    let config = format!("[upstream]\nca_file = \"ca.pem\"\n{CONFIG}");
    let app = TestApp::in_front_of(encrypted.url()).in_directory(directory).with_config(&config).start().await;
    app.client().get("/orders?days=31").await.expect_problem(400, "validation-failed");
}

//! The shortest way through everything.

use seawall_testkit::{
    TestApp,
    upstream::{Kind, Upstream},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_request_passes_and_its_answer_is_dressed() {
    let upstream = Upstream::start(Kind::ByPath).await;
    let app = TestApp::in_front_of(upstream.url()).start().await;
    let answer = app.client().get("/echo").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    let line = app.request_line("/echo").await;
    assert_eq!(line["request.id"].as_str(), answer.header("x-request-id"));
}

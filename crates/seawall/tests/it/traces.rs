//! The export of traces, in builds that have it: a sampled request becomes a span at the collector.

use seawall_testkit::{
    TestApp,
    client::Request,
    upstream::{Kind, Upstream},
};

/// Whether `part` stands in `bytes`; spans are sent as protobuf, which keeps texts as they are.
fn holds(bytes: &[u8], part: &str) -> bool {
    bytes.windows(part.len()).any(|window| window == part.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sampled_request_becomes_a_span_and_another_does_not() {
    let upstream = Upstream::start(Kind::ByPath).await;
    let collector = Upstream::start(Kind::ByPath).await;
    let config = format!(
        "[tracing]\nendpoint = \"{}\"\n[client_address]\ntrusted = [\"127.0.0.1\"]\n[trace_context]\nsample = \"0%\"\n",
        collector.url()
    );
    let app = TestApp::in_front_of(upstream.url()).with_config(&config).start().await;
    let parent = |flags: &str| format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}");
    app.client().request(Request::get("/echo/unsampled").header("traceparent", parent("00"))).await.expect_status(200);
    app.client().request(Request::get("/echo/sampled").header("traceparent", parent("01"))).await.expect_status(200);
    // The collector notes a request when its head is there; the span is in the body.
    let arrived = |collector: &Upstream| collector.requests().iter().any(|post| holds(&post.body, "/echo/sampled"));
    collector.until("the span to arrive", arrived).await;
    let posts = collector.requests();
    assert_eq!(posts[0].target, "/v1/traces");
    assert!(posts.iter().any(|post| holds(&post.body, "/echo/sampled") && holds(&post.body, "http.route")));
    assert!(!posts.iter().any(|post| holds(&post.body, "/echo/unsampled")));
}

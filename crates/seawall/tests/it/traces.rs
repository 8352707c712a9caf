//! The export of traces, in builds that have it: a sampled request becomes a span at the collector.

use seawall_testkit::{
    TestApp,
    client::Request,
    llm::FakeLlm,
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

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_a_language_model_in_a_sampled_trace_becomes_a_span() {
    let fake = FakeLlm::start().await;
    let collector = Upstream::start(Kind::ByPath).await;
    let config = format!(
        "environment = \"development\"\n[tracing]\nendpoint = \"{}\"\n[llm.provider.fake]\nurl = \"{}\"\nkey = \"k\"\n[llm.route.refine]\n",
        collector.url(),
        fake.url()
    );
    let app = TestApp::in_front_of("http://127.0.0.1:9").with_config(&config).start().await;
    let call = |flags: &str, text: &str| {
        let parent = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}");
        let body = format!(
            r#"{{"model":"fake-length","stream":true,"messages":[{{"role":"user","content":"say: {text}"}}]}}"#
        );
        let call = Request::post("/llm/refine/v1/chat/completions").header("X-Seawall-Conversation", "talk-1");
        call.header("traceparent", parent).body(body)
    };
    app.outbound_client().request(call("00", "unsampled")).await.expect_status(200);
    app.outbound_client().request(call("01", "a very private prompt")).await.expect_status(200);
    let arrived = |collector: &Upstream| collector.requests().iter().any(|post| holds(&post.body, "chat fake-length"));
    collector.until("the span to arrive", arrived).await;
    let posts: Vec<u8> = collector.requests().into_iter().flat_map(|post| post.body).collect();
    for name in [
        "gen_ai.operation.name",
        "gen_ai.provider.name",
        "gen_ai.request.model",
        "gen_ai.response.model",
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.output_tokens",
        "gen_ai.response.finish_reasons",
        "gen_ai.conversation.id",
        "talk-1",
        "length",
        "refine",
    ] {
        assert!(holds(&posts, name), "{name}");
    }
    assert!(!holds(&posts, "private"), "no trace holds a prompt");
    // The provider is told whose span calls it: not the application's own.
    let told: Vec<_> = fake.calls().iter().map(|call| call.header("traceparent").unwrap().to_owned()).collect();
    assert!(told[0].contains("00f067aa0ba902b7-00"), "{told:?}");
    assert!(
        told[1].starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && !told[1].contains("00f067aa0ba902b7"),
        "{told:?}"
    );
}

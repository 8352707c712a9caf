//! Calls of language models over a restart: what they used is written down before another process has the store.

use std::{fs, net::SocketAddr};

use seawall_testkit::{
    client::{RawClient, Request},
    llm::FakeLlm,
};
use serde_json::json;

use super::Line;

#[tokio::test(flavor = "multi_thread")]
async fn pl_9_a_call_of_a_model_that_spans_a_restart_is_answered_and_recorded() {
    let fake = FakeLlm::start().await;
    let config = format!(
        "environment = \"development\"\n[outbound]\nlisten = \"127.0.0.1:0\"\n[llm.provider.fake]\nurl = \"{}\"\nkey = \"any\"\n",
        fake.url()
    );
    let (_upstream, mut line) = Line::in_front(&config).await;
    let address: SocketAddr = line.server.child.said("outbound", |said| {
        let line = said.lines().find_map(|line| line.strip_prefix("  outbound "))?;
        line.strip_prefix("http://")?.split('/').next()?.parse().ok()
    });
    let key = fs::read_to_string(line.place.path().join(".seawall/outbound.key")).expect("the key");
    // Longer than all that a restart takes when nobody waits.
    let body = json!({"model": "fake-slow-headers-4000", "messages": [{"role": "user", "content": "hello"}]});
    let call = Request::post("/llm/v1/chat/completions").header("X-Seawall-Key", key.trim()).json(&body);
    let call = tokio::spawn(async move { RawClient::connect(address).await.request(&call).await });
    fake.until(|calls| calls.len() == 1).await;
    let successor = line.restart();
    call.await.expect("it is answered").expect_status(200);
    assert_eq!(line.process(), successor);
    let rows = line.place.seawall(&["llm", "calls", "--json"]).ok();
    assert!(rows.contains("fake-slow-headers-4000") && rows.contains("\"answered\""), "{rows}");
}

//! What a test sees: the calls, how each ended, connections; and what it can script.

use std::time::Duration;

use seawall_testkit::{
    FakeLlm,
    client::{Client, RawClient},
    llm::Ending,
};

use super::{client, request};

#[tokio::test]
async fn a_call_is_seen_with_its_fields_body_and_end() {
    let llm = FakeLlm::start().await;
    client(&llm).request(request("chat", "fake", false).header("X-Mark", "1")).await.expect_status(200);
    let calls = llm.calls();
    let call = &calls[0];
    assert_eq!((calls.len(), call.method.as_str(), call.path.as_str()), (1, "POST", "/v1/chat/completions"));
    assert_eq!((call.header("x-mark"), call.header("authorization")), (Some("1"), Some("Bearer key")));
    assert_eq!(call.json()["messages"][0]["content"], "Good morning");
    assert_eq!((call.status, call.ending), (Some(200), Ending::Whole));
    Client::new(&llm.url()).get("/v1/models").await.expect_status(401);
    assert_eq!(llm.calls()[1].status, Some(401));
}

#[tokio::test]
async fn a_client_that_leaves_is_seen_wherever_the_answer_stood() {
    let llm = FakeLlm::start().await;
    for (index, model) in
        ["fake-hang", "fake-stall", "fake-drip-60000", "fake-slow-headers-60000"].into_iter().enumerate()
    {
        let mut connection = RawClient::connect(llm.address()).await;
        connection.write(request("messages", model, true).encode("llm.test")).await;
        let calls = llm.until(|calls| calls.get(index).is_some_and(|call| !call.body.is_empty())).await;
        assert_eq!(calls[index].ending, Ending::Open, "{model}");
        assert_eq!(llm.open_connections(), 1, "{model}");
        if model == "fake-hang" {
            connection.expect_silence(Duration::from_millis(100)).await;
        }
        drop(connection);
        llm.until(|calls| calls[index].ending == Ending::Left).await;
        llm.until(|_| llm.open_connections() == 0).await;
    }
}

#[tokio::test]
async fn a_cut_is_not_the_clients_doing() {
    let llm = FakeLlm::start().await;
    let mut connection = RawClient::connect(llm.address()).await;
    connection.try_request(&request("chat", "fake-cut", true)).await.unwrap_err();
    llm.until(|calls| calls[0].ending == Ending::Cut).await;
}

#[tokio::test]
async fn a_test_scripts_the_next_calls_and_all_calls() {
    let llm = FakeLlm::start().await;
    let status = async || client(&llm).request(request("chat", "gpt-5", false)).await.status;
    llm.script(&["fake-500", "fake", "fake-429"]);
    assert_eq!([status().await, status().await, status().await, status().await], [500, 200, 429, 200]);
    llm.become_model("fake-529");
    llm.script(&["fake"]);
    assert_eq!([status().await, status().await, status().await], [200, 529, 529]);
    llm.become_itself();
    assert_eq!(status().await, 200);
}

#[tokio::test]
async fn connections_are_kept_and_end_with_the_handle() {
    let llm = FakeLlm::start().await;
    let mut connection = RawClient::connect(llm.address()).await;
    for _ in 0..2 {
        connection.request(&request("chat", "fake", true)).await.expect_status(200);
    }
    assert_eq!(llm.open_connections(), 1);
    drop(llm);
    connection.expect_reset_or_closed().await;
}

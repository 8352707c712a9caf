//! What goes wrong, in every dialect, as a client sees it.

use std::time::Duration;

use seawall_testkit::{
    FakeLlm,
    client::{FailureKind, RawClient, RawResponse, Request},
};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{DIALECTS, client, data, frames, request};

/// A connection on which this was asked, and the head of its answer.
async fn asked(llm: &FakeLlm, dialect: &str, model: &str, stream: bool) -> (RawClient, RawResponse) {
    let mut connection = RawClient::connect(llm.address()).await;
    connection.write(request(dialect, model, stream).encode("llm.test")).await;
    let head = connection.read_head("POST").await;
    (connection, head)
}

/// Nothing follows, and the connection stays.
async fn expect_no_more(connection: RawClient) {
    let mut connection = connection.with_limit(Duration::from_millis(50));
    let next = connection.try_next_piece().await.unwrap_err();
    assert!(matches!(next.kind, FailureKind::TimedOut(_)), "{next}");
}

#[tokio::test]
async fn a_refusal_is_given_once_or_always_and_says_when_to_come_again() {
    let llm = FakeLlm::start().await;
    for dialect in DIALECTS {
        let statuses = async |model: &str| {
            let mut statuses = Vec::new();
            for _ in 0..3 {
                statuses.push(client(&llm).request(request(dialect, model, false)).await.status);
            }
            statuses
        };
        assert_eq!(statuses("fake-429").await, [429, 429, 429], "{dialect}");
    }
    let statuses = async |model: &str| {
        let mut statuses = Vec::new();
        for _ in 0..3 {
            statuses.push(client(&llm).request(request("chat", model, false)).await.status);
        }
        statuses
    };
    assert_eq!(statuses("fake-503-once").await, [503, 200, 200]);
    let told = client(&llm).request(request("messages", "fake-429-retry-after-1", false)).await;
    assert_eq!(told.header("retry-after"), Some("1"));
    let untold = client(&llm).request(request("messages", "fake-429", false)).await;
    assert_eq!(untold.header("retry-after"), None);
}

#[tokio::test]
async fn a_stream_stalls_after_two_frames_and_stays_open() {
    let llm = FakeLlm::start().await;
    for dialect in DIALECTS {
        let (mut connection, mut answer) = asked(&llm, dialect, "fake-stall", true).await;
        while answer.body.is_empty() || frames(&answer).len() < 2 {
            answer.body.extend_from_slice(&connection.next_piece().await.expect("it does not end").bytes);
        }
        assert_eq!(frames(&answer).len(), 2, "{dialect}");
        expect_no_more(connection).await;
    }
    let (mut connection, head) = asked(&llm, "chat", "fake-stall", false).await;
    let promised: usize = head.header("content-length").unwrap().parse().unwrap();
    let mut received = 0;
    while received < promised / 2 {
        received += connection.next_piece().await.expect("it does not end").bytes.len();
    }
    assert_eq!(received, promised / 2);
    expect_no_more(connection).await;
}

#[tokio::test]
async fn an_answer_is_cut_in_its_middle_without_an_end() {
    let llm = FakeLlm::start().await;
    for dialect in DIALECTS {
        for stream in [true, false] {
            let mut connection = RawClient::connect(llm.address()).await;
            let failure = connection.try_request(&request(dialect, "fake-cut", stream)).await.unwrap_err();
            assert_eq!(failure.kind, FailureKind::Closed, "{dialect}");
            assert!(!failure.partial.unwrap().body.is_empty(), "{dialect}: what came before it arrives");
        }
    }
}

#[tokio::test]
async fn a_malformed_frame_is_among_sound_ones() {
    let llm = FakeLlm::start().await;
    for dialect in DIALECTS {
        let sound = client(&llm).request(request(dialect, "fake", true)).await;
        let answer = client(&llm).request(request(dialect, "fake-malformed", true)).await.expect_status(200);
        assert_eq!(frames(&answer).len(), frames(&sound).len() + 1, "{dialect}");
        assert_eq!(data(&answer).len(), data(&sound).len(), "{dialect}: one of them is no JSON");
        let whole = client(&llm).request(request(dialect, "fake-malformed", false)).await.expect_status(200);
        assert!(serde_json::from_slice::<Value>(&whole.body).is_err(), "{dialect}");
    }
}

#[tokio::test]
async fn an_error_in_the_stream_is_its_last_frame() {
    let llm = FakeLlm::start().await;
    for dialect in DIALECTS {
        let answer = client(&llm).request(request(dialect, "fake-error-frame", true)).await.expect_status(200);
        let (name, _) = frames(&answer).pop().unwrap();
        let last = data(&answer).pop().unwrap();
        match dialect {
            "chat" => assert_eq!(last["error"]["type"], "server_error"),
            "responses" => assert_eq!((name.as_deref(), &last["code"]), (Some("error"), &"server_error".into())),
            "messages" => assert_eq!((name.as_deref(), &last["error"]["type"]), (Some("error"), &"api_error".into())),
            _ => assert_eq!(last["error"]["status"], "INTERNAL"),
        }
        client(&llm).request(request(dialect, "fake-error-frame", false)).await.expect_status(500);
    }
}

#[tokio::test]
async fn an_array_with_an_error_in_it_is_still_json() {
    let llm = FakeLlm::start().await;
    let request = request("gemini", "fake-error-frame", false)
        .with_target("/v1beta/models/fake-error-frame:streamGenerateContent");
    let json = client(&llm).request(request).await.expect_status(200).json();
    assert_eq!(json.as_array().unwrap().last().unwrap()["error"]["code"], 500);
}

#[tokio::test]
async fn what_is_oversized_has_forty_megabytes_or_no_end() {
    let llm = FakeLlm::start().await;
    for dialect in DIALECTS {
        let (mut connection, _) = asked(&llm, dialect, "fake-oversized", true).await;
        let mut received = 0;
        while received < 2_000_000 {
            received += connection.next_piece().await.expect("it does not end").bytes.len();
        }
    }
    let whole =
        client(&llm).with_limit(Duration::from_secs(60)).request(request("chat", "fake-oversized", false)).await;
    assert!(whole.body.len() > 40_000_000);
    assert!(whole.json()["choices"][0]["message"]["content"].as_str().unwrap().len() > 39_000_000);
}

#[tokio::test]
async fn tokens_drip_and_begin_late() {
    let llm = FakeLlm::start().await;
    for dialect in DIALECTS {
        let (mut connection, _) = asked(&llm, dialect, "fake-latency-60-drip-20", true).await;
        let pieces = connection.read_body_streaming().await;
        assert!(pieces[0].after >= Duration::from_millis(60), "{dialect}: {:?}", pieces[0].after);
        let last = pieces.last().unwrap().after;
        assert!(last >= Duration::from_millis(60 + 6 * 20), "{dialect}: six tokens, {last:?}");
        assert!(pieces.len() >= 6, "{dialect}: they come one by one");
    }
    let begun = Instant::now();
    asked(&llm, "chat", "fake-slow-headers-80", true).await;
    assert!(begun.elapsed() >= Duration::from_millis(80));
    let (_, head) = asked(&llm, "chat", "fake-latency-600000", true).await;
    assert_eq!(head.status, 200, "the head does not wait for the first token");
}

#[tokio::test]
async fn usage_is_left_out_and_tokens_are_as_many_as_asked_for() {
    let llm = FakeLlm::start().await;
    for dialect in DIALECTS {
        for stream in [true, false] {
            let told = async |model: &str| {
                let answer = client(&llm).request(request(dialect, model, stream)).await.expect_status(200);
                let answers = if stream { data(&answer) } else { vec![answer.json()] };
                answers.iter().any(tells_usage)
            };
            assert!(told("fake").await, "{dialect}");
            assert!(!told("fake-no-usage").await, "{dialect}");
        }
    }
    let json = client(&llm).request(request("gemini", "fake-tokens-1000", false)).await.json();
    assert_eq!(json["usageMetadata"]["candidatesTokenCount"], 1_000);
    let streamed = client(&llm).request(request("gemini", "fake-tokens-1000", true)).await;
    assert_eq!(frames(&streamed).len(), 1_001);
}

#[tokio::test]
async fn an_answer_that_is_cut_by_the_limit_says_so() {
    let llm = FakeLlm::start().await;
    let pointers = ["/choices/0/finish_reason", "/status", "/stop_reason", "/candidates/0/finishReason"];
    let reasons = ["length", "incomplete", "max_tokens", "MAX_TOKENS"];
    for ((dialect, pointer), reason) in DIALECTS.into_iter().zip(pointers).zip(reasons) {
        let json = client(&llm).request(request(dialect, "fake-length", false)).await.expect_status(200).json();
        assert_eq!(json.pointer(pointer).unwrap(), reason, "{dialect}");
    }
}

#[tokio::test]
async fn what_generates_no_text_fails_by_name_too() {
    let llm = FakeLlm::start().await;
    let embed = |model: &str| {
        Request::post("/v1/embeddings")
            .json(&json!({ "model": model, "input": "a" }))
            .header("Authorization", "Bearer key")
    };
    client(&llm).request(embed("fake-529")).await.expect_status(529);
    let statuses =
        [client(&llm).request(embed("fake-500-once")).await, client(&llm).request(embed("fake-500-once")).await];
    assert_eq!(statuses.map(|answer| answer.status), [500, 200]);
    let answer = client(&llm).request(embed("fake-no-usage")).await.expect_status(200).json();
    assert!(!tells_usage(&answer) && answer["data"][0]["embedding"].is_array());
    let mut connection = RawClient::connect(llm.address()).await;
    assert_eq!(connection.try_request(&embed("fake-cut")).await.unwrap_err().kind, FailureKind::Closed);
    let whole = client(&llm).with_limit(Duration::from_secs(60)).request(embed("fake-oversized")).await;
    assert!(whole.body.len() >= 40_000_000 && whole.json()["data"].is_array(), "white space fills it");
}

/// Whether it counts tokens anywhere.
fn tells_usage(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(name, value)| {
            (matches!(name.as_str(), "usage" | "usageMetadata") && value.is_object()) || tells_usage(value)
        }),
        Value::Array(values) => values.iter().any(tells_usage),
        _ => false,
    }
}

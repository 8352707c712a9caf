//! JSON bodies: nothing of one reaches the application before all of it was seen, however it comes.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use seawall_testkit::{
    client::{H2Client, Request},
    in_front,
    upstream::{Checksum, Kind, pattern},
};
use serde_json::json;

const JSON: (&str, &str) = ("Content-Type", "application/json");

fn sent(body: &[u8]) -> Request {
    Request::post("/echo").header(JSON.0, JSON.1).body(body)
}

/// A document of about so many bytes: an array of texts, of which each is short enough.
fn document(bytes: usize) -> Vec<u8> {
    let text = "x".repeat(5_000);
    serde_json::to_vec(&vec![text; bytes / 5_003]).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_1_sound_json_arrives_byte_for_byte_and_the_rest_is_refused_before_the_application_hears_of_it() {
    let (upstream, app) = in_front("").await;
    let sound = br#"{ "name": "Ann \ud83d\ude00", "tags": [1, 2.50, true, null] }"#;
    let mut connection = app.connect().await;
    for request in [sent(sound), Request::post("/echo").header(JSON.0, JSON.1).chunked(sound.chunks(1))] {
        let seen = connection.request(&request).await.expect_status(200).json();
        assert_eq!(seen["body"].as_str().unwrap().as_bytes(), sound);
    }

    let before = upstream.requests().len();
    let deep = ["[".repeat(11), "]".repeat(11)].concat();
    let (wide, long) = (format!("[{}1]", "1,".repeat(1_000)), format!("\"{}\"", "é".repeat(10_001)));
    let keys: Vec<String> = (0..101).map(|number| format!("\"k{number}\":0")).collect();
    let many = format!("{{{}}}", keys.join(","));
    for unsound in [
        r#"{"a":1,"a":2}"#,
        r#"{"role":"user","r\u006fle":"admin"}"#,
        r#"{"a":1"#,
        r#"{"a":1} {}"#,
        r#"["\ud800"]"#,
        r#"["\u0000"]"#,
        "[NaN]",
        "[1e999]",
        "",
        " ",
        &deep,
        &wide,
        &long,
        &many,
    ] {
        if unsound.is_empty() {
            continue;
        }
        for request in [
            sent(unsound.as_bytes()),
            Request::post("/echo").header(JSON.0, JSON.1).chunked(unsound.as_bytes().chunks(700)),
        ] {
            let problem = app.client().request(request).await.expect_problem(400, "unsound-json");
            assert_eq!(problem["code"], "INVALID_JSON", "{unsound}");
            assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("at byte ")), "{problem}");
        }
    }
    let not_utf8 = app.client().request(sent(b"[\"\xff\"]")).await.expect_problem(400, "unsound-json");
    assert!(not_utf8["detail"].as_str().is_some_and(|detail| detail.contains("UTF-8")), "{not_utf8}");
    assert_eq!(upstream.requests().len(), before, "the application heard of none");
    assert_eq!(upstream.violations(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_comes_as_soon_as_the_first_wrong_byte() {
    let (upstream, app) = in_front("").await;
    let mut connection = app.connect().await.with_limit(Duration::from_secs(5));
    connection
        .write(
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"a\":x",
        )
        .await;
    connection.read_response("POST").await.expect_problem(400, "unsound-json");
    assert_eq!(upstream.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_document_arrives_whole_over_either_version_and_others_are_served_meanwhile() {
    let (upstream, app) = in_front("").await;
    let body = document(4_000_000);
    let expected = json!({ "received": body.len(), "sum": Checksum::of(&body).to_string() });
    let request = Request::post("/upload").header(JSON.0, JSON.1).chunked(body.chunks(3_333));
    assert_eq!(app.client().request(request).await.expect_status(200).json(), expected);
    let newer = H2Client::connect(app.public()).await;
    let request = http::Request::post("/upload").header(JSON.0, JSON.1).body(Full::new(Bytes::from(body))).unwrap();
    let answer = newer.request(request).await;
    assert_eq!((answer.status().as_u16(), serde_json::from_slice(answer.body()).ok()), (200, Some(expected)));
    app.until_metric("seawall_bodies_held_bytes", &[], 0.0).await;
    assert!(upstream.requests().iter().all(|request| request.body_complete));
}

/// The application answers while most of the body that was held is still to be sent.
#[tokio::test(flavor = "multi_thread")]
async fn an_early_answer_to_a_body_that_was_held_cuts_nothing_short() {
    let (upstream, app) = in_front("").await;
    let body = document(4_000_000);
    let mut connection = app.connect().await;
    let early = Request::post("/early-answer").header(JSON.0, JSON.1).body(&body[..]);
    connection.request(&early).await.expect_status(200);
    connection.request(&sent(b"[]")).await.expect_status(200);
    upstream
        .until("the whole body", |upstream| {
            upstream.requests().first().is_some_and(|request| request.body_bytes == body.len() as u64)
        })
        .await;
    assert_eq!(upstream.violations(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_room_for_a_body_its_request_is_refused_and_others_pass() {
    let (upstream, app) = in_front("[server]\nbody_memory = \"1 MB\"\n").await;
    let request = Request::post("/upload").header(JSON.0, JSON.1).body(document(2_000_000));
    let refused = app.client().request(request).await;
    refused.expect_problem(503, "bodies-full");
    assert_eq!(refused.header("retry-after"), Some("1"));
    app.client().request(sent(b"{}")).await.expect_status(200);
    let streamed = Request::post("/upload").body(pattern(2_000_000));
    app.client().request(streamed).await.expect_status(200);
    assert_eq!(upstream.requests().len(), 2);
    app.until_metric("seawall_bodies_held_bytes", &[], 0.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_17_in_report_mode_every_body_passes_as_it_came_and_is_told() {
    let (upstream, app) = in_front("[json]\nmode = \"report\"\n[server]\nbody_memory = \"1 MB\"\n").await;
    let twice = br#"{"a":1,"a":2}"#;
    let seen = app.client().request(sent(twice)).await.expect_status(200).json();
    assert_eq!(seen["body"].as_str().unwrap().as_bytes(), twice);
    // It is wrong at its start, and streamed from there on.
    let mut wrong = document(2_000_000);
    wrong[0] = b'x';
    let expected = json!({ "received": wrong.len(), "sum": Checksum::of(&wrong).to_string() });
    let request = Request::post("/upload").header(JSON.0, JSON.1).chunked(wrong.chunks(60_000));
    assert_eq!(app.client().request(request).await.expect_status(200).json(), expected);
    // For this one there is no room.
    let large = document(2_000_000);
    let expected = json!({ "received": large.len(), "sum": Checksum::of(&large).to_string() });
    let request = Request::post("/upload").header(JSON.0, JSON.1).body(&large[..]);
    assert_eq!(app.client().request(request).await.expect_status(200).json(), expected);
    assert_eq!(app.metric("seawall_guard_decisions", &["json", "*", "reported"]), 3.0);
    assert_eq!(upstream.requests().len(), 3);
    app.until_metric("seawall_bodies_held_bytes", &[], 0.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_or_dawdles_in_its_document_reaches_nobody() {
    let (upstream, app) = in_front("[deadline]\nrequest_idle = \"300ms\"\n").await;
    let half = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n[1,";
    let mut leaves = app.connect().await;
    leaves.write(half).await;
    drop(leaves);
    let mut dawdles = app.connect().await;
    dawdles.write(half).await;
    dawdles.read_response("POST").await.expect_problem(408, "request-timeout");
    app.until_metric("http_server_active_requests", &[], 0.0).await;
    assert_eq!(upstream.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_was_held_is_sent_again_when_that_does_no_harm() {
    let (upstream, app) = in_front("[retry]\nbackoff = \"1ms\"\n").await;
    upstream.become_kind(Kind::DiesWhenReused);
    let body = document(300_000);
    let put = || Request::new("PUT", "/upload").header(JSON.0, JSON.1).body(&body[..]);
    let mut connection = app.connect().await;
    let expected = json!({ "received": body.len(), "sum": Checksum::of(&body).to_string() });
    for _ in 0..3 {
        assert_eq!(connection.request(&put()).await.expect_status(200).json(), expected);
    }
    assert!(upstream.requests().len() > 3, "some were sent twice");
}

/// A few clients that send most of a large document and then nothing must not keep everybody else out.
#[tokio::test(flavor = "multi_thread")]
async fn who_stalls_while_the_memory_for_bodies_is_short_makes_room_for_others() {
    let (upstream, app) = in_front("[server]\nbody_memory = \"1 MB\"\n").await;
    let large = document(900_000);
    let mut stalls = app.connect().await;
    let head = format!(
        "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Type: text/json\r\nContent-Length: {}\r\n\r\n",
        large.len()
    );
    stalls.write(head).await;
    stalls.write(&large[..800_000]).await;
    app.until_metric_is("seawall_bodies_held_bytes", &[], |held| held >= 800_000.0).await;
    let honest = || Request::post("/upload").header(JSON.0, JSON.1).body(document(300_000));
    app.client().request(honest()).await.expect_problem(503, "bodies-full");
    stalls.read_response("POST").await.expect_problem(408, "request-timeout");
    app.until_metric("seawall_bodies_held_bytes", &[], 0.0).await;
    app.client().request(honest()).await.expect_status(200);
    assert_eq!(upstream.requests().len(), 1);
}

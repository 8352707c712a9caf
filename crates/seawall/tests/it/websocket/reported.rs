//! Sockets whose frames are only reported: nothing is closed, and the report says of each what would have closed it.

use std::time::Duration;

use seawall_testkit::{StartedApp, client::websocket, in_front};
use serde_json::{Value, json};

use super::frames::{frame, opened, until_close};

const RULES: &str = "max_message = \"200 B\"\nmessages = \"3/min\"\n";

/// What is sent over sockets of their own, and the code that each is closed with.
fn sockets() -> Vec<(Vec<u8>, u16)> {
    let (small, large) = (frame(0x81, b"hi"), frame(0x82, &[7; 300]));
    vec![
        (b"\x81\x02hi".to_vec(), 1_002),
        (frame(0x81, b"\xc3\x28"), 1_007),
        (large.clone(), 1_009),
        (small.repeat(4), 1_008),
        // A closed socket breaks no further rule.
        ([small.repeat(4), large, small.repeat(9)].concat(), 1_008),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_17_what_is_reported_of_sockets_is_what_closes_them_when_that_is_enforced() {
    let (_upstream, enforcing) = in_front(&format!("[websocket]\n{RULES}")).await;
    for (bytes, code) in sockets() {
        let mut socket = opened(&enforcing).await;
        socket.write(bytes).await;
        assert_eq!(until_close(&mut socket).await.0, code);
    }

    let (_upstream, reporting) = in_front(&format!("[websocket]\nmode = \"report\"\n{RULES}")).await;
    let mut open = Vec::new();
    for (place, (bytes, _)) in sockets().into_iter().enumerate() {
        let mut socket = opened(&reporting).await;
        socket.write(bytes).await;
        reporting.until_metric("seawall_sockets_reported", &[], f64::from(u32::try_from(place + 1).unwrap())).await;
        open.push(socket);
    }
    let row = row(&reporting).await;
    assert_eq!((&row["seen"], &row["refused"], &row["reporting"]), (&json!(5), &json!(5), &json!(true)), "{row}");
    let problem = &row["problems"][0];
    assert_eq!((&problem["problem"], row["problems"].as_array().unwrap().len()), (&json!("socket-closed"), 1), "{row}");
    let examples = problem["examples"].as_array().unwrap();
    let codes: Vec<u64> = examples.iter().map(|example| example["status"].as_u64().unwrap()).collect();
    let expected: Vec<u64> = sockets().iter().map(|(_, code)| (*code).into()).collect();
    assert_eq!(codes, expected, "{row}");
    assert_eq!(
        (&examples[2]["path"], &examples[2]["detail"]),
        (&json!("/ws"), &json!("the client: a message is longer than the limit")),
        "{row}"
    );
    assert_eq!(reporting.metric("seawall_sockets_reported", &[]), 5.0, "each socket is told once");
}

/// Report mode breaks no client that worked before.
#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_is_only_reported_goes_on() {
    let (_upstream, app) = in_front(&format!("[websocket]\nmode = \"report\"\n{RULES}")).await;
    let mut socket = websocket(app.public(), "/ws", &[]).await;
    let long = "a message that is too long ".repeat(20);
    for message in ["short", &long, "short again", &long, "and on", "and on"] {
        socket.send_text(message).await;
        assert_eq!(socket.receive_text().await, message);
    }
    let told = row(&app).await;
    assert_eq!((&told["seen"], &told["refused"]), (&json!(1), &json!(1)), "{told}");
    socket.close(1_000, "").await;
    assert_eq!(socket.expect_close().await.map(|(code, _)| code), Some(1_000));
}

/// Who cannot be asked whether it is there is not taken for gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_only_listens_stays_when_the_application_breaks_a_rule() {
    let rules = "[websocket]\nmode = \"report\"\nmax_answer = \"5 B\"\nping = \"100ms\"\nsilence = \"300ms\"\n";
    let (_upstream, app) = in_front(rules).await;
    let mut socket = websocket(app.public(), "/ws", &[]).await;
    socket.send_text("more than five").await;
    assert_eq!(socket.receive_text().await, "more than five");
    assert_eq!(app.metric("seawall_sockets_reported", &[]), 1.0);
    // Three times what is too long for a client that can be asked.
    tokio::time::sleep(Duration::from_millis(900)).await;
    socket.send_text("still here").await;
    assert_eq!(socket.receive_text().await, "still here");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_after_a_close_is_not_told() {
    let (_upstream, app) = in_front("[websocket]\nmode = \"report\"\nmax_answer = \"5 B\"\n").await;
    let mut socket = opened(&app).await;
    socket.write([frame(0x81, b"more than five"), frame(0x88, &1_000_u16.to_be_bytes())].concat()).await;
    let (code, before) = until_close(&mut socket).await;
    assert_eq!((code, before.as_slice()), (1_000, &[b"more than five".to_vec()][..]));
    assert_eq!((&row(&app).await["refused"], app.metric("seawall_sockets_reported", &[])), (&json!(0), 0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guard_that_enforces_is_not_said_to_report_because_a_socket_is_open() {
    let (_upstream, app) = in_front(&format!("[websocket]\nmode = \"report\"\n{RULES}")).await;
    let mut socket = opened(&app).await;
    assert_eq!(row(&app).await["reporting"], json!(true));
    app.reload_with(&format!("[websocket]\n{RULES}")).await;
    // Cores let go of the policy one after the other.
    let enforced = async {
        while row(&app).await["reporting"] != json!(false) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), enforced).await.expect("the guard is said to enforce");
    // The socket goes by the rules that it was opened with, and is told where it was.
    socket.write(frame(0x82, &[7; 300])).await;
    app.until_metric("seawall_sockets_reported", &[], 1.0).await;
    assert_eq!(row(&app).await["refused"], json!(1));
}

/// What the guard of sockets reports.
async fn row(app: &StartedApp) -> Value {
    let told = app.report_of("guard=websocket").await;
    let rows = told["data"].as_array().unwrap();
    assert_eq!(rows.len(), 1, "{told}");
    rows[0].clone()
}

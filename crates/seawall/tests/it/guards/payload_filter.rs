//! Values that look like attacks, through the whole server.

use seawall_testkit::{
    StartedApp,
    client::{RawClient, Request},
    in_front,
};
use serde_json::json;

use crate::memory::resident;

const ATTACK: &str = "' or 1=1--";

fn requests() -> [Request; 4] {
    [
        Request::get("/echo?q=%27+or+1%3D1--"),
        Request::get("/items/%3Cscript%3Ealert(1)%3C%2Fscript%3E"),
        Request::post("/echo").json(&json!({ "items": [{ "note": ATTACK }] })),
        Request::post("/echo")
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body("host=127.0.0.1%3B+cat+%2Fetc%2Fpasswd"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_1_an_attack_in_any_value_is_refused_when_that_is_asked_for_and_only_told_otherwise() {
    let enforcing = "[strict_http]\nencoded_slash = \"pass\"\n[payload_filter]\nenabled = true\nmode = \"enforce\"\n";
    let (upstream, app) = in_front(enforcing).await;
    for request in requests() {
        let answer = app.client().request(request).await;
        let problem = answer.expect_problem(400, "suspicious-payload");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("holds what looks like")), "{problem}");
        assert!(!String::from_utf8_lossy(&answer.body).contains("1=1--"), "{problem}");
    }
    assert_eq!(upstream.requests().len(), 0);
    app.client().get("/echo?q=O%27Brien+%26+Sons").await.expect_status(200);
    assert_eq!(app.metric("seawall_payload_filter_findings", &["sql"]), 2.0);

    // The mode of everything does not reach it.
    let (upstream, app) = in_front("mode = \"enforce\"\n[payload_filter]\nenabled = true\n").await;
    app.client().get("/echo?q=%27+or+1%3D1--").await.expect_status(200);
    app.client().request(requests()[2].clone()).await.expect_status(200);
    assert_eq!(upstream.requests().len(), 2);
    assert_eq!(app.metric("seawall_guard_decisions", &["payload_filter", "*", "reported"]), 2.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_allows_a_field_in_which_anything_may_stand() {
    let config = "[payload_filter]\nenabled = true\nmode = \"enforce\"\n[route.\"/echo\"]\npayload_filter.allow = [\"body /items/*/note\"]\n";
    let (_upstream, app) = in_front(config).await;
    let [in_query, _, in_body, _] = requests();
    app.client().request(in_body).await.expect_status(200);
    app.client().request(in_query).await.expect_problem(400, "suspicious-payload");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_document_is_looked_at_to_its_end() {
    let (_upstream, app) = in_front("[payload_filter]\nenabled = true\nmode = \"enforce\"\n").await;
    let mut texts = vec!["It's a lovely day & so on. ".repeat(100); 200];
    app.client().post_json("/upload", &json!(texts)).await.expect_status(200);
    texts.push(ATTACK.to_owned());
    app.client().post_json("/upload", &json!(texts)).await.expect_problem(400, "suspicious-payload");
}

/// A body of very many values: as a tree they take some twenty-five times the bytes that they came in.
fn thousands_of_values(thousands: usize) -> String {
    json!(vec![vec![1; 1_000]; thousands]).to_string()
}

/// A client that has sent all of a body but its last byte.
async fn all_but_the_end(app: &StartedApp, body: &str) -> RawClient {
    let mut connection = app.connect().await;
    let head = "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Type: application/json";
    connection.write(format!("{head}\r\nContent-Length: {}\r\n\r\n", body.len())).await;
    connection.write(&body[..body.len() - 1]).await;
    connection
}

#[tokio::test(flavor = "multi_thread")]
async fn what_documents_take_as_trees_counts_in_the_memory_for_bodies() {
    let (upstream, app) = in_front("[server]\nbody_memory = \"30 MB\"\n[payload_filter]\nenabled = true\n").await;
    let held = "seawall_bodies_held_bytes";
    let many = thousands_of_values(150);
    let mut first = all_but_the_end(&app, &many).await;
    // At least 48 bytes a value, beside 300 kB as they came.
    app.until_metric_is(held, &[], |held| held > 150_000.0 * 48.0 + 300_000.0).await;
    let more = || Request::post("/upload").header("Content-Type", "application/json").body(thousands_of_values(300));
    let refused = app.client().request(more()).await;
    refused.expect_problem(503, "bodies-full");
    assert_eq!(refused.header("retry-after"), Some("1"));
    app.client().post_json("/upload", &json!({ "plain": [1, 2, 3] })).await.expect_status(200);

    first.write(&many[many.len() - 1..]).await;
    first.read_response("POST").await.expect_status(200);
    app.until_metric(held, &[], 0.0).await;
    app.client().request(more()).await.expect_status(200);
    assert_eq!(upstream.requests().len(), 3, "the one that was refused never came");
    app.until_metric(held, &[], 0.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_of_documents_that_are_large_as_trees_stays_within_the_memory_for_bodies() {
    let (_upstream, app) = in_front("[server]\nbody_memory = \"16 MB\"\n[payload_filter]\nenabled = true\n").await;
    // Two megabytes each, and fifty as a tree.
    let body = thousands_of_values(1_000);
    let before = resident();
    let send = async || {
        let request = Request::post("/upload").header("Content-Type", "application/json").body(&body[..]);
        app.client().request(request).await.expect_problem(503, "bodies-full");
    };
    let mut most = 0;
    for _ in 0..4 {
        tokio::join!(send(), send(), send(), send(), send(), send(), send(), send());
        most = most.max(resident().saturating_sub(before));
    }
    // Eight trees would take 400 MiB; the clients' own copies are in this process, too.
    assert!(most < 160 << 20, "{most} bytes more");
    app.until_metric("seawall_bodies_held_bytes", &[], 0.0).await;
}

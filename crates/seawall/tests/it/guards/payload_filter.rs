//! Values that look like attacks, through the whole server.

use seawall_testkit::{client::Request, in_front};
use serde_json::json;

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

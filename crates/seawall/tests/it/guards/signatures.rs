//! Signed requests: nothing that no key of the route has signed reaches the application, and what has is taken once.

use std::{fs, process::Command};

use aws_lc_rs::{
    digest::{SHA256, digest},
    hmac,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use seawall_testkit::{client::Request, in_front, in_front_with_clock};

use crate::applications::tools::{repository, skip};

const SECRET: &str = "5f0c4e0e3ab14b7c9d2a8f60c1de97b2";

/// When the clock of the tests begins.
const NOW: u64 = 1_800_000_000;

fn partner(more: &str) -> String {
    format!(
        "[signatures.partner]\nalgorithm = \"hmac-sha256\"\nsecret = \"{SECRET}\"\n\
         [route.\"/echo\"]\nsignatures.require = \"partner\"\n[route.\"/upload\"]\nsignatures.require = \"partner\"\n{more}"
    )
}

fn tag(content: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), content.as_bytes())
}

/// A signed POST of this path and body, made at this time.
fn signed(path: &str, body: &[u8], created: u64) -> Request {
    let content = format!("sha-256=:{}:", STANDARD.encode(digest(&SHA256, body)));
    let parameters =
        format!("(\"@method\" \"@path\" \"@query\" \"content-digest\");created={created};keyid=\"partner\"");
    let base = format!(
        "\"@method\": POST\n\"@path\": {path}\n\"@query\": ?\n\"content-digest\": {content}\n\"@signature-params\": {parameters}"
    );
    Request::post(path)
        .header("Content-Digest", content)
        .header("Signature-Input", format!("s={parameters}"))
        .header("Signature", format!("s=:{}:", STANDARD.encode(tag(&base))))
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_15_a_partner_signs_its_requests_and_nothing_else_reaches_the_application() {
    let (upstream, app, clock) = in_front_with_clock(&partner("")).await;
    let body = b"amount=100".as_slice();
    let request = signed("/echo", body, NOW).header("X-Seawall-Signature-Key", "forged");
    let seen = app.client().request(request.body(body)).await.expect_status(200).json();
    assert_eq!(seen["body"], "amount=100");
    let told: Vec<_> =
        seen["headers"].as_array().unwrap().iter().filter(|field| field[0] == "x-seawall-signature-key").collect();
    assert_eq!(told, [&serde_json::json!(["x-seawall-signature-key", "partner"])]);
    let line = app.request_line("/echo").await;
    assert_eq!(line["signature.key"], "partner", "{line}");

    let before = upstream.requests().len();
    let other = b"amount=900".as_slice();
    for (request, why) in [
        (Request::post("/echo").body(body), "has no `Signature-Input`"),
        (signed("/echo", body, NOW).body(body), "came before"),
        (signed("/echo", body, NOW + 1).body(other), "not the one that `Content-Digest` says"),
        (signed("/echo", body, NOW + 1).chunked(other.chunks(1)), "not the one that `Content-Digest` says"),
        (signed("/echo", body, NOW + 1).with_target("/upload").body(body), "does not match the request"),
        (signed("/echo", body, NOW + 1).with_target("/echo?admin=1").body(body), "does not match the request"),
        (signed("/echo", body, NOW - 301).body(body), "301 s old"),
        (signed("/echo", body, NOW + 61).body(body), "61 s in the future"),
    ] {
        let answer = app.client().request(request).await;
        let problem = answer.expect_problem(401, "signature-refused");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(why)), "{why}: {problem}");
        assert_eq!(answer.header("www-authenticate"), Some("Signature"));
    }
    assert_eq!(upstream.requests().len(), before, "the application heard of none");
    for (outcome, count) in [("verified", 1.0), ("replayed", 1.0), ("body", 2.0), ("wrong", 2.0), ("stale", 2.0)] {
        assert_eq!(app.metric("seawall_signatures", &["partner", outcome]), count, "{outcome}");
    }
    assert_eq!(app.metric("seawall_signatures", &["none", "missing"]), 1.0);

    app.reload_with(&partner("[body]\nmax = \"2 MB\"\n")).await;
    let again = app.client().request(signed("/echo", body, NOW).body(body)).await;
    assert!(again.expect_problem(401, "signature-refused")["detail"].as_str().unwrap().contains("came before"));
    clock.advance(std::time::Duration::from_secs(302));
    let late = app.client().request(signed("/echo", body, NOW).body(body)).await;
    assert!(late.expect_problem(401, "signature-refused")["detail"].as_str().unwrap().contains("302 s old"));
    assert!(!app.log_text().contains(SECRET));
    app.client().get("/status/200").await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_not_signed_is_refused_before_its_body_is_asked_for() {
    let (upstream, app) = in_front(&partner("")).await;
    let mut connection = app.connect().await;
    connection.write("POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n").await;
    let answer = connection.read_response("POST").await;
    answer.expect_problem(401, "signature-refused");
    assert_eq!((answer.interim, upstream.requests().len()), (Vec::new(), 0), "no permission to send");
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_15_webhooks_are_taken_once_as_they_were_sent_and_no_others() {
    let config = format!(
        "[signatures.stripe]\npreset = \"stripe\"\nsecret = \"another-that-is-older {SECRET}\"\n\
         [route.\"/echo\"]\nsignatures.require = \"stripe\"\n"
    );
    let (upstream, app, _clock) = in_front_with_clock(&config).await;
    let body = "{\"type\": \"charge.succeeded\",  \"id\":\"evt_1\"}";
    let hex: String = tag(&format!("{NOW}.{body}")).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let hook = || {
        let request = Request::post("/echo").header("Content-Type", "application/json");
        request.header("Stripe-Signature", format!("t={NOW},v1={hex},v0=00"))
    };
    let changed = body.replace("evt_1", "evt_2");
    app.client().request(hook().body(changed.as_str())).await.expect_problem(401, "signature-refused");
    let seen = app.client().request(hook().chunked(body.as_bytes().chunks(5))).await.expect_status(200).json();
    assert_eq!(seen["body"], body, "byte for byte");
    app.client().request(hook().body(body)).await.expect_problem(401, "signature-refused");
    assert_eq!(upstream.requests().len(), 1);
    assert_eq!(app.metric("seawall_signatures", &["stripe", "replayed"]), 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_17_in_report_mode_every_request_passes_and_is_told() {
    let (upstream, app, _clock) = in_front_with_clock(&partner("[signatures]\nmode = \"report\"\n")).await;
    let body = b"amount=100".as_slice();
    let large = vec![b'x'; 300_000];
    for request in [
        Request::post("/upload").body(body),
        signed("/upload", body, NOW).body(large.as_slice()),
        signed("/upload", body, NOW).body(body),
    ] {
        app.client().request(request).await.expect_status(200);
    }
    assert_eq!(app.metric("seawall_guard_decisions", &["signatures", "/upload", "reported"]), 2.0);
    assert_eq!(upstream.requests().len(), 3);
}

/// The client of the guide, as it stands there.
#[tokio::test(flavor = "multi_thread")]
async fn the_client_of_the_guide_is_let_in() {
    let guide = fs::read_to_string(repository().join("docs/guide/signatures.md")).expect("the guide is committed");
    let (_, rest) = guide.split_once("```python\n").expect("the guide has a client");
    let (program, _) = rest.split_once("```").expect("it ends");
    let config =
        partner("").replace("signatures.partner]", "signatures.backoffice]").replace("\"partner\"", "\"backoffice\"");
    let (upstream, app) = in_front(&config).await;
    for (secret, lets_in) in [(SECRET, true), ("another-secret-than-that", false)] {
        let mut command = Command::new("python3");
        command.args(["-c", program, &format!("http://{}/echo?a=b", app.public())]).env("SECRET", secret);
        let ran = tokio::task::spawn_blocking(move || command.output()).await.expect("it ends");
        let Ok(output) = ran else { return skip("python3 is missing") };
        let printed = String::from_utf8_lossy(&output.stdout);
        assert_eq!((output.status.success(), printed.trim() == "200"), (lets_in, lets_in), "{output:?}");
    }
    assert_eq!(upstream.requests().len(), 1);
}

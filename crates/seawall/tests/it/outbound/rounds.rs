//! Rounds of conversations: so many answers, and after them an empty one that is no error.

use std::{collections::BTreeSet, sync::Arc};

use seawall_testkit::{
    TestApp,
    app::StartedApp,
    client::{Client, RawClient, RawResponse, Request},
    llm::FakeLlm,
};
use serde_json::{Value, json};
use tokio::task::block_in_place;

use super::{
    in_front_of_nothing,
    overspending::{Node, server},
};
use crate::{cli::binary::Place, postgres};

const KEY: &str = "a key of both nodes, which is long enough";

/// A provider of each dialect, and a route with so many rounds.
fn config(fake: &FakeLlm, rounds: u64) -> String {
    let provider = |kind: &str| {
        format!(
            "[llm.provider.{kind}]\nkind = \"{kind}\"\nurl = \"{}\"\nkey = \"k\"\nattempts = 1\nidle_timeout = \"300ms\"\n",
            fake.url()
        )
    };
    let providers = ["openai", "anthropic", "gemini"].map(provider).concat();
    format!("{providers}[outbound]\nkey = \"{KEY}\"\n[llm.route.refine]\nrounds = {rounds}\n")
}

fn call(conversation: &str) -> Request {
    let body = json!({"model": "fake", "messages": [{"role": "user", "content": "say: Which colour?"}]});
    call_with("/v1/chat/completions", conversation, &body)
}

fn call_with(path: &str, conversation: &str, body: &Value) -> Request {
    Request::post(format!("/llm/refine{path}")).header("X-Seawall-Conversation", conversation).json(body)
}

fn client(app: &StartedApp) -> Arc<Client> {
    showing(app, KEY)
}

fn showing(app: &StartedApp, key: &str) -> Arc<Client> {
    Arc::new(Client::new(&format!("http://{}", app.outbound())).with_header("X-Seawall-Key", key))
}

/// The number of an answer's round, and how many are left; nothing where it is none.
fn round(answer: &RawResponse) -> Option<(u64, u64)> {
    let number = |name| answer.header(name)?.parse().ok();
    Some((number("x-seawall-round")?, number("x-seawall-rounds-left")?))
}

fn over(answer: &RawResponse) -> bool {
    answer.header("x-seawall-rounds-over") == Some("true")
}

#[tokio::test(flavor = "multi_thread")]
async fn st_6_after_five_rounds_a_conversation_goes_on_without_an_answer_and_without_an_error() {
    let fake = FakeLlm::start().await;
    let app = in_front_of_nothing(&config(&fake, 5)).await;
    for number in 1..=5 {
        let answer = client(&app).request(call("c-1")).await.expect_status(200);
        assert_eq!(answer.json()["choices"][0]["message"]["content"], "Which colour?");
        // The one before the last says that one is left.
        assert_eq!((round(&answer), over(&answer)), (Some((number, 5 - number)), false));
    }
    for _ in 0..2 {
        let answer = client(&app).request(call("c-1")).await.expect_status(200);
        assert_eq!((round(&answer), over(&answer)), (None, true));
        assert_eq!(answer.json()["choices"][0]["message"]["content"], "");
    }
    assert_eq!(fake.calls().len(), 5, "nobody is asked");
    let rows = app.llm_calls().await;
    assert_eq!(rows.len(), 7);
    for row in &rows[..2] {
        let told = [&row["outcome"], &row["status"], &row["attempts"], &row["cost"], &row["output_tokens"]];
        assert_eq!(told, [&json!("answered"), &json!(200), &json!(0), &json!("0.00"), &json!(0)], "{row}");
        assert_eq!((&row["conversation"], &row["error"]), (&json!("c-1"), &Value::Null));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_conversation_has_rounds_of_its_own_and_has_to_be_named() {
    let fake = FakeLlm::start().await;
    let other = "[llm.route.other]\nrounds = 1\n[outbound.caller.second]\nkey = \"the key of another program\"\nroutes = [\"*\"]\n";
    let app = in_front_of_nothing(&format!("{}{other}", config(&fake, 1))).await;
    let second = showing(&app, "the key of another program");
    let elsewhere = call("a").with_target("/llm/other/v1/chat/completions");
    for (who, call) in
        [(client(&app), call("a")), (client(&app), call("b")), (second, call("a")), (client(&app), elsewhere)]
    {
        assert_eq!(round(&who.request(call.clone()).await.expect_status(200)), Some((1, 0)));
        assert!(over(&who.request(call).await.expect_status(200)));
    }
    let body = json!({"model": "fake", "messages": [{"role": "user", "content": "hi"}]});
    let unnamed = client(&app).request(Request::post("/llm/refine/v1/chat/completions").json(&body)).await;
    let error = unnamed.expect_status(400).json();
    assert!(error["error"]["message"].as_str().unwrap().contains("conversation"), "{error}");
    // What is no part of a conversation has no rounds.
    let embeddings = json!({"model": "fake", "input": "hi"});
    let answer = client(&app).request(Request::post("/llm/refine/v1/embeddings").json(&embeddings)).await;
    assert_eq!(round(&answer.expect_status(200)), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_brings_no_answer_is_no_round() {
    let fake = FakeLlm::start().await;
    let app = in_front_of_nothing(&config(&fake, 2)).await;
    let stream = || {
        let messages = json!([{"role": "user", "content": "say: one two three four"}]);
        call_with("/v1/chat/completions", "c", &json!({"model": "fake", "stream": true, "messages": messages}))
    };
    for (wrong, status) in
        [("fake-500", 500), ("fake-429", 429), ("fake-400", 400), ("fake-cut", 200), ("fake-stall", 200)]
    {
        fake.script(&[wrong]);
        let answer = client(&app).request(stream()).await.expect_status(status);
        assert!(!over(&answer), "{wrong}");
    }
    assert_eq!(round(&client(&app).request(call("c")).await), Some((1, 1)));
    for wrong in ["fake-503", "fake-error-frame"] {
        fake.script(&[wrong]);
        assert!(!over(&client(&app).request(stream()).await), "{wrong}");
    }
    assert_eq!(round(&client(&app).request(stream()).await.expect_status(200)), Some((2, 0)));
    assert!(over(&client(&app).request(stream()).await.expect_status(200)));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_in_the_middle_of_an_answer_has_had_a_round_and_before_it_none() {
    let fake = FakeLlm::start().await;
    let app = in_front_of_nothing(&config(&fake, 1)).await;
    for (model, counts) in [("fake-hang", false), ("fake-drip-50-tokens-1000", true)] {
        let body = json!({"model": model, "stream": true, "messages": [{"role": "user", "content": "hi"}]}).to_string();
        let mut connection = RawClient::connect(app.outbound()).await;
        let before = fake.calls().len();
        let head = format!(
            "POST /llm/refine/v1/chat/completions HTTP/1.1\r\nHost: a\r\nX-Seawall-Key: {KEY}\r\nX-Seawall-Conversation: c\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        connection.write(format!("{head}{body}")).await;
        fake.until(|calls| calls.len() > before).await;
        if counts {
            let mut came = Vec::new();
            while !String::from_utf8_lossy(&came).contains("data: ") {
                came.extend_from_slice(&connection.read_some().await);
            }
        }
        drop(connection);
        fake.until(|_| fake.open_connections() == 0).await;
    }
    assert!(over(&client(&app).request(call("c")).await.expect_status(200)));
}

/// Asks twenty times at once; the rounds of the answers, and how many were none.
async fn twenty(nodes: &[Arc<Client>]) -> (BTreeSet<(u64, u64)>, usize) {
    let asking: Vec<_> = nodes
        .iter()
        .cycle()
        .take(20)
        .cloned()
        .map(|client| tokio::spawn(async move { client.request(call("c-1")).await.expect_status(200) }))
        .collect();
    let (mut rounds, mut overs) = (BTreeSet::new(), 0);
    for answer in asking {
        let answer = answer.await.unwrap();
        if over(&answer) {
            overs += 1;
        } else {
            assert!(rounds.insert(round(&answer).unwrap()), "two have one round");
        }
    }
    (rounds, overs)
}

#[tokio::test(flavor = "multi_thread")]
async fn st_6_twenty_at_once_have_five_rounds_among_them() {
    let fake = FakeLlm::start().await;
    let app = in_front_of_nothing(&config(&fake, 5)).await;
    let (rounds, overs) = twenty(&[client(&app)]).await;
    let all = BTreeSet::from([(1, 4), (2, 3), (3, 2), (4, 1), (5, 0)]);
    assert_eq!((rounds, overs, fake.calls().len()), (all, 15, 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn st_6_two_nodes_over_postgresql_count_the_same_rounds() {
    let server = postgres::Server::start();
    let fake = FakeLlm::start().await;
    let config = format!("environment = \"development\"\n[store]\nurl = \"{}\"\n{}", server.url(), config(&fake, 5));
    let node = async || TestApp::in_front_of("http://127.0.0.1:9").with_config(&config).start().await;
    let (one, other) = (node().await, node().await);
    let (rounds, overs) = twenty(&[client(&one), client(&other)]).await;
    let all = BTreeSet::from([(1, 4), (2, 3), (3, 2), (4, 1), (5, 0)]);
    assert_eq!((rounds, overs, fake.calls().len()), (all, 15, 5));
    // What failed on one node can be asked again on the other.
    fake.script(&["fake-500"]);
    client(&one).request(call("c-2")).await.expect_status(500);
    assert_eq!(round(&client(&other).request(call("c-2")).await.expect_status(200)), Some((1, 4)));
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_keeps_the_count() {
    let fake = FakeLlm::start().await;
    let route = "[llm.route.refine]\nrounds = 5\n";
    let provider = format!("[llm.provider.fake]\nurl = \"{}\"\nkey = \"k\"\n", fake.url());
    let config = format!("environment = \"development\"\n[outbound]\nlisten = \"127.0.0.1:0\"\n{provider}{route}");
    let place = block_in_place(|| Place::with_config(&config));
    let ask = async |node: &Node| {
        let mut connection = RawClient::connect(node.address).await;
        connection.request(&call("c-1").header("X-Seawall-Key", node.key.clone())).await.expect_status(200)
    };
    let (running, node) = block_in_place(|| server(&place));
    for number in 1..=3 {
        assert_eq!(round(&ask(&node).await), Some((number, 5 - number)));
    }
    running.child.signal("KILL");
    drop(running);
    let (_running, node) = block_in_place(|| server(&place));
    for number in 4..=5 {
        assert_eq!(round(&ask(&node).await), Some((number, 5 - number)));
    }
    assert!(over(&ask(&node).await));
}

/// A call of each dialect, and where the text of its answer is.
fn dialects() -> [(&'static str, Value, &'static str); 4] {
    [
        (
            "/v1/chat/completions",
            json!({"model": "fake", "messages": [{"role": "user", "content": "say: a"}]}),
            "/choices/0/message/content",
        ),
        ("/v1/responses", json!({"model": "fake", "input": "say: a"}), "/output/0/content/0/text"),
        (
            "/v1/messages",
            json!({"model": "fake", "max_tokens": 9, "messages": [{"role": "user", "content": "say: a"}]}),
            "/content/0/text",
        ),
        (
            "/v1beta/models/fake:generateContent",
            json!({"contents": [{"role": "user", "parts": [{"text": "say: a"}]}]}),
            "/candidates/0/content/parts/0/text",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn st_6_the_empty_answer_has_the_shape_of_any_other() {
    let fake = FakeLlm::start().await;
    let app = in_front_of_nothing(&config(&fake, 1)).await;
    for (path, body, text_at) in dialects() {
        let call = || call_with(path, path, &body);
        let answer = client(&app).request(call()).await.expect_status(200).json();
        let empty = client(&app).request(call()).await.expect_status(200);
        assert!(over(&empty) && empty.header("content-type") == Some("application/json"), "{path}");
        let empty = empty.json();
        assert_eq!(empty.pointer(text_at), Some(&json!("")), "{path}: {empty}");
        alike(&empty, &answer, path);
        let ended = |answer: &Value| {
            ["/choices/0/finish_reason", "/status", "/stop_reason", "/candidates/0/finishReason"]
                .map(|at| answer.pointer(at).cloned())
        };
        assert_eq!(ended(&empty), ended(&answer), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn st_6_the_empty_answer_streams_as_any_other() {
    let fake = FakeLlm::start().await;
    let app = in_front_of_nothing(&config(&fake, 1)).await;
    let events = |text: &str| -> Vec<Value> {
        let data = text.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
        data.map(|data| serde_json::from_str(data).unwrap()).collect()
    };
    for (path, body, _) in dialects() {
        for asks in [json!({}), json!({"include_usage": true})] {
            let (path, mut body) = (path.replace(":generateContent", ":streamGenerateContent?alt=sse"), body.clone());
            if !path.contains(":stream") {
                body["stream"] = json!(true);
            }
            if path.contains("chat") {
                body["stream_options"] = asks.clone();
            }
            let conversation = format!("{path} {asks}");
            let call = || call_with(&path, &conversation, &body);
            let answer = client(&app).request(call()).await.expect_status(200).text();
            let empty = client(&app).request(call()).await.expect_status(200);
            assert!(over(&empty) && empty.header("content-type").unwrap().starts_with("text/event-stream"), "{path}");
            let empty = empty.text();
            assert_eq!(empty.contains("[DONE]"), answer.contains("[DONE]"), "{path}");
            let mut around = names(&answer);
            around.retain(|name| !name.ends_with("delta") || name == "message_delta");
            around.remove("ping");
            assert_eq!(names(&empty), around, "{path}");
            let (empty, answer) = (events(&empty), events(&answer));
            alike(empty.last().unwrap(), answer.last().unwrap(), &path);
            if empty.len() > 1 {
                alike(&empty[0], &answer[0], &path);
            }
        }
    }
    // Google's own clients may ask for one array instead.
    let (_, body, _) = &dialects()[3];
    let call = || call_with("/v1beta/models/fake:streamGenerateContent", "array", body);
    client(&app).request(call()).await.expect_status(200);
    let array = client(&app).request(call()).await.expect_status(200);
    assert!(over(&array) && array.json()[0]["candidates"][0]["finishReason"] == "STOP", "{}", array.text());
}

/// The names of a stream's events.
fn names(stream: &str) -> BTreeSet<String> {
    stream.lines().filter_map(|line| line.strip_prefix("event: ")).map(str::to_owned).collect()
}

/// What stands in one stands in the other too, and is of the same kind.
fn alike(one: &Value, other: &Value, path: &str) {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            for (name, value) in one {
                let there = other.get(name).unwrap_or_else(|| panic!("{path}: nobody else says {name}"));
                alike(value, there, &format!("{path} {name}"));
            }
        }
        (Value::Array(one), Value::Array(other)) => {
            for (one, other) in one.iter().zip(other) {
                alike(one, other, path);
            }
        }
        (one, other) => {
            assert_eq!(std::mem::discriminant(one), std::mem::discriminant(other), "{path}: {one} {other}");
        }
    }
}

//! Calls of language models that go well: where they lead, what is sent, and what is recorded.

use seawall_testkit::{
    client::{RawResponse, Request},
    llm::{Ending, FakeLlm},
};
use serde_json::{Value, json};

use super::{Models, calling_models};

/// A call that works in each dialect: its path, its body, and where the text of the answer is.
pub(super) const CALLS: [(&str, &str, &str); 4] = [
    (
        "/llm/v1/chat/completions",
        r#"{"model":"fake","messages":[{"role":"user","content":"say: Good morning"}]}"#,
        "/choices/0/message/content",
    ),
    ("/llm/v1/responses", r#"{"model":"fake","input":"say: Good morning"}"#, "/output/0/content/0/text"),
    (
        "/llm/v1/messages",
        r#"{"model":"fake","max_tokens":100,"messages":[{"role":"user","content":"say: Good morning"}]}"#,
        "/content/0/text",
    ),
    (
        "/llm/v1beta/models/fake:generateContent",
        r#"{"contents":[{"role":"user","parts":[{"text":"say: Good morning"}]}]}"#,
        "/candidates/0/content/parts/0/text",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn st_2_each_dialect_is_answered_in_its_own_words_with_the_providers_key() {
    let Models { fake, app } = calling_models("").await;
    for (path, body, text_at) in CALLS {
        let call = Request::post(path).header("Accept-Encoding", "gzip, br").body(body);
        let answer = app.outbound_client().request(call).await.expect_status(200);
        assert_eq!(answer.json().pointer(text_at), Some(&json!("Good morning")), "{path}: {}", answer.text());
        assert_eq!(answer.header("x-seawall-attempts"), Some("1"), "{path}");
        let call = fake.calls().pop().unwrap();
        assert_eq!(call.body, body, "{path}: byte by byte");
        assert_eq!(call.header("accept-encoding"), Some("identity"), "what is compressed cannot be looked at");
        let keys = ["authorization", "x-api-key", "x-goog-api-key"].map(|name| call.header(name));
        let shown: Vec<_> = keys.into_iter().flatten().collect();
        assert_eq!(shown.len(), 1, "{path}");
        assert!(shown[0].ends_with("sk-of-the-provider"), "{path}");
        assert!(!call.path.contains("key="), "{path}");
    }
    let rows = app.llm_calls().await;
    assert_eq!(rows.len(), CALLS.len());
    for row in rows {
        assert_eq!(
            (&row["outcome"], &row["estimated"], &row["status"]),
            (&json!("answered"), &json!(false), &json!(200)),
            "{row}"
        );
        assert!(row["input_tokens"].as_i64().unwrap() > 0 && row["output_tokens"].as_i64().unwrap() > 0, "{row}");
        // Nobody knows what the fake costs.
        assert_eq!(row["price_known"], false, "{row}");
        assert_ne!(row["cost"], "0.00", "{row}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_pass_event_by_event_and_their_usage_is_known() {
    let Models { fake, app } = calling_models("").await;
    for (path, body, _) in CALLS {
        let (path, body) = streamed(path, body);
        let answer = app.outbound_client().request(Request::post(&path).body(body.clone())).await.expect_status(200);
        let direct = direct(&fake, &path, &body).await;
        assert_eq!(answer.text().contains("[DONE]"), direct.text().contains("[DONE]"), "{path}");
        assert_eq!(same(&answer.text()), same(&direct.text()), "{path}");
    }
    for row in app.llm_calls().await {
        assert_eq!(
            (&row["outcome"], &row["estimated"], &row["streamed"]),
            (&json!("answered"), &json!(false), &json!(true)),
            "{row}"
        );
        assert!(row["output_tokens"].as_i64().unwrap() > 0, "{row}");
        assert!(row["first_token_us"].as_i64().unwrap() <= row["duration_us"].as_i64().unwrap(), "{row}");
    }
}

/// The same call, streamed.
pub(crate) fn streamed(path: &str, body: &str) -> (String, String) {
    if path.ends_with(":generateContent") {
        return (path.replace(":generateContent", ":streamGenerateContent?alt=sse"), body.to_owned());
    }
    (path.to_owned(), body.replacen('{', r#"{"stream":true,"#, 1))
}

/// The same call without Seawall.
async fn direct(fake: &FakeLlm, path: &str, body: &str) -> RawResponse {
    let client = seawall_testkit::client::Client::new(&fake.url()).with_header("Authorization", "Bearer any");
    let request =
        Request::post(path.trim_start_matches("/llm")).header("X-Goog-Api-Key", "any").header("X-Api-Key", "any");
    client.request(request.header("Anthropic-Version", "2023-06-01").body(body)).await.expect_status(200)
}

/// A stream without what differs from call to call: ids and times.
fn same(stream: &str) -> Vec<Value> {
    let frames = stream.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    let mut frames: Vec<Value> = frames.map(|data| serde_json::from_str(data).unwrap()).collect();
    frames.iter_mut().for_each(forget);
    frames
}

fn forget(value: &mut Value) {
    if let Value::Object(members) = value {
        // Whoever is asked for usage says in each part that it is not known yet.
        members.retain(|name, value| name != "usage" || !value.is_null());
        members.retain(|name, _| {
            !["id", "created", "created_at", "response_id", "responseId", "item_id"].contains(&name.as_str())
        });
        members.values_mut().for_each(forget);
    }
    if let Value::Array(entries) = value {
        entries.iter_mut().for_each(forget);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn models_lead_to_their_providers() {
    let fake = FakeLlm::start().await;
    let config = format!(
        "[llm.provider.one]\nurl = \"{0}\"\nkey = \"sk-one\"\n[llm.provider.two]\nurl = \"{0}\"\nkey = \"sk-two\"\n\
         [llm.model.small]\nprovider = \"two\"\nname = \"fake-tokens-3\"\ninput_price = \"1\"\noutput_price = \"2\"",
        fake.url()
    );
    let app = super::in_front_of_nothing(&config).await;
    let call = |model: &str| {
        let body = json!({"model": model, "messages": [{"role": "user", "content": "hello"}], "unknown": [1.0, null]});
        Request::post("/llm/v1/chat/completions").json(&body)
    };
    let client = app.outbound_client();
    let unclear = client.request(call("fake")).await.expect_status(404).json();
    assert_eq!(
        (&unclear["error"]["code"], &unclear["error"]["type"]),
        (&json!("model_not_found"), &json!("invalid_request_error"))
    );
    client.request(call("one/fake")).await.expect_status(200);
    client.request(call("small")).await.expect_status(200);
    let calls = fake.calls();
    let sent: Vec<_> =
        calls.iter().map(|call| (call.header("authorization").unwrap(), call.json()["model"].clone())).collect();
    assert_eq!(sent, [("Bearer sk-one", json!("fake")), ("Bearer sk-two", json!("fake-tokens-3"))]);
    assert_eq!(calls[1].json()["unknown"], json!([1.0, null]));
    let row = app.llm_calls().await.remove(0);
    let cost = row["input_tokens"].as_i64().unwrap() + 2 * row["output_tokens"].as_i64().unwrap();
    assert_eq!((&row["model"], &row["price_known"]), (&json!("fake-tokens-3"), &json!(true)));
    assert_eq!(row["cost"], format!("0.{cost:06}"));
    let body = json!({"model": "fake", "max_tokens": 1, "messages": []});
    let nobody = client.request(Request::post("/llm/v1/messages").json(&body)).await.expect_status(404).json();
    assert_eq!((&nobody["type"], &nobody["error"]["type"]), (&json!("error"), &json!("not_found_error")));
    client.get("/llm/v1/files").await.expect_problem(404, "outbound-unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_shown_as_each_client_does_and_refused_in_its_words() {
    let Models { fake, app } = calling_models("").await;
    let key = std::fs::read_to_string(app.data().join("outbound.key")).unwrap();
    let client = seawall_testkit::client::Client::new(&format!("http://{}", app.outbound()));
    for (path, body, text_at) in CALLS {
        let refused =
            client.request(Request::post(path).header("X-Api-Key", "wrong").body(body)).await.expect_status(401);
        assert!(refused.json()["error"]["message"].is_string(), "{path}: {}", refused.text());
        let by_field = ["Authorization", "X-Api-Key", "X-Goog-Api-Key"];
        for name in by_field {
            let value = if name == "Authorization" { format!("Bearer {}", key.trim()) } else { key.trim().to_owned() };
            let answer = client.request(Request::post(path).header(name, value).body(body)).await.expect_status(200);
            assert!(answer.json().pointer(text_at).is_some(), "{path} {name}");
        }
        let in_query = format!("{path}?key={}", key.trim());
        client.request(Request::post(in_query).body(body)).await.expect_status(200);
    }
    for call in fake.calls() {
        let all = format!("{} {:?}", call.path, call.headers);
        assert!(!all.contains(key.trim()), "{all}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn st_7_a_stream_that_tells_no_usage_is_estimated_and_flagged() {
    let Models { fake: _fake, app } = calling_models("").await;
    let body = r#"{"model":"fake-no-usage","stream":true,"messages":[{"role":"user","content":"say: Good morning"}]}"#;
    app.outbound_client().request(Request::post("/llm/v1/chat/completions").body(body)).await.expect_status(200);
    let row = app.llm_calls().await.remove(0);
    // "say: Good morning" has 17 characters and "Good morning" 12.
    assert_eq!(
        (&row["estimated"], &row["input_tokens"], &row["output_tokens"]),
        (&json!(true), &json!(5), &json!(3)),
        "{row}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn embeddings_images_and_lists_pass_too() {
    let Models { fake, app } = calling_models("").await;
    let client = app.outbound_client();
    let embeddings = json!({"model": "fake", "input": "Good morning", "encoding_format": "base64"});
    let answer = client.request(Request::post("/llm/v1/embeddings").json(&embeddings)).await.expect_status(200).json();
    assert!(answer["data"][0]["embedding"].is_string(), "{answer}");
    let images = json!({"model": "fake", "prompt": "a lighthouse", "n": 2});
    let answer =
        client.request(Request::post("/llm/v1/images/generations").json(&images)).await.expect_status(200).json();
    assert_eq!(answer["data"].as_array().unwrap().len(), 2);
    client.get("/llm/v1/models").await.expect_status(200);
    let count = json!({"model": "fake", "messages": [{"role": "user", "content": "hello"}]});
    client.request(Request::post("/llm/v1/messages/count_tokens").json(&count)).await.expect_status(200);
    assert!(fake.calls().iter().all(|call| call.ending == Ending::Whole));
    let rows = app.llm_calls().await;
    let found = |operation: &str| rows.iter().find(|row| row["operation"] == operation).unwrap();
    assert_eq!(found("image_generation")["images"], 2);
    assert_eq!(found("embeddings")["output_tokens"], 0);
    assert_eq!(found("list_models")["cost"], "0.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_at_one_path_are_of_whoever_the_client_is_for() {
    let Models { fake: _fake, app } = calling_models("").await;
    // What the libraries of each say of themselves, and what only its own answer has.
    let clients = [
        ("accept", "openai", "/object"),
        ("anthropic-version", "anthropic", "/has_more"),
        ("x-goog-api-client", "gemini", "/models"),
    ];
    for (field, provider, member) in clients {
        let list = Request::new("GET", "/llm/v1/models").header(field, "any");
        let answer = app.outbound_client().request(list).await.expect_status(200);
        assert_eq!(answer.header("x-seawall-provider"), Some(provider));
        assert!(answer.json().pointer(member).is_some(), "{provider}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_is_added_up_by_whatever_is_asked() {
    let Models { fake: _fake, app } = calling_models("").await;
    for (project, times) in [("lighthouse", 2), ("=harbour", 1)] {
        for _ in 0..times {
            let (path, body, _) = CALLS[0];
            let call = Request::post(path).header("X-Seawall-Project", project).header("X-Seawall-Conversation", "c-1");
            app.outbound_client().request(call.body(body)).await.expect_status(200);
        }
    }
    let rows = app.llm_calls().await;
    assert!(rows.iter().all(|row| row["conversation"] == "c-1"), "{rows:?}");
    let by = app.operator_get("/api/llm/usage?by=project").await.expect_status(200).json();
    let lines = by["data"].as_array().unwrap();
    assert_eq!((&lines[0]["key"], &lines[0]["calls"]), (&json!("lighthouse"), &json!(2)), "{by}");
    let days = app.operator_get("/api/llm/usage").await.expect_status(200).json();
    assert_eq!((&days["data"][0]["calls"], days["data"].as_array().unwrap().len()), (&json!(3), 1), "{days}");
    let csv = app.operator_get("/api/llm/usage?by=project&format=csv").await.expect_status(200).text();
    assert!(csv.starts_with("project,calls,") && csv.contains("\r\n'=harbour,1,0,"), "{csv}");
    for wrong in ["by=moon", "from=yesterday", "format=xml"] {
        app.operator_get(&format!("/api/llm/usage?{wrong}")).await.expect_status(400);
    }
    let page = app.operator_get("/api/llm/calls?limit=2").await.expect_status(200).json();
    let next = page["next"].as_str().unwrap();
    let rest = app.operator_get(&format!("/api/llm/calls?after={next}")).await.expect_status(200).json();
    assert_eq!((page["data"].as_array().unwrap().len(), rest["data"].as_array().unwrap().len()), (2, 1));
}

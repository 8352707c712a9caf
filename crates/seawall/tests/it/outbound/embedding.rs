//! Embeddings and counts of tokens in the words of one dialect, of a provider that speaks another.

use seawall_testkit::client::{RawResponse, Request};
use serde_json::{Value, json};

use super::{Models, calling_models};

async fn ask(models: &Models, path: &str, body: &Value) -> RawResponse {
    models.app.outbound_client().request(Request::post(path).json(body)).await
}

const OF_OPENAI: &str = "/llm/v1/embeddings";

/// The vectors of these texts, as the provider itself tells them.
async fn vectors(models: &Models, dimensions: u64) -> Vec<Value> {
    let body = json!({"model": "openai/fake", "input": ["Good morning", "Good night"], "dimensions": dimensions});
    let answer = ask(models, OF_OPENAI, &body).await.expect_status(200).json();
    answer["data"].as_array().unwrap().iter().map(|entry| entry["embedding"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn st_8_embeddings_are_asked_of_gemini_in_openais_words() {
    let models = calling_models("").await;
    let expected = vectors(&models, 8).await;
    let mut body =
        json!({"model": "gemini/fake", "input": ["Good morning", "Good night"], "dimensions": 8, "user": "u"});
    let answer = ask(&models, OF_OPENAI, &body).await.expect_status(200).json();
    for (index, vector) in expected.iter().enumerate() {
        let entry = &answer["data"][index];
        assert_eq!((&entry["embedding"], &entry["index"]), (vector, &json!(index)), "{answer}");
    }
    assert_eq!((&answer["object"], &answer["model"]), (&json!("list"), &json!("fake")), "{answer}");
    let sent = models.fake.calls().pop().unwrap();
    assert_eq!(sent.path, "/v1beta/models/fake:batchEmbedContents");
    assert_eq!(sent.json()["requests"][0]["model"], "models/fake");

    body["encoding_format"] = json!("base64");
    body["input"] = json!("Good night");
    let answer = ask(&models, OF_OPENAI, &body).await.expect_status(200).json();
    let direct = json!({"model": "openai/fake", "input": "Good night", "dimensions": 8, "encoding_format": "base64"});
    let direct = ask(&models, OF_OPENAI, &direct).await.expect_status(200).json();
    assert!(answer["data"][0]["embedding"].is_string());
    assert_eq!(answer["data"], direct["data"]);

    let rows = models.app.llm_calls().await;
    let row = rows.iter().find(|row| row["provider"] == "gemini").unwrap();
    // The fake does not say what it counted, as Gemini does not.
    let told = (&row["operation"], &row["outcome"], &row["estimated"], &row["output_tokens"]);
    assert_eq!(told, (&json!("embeddings"), &json!("answered"), &json!(true), &json!(0)), "{row}");
    assert_eq!(row["input_tokens"], answer["usage"]["prompt_tokens"], "{row}");
}

#[tokio::test(flavor = "multi_thread")]
async fn st_8_embeddings_are_asked_of_openai_in_geminis_words() {
    let models = calling_models("").await;
    let expected = vectors(&models, 8).await;
    let request = |text: &str| json!({"model": "models/openai/fake", "content": {"parts": [{"text": text}]}, "outputDimensionality": 8, "taskType": "CLUSTERING"});
    let path = |word: &str| format!("/llm/v1beta/models/openai/fake:{word}");
    let batch = json!({"requests": [request("Good morning"), request("Good night")]});
    let answer = ask(&models, &path("batchEmbedContents"), &batch).await.expect_status(200).json();
    for (index, vector) in expected.iter().enumerate() {
        assert_eq!(answer["embeddings"][index]["values"], *vector, "{answer}");
    }
    assert_eq!(answer["usageMetadata"]["promptTokenCount"], 6, "{answer}");
    let one = ask(&models, &path("embedContent"), &request("Good night")).await.expect_status(200).json();
    assert_eq!(one["embedding"]["values"], expected[1], "{one}");
    let row = models.app.llm_calls().await.remove(0);
    assert_eq!((&row["estimated"], &row["input_tokens"]), (&json!(false), &json!(3)), "{row}");
}

#[tokio::test(flavor = "multi_thread")]
async fn st_8_tokens_are_counted_across_dialects() {
    let models = calling_models("").await;
    let mut of_anthropic = json!({"model": "anthropic/fake", "system": "Be brief.", "messages": [{"role": "user", "content": "Good morning"}]});
    let path = "/llm/v1/messages/count_tokens";
    let direct = ask(&models, path, &of_anthropic).await.expect_status(200).json();
    of_anthropic["model"] = json!("gemini/fake");
    let counted = ask(&models, path, &of_anthropic).await.expect_status(200).json();
    assert_eq!(counted, json!({"input_tokens": direct["input_tokens"]}));
    let sent = models.fake.calls().pop().unwrap();
    assert_eq!(sent.path, "/v1beta/models/fake:countTokens");

    let of_gemini = json!({"generateContentRequest": sent.json()["generateContentRequest"]});
    let counted = ask(&models, "/llm/v1beta/models/anthropic/fake:countTokens", &of_gemini).await.expect_status(200);
    assert_eq!(counted.json(), json!({"totalTokens": direct["input_tokens"]}));
    let plain = json!({"contents": [{"parts": [{"text": "Good morning"}]}]});
    let counted = ask(&models, "/llm/v1beta/models/anthropic/fake:countTokens", &plain).await.expect_status(200);
    assert_eq!(counted.json(), json!({"totalTokens": 3}));
    for to in ["openai", "anthropic", "gemini"] {
        let of_openai = json!({"model": format!("{to}/fake"), "instructions": "Be brief.", "input": "Good morning"});
        let counted = ask(&models, "/llm/v1/responses/input_tokens", &of_openai).await.expect_status(200).json();
        let expected = json!({"object": "response.input_tokens", "input_tokens": direct["input_tokens"]});
        assert_eq!(counted, expected, "{to}");
    }
    for row in models.app.llm_calls().await {
        assert_eq!((&row["operation"], &row["cost"]), (&json!("count_tokens"), &json!("0.00")), "{row}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn st_8_what_a_dialect_does_not_have_is_refused_and_a_short_answer_is_a_failure() {
    let models = calling_models("attempts = 1").await;
    for (path, body, what) in [
        (OF_OPENAI, json!({"model": "anthropic/fake", "input": "a"}), "embeddings are not known there"),
        (OF_OPENAI, json!({"model": "gemini/fake", "input": [7, 8]}), "`input` is neither"),
        (
            "/llm/v1/messages/count_tokens",
            json!({"model": "openai/fake", "messages": []}),
            "counts of tokens are not known",
        ),
        ("/llm/v1/images/generations", json!({"model": "gemini/fake", "prompt": "a"}), "are translated"),
    ] {
        let answer = ask(&models, path, &body).await.expect_status(400);
        assert!(answer.text().contains(what), "{path}: {}", answer.text());
    }
    assert!(models.fake.calls().is_empty());
    let cut = json!({"model": "gemini/fake-malformed", "input": "a"});
    let answer = ask(&models, OF_OPENAI, &cut).await.expect_status(502);
    assert!(answer.json()["error"]["message"].as_str().unwrap().contains("none of its dialect"), "{}", answer.text());
}

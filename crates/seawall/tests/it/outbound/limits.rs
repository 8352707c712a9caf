//! How long questions and answers may be on a route, how many calls at once, and how long an image takes.

use std::time::Duration;

use seawall_testkit::{client::Request, llm::FakeLlm};
use serde_json::json;
use tokio::time::Instant;

use super::{
    in_front_of_nothing,
    routes::{ask, last, two_providers},
};

/// A provider of each dialect, and a route.
async fn all_dialects(route: &str) -> (FakeLlm, seawall_testkit::app::StartedApp) {
    let fake = FakeLlm::start().await;
    let provider =
        |kind: &str| format!("[llm.provider.{kind}]\nkind = \"{kind}\"\nurl = \"{}\"\nkey = \"k\"\n", fake.url());
    let providers = ["openai", "anthropic", "gemini"].map(provider).concat();
    let app = in_front_of_nothing(&format!("{providers}[llm.route.r]\n{route}\n")).await;
    (fake, app)
}

/// A call of each dialect that says this.
fn calls(text: &str) -> [(&'static str, serde_json::Value); 4] {
    [
        ("/llm/r/v1/chat/completions", json!({"model": "fake", "messages": [{"role": "user", "content": text}]})),
        ("/llm/r/v1/responses", json!({"model": "fake", "input": text})),
        (
            "/llm/r/v1/messages",
            json!({"model": "fake", "max_tokens": 50, "messages": [{"role": "user", "content": text}]}),
        ),
        (
            "/llm/r/v1beta/models/fake:generateContent",
            json!({"contents": [{"role": "user", "parts": [{"text": text}]}]}),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn st_5_a_question_that_is_too_long_is_refused_in_the_words_of_its_dialect() {
    let (fake, app) = all_dialects("max_input_characters = 2000").await;
    let client = app.outbound_client();
    // Characters, not bytes, and not what stands around them.
    for (path, body) in calls(&"ä".repeat(2_000)) {
        client.request(Request::post(path).json(&body)).await.expect_status(200);
    }
    let before = fake.calls().len();
    for (path, body) in calls(&"ä".repeat(2_001)) {
        let answer = client.request(Request::post(path).json(&body)).await.expect_status(413);
        let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains("2001 characters") && message.contains("takes 2000"), "{path}: {message}");
        assert_eq!(answer.header("x-should-retry"), Some("false"), "{path}");
        assert!(answer.header("retry-after").is_none(), "{path}");
    }
    let words = client.request(Request::post(calls("")[2].0).json(&calls(&"a".repeat(2_001))[2].1)).await;
    assert_eq!(words.json()["error"]["type"], "request_too_large");
    assert_eq!(fake.calls().len(), before, "nobody is asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_of_too_many_tokens_is_refused() {
    let (fake, app) = all_dialects("max_input_tokens = 10").await;
    for (path, body) in calls(&"a".repeat(40)) {
        app.outbound_client().request(Request::post(path).json(&body)).await.expect_status(200);
    }
    for (path, body) in calls(&"a".repeat(41)) {
        let answer = app.outbound_client().request(Request::post(path).json(&body)).await.expect_status(413);
        assert!(answer.text().contains("about 11 tokens"), "{path}: {}", answer.text());
    }
    assert_eq!(fake.calls().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_is_asked_for_that_is_longer_than_the_route_gives() {
    let (fake, app) = all_dialects("max_output_tokens = 7").await;
    let client = app.outbound_client();
    let members = ["/max_tokens", "/max_output_tokens", "/max_tokens", "/generationConfig/maxOutputTokens"];
    for ((path, body), member) in calls("say: Good morning").into_iter().zip(members) {
        client.request(Request::post(path).json(&body)).await.expect_status(200);
        assert_eq!(last(&fake).pointer(member), Some(&json!(7)), "{path}: {}", last(&fake));
    }
    for (said, sent) in
        [(json!(5), json!(5)), (json!(8), json!(7)), (json!(null), json!(7)), (json!(1_000_000), json!(7))]
    {
        let body = json!({"model": "fake", "max_tokens": said, "messages": [{"role": "user", "content": "hi"}]});
        client.request(Request::post("/llm/r/v1/chat/completions").json(&body)).await.expect_status(200);
        let raw = String::from_utf8(fake.calls().pop().unwrap().body.to_vec()).unwrap();
        assert_eq!((&last(&fake)["max_tokens"], raw.matches("max_tokens").count()), (&sent, 1), "{raw}");
    }
    let body = json!({"contents": [{"parts": [{"text": "hi"}]}], "generationConfig": {"maxOutputTokens": 99, "temperature": 1}});
    client.request(Request::post("/llm/r/v1beta/models/fake:generateContent").json(&body)).await.expect_status(200);
    assert_eq!(last(&fake)["generationConfig"], json!({"maxOutputTokens": 7, "temperature": 1}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_and_a_model_bound_their_calls_at_once() {
    let fake = FakeLlm::start().await;
    let config = format!(
        "{}[llm.model.few]\nprovider = \"one\"\nname = \"fake-slow-headers-1500\"\nat_once = 1\nwaiting = 0\n\
         [llm.route.narrow]\nmodels = [\"two/fake-slow-headers-1500\"]\nat_once = 1\nwaiting = 0\n\
         [llm.route.wide]\nmodels = [\"few\", \"two/fake\"]\n",
        two_providers(&fake, "")
    );
    let app = in_front_of_nothing(&config).await;
    let call = |route: &'static str| {
        let client = app.outbound_client();
        tokio::spawn(async move { client.request(ask(route, "any")).await })
    };
    let first = call("narrow");
    fake.until(|calls| calls.len() == 1).await;
    let second = app.outbound_client().request(ask("narrow", "any")).await.expect_status(503);
    assert!(second.text().contains("narrow"), "{}", second.text());
    first.await.unwrap().expect_status(200);
    app.outbound_client().request(ask("narrow", "any")).await.expect_status(200);
    // A model without a place is passed by, and keeps none of those who went on.
    let before = fake.calls().len();
    let first = call("wide");
    fake.until(|calls| calls.len() == before + 1).await;
    let second = app.outbound_client().request(ask("wide", "any")).await.expect_status(200);
    assert_eq!(second.header("x-seawall-provider"), Some("two"));
    assert_eq!(first.await.unwrap().expect_status(200).header("x-seawall-provider"), Some("one"));
    let again = app.outbound_client().request(ask("wide", "any")).await.expect_status(200);
    assert_eq!(again.header("x-seawall-provider"), Some("one"));
}

#[tokio::test(flavor = "multi_thread")]
async fn st_9_a_route_has_a_time_for_images_of_its_own() {
    let fake = FakeLlm::start().await;
    let config =
        format!("{}[llm.route.draw]\nmodels = [\"one/fake-hang\"]\nimage_timeout = \"1s\"\n", two_providers(&fake, ""));
    let app = in_front_of_nothing(&config).await;
    let begun = Instant::now();
    let call =
        Request::post("/llm/draw/v1/images/generations").json(&json!({"model": "any", "prompt": "a lighthouse"}));
    let late = app.outbound_client().request(call).await.expect_status(504);
    let message = late.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("Image generation timed out"), "{message}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

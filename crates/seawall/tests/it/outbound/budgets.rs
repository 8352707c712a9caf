//! What calls of language models may cost.

use std::{fs, sync::Arc, time::Duration};

use seawall_testkit::{
    ManualClock, TestApp,
    client::{RawResponse, Request},
    llm::FakeLlm,
    upstream::{Kind, Upstream},
};
use serde_json::json;

use super::in_front_of_nothing;

/// A model of which a million tokens cost a dollar: a billionth of a dollar is a thousandth of a token.
pub(super) fn providers(fake: &FakeLlm) -> String {
    format!(
        "[llm.provider.fake]\nurl = \"{}\"\nkey = \"any\"\n[llm.model.model]\nprovider = \"fake\"\nname = \"fake-tokens-1000\"\n\
         input_price = \"0\"\noutput_price = \"1\"\n",
        fake.url()
    )
}

/// A call whose answer has 1,000 tokens, and may have as many: it costs a thousandth of a dollar.
pub(super) fn call() -> Request {
    let body = json!({"model": "model", "max_tokens": 1_000, "messages": [{"role": "user", "content": "hello"}]});
    Request::post("/llm/v1/chat/completions").json(&body)
}

fn refused(answer: &RawResponse) {
    let error = answer.json();
    assert_eq!((answer.status, &error["error"]["type"]), (402, &json!("insufficient_quota")), "{error}");
    assert_eq!(answer.header("x-should-retry"), Some("false"));
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!(seconds <= 24 * 3_600, "{seconds}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_calls_at_once_never_cost_more_than_the_cap() {
    let fake = FakeLlm::start().await;
    let app = in_front_of_nothing(&format!("{}[llm.budget.daily]\namount = \"0.05\"", providers(&fake))).await;
    let calls: Vec<_> = (0..200)
        .map(|_| {
            let client = app.outbound_client();
            tokio::spawn(async move { client.request(call()).await })
        })
        .collect();
    let mut answered = 0;
    for call in calls {
        let answer = call.await.unwrap();
        if answer.status == 200 { answered += 1 } else { refused(&answer) }
    }
    assert_eq!((answered, fake.calls().len()), (50, 50));
    app.llm_calls().await;
    // Those that were refused have a row, too.
    let counted = app.operator_get("/api/llm/usage").await.json();
    assert_eq!((&counted["data"][0]["calls"], &counted["data"][0]["cost"]), (&json!(200), &json!("0.05")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_reserved_and_not_used_comes_back() {
    let fake = FakeLlm::start().await;
    let config = providers(&fake).replace("fake-tokens-1000", "fake-tokens-10");
    let app = in_front_of_nothing(&format!("{config}[llm.budget.daily]\namount = \"0.00123\"")).await;
    // Whoever is refused pays nothing.
    let wrong = json!({"model": "fake/fake-500", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]});
    let refused_by_price = app.outbound_client().request(Request::post("/llm/v1/chat/completions").json(&wrong)).await;
    assert_eq!(refused_by_price.status, 500, "{}", refused_by_price.text());
    // Each may cost a thousandth of a dollar, and costs a hundredth of that.
    for _ in 0..24 {
        app.outbound_client().request(call()).await.expect_status(200);
    }
    app.outbound_client().request(call()).await.expect_status(402);
    assert_eq!(app.llm_calls().await.iter().filter(|row| row["outcome"] == "answered").count(), 24);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_has_an_amount_of_its_own_and_a_new_one_each_day() {
    let fake = FakeLlm::start().await;
    let clock = Arc::new(ManualClock::default());
    let budgets = "[llm.budget.each]\namount = \"0.002\"\nof = \"project\"\n[llm.budget.all]\namount = \"0.003\"\nper = \"month\"";
    let config = format!("environment = \"development\"\n{}{budgets}", providers(&fake));
    let app = TestApp::in_front_of("http://127.0.0.1:9").with_config(&config).with_clock(Arc::clone(&clock) as _);
    let app = app.start().await;
    let of = async |project: &str| app.outbound_client().request(call().header("X-Seawall-Project", project)).await;
    of("one").await.expect_status(200);
    of("one").await.expect_status(200);
    let spent = of("one").await;
    assert!(spent.expect_status(402).json()["error"]["message"].as_str().unwrap().contains("\"each\""));
    of("two").await.expect_status(200);
    let spent = of("two").await;
    assert!(spent.expect_status(402).json()["error"]["message"].as_str().unwrap().contains("\"all\""));
    // What was taken from the one budget before the other refused came back: only the month is spent.
    clock.advance(Duration::from_secs(31 * 24 * 3_600));
    of("two").await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_spent_stays_spent_over_a_restart_and_what_is_left_can_be_spent() {
    let fake = FakeLlm::start().await;
    let config = format!("environment = \"development\"\n{}[llm.budget.daily]\namount = \"0.01\"", providers(&fake));
    let app = TestApp::in_front_of("http://127.0.0.1:9").with_config(&config).start().await;
    for _ in 0..4 {
        app.outbound_client().request(call()).await.expect_status(200);
    }
    app.close_calls().await;
    let directory = app.into_directory();
    let app = TestApp::in_front_of("http://127.0.0.1:9").with_config(&config).in_directory(directory).start().await;
    for _ in 0..6 {
        app.outbound_client().request(call()).await.expect_status(200);
    }
    refused(&app.outbound_client().request(call()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_an_end_is_given_one_where_there_is_a_budget() {
    let fake = FakeLlm::start().await;
    let config = format!("{}[llm.budget.daily]\namount = \"1\"\n[llm]\nmost_output_tokens = 77", providers(&fake));
    let app = in_front_of_nothing(&config).await;
    let body = json!({"model": "model", "messages": [{"role": "user", "content": "hello"}]});
    app.outbound_client().request(Request::post("/llm/v1/chat/completions").json(&body)).await.expect_status(200);
    assert_eq!(fake.calls().pop().unwrap().json()["max_tokens"], 77);
    app.outbound_client().request(call()).await.expect_status(200);
    assert_eq!(fake.calls().pop().unwrap().json()["max_tokens"], 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_a_budget_are_told_once() {
    let fake = FakeLlm::start().await;
    let app = in_front_of_nothing(&format!("{}[llm.budget.daily]\namount = \"0.01\"", providers(&fake))).await;
    for _ in 0..12 {
        app.outbound_client().request(call()).await;
    }
    let log = app.operator_get("/api/audit-log?action=llm.budget_reached").await.expect_status(200).json();
    let told: Vec<_> = log["data"].as_array().unwrap().iter().map(|entry| entry["after"]["percent"].clone()).collect();
    assert_eq!(told, [json!(80), json!(100)], "{log}");
    let text = fs::read_to_string(app.data().join("admin.token")).unwrap();
    assert!(!app.log_text().contains(text.trim()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_call_costs_beyond_what_could_be_known_is_charged_all_the_same() {
    // As a provider does that lets its own tools think for longer than the call said.
    let answer = json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 0, "completion_tokens": 1_000}});
    let written: String = answer.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
    let provider = Upstream::start(Kind::always(format!("/say?{written}"))).await;
    let config = format!(
        "[llm.provider.own]\nurl = \"{}\"\nkey = \"any\"\n[llm.model.model]\nprovider = \"own\"\nname = \"own\"\n\
         input_price = \"0\"\noutput_price = \"1\"\n[llm.budget.daily]\namount = \"0.0025\"",
        provider.url()
    );
    let app = in_front_of_nothing(&config).await;
    let short = json!({"model": "model", "max_tokens": 10, "messages": [{"role": "user", "content": "hello"}]});
    let asked = async || app.outbound_client().request(Request::post("/llm/v1/chat/completions").json(&short)).await;
    for _ in 0..3 {
        asked().await.expect_status(200);
    }
    refused(&asked().await);
    app.llm_calls().await;
    let counted = app.operator_get("/api/llm/usage").await.json();
    assert_eq!(counted["data"][0]["cost"], json!("0.003"), "{counted}");
    // It stays charged when what is known in memory is forgotten.
    app.close_calls().await;
    refused(&asked().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_are_given_as_numbers_are_reserved_for() {
    let fake = FakeLlm::start().await;
    let priced =
        "[llm.model.vectors]\nprovider = \"fake\"\nname = \"fake\"\ninput_price = \"1\"\noutput_price = \"0\"\n";
    let app = in_front_of_nothing(&format!("{}{priced}[llm.budget.daily]\namount = \"0.001\"", providers(&fake))).await;
    let asked = async |tokens: usize| {
        let body = json!({"model": "vectors", "input": vec![7; tokens]});
        app.outbound_client().request(Request::post("/llm/v1/embeddings").json(&body)).await
    };
    refused(&asked(1_001).await);
    asked(10).await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn models_and_providers_have_amounts_of_their_own() {
    for (of, other_is_refused) in [("model", false), ("provider", true)] {
        let fake = FakeLlm::start().await;
        let other = "[llm.model.other]\nprovider = \"fake\"\nname = \"fake-tokens-1001\"\ninput_price = \"0\"\noutput_price = \"1\"\n";
        let budget = format!("[llm.budget.each]\namount = \"0.001\"\nof = \"{of}\"");
        let app = in_front_of_nothing(&format!("{}{other}{budget}", providers(&fake))).await;
        app.outbound_client().request(call()).await.expect_status(200);
        refused(&app.outbound_client().request(call()).await);
        let body = json!({"model": "other", "max_tokens": 1_000, "messages": [{"role": "user", "content": "hello"}]});
        let answer = app.outbound_client().request(Request::post("/llm/v1/chat/completions").json(&body)).await;
        assert_eq!(answer.status == 402, other_is_refused, "{of}: {}", answer.text());
    }
}

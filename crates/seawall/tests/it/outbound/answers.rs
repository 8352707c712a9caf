//! Answers of language models that are kept, and calls for the same that are made once.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use seawall_testkit::{
    StartedApp, TestApp,
    client::{RawClient, RawResponse, Request},
    llm::FakeLlm,
    upstream::{Kind, Upstream},
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{Models, calling_models_by, in_front_of_nothing, models::CALLS, streamed};
use crate::identity::{self, CONFIGURATION};

pub(super) const CACHE: &str = "[llm.cache]\nenabled = true\n";

/// What a test asks, which must be found nowhere.
pub(super) const PROMPT: &str = "say: the heron stands in the reeds";

pub(super) fn provider(fake: &FakeLlm) -> String {
    format!("[llm.provider.fake]\nurl = \"{}\"\nkey = \"sk-of-the-provider\"\n", fake.url())
}

pub(super) fn chat(model: &str, members: &Value) -> Request {
    let mut body = json!({"model": model, "messages": [{"role": "user", "content": PROMPT}]});
    for (name, value) in members.as_object().unwrap() {
        body[name] = value.clone();
    }
    Request::post("/llm/v1/chat/completions").json(&body)
}

pub(super) async fn ask(app: &StartedApp, request: Request) -> RawResponse {
    app.outbound_client().request(request).await.expect_status(200)
}

pub(super) fn how(answer: &RawResponse) -> &str {
    answer.header("x-seawall-cache").unwrap_or("none")
}

/// The text of an answer in whichever dialect and form.
pub(super) fn said(answer: &RawResponse) -> String {
    let text = answer.text();
    let frames: Vec<Value> = if text.starts_with('{') {
        vec![answer.json()]
    } else {
        let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
        data.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).unwrap()).collect()
    };
    let places = [
        "/choices/0/message/content",
        "/choices/0/delta/content",
        "/output/0/content/0/text",
        "/delta",
        "/content/0/text",
        "/delta/text",
        "/candidates/0/content/parts/0/text",
    ];
    let texts = frames.iter().filter_map(|frame| places.iter().find_map(|place| frame.pointer(place)?.as_str()));
    texts.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pl_6_what_is_asked_again_is_answered_without_the_provider_in_every_form() {
    let Models { fake, app } = calling_models_by("", CACHE).await;
    for (path, body, _) in CALLS {
        for first_streams in [false, true] {
            // Another question for each, so that either form comes first.
            let body = body.replace("Good morning", if first_streams { "Good night" } else { "Good day" });
            let whole = Request::post(path).header("Anthropic-Version", "2023-06-01").body(body.clone());
            let (path, body) = streamed(path, &body);
            let events = Request::post(path.clone()).header("Anthropic-Version", "2023-06-01").body(body);
            let (first, second) = if first_streams { (events, whole) } else { (whole, events) };
            let before = fake.calls().len();
            let [first, again, other] =
                [ask(&app, first.clone()).await, ask(&app, first).await, ask(&app, second).await];
            assert_eq!((how(&first), how(&again), how(&other)), ("miss", "hit", "hit"), "{path}");
            assert_eq!(fake.calls().len() - before, 1, "{path}");
            assert_eq!(again.text(), first.text(), "{path}");
            assert_eq!(again.header("content-type"), first.header("content-type"), "{path}");
            let text = if first_streams { "Good night" } else { "Good day" };
            assert_eq!((said(&first).as_str(), said(&other).as_str()), (text, text), "{path}: {}", other.text());
            let kinds =
                [&first, &other].map(|answer| answer.header("content-type").unwrap().starts_with("text/event-stream"));
            assert_eq!(kinds, [first_streams, !first_streams], "{path}");
        }
    }
    let rows = app.llm_calls().await;
    let hits: Vec<_> = rows.iter().filter(|row| row["outcome"] == "cached").collect();
    assert_eq!(hits.len(), 16);
    for row in hits {
        assert_eq!(
            (&row["cost"], &row["input_tokens"], &row["attempts"], &row["status"]),
            (&json!("0.00"), &json!(0), &json!(0), &json!(200)),
            "{row}"
        );
    }
    let of = |result| app.metric("seawall_llm_cache", &[result]);
    assert_eq!((of("miss"), of("hit")), (8.0, 16.0));
    assert!(app.metric("seawall_llm_cache_bytes", &["memory"]) > 4_096.0);
    let usage = app.operator_get("/api/llm/usage").await.json();
    assert_eq!(usage["data"][0]["failed"], 0, "{usage}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_tells_its_usage_to_those_who_asked_for_it() {
    let fake = FakeLlm::start().await;
    let app = in_front_of_nothing(&format!("{}{CACHE}", provider(&fake))).await;
    let silent = ask(&app, chat("fake", &json!({"stream": true}))).await;
    let telling = ask(&app, chat("fake", &json!({"stream": true, "stream_options": {"include_usage": true}}))).await;
    let whole = ask(&app, chat("fake", &json!({}))).await;
    assert_eq!((how(&silent), how(&telling), how(&whole)), ("miss", "hit", "hit"));
    assert!(!silent.text().contains("prompt_tokens"), "{}", silent.text());
    assert!(telling.text().contains("prompt_tokens"), "{}", telling.text());
    assert!(whole.json()["usage"]["prompt_tokens"].as_u64().unwrap() > 0, "{}", whole.text());
    let row = app.llm_calls().await.pop().unwrap();
    assert!(row["estimated"] == false && row["output_tokens"].as_u64().unwrap() > 0, "{row}");
}

/// Two hundred calls at once, streams and not, of which some may find the answer kept already.
async fn two_hundred(app: &StartedApp, fake: &FakeLlm, model: &str) {
    let mut calls = JoinSet::new();
    for number in 0..200 {
        let (client, request) = (app.outbound_client(), chat(model, &json!({"stream": number % 2 == 0})));
        calls.spawn(async move { client.request(request).await });
    }
    let mut results = BTreeMap::<String, usize>::new();
    while let Some(answer) = calls.join_next().await {
        let answer = answer.unwrap().expect_status(200);
        assert_eq!(said(&answer), PROMPT.trim_start_matches("say: "), "{}", answer.text());
        *results.entry(how(&answer).to_owned()).or_default() += 1;
    }
    assert_eq!(fake.calls().len(), 1, "{results:?}");
    assert_eq!((results.get("miss"), results.values().sum::<usize>()), (Some(&1), 200), "{results:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_calls_that_ask_the_same_are_one_call_of_the_provider() {
    let fake = FakeLlm::start().await;
    let app = in_front_of_nothing(&format!("{}{CACHE}", provider(&fake))).await;
    two_hundred(&app, &fake, "fake-latency-300").await;
    app.llm_calls().await;
    let usage = app.operator_get("/api/llm/usage").await.json();
    let line = &usage["data"][0];
    assert_eq!((&line["calls"], &line["failed"]), (&json!(200), &json!(0)), "{usage}");
    assert!((1..20).contains(&line["output_tokens"].as_i64().unwrap()), "one was paid: {usage}");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_first_of_those_who_ask_leaves_or_fails_another_asks() {
    let fake = FakeLlm::start().await;
    let app = in_front_of_nothing(&format!("{}backoff = \"1ms\"\nattempts = 1\n{CACHE}", provider(&fake))).await;
    fake.script(&["fake-latency-60000", "fake-503", "fake"]);
    let key = fs::read_to_string(app.data().join("outbound.key")).unwrap();
    let mut first = RawClient::connect(app.outbound()).await;
    let body = json!({"model": "fake", "stream": true, "messages": [{"role": "user", "content": PROMPT}]}).to_string();
    let head = format!(
        "POST /llm/v1/chat/completions HTTP/1.1\r\nHost: a\r\nX-Api-Key: {}\r\nContent-Length: {}\r\n\r\n{body}",
        key.trim(),
        body.len()
    );
    first.write(head).await;
    fake.until(|calls| calls.len() == 1).await;
    let mut calls = JoinSet::new();
    for _ in 0..10 {
        let client = app.outbound_client();
        calls.spawn(async move { client.request(chat("fake", &json!({}))).await.status });
    }
    drop(first);
    let mut statuses = Vec::new();
    while let Some(status) = calls.join_next().await {
        statuses.push(status.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!((statuses[..9].to_vec(), statuses[9]), (vec![200; 9], 503));
    assert_eq!(fake.calls().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_never_share_an_answer_unless_it_is_said() {
    let upstream = Upstream::start(Kind::ByPath).await;
    let fake = FakeLlm::start().await;
    let people = CONFIGURATION.replace("enabled = true", "enabled = true\nsigned = true");
    let config = format!("{people}\n{}{CACHE}", provider(&fake));
    let app = TestApp::in_front_of(upstream.url()).with_config(&config).start().await;
    let place = identity::Place { upstream, app };
    let mut tokens = Vec::new();
    for name in ["ann", "ben"] {
        place.add(name, &[]).await;
        let cookie = place.sign_in(name).await;
        place.app.client().request(Request::get("/private/a").header("Cookie", cookie)).await.expect_status(200);
        let request = place.upstream.requests().pop().unwrap();
        tokens.push(request.header("x-seawall-token").unwrap().to_owned());
    }
    let asks =
        async |user: usize| ask(&place.app, chat("fake", &json!({})).header("X-Seawall-Token", &tokens[user])).await;
    for (user, expected) in [(0, "miss"), (1, "miss"), (0, "hit"), (1, "hit")] {
        assert_eq!(how(&asks(user).await), expected, "{user}");
    }
    assert_eq!(how(&ask(&place.app, chat("fake", &json!({}))).await), "miss", "nobody is another");
    place.app.reload_with(&format!("{config}scope = \"caller\"\n")).await;
    for (user, expected) in [(0, "miss"), (1, "hit")] {
        assert_eq!(how(&asks(user).await), expected, "{user}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_are_alike_and_not_the_same_are_each_made() {
    let fake = FakeLlm::start().await;
    let app = in_front_of_nothing(&format!("{}{CACHE}", provider(&fake))).await;
    ask(&app, chat("fake", &json!({}))).await;
    for other in [
        chat("fake", &json!({"max_tokens": 100})),
        chat("gpt-5-fake", &json!({})),
        chat("fake", &json!({"seed": 7})),
        chat("fake", &json!({})).header("OpenAI-Beta", "assistants=v9"),
        chat("fake", &json!({"messages": [{"role": "user", "content": "say: something else"}]})),
    ] {
        assert_eq!(how(&ask(&app, other).await), "miss");
    }
    for same in [
        chat("fake", &json!({"user": "u-1", "metadata": {"a": "b"}})),
        chat("fake", &json!({})).header("User-Agent", "another").header("Traceparent", "00-1-2-03"),
    ] {
        assert_eq!(how(&ask(&app, same).await), "hit");
    }
    assert_eq!(fake.calls().len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_ask_for_chance_are_each_made_unless_it_is_said() {
    let fake = FakeLlm::start().await;
    let config = format!("environment = \"development\"\n{}{CACHE}", provider(&fake));
    let app = TestApp::in_front_of("http://127.0.0.1:9").with_config(&config).start().await;
    for (temperature, expected) in [(json!(0.7), ["bypass", "bypass"]), (json!(0), ["miss", "hit"])] {
        let call = || chat("fake", &json!({"temperature": temperature}));
        assert_eq!([how(&ask(&app, call()).await), how(&ask(&app, call()).await)], expected);
    }
    app.reload_with(&format!("{config}temperature_above_zero = true\n")).await;
    let call = || chat("fake", &json!({"temperature": 0.7}));
    assert_eq!([how(&ask(&app, call()).await), how(&ask(&app, call()).await)], ["miss", "hit"]);
    // What is off is off, and costs no field.
    app.reload_with(&config.replace("enabled = true", "enabled = false")).await;
    assert_eq!([how(&ask(&app, call()).await), how(&ask(&app, call()).await)], ["none", "none"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_may_ask_for_a_fresh_answer() {
    let fake = FakeLlm::start().await;
    let app = in_front_of_nothing(&format!("{}{CACHE}", provider(&fake))).await;
    let asks = async |says: &str| ask(&app, chat("fake", &json!({})).header("Cache-Control", says)).await;
    for (says, expected) in
        [("no-store", "bypass"), ("max-age=5", "miss"), ("no-store", "bypass"), ("no-cache", "bypass"), ("", "hit")]
    {
        assert_eq!(how(&asks(says).await), expected, "{says}");
    }
    assert_eq!(fake.calls().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_changes_is_asked_anew() {
    let fake = FakeLlm::start().await;
    let config = format!("environment = \"development\"\n{}{CACHE}", provider(&fake));
    let app = TestApp::in_front_of("http://127.0.0.1:9").with_config(&config).start().await;
    assert_eq!(how(&ask(&app, chat("fake", &json!({}))).await), "miss");
    app.reload_with(&config.replace("sk-of-the-provider", "sk-of-another")).await;
    assert_eq!(how(&ask(&app, chat("fake", &json!({}))).await), "miss");
    app.reload_with(&format!("{config}\n[llm.budget.daily]\namount = \"5\"\n")).await;
    assert_eq!(how(&ask(&app, chat("fake", &json!({}))).await), "hit");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_was_cut_or_was_refused_is_never_kept() {
    let fake = FakeLlm::start().await;
    let streams = ["fake-500", "fake-cut", "fake-stall", "fake-malformed", "fake-error-frame", "fake-refusal"];
    let wholes = ["fake-400", "fake-malformed", "fake-refusal"];
    // A provider for each, so that no breaker keeps one from being asked.
    let quick = "timeout = \"2s\"\nidle_timeout = \"300ms\"\nattempts = 1\n";
    let provider = |name: &str| format!("[llm.provider.{name}]\nurl = \"{}\"\nkey = \"any\"\n{quick}", fake.url());
    let names = BTreeSet::from_iter(streams.iter().chain(&wholes));
    let providers: String = names.into_iter().map(|name| provider(name)).collect();
    let app = in_front_of_nothing(&format!("{providers}{CACHE}")).await;
    let calls: Vec<_> = streams.map(|name| (name, true)).into_iter().chain(wholes.map(|name| (name, false))).collect();
    for (name, streams) in &calls {
        for _ in 0..2 {
            let call = chat(&format!("{name}/{name}"), &json!({"stream": streams}));
            let answer = app.outbound_client().request(call).await;
            assert_eq!(how(&answer), "miss", "{name} {streams}: {}", answer.text());
        }
    }
    assert_eq!(fake.calls().len(), 2 * calls.len());
    assert_eq!(app.metric("seawall_llm_cache", &["hit"]), 0.0);
}

//! Streams that fail before they say anything: another model of the route is asked, and nobody notices.

use std::time::Duration;

use seawall_testkit::{
    app::StartedApp,
    client::{RawResponse, Request},
    llm::FakeLlm,
};
use serde_json::{Value, json};

use super::{in_front_of_nothing, models::CALLS, streamed};

const DIALECTS: [&str; 3] = ["openai", "anthropic", "gemini"];

/// Clocks within which the fake's silence is late, and its pauses are not.
const QUICK: &str = "attempts = 1\nfirst_byte_timeout = \"600ms\"\nidle_timeout = \"2s\"\n";

/// Two providers of each dialect, all of them the fake, by the names that they have with `one-` and `two-` before.
fn providers(fake: &FakeLlm) -> String {
    let provider = |name: &str, kind: &str| {
        format!(
            "[llm.provider.{name}-{kind}]\nkind = \"{kind}\"\nurl = \"{}\"\nkey = \"sk-{name}\"\n{QUICK}",
            fake.url()
        )
    };
    DIALECTS.iter().flat_map(|kind| ["one", "two"].map(|name| provider(name, kind))).collect()
}

/// A route: the first of its models fails so, the second works.
fn route(name: &str, first: &str, second: &str, more: &str) -> String {
    format!("[llm.route.{name}]\nmodels = [\"{first}\", \"{second}\"]\n{more}\n")
}

/// The dialect of a path.
fn dialect(path: &str) -> &'static str {
    match path {
        _ if path.contains("messages") => "anthropic",
        _ if path.contains("v1beta") => "gemini",
        _ => "openai",
    }
}

/// The call of a dialect, streamed, by a route.
fn by(route: &str, path: &str, body: &str) -> Request {
    let (path, body) = streamed(path, body);
    Request::post(path.replacen("/llm/", &format!("/llm/{route}/"), 1)).body(body)
}

/// The same, of one provider and no route.
fn of(provider: &str, path: &str, body: &str) -> Request {
    let (path, body) = streamed(path, body);
    let path = path.replace("/fake:", &format!("/{provider}/fake:"));
    Request::post(path).body(body.replace("\"fake\"", &format!("\"{provider}/fake\"")))
}

async fn asked(app: &StartedApp, call: Request) -> RawResponse {
    app.outbound_client().request(call).await.expect_status(200)
}

fn served(answer: &RawResponse) -> Option<&str> {
    answer.header("x-seawall-provider")
}

/// Whose key each call to the fake had, in order.
fn keys(fake: &FakeLlm) -> Vec<String> {
    let shown = |call: &seawall_testkit::llm::Call| {
        let shown = ["authorization", "x-api-key", "x-goog-api-key"].iter().find_map(|name| call.header(name));
        shown.unwrap().trim_start_matches("Bearer ").to_owned()
    };
    fake.calls().iter().map(shown).collect()
}

/// A stream without ids and times.
fn text_of(stream: &str) -> String {
    let datas = stream.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    let texts = datas.map(|data| {
        let data: Value = serde_json::from_str(data).unwrap();
        let paths = ["/choices/0/delta/content", "/delta/text", "/candidates/0/content/parts/0/text"];
        let found = paths.iter().find_map(|path| data.pointer(path).and_then(Value::as_str).map(str::to_owned));
        found.or_else(|| data["delta"].as_str().map(str::to_owned)).unwrap_or_default()
    });
    texts.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_fails_before_it_says_anything_is_asked_of_another() {
    let fake = FakeLlm::start().await;
    let faults = [
        ("error-frame-first", "failing"),
        ("cut-first", "unreachable"),
        ("malformed-first", "failing"),
        ("stall-first", "late"),
        ("latency-1500", "late"),
    ];
    let routes = DIALECTS.iter().flat_map(|kind| {
        faults.map(|(fault, _)| {
            route(&format!("{kind}-{fault}"), &format!("one-{kind}/fake-{fault}"), &format!("two-{kind}/fake"), "")
        })
    });
    let app = in_front_of_nothing(&format!("{}{}", providers(&fake), routes.collect::<String>())).await;
    for (path, body, _) in CALLS {
        for (fault, reason) in faults {
            let (kind, before) = (dialect(path), fake.calls().len());
            let (one, two) = (format!("one-{kind}"), format!("two-{kind}"));
            let counted = app.metric("seawall_llm_fallbacks", &[&one, reason]);
            let answer = asked(&app, by(&format!("{kind}-{fault}"), path, body)).await;
            assert_eq!(served(&answer), Some(&*two), "{path} {fault}: {}", answer.text());
            assert_eq!(answer.header("x-seawall-attempts"), Some("2"), "{path} {fault}");
            assert_eq!(text_of(&answer.text()), "Good morning", "{path} {fault}: {}", answer.text());
            assert!(!answer.text().contains("error\":{"), "{path} {fault}: {}", answer.text());
            assert_eq!(keys(&fake).split_off(before), ["sk-one", "sk-two"], "{path} {fault}");
            assert_eq!(app.metric("seawall_llm_fallbacks", &[&one, reason]) - counted, 1.0, "{path} {fault}");
            let row = app.llm_calls().await.remove(0);
            let told = [&row["provider"], &row["outcome"], &row["attempts"], &row["status"]];
            assert_eq!(told, [&json!(two), &json!("answered"), &json!(2), &json!(200)], "{path} {fault}: {row}");
            // Whoever says that it failed takes nothing; whoever falls silent may have read the question.
            let refused = fault == "error-frame-first";
            assert!(row["estimated"] == json!(!refused) || refused && kind == "anthropic", "{path} {fault}: {row}");
            // It is the other's first token that counts.
            let first_us = row["first_token_us"].as_u64().unwrap();
            assert!(first_us >= 600_000 || reason != "late", "{path} {fault}: {row}");
            // Five in a row would open a breaker.
            asked(&app, of(&one, path, body)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_begins_to_speak_is_passed_on_as_it_comes() {
    let fake = FakeLlm::start().await;
    let routes = DIALECTS.map(|kind| {
        let first = |fault: &str| format!("one-{kind}/fake{fault}");
        let second = format!("two-{kind}/fake");
        [
            route(kind, &first(""), &second, ""),
            route(&format!("{kind}-slow"), &first("-latency-50-drip-150"), &second, ""),
            route(&format!("{kind}-cut"), &first("-cut"), &second, ""),
        ]
        .concat()
    });
    let app = in_front_of_nothing(&format!("{}{}", providers(&fake), routes.concat())).await;
    for (path, body, _) in CALLS {
        let (kind, one) = (dialect(path), format!("one-{}", dialect(path)));
        // As without a further model, where nothing is held.
        let (held, unheld) = (asked(&app, by(kind, path, body)).await, asked(&app, of(&one, path, body)).await);
        assert_eq!((held.text(), served(&held)), (unheld.text(), Some(&*one)), "{path}");
        let slow = asked(&app, by(&format!("{kind}-slow"), path, body)).await;
        assert_eq!((served(&slow), &*text_of(&slow.text())), (Some(&*one), "Good morning"), "{path}");
        let row = app.llm_calls().await.remove(0);
        let [first_us, all_us] = ["first_token_us", "duration_us"].map(|name| row[name].as_u64().unwrap());
        assert!(first_us + 250_000 <= all_us, "the third token comes 300 ms after the first, {path}: {row}");
        // Once it spoke, nobody else is asked.
        let before = fake.calls().len();
        let cut = asked(&app, by(&format!("{kind}-cut"), path, body)).await;
        assert!(cut.text().contains("error") && fake.calls().len() == before + 1, "{path}: {}", cut.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_translated_stream_is_asked_of_another_too_and_so_is_one_that_is_kept() {
    let fake = FakeLlm::start().await;
    let routes = route("r", "one-anthropic/fake-error-frame-first", "two-gemini/fake", "");
    let app = in_front_of_nothing(&format!("{}{routes}[llm.cache]\nenabled = true\n", providers(&fake))).await;
    for how in ["miss", "hit"] {
        let answer = asked(&app, by("r", CALLS[0].0, CALLS[0].1)).await;
        assert_eq!((served(&answer), answer.header("x-seawall-cache")), (Some("two-gemini"), Some(how)));
        assert_eq!(text_of(&answer.text()), "Good morning", "{}", answer.text());
        assert!(answer.text().contains("[DONE]"), "{}", answer.text());
    }
    assert_eq!(keys(&fake), ["sk-one", "sk-two"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_the_route_does_not_list_is_the_answer_and_the_last_is_not_held() {
    let fake = FakeLlm::start().await;
    let routes = [
        route("few", "one-openai/fake-error-frame-first", "two-openai/fake", "fallback = [\"limited\"]"),
        route("last", "one-openai/fake-500", "two-openai/fake-error-frame-first", ""),
        route("silent", "one-openai/fake-latency-1200", "two-openai/fake", "fallback = [\"failing\"]"),
    ];
    let app = in_front_of_nothing(&format!("{}{}", providers(&fake), routes.concat())).await;
    for (route, who) in [("few", "one-openai"), ("last", "two-openai")] {
        let answer = asked(&app, by(route, CALLS[0].0, CALLS[0].1)).await;
        assert_eq!(served(&answer), Some(who), "{route}");
        assert!(answer.text().contains("\"error\"") && answer.text().contains("\"role\""), "{}", answer.text());
        assert_eq!(app.llm_calls().await[0]["outcome"], "refused");
    }
    let answer = asked(&app, by("silent", CALLS[0].0, CALLS[0].1)).await;
    assert_eq!((served(&answer), &*text_of(&answer.text())), (Some("one-openai"), "Good morning"));
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_before_the_first_word_open_a_breaker() {
    let fake = FakeLlm::start().await;
    let app = in_front_of_nothing(&format!(
        "{}{}",
        providers(&fake),
        route("r", "one-openai/fake-error-frame-first", "two-openai/fake", "")
    ))
    .await;
    for _ in 0..5 {
        assert_eq!(served(&asked(&app, by("r", CALLS[0].0, CALLS[0].1)).await), Some("two-openai"));
    }
    assert_eq!(app.metric("seawall_outbound_breaker_open", &["one-openai"]), 1.0);
    let before = fake.calls().len();
    asked(&app, by("r", CALLS[0].0, CALLS[0].1)).await;
    assert_eq!(keys(&fake).split_off(before), ["sk-two"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_beyond_the_time_of_all_is_told_by_a_status() {
    let fake = FakeLlm::start().await;
    let routes = route("r", "one-openai/fake-stall-first", "two-openai/fake", "timeout = \"200ms\"");
    let app = in_front_of_nothing(&format!("{}{routes}", providers(&fake))).await;
    let answer = app.outbound_client().request(by("r", CALLS[0].0, CALLS[0].1)).await.expect_status(504);
    assert_eq!(answer.header("x-should-retry"), Some("false"));
    let row = app.llm_calls().await.remove(0);
    let told = [&row["outcome"], &row["status"], &row["attempts"], &row["estimated"]];
    assert_eq!(told, [&json!("failed"), &json!(504), &json!(1), &json!(true)], "{row}");
    tokio::time::timeout(Duration::from_secs(5), fake.until(|_| fake.open_connections() == 0)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_before_the_first_word_leaves_no_connection_and_a_row() {
    let fake = FakeLlm::start().await;
    let routes = route("r", "one-openai/fake-stall-first", "two-openai/fake", "");
    let patient = providers(&fake).replace("600ms", "20s").replace("\"2s\"", "\"20s\"");
    let app = in_front_of_nothing(&format!("{patient}{routes}")).await;
    let client = app.outbound_client();
    let waits = tokio::spawn(async move { client.request(by("r", CALLS[0].0, CALLS[0].1)).await });
    fake.until(|calls| calls.len() == 1).await;
    waits.abort();
    fake.until(|_| fake.open_connections() == 0).await;
    let row = app.llm_calls().await.remove(0);
    let told = [&row["outcome"], &row["provider"], &row["estimated"]];
    assert_eq!(told, [&json!("left"), &json!("one-openai"), &json!(true)], "{row}");
    assert_eq!(fake.calls().len(), 1, "nobody else is asked");
}

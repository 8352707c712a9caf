//! Routes: who is asked, who else when that fails, and what the application is told of it.

use std::time::Duration;

use seawall_testkit::{app::StartedApp, client::Request, llm::FakeLlm};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::in_front_of_nothing;
use crate::cli::binary::Place;

const QUICK: &str = "attempts = 2\nbackoff = \"1ms\"\nidle_timeout = \"300ms\"\nfirst_byte_timeout = \"300ms\"\n";

/// Two providers of OpenAI's words, both of them the fake, with these settings for each.
pub(super) fn two_providers(fake: &FakeLlm, settings: &str) -> String {
    let provider =
        |name: &str| format!("[llm.provider.{name}]\nurl = \"{}\"\nkey = \"sk-{name}\"\n{settings}\n", fake.url());
    ["one", "two"].map(provider).concat()
}

/// A question to a route.
pub(super) fn ask(route: &str, model: &str) -> Request {
    let body = json!({"model": model, "messages": [{"role": "user", "content": "say: Good morning"}]});
    Request::post(format!("/llm/{route}/v1/chat/completions")).json(&body)
}

fn streamed(route: &str) -> Request {
    let body = json!({"model": "any", "stream": true, "messages": [{"role": "user", "content": "say: Good morning"}]});
    Request::post(format!("/llm/{route}/v1/chat/completions")).json(&body)
}

/// Whose key each call to the fake had, in order.
fn asked(fake: &FakeLlm) -> Vec<String> {
    let key = |call: &seawall_testkit::llm::Call| call.header("authorization").unwrap().to_owned();
    fake.calls().iter().map(key).map(|key| key.trim_start_matches("Bearer sk-").to_owned()).collect()
}

fn fallbacks(app: &StartedApp, provider: &str, reason: &str) -> f64 {
    app.metric("seawall_llm_fallbacks", &[provider, reason])
}

#[tokio::test(flavor = "multi_thread")]
async fn after_each_end_of_a_provider_the_next_is_asked() {
    let fake = FakeLlm::start().await;
    let ends =
        [("fake-429", "limited", 2), ("fake-500", "failing", 2), ("fake-529", "failing", 2), ("fake-hang", "late", 2)];
    // Each has a provider of its own, so that no breaker opens.
    let routes = ends.map(|(model, ..)| {
        let provider = format!("[llm.provider.{model}]\nurl = \"{}\"\nkey = \"k\"\n{QUICK}", fake.url());
        format!("{provider}[llm.route.{model}]\nmodels = [\"{model}/{model}\", \"two/fake\"]\n")
    });
    let gone = "[llm.provider.gone]\nurl = \"http://127.0.0.1:1\"\nkey = \"k\"\nattempts = 1\n\
        [llm.route.gone]\nmodels = [\"gone/fake\", \"two/fake\"]\n";
    let app = in_front_of_nothing(&format!("{}{gone}{}", two_providers(&fake, QUICK), routes.concat())).await;
    for (route, reason, attempts) in ends.into_iter().chain([("gone", "unreachable", 1)]) {
        let before = fallbacks(&app, route, reason);
        let answer = app.outbound_client().request(ask(route, "any")).await.expect_status(200);
        assert_eq!(answer.json()["choices"][0]["message"]["content"], "Good morning", "{route}");
        let told = ["x-seawall-provider", "x-seawall-model"].map(|name| answer.header(name));
        assert_eq!(told, [Some("two"), Some("fake")], "{route}");
        let sum = (attempts + 1).to_string();
        assert_eq!(answer.header("x-seawall-attempts"), Some(&*sum), "{route}");
        assert_eq!(fallbacks(&app, route, reason) - before, 1.0, "{route}");
        let row = app.llm_calls().await.remove(0);
        let told = [&row["provider"], &row["model"], &row["outcome"], &row["attempts"]];
        assert_eq!(told, [&json!("two"), &json!("fake"), &json!("answered"), &json!(attempts + 1)], "{row}");
        // Who hangs may have read the question, and wants to be paid for it.
        assert_eq!(row["estimated"], json!(reason == "late"), "{row}");
    }
    assert_eq!(app.llm_calls().await.len(), 5, "a call has one row, however many were asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_next_would_say_too_and_what_is_not_listed_is_the_answer() {
    let fake = FakeLlm::start().await;
    let routes = "[llm.route.wrong]\nmodels = [\"one/fake-400\", \"two/fake\"]\n\
        [llm.route.refused]\nmodels = [\"one/fake-403\", \"two/fake\"]\n\
        [llm.route.all]\nmodels = [\"one/fake-403\", \"two/fake\"]\nfallback = [\"refused\"]\n\
        [llm.route.few]\nmodels = [\"one/fake-500\", \"two/fake\"]\nfallback = [\"limited\"]\n\
        [llm.route.none]\nmodels = [\"one/fake-500\", \"two/fake\"]\nfallback = []\n";
    let app = in_front_of_nothing(&format!("{}{routes}", two_providers(&fake, QUICK))).await;
    for (route, status, who) in [
        ("wrong", 400, vec!["one"]),
        ("refused", 403, vec!["one"]),
        ("all", 200, vec!["one", "two"]),
        ("few", 500, vec!["one", "one"]),
        ("none", 500, vec!["one", "one"]),
    ] {
        let before = fake.calls().len();
        app.outbound_client().request(ask(route, "any")).await.expect_status(status);
        assert_eq!(asked(&fake).split_off(before), who, "{route}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_all_fail_the_last_answer_is_given_and_no_client_tries_again() {
    let fake = FakeLlm::start().await;
    let route = "[llm.route.down]\nmodels = [\"one/fake-500\", \"two/fake-529\"]\n";
    let app = in_front_of_nothing(&format!("{}{route}", two_providers(&fake, "attempts = 1\n"))).await;
    let answer = app.outbound_client().request(ask("down", "any")).await.expect_status(529);
    let told = ["x-seawall-provider", "x-seawall-attempts", "x-should-retry"].map(|name| answer.header(name));
    assert_eq!(told, [Some("two"), Some("2"), Some("false")]);
    let row = app.llm_calls().await.remove(0);
    assert_eq!(
        (&row["outcome"], &row["status"], &row["cost"]),
        (&json!("refused"), &json!(529), &json!("0.00")),
        "{row}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_is_asked_once_an_answer_has_begun() {
    let fake = FakeLlm::start().await;
    let routes = ["fake-cut", "fake-stall", "fake-error-frame", "fake-latency-100", "fake-slow-headers-2000"]
        .map(|model| format!("[llm.route.{model}]\nmodels = [\"one/{model}\", \"two/fake\"]\n"));
    let config = format!(
        "{}{}",
        two_providers(&fake, "attempts = 1\nidle_timeout = \"1s\"\nfirst_byte_timeout = \"300ms\"\n"),
        routes.concat()
    );
    let app = in_front_of_nothing(&config).await;
    for route in ["fake-cut", "fake-stall", "fake-error-frame"] {
        let before = fake.calls().len();
        let answer = app.outbound_client().request(streamed(route)).await.expect_status(200);
        assert_eq!(answer.header("x-seawall-provider"), Some("one"), "{route}");
        assert!(answer.text().contains("\"error\"") && !answer.text().contains("[DONE]"), "{route}: {}", answer.text());
        assert_eq!(asked(&fake).split_off(before), ["one"], "{route}");
    }
    // One whose head is late is left for another.
    for (route, who) in [("fake-latency-100", "one"), ("fake-slow-headers-2000", "two")] {
        let answer = app.outbound_client().request(streamed(route)).await.expect_status(200);
        assert_eq!(answer.header("x-seawall-provider"), Some(who), "{route}");
        assert!(answer.text().contains("[DONE]"), "{route}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_left_alone_is_passed_by_at_once() {
    let fake = FakeLlm::start().await;
    let route = "[llm.route.r]\nmodels = [\"one/fake-500\", \"two/fake\"]\n";
    let app = in_front_of_nothing(&format!("{}{route}", two_providers(&fake, "attempts = 1\n"))).await;
    for _ in 0..5 {
        app.outbound_client().request(ask("r", "any")).await.expect_status(200);
    }
    assert_eq!(app.metric("seawall_outbound_breaker_open", &["one"]), 1.0);
    let before = fake.calls().len();
    let answer = app.outbound_client().request(ask("r", "any")).await.expect_status(200);
    assert_eq!((answer.header("x-seawall-attempts"), answer.header("x-seawall-provider")), (Some("1"), Some("two")));
    assert_eq!((asked(&fake).split_off(before), fallbacks(&app, "one", "busy")), (vec!["two".to_owned()], 1.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn pl_9_all_that_are_asked_share_one_deadline() {
    let fake = FakeLlm::start().await;
    let route = "[llm.route.r]\nmodels = [\"one/fake-hang\", \"two/fake-hang\"]\ntimeout = \"1800ms\"\n[llm.route.warm]\nmodels = [\"two/fake\"]\n";
    let providers = two_providers(&fake, "attempts = 1\nfirst_byte_timeout = \"1200ms\"\n");
    let app = in_front_of_nothing(&format!("{providers}{route}")).await;
    // The table of prices is read with the first call, which takes a while in a build for tests.
    app.outbound_client().request(ask("warm", "any")).await.expect_status(200);
    let begun = Instant::now();
    app.outbound_client().request(ask("r", "any")).await.expect_status(504);
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(1_700) && took < Duration::from_secs(5), "{took:?}");
    assert_eq!(asked(&fake).split_off(1), ["one", "two"]);
    let row = app.llm_calls().await.remove(0);
    let told = [&row["provider"], &row["attempts"], &row["outcome"], &row["estimated"]];
    assert_eq!(told, [&json!("two"), &json!(2), &json!("failed"), &json!(true)], "{row}");
    fake.until(|_| fake.open_connections() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_asked_first_is_drawn_by_weight() {
    let fake = FakeLlm::start().await;
    let route = "[llm.route.r]\nmodels = [\"one/fake\", \"two/fake\"]\nweights = [3, 1]\n";
    let app = in_front_of_nothing(&format!("{}{route}", two_providers(&fake, ""))).await;
    let client = app.outbound_client();
    for _ in 0..200 {
        client.request(ask("r", "any")).await.expect_status(200);
    }
    // 150 are expected, with a standard deviation of 6.
    let first = asked(&fake).iter().filter(|who| *who == "one").count();
    assert!((105..=195).contains(&first), "{first}");
    let before = fake.calls().len();
    client.request(ask("r", "two/fake")).await.expect_status(200);
    assert_eq!(asked(&fake).split_off(before), ["two"], "what is named is not drawn");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_path_says_which_route_and_each_dialect_has_its_own_base_url() {
    let fake = FakeLlm::start().await;
    let provider =
        |kind: &str| format!("[llm.provider.{kind}]\nkind = \"{kind}\"\nurl = \"{}\"\nkey = \"k\"\n", fake.url());
    let route = "[llm.model.small]\nprovider = \"gemini\"\nname = \"fake\"\n[llm.route.refine]\n[llm.route.default]\nmodels = [\"openai/fake-tokens-3\"]\n";
    let providers = ["openai", "anthropic", "gemini"].map(provider).concat();
    let app = in_front_of_nothing(&format!("{providers}{route}")).await;
    let client = app.outbound_client();
    let calls = [
        ("chat/completions", r#"{"model":"fake","messages":[{"role":"user","content":"hi"}]}"#, "/v1/chat/completions"),
        ("messages", r#"{"model":"fake","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#, "/v1/messages"),
        (
            "models/small:generateContent",
            r#"{"contents":[{"parts":[{"text":"hi"}]}]}"#,
            "/v1/models/fake:generateContent",
        ),
    ];
    for (path, body, sent) in calls {
        client.request(Request::post(format!("/llm/refine/v1/{path}")).body(body)).await.expect_status(200);
        assert_eq!(fake.calls().pop().unwrap().path, sent);
        let unknown =
            client.request(Request::post(format!("/llm/unknown/v1/{path}")).body(body)).await.expect_status(404);
        let message = unknown.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains("The routes are: default, refine."), "{message}");
        assert_eq!(unknown.header("x-should-retry"), Some("false"));
    }
    // Calls that name no route go by the one for them, whatever model they name.
    client.request(Request::post("/llm/v1/chat/completions").body(calls[0].1)).await.expect_status(200);
    assert_eq!(fake.calls().pop().unwrap().json()["model"], "fake-tokens-3");
    // Its models speak other words than this call, which is translated.
    let other = client.request(Request::post("/llm/v1/messages").body(calls[1].1)).await.expect_status(200);
    assert_eq!(other.json()["type"], "message");
    assert_eq!(fake.calls().pop().unwrap().path, "/v1/chat/completions");
    client.get("/llm/refine/v1/models").await.expect_status(200);
    client.get("/llm/v1/models").await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn budgets_hold_whoever_is_asked() {
    let fake = FakeLlm::start().await;
    // A call may cost a thousandth of a dollar at each of them.
    let model = |name: &str, provider: &str, called: &str| {
        format!(
            "[llm.model.{name}]\nprovider = \"{provider}\"\nname = \"{called}\"\ninput_price = \"0\"\noutput_price = \"1\"\n"
        )
    };
    let models = format!("{}{}", model("down", "one", "fake-500"), model("up", "two", "fake-tokens-1000"));
    let rest = "[llm.route.r]\nmodels = [\"down\", \"up\"]\nmax_output_tokens = 1000\n[llm.budget.daily]\namount = \"0.005\"\n";
    let app = in_front_of_nothing(&format!("{}{models}{rest}", two_providers(&fake, "attempts = 1\n"))).await;
    let calls: Vec<_> = (0..30)
        .map(|_| {
            let client = app.outbound_client();
            tokio::spawn(async move { client.request(ask("r", "any")).await.status })
        })
        .collect();
    let mut statuses = Vec::new();
    for call in calls {
        statuses.push(call.await.unwrap());
    }
    let answered = statuses.iter().filter(|status| **status == 200).count();
    assert!(statuses.iter().all(|status| [200, 402].contains(status)), "{statuses:?}");
    // What the first of the list did not use came back for the second, and for other calls.
    while app.outbound_client().request(ask("r", "any")).await.status == 200 {}
    let served = asked(&fake).iter().filter(|who| *who == "two").count();
    assert!(served == 5 && answered <= 5, "{answered} {served}");
    app.llm_calls().await;
    let sums = app.operator_get("/api/llm/usage").await.json();
    assert_eq!(sums["data"][0]["cost"], "0.005", "{sums}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_changes_routes() {
    let fake = FakeLlm::start().await;
    let config = |routes: &str| {
        format!(
            "environment = \"development\"\n[upstream]\nurl = \"http://127.0.0.1:9\"\n{}{routes}",
            two_providers(&fake, "")
        )
    };
    let app = in_front_of_nothing(&two_providers(&fake, "")).await;
    let client = app.outbound_client();
    client.request(ask("refine", "any")).await.expect_status(404);
    for who in ["one", "two"] {
        app.reload_with(&config(&format!("[llm.route.refine]\nmodels = [\"{who}/fake\"]\n"))).await;
        client.request(ask("refine", "any")).await.expect_status(200);
        assert_eq!(asked(&fake).pop().unwrap(), who);
    }
    app.write_config(&config("[llm.route.refine]\nmodels = [\"nobody\"]\n"));
    let refused = format!("{:?}", app.reload().await.unwrap_err());
    assert!(refused.contains("nobody"), "{refused}");
    client.request(ask("refine", "any")).await.expect_status(200);
}

#[test]
fn mistakes_in_routes_are_told_before_they_hold() {
    let provider = "environment = \"development\"\n[llm.provider.one]\nurl = \"http://127.0.0.1:1\"\nkey = \"k\"\n";
    for (route, says) in [
        ("[llm.route.v1]\n", "neither v1 nor v1beta"),
        ("[llm.route.Big]\n", "small letters"),
        ("[llm.route.r]\nmodels = [\"one/fake\", \"one/fake\"]\n", "stands there twice"),
        ("[llm.route.r]\nmodels = [\"one/fake\"]\nweights = [1, 2]\n", "2 weights for 1 models"),
        ("[llm.route.r]\nmodels = [\"one/fake\"]\nweights = [0]\n", "nobody would be asked first"),
        ("[llm.route.r]\nmodels = [\"one/fake\"]\nweights = [1001]\n", "not between 0 and 1000"),
        ("[llm.route.r]\nfallback = [\"never\"]\n", "\"never\" is not one of"),
        ("[llm.route.r]\nrounds = 0\n", "between 1 and 10000"),
        ("[outbound.caller.one]\nmodels = [\"*\"]\n", "nothing says what \"one\" shows"),
        ("[outbound.caller.application]\nkey = \"a key that is long enough\"\n", "choose another name"),
        ("[outbound.caller.one]\nkey = \"a key that is long enough\"\nmodels = [\"a*b\"]\n", "with * at the end"),
    ] {
        let said = Place::with_config(&format!("{provider}{route}")).seawall(&["check"]).refused(64);
        let said = said.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
        assert!(said.contains(says), "{route}: {said}");
    }
}

/// A call's body as the fake got it.
pub(super) fn last(fake: &FakeLlm) -> Value {
    fake.calls().pop().unwrap().json()
}

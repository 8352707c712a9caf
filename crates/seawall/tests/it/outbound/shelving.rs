//! Answers of language models that are kept in the database: over restarts, crashes and nodes, within their bound, and sealed.

use std::{fs, sync::Arc, time::Duration};

use seawall_testkit::{
    ManualClock, StartedApp, TestApp,
    client::{Client, RawClient},
    llm::FakeLlm,
};
use serde_json::json;
use tokio::task::{JoinSet, block_in_place};

use super::answers::{CACHE, PROMPT, ask, chat, how, provider, said};
use crate::{cli::binary::Place, postgres};

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_given_for_its_time_and_outlives_a_restart() {
    let fake = FakeLlm::start().await;
    let clock = Arc::new(ManualClock::default());
    let config = format!("environment = \"development\"\n{}{CACHE}ttl = \"60s\"\n", provider(&fake));
    let app = TestApp::in_front_of("http://127.0.0.1:9").with_config(&config).with_clock(Arc::clone(&clock) as _);
    let mut app = app.start().await;
    ask(&app, chat("fake", &json!({}))).await;
    clock.advance(Duration::from_secs(7));
    let again = ask(&app, chat("fake", &json!({}))).await;
    assert_eq!((how(&again), again.header("age")), ("hit", Some("7")));
    app.llm_calls().await;
    app.drain().await;
    app.ended_within(Duration::from_secs(10)).await;
    let again = TestApp::in_front_of("http://127.0.0.1:9").with_config(&config).in_directory(app.into_directory());
    let app = again.with_clock(Arc::clone(&clock) as _).start().await;
    let restarted = ask(&app, chat("fake", &json!({"stream": true}))).await;
    assert_eq!((how(&restarted), restarted.header("age"), fake.calls().len()), ("hit", Some("7"), 1));
    clock.advance(Duration::from_secs(53));
    assert_eq!(how(&ask(&app, chat("fake", &json!({}))).await), "miss");
}

#[tokio::test(flavor = "multi_thread")]
async fn over_postgresql_two_nodes_find_each_others_answers() {
    let server = postgres::Server::start();
    let fake = FakeLlm::start().await;
    let key = "a key of both nodes, which is long enough";
    let config = format!(
        "environment = \"development\"\n[store]\nurl = \"{}\"\n[outbound]\nkey = \"{key}\"\n{}{CACHE}",
        server.url(),
        provider(&fake)
    );
    let node = async || TestApp::in_front_of("http://127.0.0.1:9").with_config(&config).start().await;
    let (one, other) = (node().await, node().await);
    let asks = async |app: &StartedApp| {
        let client = Client::new(&format!("http://{}", app.outbound()));
        client.request(chat("fake", &json!({})).header("X-Seawall-Key", key)).await.expect_status(200)
    };
    let mut calls = JoinSet::new();
    for _ in 0..200 {
        let client = Client::new(&format!("http://{}", one.outbound()));
        let request = chat("fake", &json!({})).header("X-Seawall-Key", key);
        calls.spawn(async move { client.request(request).await });
    }
    while let Some(answer) = calls.join_next().await {
        answer.unwrap().expect_status(200);
    }
    one.close_calls().await;
    let there = asks(&other).await;
    assert_eq!((how(&there), fake.calls().len()), ("hit", 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_holds_no_more_than_it_may_and_tells_nothing() {
    let fake = FakeLlm::start().await;
    let config = format!(
        "environment = \"development\"\n{}{CACHE}memory = \"1 MB\"\nstore = \"20 KB\"\nlargest = \"8 KB\"\n",
        provider(&fake)
    );
    let app = TestApp::in_front_of("http://127.0.0.1:9").with_config(&config).start().await;
    for number in 0..40 {
        let asked = format!("{PROMPT}, {number}: {}", "reed ".repeat(200));
        ask(&app, chat("fake", &json!({"messages": [{"role": "user", "content": asked}]}))).await;
        app.llm_calls().await;
    }
    let held = app.metric("seawall_llm_cache_bytes", &["store"]);
    assert!(held > 10_000.0 && held <= 20_000.0, "{held}");
    // Larger than what is kept.
    let long = json!({"messages": [{"role": "user", "content": "x"}]});
    for _ in 0..2 {
        assert_eq!(how(&ask(&app, chat("fake-tokens-5000", &long)).await), "miss");
    }
    app.llm_calls().await;
    app.close_store();
    let mut files = Vec::new();
    for file in fs::read_dir(app.data()).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            files.extend(fs::read(path).unwrap());
        }
    }
    let there = |text: &str| files.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(there("llm_answers"));
    for text in ["heron stands", "reed reed", "chatcmpl-"] {
        assert!(!there(text), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_leaves_whole_answers_or_none() {
    let fake = FakeLlm::start().await;
    let config =
        format!("environment = \"development\"\n[outbound]\nlisten = \"127.0.0.1:0\"\n{}{CACHE}", provider(&fake));
    let place = block_in_place(|| Place::with_config(&config));
    let prompt = |number: usize| json!({"messages": [{"role": "user", "content": format!("say: answer {number}")}]});
    let mut hits = 0;
    for round in 0..3 {
        let server = block_in_place(|| place.serve(&["run", "--to", "http://127.0.0.1:9"]));
        let address = block_in_place(|| server.outbound());
        let key = fs::read_to_string(place.path().join(".seawall/outbound.key")).unwrap().trim().to_owned();
        let mut calls = JoinSet::new();
        for number in 0..60 {
            let request = chat("fake-drip-2", &prompt(number)).header("X-Seawall-Key", &key);
            calls.spawn(async move {
                let Ok(mut connection) = RawClient::try_connect(address).await else { return None };
                Some((number, connection.try_request(&request).await.ok()?))
            });
        }
        let mut answered = 0;
        while let Some(answer) = calls.join_next().await {
            let Some((number, answer)) = answer.unwrap() else { continue };
            if answer.status == 200 && how(&answer) == "hit" {
                assert_eq!(said(&answer), format!("answer {number}"));
                hits += 1;
            }
            answered += 1;
            if answered == 20 && round < 2 {
                server.child.signal("KILL");
            }
        }
    }
    assert!(hits > 0, "what was answered before is found again");
}

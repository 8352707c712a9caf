//! `seawall llm`: what calls of language models used and cost; and what stands nowhere, what was asked and answered.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use seawall_testkit::{
    client::{RawClient, RawResponse, Request},
    llm::FakeLlm,
};
use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

use super::binary::{Place, Server};
use crate::outbound::streamed;

const TO: [&str; 3] = ["run", "--to", "http://127.0.0.1:9"];

/// What is asked for, and so answered, and must not be found anywhere.
const NEEDLE: &str = "xylophone-quagmire-7312";

/// What is found wherever the row of a call is.
const PROJECT: &str = "project-lighthouse-4471";

/// A place whose application may call this fake in every dialect.
fn place(fake: &FakeLlm, more: &str) -> Place {
    let providers = ["openai", "anthropic", "gemini"].map(|kind| {
        let clocks = "timeout = \"1s\"\nidle_timeout = \"200ms\"\nbackoff = \"1ms\"";
        format!("[llm.provider.{kind}]\nkind = \"{kind}\"\nurl = \"{}\"\nkey = \"k\"\n{clocks}\n", fake.url())
    });
    let outbound = "[outbound]\nlisten = \"127.0.0.1:0\"\n";
    let price =
        "[llm.model.priced]\nprovider = \"openai\"\nname = \"fake\"\ninput_price = \"1000\"\noutput_price = \"2000\"\n";
    Place::with_config(&format!("{outbound}{}{price}{more}", providers.concat()))
}

/// Calls with the application's key. Answers that are cut are wanted, too.
struct Caller {
    address: SocketAddr,
    key: String,
}

impl Caller {
    fn of(place: &Place, server: &Server) -> Self {
        let key = fs::read_to_string(place.path().join(".seawall/outbound.key")).unwrap();
        Self { address: server.outbound(), key: key.trim().to_owned() }
    }

    async fn call(&self, project: &str, path: &str, body: &str) -> Option<RawResponse> {
        let request = Request::post(path).header("X-Seawall-Project", project).header("X-Api-Key", &*self.key);
        RawClient::connect(self.address).await.try_request(&request.body(body.to_owned())).await.ok()
    }
}

/// The rows, once there are so many: they are written a moment after the call.
async fn rows(place: &Place, count: usize) -> Vec<Value> {
    let limit = Instant::now() + Duration::from_secs(20);
    loop {
        let said = place.seawall(&["llm", "calls", "--limit", "1000", "--json"]).ok();
        let page: Value = serde_json::from_str(&said).unwrap();
        let rows = page["data"].as_array().unwrap().clone();
        if rows.len() >= count {
            return rows;
        }
        assert!(Instant::now() < limit, "{} of {count} rows", rows.len());
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_read_what_calls_used_and_cost() {
    let fake = FakeLlm::start().await;
    let place = place(&fake, "");
    let mut server = place.serve(&TO);
    assert!(place.seawall(&["llm", "usage"]).ok().starts_with("no calls of language models from "));
    assert!(place.seawall(&["llm", "calls"]).ok().starts_with("no calls of language models yet\n"));
    let caller = Caller::of(&place, &server);
    let good = r#"{"model":"priced","messages":[{"role":"user","content":"say: Good morning"}]}"#;
    let bad = r#"{"model":"fake-400","messages":[]}"#;
    for (project, body, status) in [("=one", good, 200), ("=one", good, 200), ("two", good, 200), ("two", bad, 400)] {
        let answer = caller.call(project, "/llm/v1/chat/completions", body).await.unwrap();
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    let rows = rows(&place, 4).await;
    insta::assert_snapshot!(table(&place, &["llm", "usage", "--by", "project"]), @"
    project  calls  failed  input  cached  output  images    cost
    =one         2       0     10       0       6       0  $0.022
    two          2       1      5       0       3       0  $0.011
    total        4       1     15       0       9       0  $0.033
    ");
    insta::assert_snapshot!(table(&place, &["llm", "usage", "--by", "model"]), @"
    model     calls  failed  input  cached  output  images    cost
    fake          3       0     15       0       9       0  $0.033
    fake-400      1       1      0       0       0       0   $0.00
    total         4       1     15       0       9       0  $0.033
    ");
    let usage: Value = serde_json::from_str(&place.seawall(&["llm", "usage", "--json"]).ok()).unwrap();
    assert_eq!((&usage["by"], &usage["data"][0]["calls"]), (&json!("day"), &json!(4)), "{usage}");
    let csv = place.seawall(&["llm", "usage", "--by", "project", "--csv"]).ok();
    assert!(csv.starts_with("project,calls,") && csv.contains("\r\n'=one,2,0,"), "{csv}");
    let none = place.seawall(&["llm", "usage", "--from", "2020-01-01", "--until", "2020-01-31"]).ok();
    assert!(none.starts_with("no calls of language models from 2020-01-01 until 2020-01-31\n"), "{none}");
    let calls = place.seawall(&["llm", "calls", "--limit", "2"]).ok();
    let lines: Vec<_> = calls.lines().collect();
    assert_eq!(lines.len(), 3, "{calls}");
    let (first, id) = (lines[1], rows[0]["request_id"].as_str().unwrap());
    assert!(first.contains("  fake-400  ") && first.contains("  refused 400") && first.ends_with(id), "{calls}");
    assert_eq!(server.terminate(), Some(0));
    let nobody = place.seawall(&["llm", "usage"]).refused(69);
    assert!(nobody.starts_with("error: no running server answers at "), "{nobody}");
}

/// What a command says below its first line, which names the days.
fn table(place: &Place, command: &[&str]) -> String {
    let said = place.seawall(command).ok();
    let (first, rest) = said.split_once("\n\n").unwrap_or_else(|| panic!("{said}"));
    assert!(first.starts_with("From 20") && first.ends_with("are tokens:"), "{said}");
    rest.to_owned()
}

#[test]
fn wrong_days_words_and_limits_are_64() {
    let place = Place::new();
    for (arguments, says) in [
        (&["usage", "--by", "moon"][..], "[possible values: day, model, provider, user, project, caller, route]"),
        (&["usage", "--from", "yesterday"], "a day is written such as 2026-01-31"),
        (
            &["usage", "--from", "2026-02-01", "--until", "2026-01-31"],
            "there is no day from 2026-02-01 until 2026-01-31",
        ),
        (&["usage", "--csv", "--json"], "cannot be used with"),
        (&["calls", "--limit", "0"], "0 is not in 1..=1000"),
    ] {
        let said = place.seawall(&[&["llm"], arguments].concat()).refused(64);
        assert!(said.contains(says), "{arguments:?} says\n{said}");
    }
}

/// Calls of every dialect and operation; those that can stream do so the second time.
fn calls(model: &str) -> Vec<(String, String)> {
    let text = format!("say: {NEEDLE}");
    let messages = json!([{"role": "user", "content": text}]);
    let generate = json!({"contents": [{"role": "user", "parts": [{"text": text}]}]}).to_string();
    let talk = [
        ("/llm/v1/chat/completions".to_owned(), json!({"model": model, "messages": messages}).to_string()),
        ("/llm/v1/responses".to_owned(), json!({"model": model, "input": text}).to_string()),
        ("/llm/v1/messages".to_owned(), json!({"model": model, "max_tokens": 9, "messages": messages}).to_string()),
        (format!("/llm/v1beta/models/{model}:generateContent"), generate),
    ];
    let elsewhere = |provider: &str, stream: bool| {
        json!({"model": format!("{provider}/{model}"), "max_tokens": 9, "messages": messages, "stream": stream})
            .to_string()
    };
    let streams = talk.iter().map(|(path, body)| streamed(path, body)).collect::<Vec<_>>();
    let others = [
        ("/llm/v1/embeddings".to_owned(), json!({"model": model, "input": text}).to_string()),
        ("/llm/v1/images/generations".to_owned(), json!({"model": model, "prompt": text}).to_string()),
        ("/llm/v1/messages/count_tokens".to_owned(), json!({"model": model, "messages": messages}).to_string()),
        // Translated.
        ("/llm/v1/messages".to_owned(), elsewhere("openai", false)),
        ("/llm/v1/messages".to_owned(), elsewhere("gemini", true)),
        // Nobody can read these.
        ("/llm/v1/chat/completions".to_owned(), format!("{{\"model\": \"{model}\", \"messages\": {NEEDLE}}}")),
        ("/llm/v1/files".to_owned(), format!("\"{NEEDLE}\"")),
    ];
    talk.into_iter().chain(streams).chain(others).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn prompts_and_answers_are_in_no_log_and_in_no_file() {
    let fake = FakeLlm::start().await;
    let place = place(&fake, "[log]\nlevel = \"trace\"\n");
    let mut server = place.serve(&TO);
    let caller = Caller::of(&place, &server);
    let models = ["fake", "fake-429-once", "fake-400", "fake-context", "fake-529", "fake-cut", "fake-malformed"];
    let (mut made, mut told) = (0, 0);
    for model in models.into_iter().chain(["fake-error-frame", "fake-stall", "fake-no-usage", "fake-refusal"]) {
        // One that works follows each, so that no provider is left alone.
        for (path, body) in calls(model).into_iter().zip(calls("fake")).flat_map(<[_; 2]>::from) {
            let answer = caller.call(PROJECT, &path, &body).await;
            told += usize::from(answer.is_some_and(|answer| answer.text().contains(NEEDLE)));
            made += 1;
        }
    }
    assert!(told > 50, "the fake says what it is asked to say: {told}");
    let (path, body) = &calls("fake-drip-50-tokens-1000")[4];
    let mut leaves = RawClient::connect(caller.address).await;
    let fields = format!("X-Api-Key: {}\r\nContent-Length: {}", caller.key, body.len());
    leaves.write(format!("POST {path} HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n{body}")).await;
    leaves.read_some().await;
    drop(leaves);
    // Two calls of each list leave no row: one cannot be read, and one is of a path that nobody knows.
    let rows = rows(&place, made + 1 - 2 * 22).await;
    for outcome in ["answered", "refused", "failed", "left"] {
        assert!(rows.iter().any(|row| row["outcome"] == outcome), "{outcome}");
    }
    assert!(!serde_json::to_string(&rows).unwrap().contains(NEEDLE));
    let metrics = server.admin_client().get("/metrics").await.expect_status(200).text();
    assert!(!metrics.contains(NEEDLE) && metrics.contains("gen_ai_client_token_usage_bucket"));
    assert_eq!(server.terminate(), Some(0));
    let log = server.child.out() + &server.child.err();
    assert!(
        log.contains("\"called\"") && log.contains("/llm/v1/responses"),
        "calls are in a log of this level:\n{log}"
    );
    assert!(!log.contains(NEEDLE), "{}", log.lines().find(|line| line.contains(NEEDLE)).unwrap_or_default());
    let files = files(&place.path().join(".seawall"));
    let holds = |needle: &str| {
        let holders = files.iter().filter(|file| {
            let bytes = fs::read(file).unwrap();
            bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
        });
        holders.cloned().collect::<Vec<_>>()
    };
    assert!(!holds(PROJECT).is_empty(), "rows are in a file of {files:?}");
    assert_eq!(holds(NEEDLE), Vec::<PathBuf>::new());
}

/// All files below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => found.extend(files(&path)),
            kind if kind.is_file() => found.push(path),
            _ => {}
        }
    }
    found
}

//! Prompts and answers in the log: where a route asks for it, redacted and cut, and nowhere else.

use seawall_testkit::{client::Request, llm::FakeLlm};
use serde_json::{Value, json};
use tokio::task::block_in_place;

use super::{
    overspending::{Node, server},
    streamed,
};
use crate::cli::binary::{Place, Server};

const ROUTES: &str = "[llm.route.open]\nlog_prompts = true\n[llm.route.closed]\n[llm.cache]\nenabled = true\n";

fn providers(fake: &FakeLlm) -> String {
    let provider = |kind: &str| {
        format!(
            "[llm.provider.{kind}]\nkind = \"{kind}\"\nurl = \"{}\"\nkey = \"sk-of-the-provider\"\nattempts = 1\n",
            fake.url()
        )
    };
    ["openai", "anthropic", "gemini"].map(provider).concat()
}

/// A server with these routes, and a client of it.
struct Logging {
    server: Server,
    node: Node,
    place: Place,
}

impl Logging {
    fn start(fake: &FakeLlm) -> Self {
        let config =
            format!("environment = \"development\"\n[outbound]\nlisten = \"127.0.0.1:0\"\n{}{ROUTES}", providers(fake));
        let place = Place::with_config(&config);
        let (server, node) = server(&place);
        Self { server, node, place }
    }

    async fn ask(&self, route: &str, path: &str, body: &str) {
        let call = Request::post(format!("/llm/{route}{path}")).body(body.to_owned());
        self.node.ask(call).await.expect("an answer");
    }

    /// The events of calls on routes that log prompts, once there are so many.
    fn events(&self, count: usize) -> Vec<Value> {
        self.server.child.said("events", |said| {
            let lines = said.lines().filter(|line| line.contains("llm.question"));
            let events: Vec<Value> = lines.map_while(|line| serde_json::from_str(line).ok()).collect();
            (events.len() >= count).then_some(events)
        })
    }

    fn rows(&self) -> String {
        self.place.seawall(&["llm", "calls", "--limit", "1000", "--json"]).ok()
    }
}

/// A question in each dialect, to a model.
fn questions(model: &str, text: &str) -> [(String, String); 4] {
    let messages = json!([{"role": "user", "content": text}]);
    [
        (
            "/v1/chat/completions".to_owned(),
            json!({"model": format!("openai/{model}"), "messages": messages}).to_string(),
        ),
        ("/v1/responses".to_owned(), json!({"model": format!("openai/{model}"), "input": text}).to_string()),
        (
            "/v1/messages".to_owned(),
            json!({"model": format!("gemini/{model}"), "max_tokens": 2_000, "messages": messages}).to_string(),
        ),
        (
            format!("/v1beta/models/{model}:generateContent"),
            json!({"contents": [{"role": "user", "parts": [{"text": text}]}]}).to_string(),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_logs_what_is_asked_and_answered_and_no_other_does() {
    let fake = FakeLlm::start().await;
    let app = block_in_place(|| Logging::start(&fake));
    let text = "say: The harbour, my password: hunter2, is open";
    for (number, (path, body)) in questions("fake", text).iter().enumerate() {
        app.ask("closed", path, &body.replace("harbour", "secret garden")).await;
        app.ask("open", path, body).await;
        let (stream_path, stream_body) = streamed(path, &body.replace("harbour", "lighthouse"));
        app.ask("open", &stream_path, &stream_body).await;
        // What was kept is answered, and logged, too.
        app.ask("open", path, body).await;
        let events = block_in_place(|| app.events(3 * (number + 1))).split_off(3 * number);
        assert_eq!(events.len(), 3, "{path}: {events:?}");
        for (event, place, outcome) in [
            (&events[0], "harbour", "answered"),
            (&events[1], "lighthouse", "answered"),
            (&events[2], "harbour", "cached"),
        ] {
            let said = format!("The {place}, my password: [redacted], is open");
            assert_eq!(event["llm.question"], format!("say: {said}"), "{path}");
            assert_eq!((&event["llm.answer"], &event["llm.route"]), (&json!(said), &json!("open")), "{path}: {event}");
            assert_eq!((&event["outcome"], &event["level"]), (&json!(outcome), &json!("info")), "{path}");
            assert!(event["request.id"].is_string(), "{event}");
        }
    }
    let rows = block_in_place(|| app.rows());
    let log = app.server.child.out() + &app.server.child.err();
    for text in ["hunter2", "secret garden", "sk-of-the-provider", &app.node.key] {
        assert!(!log.contains(text) && !rows.contains(text), "{text}");
    }
    assert!(rows.contains("\"open\"") && !rows.contains("harbour"), "rows hold nothing of it: {rows}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_logged_with_what_came_and_what_is_long_is_cut() {
    let fake = FakeLlm::start().await;
    let app = block_in_place(|| Logging::start(&fake));
    let [(path, body), ..] = questions("fake-cut", "say: The harbour is open");
    let (path, body) = streamed(&path, &body);
    app.ask("open", &path, &body).await;
    let [(path, body), ..] = questions("fake-400", "say: The harbour is open");
    app.ask("open", &path, &body).await;
    let long = format!("say: {}", "harbour ".repeat(2_000));
    let [(path, body), ..] = questions("fake", &long);
    let (stream_path, stream_body) = streamed(&path, &body.replacen("harbour", "haven", 1));
    app.ask("open", &path, &body).await;
    app.ask("open", &stream_path, &stream_body).await;
    let events = block_in_place(|| app.events(4));
    let of = |number: usize, member: &str| {
        events[number][member].as_str().unwrap_or_else(|| panic!("{events:?}")).to_owned()
    };
    assert_eq!(of(0, "outcome"), "failed");
    assert!("The harbour is open".starts_with(&of(0, "llm.answer")) && !of(0, "llm.answer").is_empty(), "{events:?}");
    assert_eq!((of(1, "outcome"), of(1, "llm.answer")), ("refused".to_owned(), String::new()));
    for number in [2, 3] {
        let [question, answer] = ["llm.question", "llm.answer"].map(|member| of(number, member));
        assert!(question.len() <= 4_000 && question.contains(" bytes cut] "), "{}", question.len());
        assert!((3_900..=4_000).contains(&answer.len()) && answer.ends_with(" [cut]"), "{}", answer.len());
    }
}

#[test]
fn production_is_told_what_logging_prompts_means() {
    let config = |environment: &str, log: bool| {
        let place = Place::with_config(&format!(
            "environment = \"{environment}\"\n[llm.provider.one]\nurl = \"http://127.0.0.1:1\"\nkey = \"a key of the provider\"\n[llm.route.open]\nlog_prompts = {log}\n"
        ));
        let said = place.seawall(&["check"]).ok();
        said.lines().filter(|line| line.starts_with("note:")).map(str::to_owned).collect::<Vec<_>>()
    };
    let notes = config("production", true);
    assert!(notes.iter().any(|note| note.contains("[llm.route.open] logs prompts")), "{notes:?}");
    for quiet in [config("production", false), config("development", true)] {
        assert!(!quiet.iter().any(|note| note.contains("prompts")), "{quiet:?}");
    }
}

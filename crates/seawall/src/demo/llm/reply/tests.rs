//! What is answered to what.

use super::*;

fn ask(prompt: &str) -> Ask {
    Ask { prompt: prompt.to_owned(), choices: 1, ..Ask::default() }
}

fn reply(ask: &Ask, model: &str) -> Reply {
    Reply::new(ask, &Behaviour::parse(model).unwrap())
}

fn weather() -> Tool {
    let schema = json!({ "type": "object", "properties": {
        "city": { "type": "string" }, "days": { "type": "integer" }, "unit": { "enum": ["celsius", "kelvin"] },
        "hours": { "type": "ARRAY", "items": { "type": ["boolean", "null"] } },
    } });
    Tool { name: "get_weather".to_owned(), schema }
}

#[test]
fn the_prompt_comes_back_and_a_token_is_four_characters() {
    let hello = reply(&ask("hello"), "fake");
    assert_eq!((hello.text.as_str(), hello.output_tokens, hello.finish), ("You said: hello", 4, Finish::Stop));
    assert_eq!(hello.pieces(), ["You ", "said", ": he", "llo"]);
    assert_eq!(reply(&ask("say: żółć"), "fake").text, "żółć");
}

#[test]
fn the_limit_of_tokens_cuts_the_answer() {
    let limited = reply(&Ask { max_tokens: Some(2), ..ask("hello") }, "fake");
    assert_eq!((limited.text.as_str(), limited.output_tokens, limited.finish), ("You said", 2, Finish::Length));
    let enough = reply(&Ask { max_tokens: Some(4), ..ask("hello") }, "fake");
    assert_eq!(enough.finish, Finish::Stop);
    assert_eq!(reply(&ask("hello"), "fake-length").text, "You said");
    assert_eq!(reply(&ask(""), "fake-tokens-37").output_tokens, 37);
}

#[test]
fn the_first_stop_sequence_ends_the_answer() {
    let stop = ["o", "sa"].map(str::to_owned);
    let stopped = |prompt: &str, stop: &[String]| {
        let reply = reply(&Ask { stop: stop.to_vec(), ..ask(prompt) }, "fake");
        (reply.text, reply.stopped_by, reply.output_tokens)
    };
    assert_eq!(stopped("hello", &stop), ("Y".to_owned(), Some("o".to_owned()), 1));
    assert_eq!(stopped("hello", &stop[1..]), ("You ".to_owned(), Some("sa".to_owned()), 1));
    assert_eq!(stopped("hello", &["none".to_owned()]).1, None);
    assert_eq!(crate::demo::llm::ask::texts(&json!(["a", "", 1])), ["a"], "an empty one would end everything");
    assert_eq!(crate::demo::llm::ask::texts(&json!("a")), ["a"]);
}

#[test]
fn a_tool_is_called_when_the_prompt_asks_for_it_or_the_call_wants_it() {
    let asked = |prompt: &str, choice: Choice| {
        reply(&Ask { tools: vec![weather()], choice, ..ask(prompt) }, "fake").call.map(|call| call.arguments)
    };
    let arguments = |city: &str| Some(json!({ "city": city, "days": 1, "unit": "celsius", "hours": [true] }));
    assert_eq!(asked("hello", Choice::Auto), None);
    assert_eq!(asked("get_weather", Choice::Auto), arguments("get_weather"));
    assert_eq!(asked("use a tool", Choice::Auto), arguments("use a tool"));
    assert_eq!(asked("hello", Choice::Always), arguments("hello"));
    assert_eq!(asked("hello", Choice::Named("get_weather".to_owned())), arguments("hello"));
    assert_eq!(asked("get_weather", Choice::Never), None);
    let after =
        Ask { tools: vec![weather()], choice: Choice::Always, tool_result: Some("rain".to_owned()), ..ask("x") };
    assert_eq!(reply(&after, "fake").text, "The tool said: rain");
}

#[test]
fn json_is_answered_where_it_is_asked_for() {
    let any = reply(&Ask { format: Format::Json, ..ask("hello") }, "fake");
    assert_eq!(any.text, r#"{"answer":"You said: hello"}"#);
    let schema = json!({ "type": "object", "properties": { "a": { "type": "string" }, "b": { "type": "boolean" } } });
    let shaped = reply(&Ask { format: Format::Schema(schema), ..ask("hello") }, "fake");
    assert_eq!(shaped.text, r#"{"a":"You said: hello","b":true}"#);
}

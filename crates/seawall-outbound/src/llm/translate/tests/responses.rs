//! OpenAI's responses: questions read, answers and streams written.

use std::collections::VecDeque;

use seawall_core::problem::Problem;
use serde_json::{Value, json};

use super::{ALL, questions, replies, streams, write};
use crate::llm::{
    operation::Dialect::{self, Anthropic, Gemini, OpenAi},
    sse::Events,
    translate::{
        conversation::{Call, Conversation, Part},
        live::Live,
        members::Unsaid,
        reply::Manner,
        responses::{self, Echo},
        talk::Words,
    },
};

const MANNER: Manner = Manner { created_s: 5, usage: true, thoughts: false, array: false };

/// The conversation that the other dialects' tests have.
fn same() -> Value {
    json!({
        "model": "m", "instructions": "Be brief.", "store": true, "include": ["reasoning.encrypted_content"],
        "input": [
            {"role": "user", "content": [
                {"type": "input_text", "text": "Where is it?"},
                {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"},
            ]},
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "sealed"},
            {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "phase": "commentary", "content": [
                {"type": "output_text", "text": "I look.", "annotations": [], "logprobs": []}]},
            {"type": "function_call", "id": "fc_1", "call_id": "call_1_0", "name": "find", "status": "completed",
                "arguments": "{\"city\":\"Bergen\",\"at\":1}", "parsed_arguments": {"city": "Bergen", "at": 1}},
            {"type": "function_call", "call_id": "call_1_1", "name": "find", "arguments": "{\"city\":\"Oslo\",\"at\":2}"},
            {"type": "function_call_output", "call_id": "call_1_0", "output": "rain"},
            {"type": "function_call_output", "call_id": "call_1_1", "output": [{"type": "input_text", "text": "{\"sun\":true}"}]},
            {"type": "message", "role": "user", "content": "And now?"},
        ],
        "tools": [{"type": "function", "name": "find", "description": "Finds.", "parameters": questions::city()}],
        "tool_choice": {"type": "function", "name": "find"},
        "temperature": 0.5, "top_p": 0.9, "max_output_tokens": 100,
        "reasoning": {"effort": "medium", "summary": "auto"},
        "text": {"format": {"type": "json_schema", "name": "answer", "schema": questions::city(), "strict": true}},
    })
}

fn read(body: &Value) -> Result<Conversation, String> {
    responses::read(&body.to_string()).map_err(|Unsaid(what)| what)
}

#[test]
fn st_8_a_conversation_of_responses_is_the_same_as_of_chat_completions() {
    let mut expected = super::read(OpenAi, &questions::same(OpenAi).to_string()).unwrap();
    // Responses know no stop sequences, and always tell their usage.
    expected.stop.clear();
    expected.wants.usage = true;
    let asked = read(&same()).unwrap();
    assert_eq!(questions::common(asked.clone()), questions::common(expected));
    for to in ALL {
        assert!(write(to, &asked).is_ok(), "{to:?}");
    }
}

#[test]
fn a_text_is_a_question_and_instructions_stand_before_other_ones() {
    let asked = read(&json!({"model": "m", "input": "a", "stream": true})).unwrap();
    assert_eq!((asked.turns[0].parts.as_slice(), asked.wants.stream), ([Part::Text("a".to_owned())].as_slice(), true));
    let asked = read(&json!({"instructions": "One.", "input": [
        {"role": "developer", "content": "Two."}, {"role": "system", "content": [{"type": "input_text", "text": "Three."}]},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}, {"role": "user", "content": "a"}]}));
    let asked = asked.unwrap();
    assert_eq!(asked.system, ["One.", "Two.", "Three."]);
    assert_eq!(asked.turns[0].parts, [Part::Text("No.".to_owned())]);
}

#[test]
fn what_callers_of_responses_say_and_others_cannot_is_refused_by_its_name() {
    let part = |part: Value| json!([{"role": "user", "content": [part]}]);
    let call =
        |arguments: &str| json!([{"type": "function_call", "call_id": "c", "name": "f", "arguments": arguments}]);
    for (member, value, what) in [
        ("previous_response_id", json!("secret"), "`previous_response_id`"),
        ("conversation", json!("secret"), "`conversation`"),
        ("background", json!(true), "`background` other than false"),
        ("prompt", json!({"id": "secret"}), "`prompt`"),
        ("truncation", json!("auto"), "`truncation`"),
        ("context_management", json!([{"type": "secret"}]), "`context_management`"),
        ("include", json!(["message.output_text.logprobs"]), "`include`"),
        ("tools", json!([{"type": "web_search"}]), "`tools[0].type` other than \"function\""),
        ("tools", json!([{"type": "mcp", "server_label": "secret"}]), "`tools[0].type`"),
        ("tool_choice", json!({"type": "allowed_tools", "tools": []}), "`tool_choice.type`"),
        ("reasoning", json!({"effort": "secret"}), "`reasoning.effort`"),
        ("text", json!({"verbosity": "high"}), "`text.verbosity`"),
        ("text", json!({"format": {"type": "grammar"}}), "`text.format.type`"),
        ("input", part(json!({"type": "input_file", "file_id": "secret"})), "`input[0].content[0].type`"),
        ("input", part(json!({"type": "input_image", "file_id": "secret"})), "`input[0].content[0].image_url`"),
        (
            "input",
            json!([{"type": "item_reference", "id": "secret"}]),
            "what `input[0].type` refers to is stored nowhere",
        ),
        ("input", json!([{"type": "web_search_call", "id": "secret"}]), "`input[0].type`"),
        ("input", json!([{"type": "function_call_output", "call_id": "c", "output": "secret"}]), "answers no call"),
        ("input", call("[1]"), "`input[0].arguments` is not the text of a JSON object"),
        ("unheard_of", json!("secret"), "`unheard_of`"),
    ] {
        let mut body = json!({"model": "m", "input": "secret"});
        body[member] = value;
        let told = read(&body).unwrap_err();
        assert!(told.contains(what) && !told.contains("secret"), "{member}: {told}");
    }
    let mut harmless = json!({"model": "m", "input": "a", "user": "u", "metadata": {"a": "b"}, "service_tier": "auto"});
    harmless["stream_options"] = json!({"include_obfuscation": false});
    assert!(read(&harmless).is_ok());
}

fn echo() -> Echo {
    Echo::of(&same().to_string())
}

fn whole(from: Dialect) -> Value {
    let reply = replies::read(from, &replies::same(from)).unwrap();
    serde_json::from_str(&responses::write_reply(&reply, &MANNER, &echo()).text()).unwrap()
}

#[test]
fn st_8_an_answer_is_told_as_the_items_of_a_response() {
    for from in ALL {
        let told = whole(from);
        let expected = json!([
            {"id": "msg_i_0", "type": "message", "status": "completed", "role": "assistant",
                "content": [{"type": "output_text", "text": "I look.", "annotations": [], "logprobs": []}]},
            {"id": "fc_i_1", "type": "function_call", "status": "completed", "call_id": "call_1_0", "name": "f", "arguments": told["output"][1]["arguments"]},
        ]);
        assert_eq!(told["output"], expected, "{from:?}");
        let arguments: Value = serde_json::from_str(told["output"][1]["arguments"].as_str().unwrap()).unwrap();
        assert_eq!(arguments, json!({"a": 1}));
        let usage = json!({"input_tokens": 100, "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 0},
            "output_tokens": 20, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 120});
        assert_eq!(told["usage"], usage, "{from:?}");
        assert_eq!((&told["id"], &told["model"], &told["created_at"]), (&json!("i"), &json!("m"), &json!(5)));
        assert_eq!((&told["object"], &told["status"]), (&json!("response"), &json!("completed")));
        let question = same();
        for name in ["instructions", "tools", "tool_choice", "temperature", "text", "reasoning"] {
            assert_eq!(told[name], question[name], "{name}");
        }
        // Nothing is stored, whatever was asked for, and what is said of the caller is not said again.
        assert_eq!((&told["store"], &told["metadata"], &told["error"]), (&json!(false), &json!({}), &Value::Null));
    }
}

#[test]
fn a_response_says_why_it_did_not_come_to_its_end() {
    let ended = |word: &str| json!({"id": "i", "content": [{"type": "text", "text": "a"}], "stop_reason": word});
    for (word, status, reason, native) in [
        ("end_turn", "completed", None, None),
        ("stop_sequence", "completed", None, None),
        ("max_tokens", "incomplete", Some("max_output_tokens"), None),
        ("refusal", "incomplete", Some("content_filter"), None),
        ("unheard_of", "incomplete", Some("max_output_tokens"), Some("unheard_of")),
    ] {
        let reply = replies::read(Anthropic, &ended(word)).unwrap();
        let told: Value =
            serde_json::from_str(&responses::write_reply(&reply, &MANNER, &Echo::default()).text()).unwrap();
        assert_eq!((&told["status"], &told["output"][0]["status"]), (&json!(status), &json!(status)), "{word}");
        assert_eq!(told["incomplete_details"]["reason"].as_str(), reason, "{word}");
        assert_eq!((told["native_finish_reason"].as_str(), &told["usage"]), (native, &Value::Null), "{word}");
    }
    let blocked = replies::read(Gemini, &json!({"promptFeedback": {"blockReason": "SAFETY"}})).unwrap();
    let told = responses::write_reply(&blocked, &MANNER, &Echo::default()).text();
    // What reads the first message finds one.
    assert!(told.contains(r#""text":"""#) && told.contains("content_filter"), "{told}");
}

#[test]
fn geminis_signatures_come_and_go_beside_the_call() {
    let part = json!({"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "c2ln"});
    let body = json!({"responseId": "i", "candidates": [{"finishReason": "STOP", "content": {"parts": [part]}}]});
    let reply = replies::read(Gemini, &body).unwrap();
    let told: Value = serde_json::from_str(&responses::write_reply(&reply, &MANNER, &Echo::default()).text()).unwrap();
    let asked = read(&json!({"input": told["output"]})).unwrap();
    let signed =
        |part: &Part| matches!(part, Part::Call(Call { signature: Some(signature), .. }) if signature == "c2ln");
    assert!(asked.turns[0].parts.iter().any(signed), "{told}");
}

/// The events of a stream in the words of a dialect.
fn events(from: Dialect, stream: &str) -> Vec<Value> {
    let mut live = Live::new(from, Words::Responses(echo()), 1, MANNER, "r");
    let (mut events, mut ready) = (Events::default(), VecDeque::new());
    events.push(stream.as_bytes()).unwrap();
    while let Some(event) = events.next() {
        live.take(&event, false, &mut ready).unwrap();
    }
    live.close(&mut ready).unwrap();
    let told: Vec<u8> = ready.into_iter().flatten().collect();
    read_events(&told)
}

fn read_events(bytes: &[u8]) -> Vec<Value> {
    let mut told = Events::default();
    told.push(bytes).unwrap();
    let mut all = Vec::new();
    while let Some(event) = told.next() {
        let data: Value = serde_json::from_slice(&event.data).unwrap();
        assert_eq!(event.name.as_deref(), data["type"].as_str());
        assert_eq!(data["sequence_number"], all.len(), "{data}");
        all.push(data);
    }
    assert!(told.rest().is_empty());
    all
}

#[test]
fn st_8_a_stream_is_told_in_the_events_of_responses() {
    let text =
        ["output_item.added", "content_part.added", "output_text.delta", "output_text.delta", "output_text.done"];
    let ended = ["content_part.done", "output_item.done"];
    let called =
        ["output_item.added", "function_call_arguments.delta", "function_call_arguments.done", "output_item.done"];
    let expected = [["created", "in_progress"].as_slice(), &text, &ended, &called, &called, &["completed"]].concat();
    for from in ALL {
        let told = events(from, &streams::same(from));
        let kinds: Vec<&str> =
            told.iter().map(|event| event["type"].as_str().unwrap().strip_prefix("response.").unwrap()).collect();
        // Arguments come in as many pieces as the provider tells.
        let mut folded = kinds.clone();
        folded.dedup_by(|a, b| a == b && *a == "function_call_arguments.delta");
        assert_eq!(folded, expected, "{from:?}");

        let last = &told.last().unwrap()["response"];
        assert_eq!(last["output"].as_array().unwrap().len(), 3, "{last}");
        assert_eq!(last["output"][0]["content"][0]["text"], "Good mörning");
        assert_eq!((&last["status"], &last["usage"]["output_tokens"]), (&json!("completed"), &json!(5)));
        let ids = ["call_1_0", "call_1_1"];
        for (n, arguments) in ["{\"a\":1}", "{}"].into_iter().enumerate() {
            let item = &last["output"][n + 1];
            assert_eq!((&item["call_id"], &item["arguments"]), (&json!(ids[n]), &json!(arguments)), "{item}");
        }
        for (index, item) in last["output"].as_array().unwrap().iter().enumerate() {
            let of_item: Vec<&Value> = told.iter().filter(|event| event["output_index"] == index).collect();
            let pieces: String = of_item
                .iter()
                .filter(|event| event["type"].as_str().unwrap().ends_with(".delta"))
                .map(|event| event["delta"].as_str().unwrap())
                .collect();
            let whole = if index == 0 { &item["content"][0]["text"] } else { &item["arguments"] };
            assert_eq!(*whole, pieces, "{from:?}");
            assert_eq!(of_item.last().unwrap()["item"], *item, "{from:?}");
            assert!(of_item.iter().all(|event| event.get("item_id").is_none_or(|id| *id == item["id"])), "{from:?}");
        }
        assert_eq!(told[0]["response"]["status"], "in_progress");
        assert_eq!(told[0]["response"]["tools"], same()["tools"]);
    }
}

#[test]
fn a_stream_that_is_cut_short_by_its_length_ends_as_incomplete() {
    let stream = "data: {\"id\":\"i\",\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"length\"}]}\n\ndata: [DONE]\n\n";
    let told = events(OpenAi, stream);
    let last = told.last().unwrap();
    assert_eq!(last["type"], "response.incomplete");
    assert_eq!(last["response"]["output"][0]["status"], "incomplete");
    let silent = events(OpenAi, "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n");
    assert_eq!(silent.last().unwrap()["response"]["output"][0]["content"][0]["text"], "");
}

#[test]
fn a_failure_of_a_response_is_an_error_with_the_next_number() {
    let mut live = Live::new(OpenAi, Words::Responses(echo()), 1, MANNER, "r");
    let (mut events, mut ready) = (Events::default(), VecDeque::new());
    events.push(b"data: {\"id\":\"i\",\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n").unwrap();
    live.take(&events.next().unwrap(), false, &mut ready).unwrap();
    ready.push_back(live.fail(&Problem::new(&crate::problem::LATE)));
    let told: Vec<u8> = ready.into_iter().flatten().collect();
    let last = read_events(&told).pop().unwrap();
    assert_eq!((&last["type"], &last["code"]), (&json!("error"), &json!("OUTBOUND_LATE")), "{last}");
    assert_eq!((&last["message"], &last["error"]["type"]), (&last["error"]["message"], &json!("server_error")));
}

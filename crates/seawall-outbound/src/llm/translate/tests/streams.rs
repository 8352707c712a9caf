//! Streams: what each dialect streams, as each other.

use std::collections::VecDeque;

use proptest::prelude::*;
use seawall_core::problem::Problem;
use serde_json::{Value, json};

use crate::llm::{
    operation::{
        Dialect::{self, Anthropic, Gemini, OpenAi},
        Operation,
    },
    sse::Events,
    translate::{
        anthropic, gemini,
        live::{Garbled, Live, ReadEvents},
        openai,
        reply::{Delta, Manner},
        tests::{ALL, words},
    },
    watch::Watch,
};

/// One answer as each dialect streams it: two pieces of text, two calls, and what was used.
pub(super) fn same(dialect: Dialect) -> String {
    match dialect {
        OpenAi => of_openai(),
        Anthropic => of_anthropic(),
        Gemini => of_gemini(),
    }
}

/// Events, with their names where the dialect has names.
fn framed(names: bool, datas: &[Value]) -> String {
    let name =
        |data: &Value| if names { format!("event: {}\n", data["type"].as_str().unwrap()) } else { String::new() };
    datas.iter().map(|data| format!("{}data: {data}\n\n", name(data))).collect()
}

fn of_openai() -> String {
    let chunk = |delta: Value, finish: Value| json!({"id": "i", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], "usage": null});
    let piece = |index: u64, piece: &str| json!({"tool_calls": [{"index": index, "function": {"arguments": piece}}]});
    let begun = |index: u64, id: &str| json!({"tool_calls": [{"index": index, "id": id, "type": "function", "function": {"name": "f", "arguments": ""}}]});
    framed(
        false,
        &[
            chunk(json!({"role": "assistant", "content": ""}), Value::Null),
            chunk(json!({"content": "Good "}), Value::Null),
            chunk(json!({"content": "mörning"}), Value::Null),
            chunk(begun(0, "call_1_0"), Value::Null),
            chunk(piece(0, "{\"a\""), Value::Null),
            chunk(piece(0, ":1}"), Value::Null),
            chunk(begun(1, "call_1_1"), Value::Null),
            chunk(piece(1, "{}"), Value::Null),
            chunk(json!({}), json!("tool_calls")),
            json!({"id": "i", "model": "m", "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 5}}),
        ],
    ) + "data: [DONE]\n\n"
}

fn of_anthropic() -> String {
    let delta = |index: u64, delta: Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
    let start =
        |index: u64, block: Value| json!({"type": "content_block_start", "index": index, "content_block": block});
    let stop = |index: u64| json!({"type": "content_block_stop", "index": index});
    let text = |text: &str| json!({"type": "text_delta", "text": text});
    let piece = |piece: &str| json!({"type": "input_json_delta", "partial_json": piece});
    let call = |id: &str| json!({"type": "tool_use", "id": id, "name": "f", "input": {}});
    framed(
        true,
        &[
            json!({"type": "message_start", "message": {"id": "i", "model": "m", "usage": {"input_tokens": 7, "output_tokens": 1}}}),
            start(0, json!({"type": "thinking", "thinking": "", "signature": ""})),
            delta(0, json!({"type": "signature_delta", "signature": "s"})),
            stop(0),
            start(1, json!({"type": "text", "text": ""})),
            json!({"type": "ping"}),
            delta(1, text("Good ")),
            delta(1, text("mörning")),
            stop(1),
            start(2, call("call_1_0")),
            delta(2, piece("{\"a\"")),
            delta(2, piece(":1}")),
            stop(2),
            start(3, call("call_1_1")),
            stop(3),
            json!({"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": null}, "usage": {"output_tokens": 5}}),
            json!({"type": "message_stop"}),
        ],
    )
}

fn of_gemini() -> String {
    let part = |parts: Value| json!({"responseId": "i", "modelVersion": "m", "candidates": [{"content": {"role": "model", "parts": parts}}], "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 1}});
    let call = |args: Value| json!({"functionCall": {"name": "f", "args": args}});
    framed(
        false,
        &[
            part(json!([{"text": "Good "}])),
            part(json!([{"text": "mörning"}])),
            part(json!([call(json!({"a": 1})), call(json!({}))])),
            json!({"candidates": [{"content": {"parts": [{"text": ""}]}, "finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 5}}),
        ],
    )
}

/// What became of a stream that came in these pieces.
fn told(from: Dialect, to: Dialect, manner: Manner, pieces: &[&[u8]]) -> Result<String, Garbled> {
    let operation = [Operation::Chat, Operation::Messages, Operation::Generate][from as usize];
    let mut watch = Watch::new(from, operation, false);
    let (mut events, mut live, mut ready) =
        (Events::default(), Live::new(from, words(to), 1, manner, "r"), VecDeque::new());
    for piece in pieces {
        events.push(piece).unwrap();
        while let Some(event) = events.next() {
            watch.look(&event);
            live.take(&event, watch.failed(), &mut ready)?;
        }
    }
    live.close(&mut ready)?;
    Ok(ready.iter().map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()).collect())
}

/// Text, calls with id, name and arguments, the reason of the end, and usage.
type AllSaid = (String, Vec<[String; 3]>, String, (u64, u64));

/// What a stream says.
fn said(dialect: Dialect, stream: &str) -> AllSaid {
    let mut reader: Box<dyn ReadEvents> = match dialect {
        OpenAi => Box::new(openai::Reader::new(1)),
        Anthropic => Box::new(anthropic::Reader::default()),
        Gemini => Box::new(gemini::Reader::new(1)),
    };
    let (mut events, mut deltas) = (Events::default(), Vec::new());
    events.push(stream.as_bytes()).unwrap();
    while let Some(event) = events.next() {
        reader.read(std::str::from_utf8(&event.data).unwrap(), &mut deltas).unwrap();
    }
    assert!(events.rest().is_empty());
    let (mut text, mut calls, mut why, mut used) = (String::new(), Vec::new(), String::new(), (0, 0));
    for delta in deltas {
        match delta {
            Delta::Text(piece) => text.push_str(&piece),
            Delta::Call { id, name, .. } => calls.push([id, name, String::new()]),
            Delta::Arguments { number, piece } => calls[number][2].push_str(&piece),
            Delta::Finish(finish) => why = format!("{:?}", finish.why),
            Delta::Usage(usage) => used = (usage.input, usage.output),
            Delta::Head(head) => assert_eq!((head.id.as_str(), head.model.as_str()), ("i", "m")),
            Delta::Thought(_) | Delta::End => {}
        }
    }
    for call in &mut calls {
        if call[2].is_empty() {
            call[2].push_str("{}");
        }
    }
    (text, calls, why, used)
}

const USAGE: Manner = Manner { created_s: 1, usage: true, thoughts: false, array: false };

#[test]
fn st_8_a_stream_says_the_same_in_every_dialect() {
    let call = |id: &str, arguments: &str| [id.to_owned(), "f".to_owned(), arguments.to_owned()];
    let calls = vec![call("call_1_0", "{\"a\":1}"), call("call_1_1", "{}")];
    let expected = ("Good mörning".to_owned(), calls, "Calls".to_owned(), (7, 5));
    for from in ALL {
        for to in ALL {
            let told = told(from, to, USAGE, &[same(from).as_bytes()]).unwrap();
            let mut said = said(to, &told);
            if to == Anthropic {
                // What a question used is told at the end where it is not known before.
                said.3 = (7, said.3.1);
            }
            assert_eq!(said, expected, "{from:?} {to:?}: {told}");
        }
    }
}

#[test]
fn each_event_is_told_at_once() {
    for from in ALL {
        let stream = same(from);
        let upto = stream.find("mörning").unwrap();
        let cut = stream[..upto].rfind("\n\n").unwrap() + 2;
        for to in ALL {
            let (mut events, mut live, mut ready) =
                (Events::default(), Live::new(from, words(to), 1, USAGE, "r"), VecDeque::new());
            events.push(&stream.as_bytes()[..cut]).unwrap();
            while let Some(event) = events.next() {
                live.take(&event, false, &mut ready).unwrap();
            }
            let told: String = ready.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect();
            assert!(told.contains("Good "), "{from:?} {to:?}: {told}");
        }
    }
}

#[test]
fn usage_is_told_where_the_caller_asked() {
    let stream = same(Anthropic);
    let silent = told(Anthropic, OpenAi, Manner::default(), &[stream.as_bytes()]).unwrap();
    assert!(!silent.contains("usage") && silent.ends_with("data: [DONE]\n\n"), "{silent}");
    let asked = told(Anthropic, OpenAi, USAGE, &[stream.as_bytes()]).unwrap();
    assert_eq!(asked.matches("\"usage\":null").count() + 1, asked.matches("\"usage\":").count());
    assert_eq!(asked.matches("\"choices\":[]").count(), 1);
}

#[test]
fn an_array_is_one_whatever_becomes_of_it() {
    let manner = Manner { array: true, ..Manner::default() };
    let stream = same(OpenAi);
    let parts: Vec<Value> = serde_json::from_str(&told(OpenAi, Gemini, manner, &[stream.as_bytes()]).unwrap()).unwrap();
    assert_eq!(parts.last().unwrap()["candidates"][0]["finishReason"], "STOP");
    let mut live = Live::new(OpenAi, words(Gemini), 1, manner, "r");
    let failed = live.fail(&Problem::new(&crate::problem::LATE));
    let parts: Vec<Value> = serde_json::from_slice(&failed).unwrap();
    assert_eq!(parts[0]["error"]["code"], 504);
}

#[test]
fn a_failure_is_told_in_the_callers_words_and_is_the_last_event() {
    let failures = [
        "data: {\"error\":{\"message\":\"m\",\"type\":\"server_error\",\"code\":null}}\n\n",
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"m\"}}\n\n",
        "data: {\"error\":{\"code\":503,\"message\":\"m\",\"status\":\"UNAVAILABLE\"}}\n\n",
    ];
    for (from, failure) in ALL.into_iter().zip(failures) {
        for to in ALL {
            let told = told(from, to, USAGE, &[failure.as_bytes()]).unwrap();
            let data = told.trim_end().rsplit("data: ").next().unwrap();
            let last: Value = serde_json::from_str(data).unwrap();
            assert_eq!(last["error"]["message"], "m", "{from:?} {to:?}: {told}");
            assert!(!told.contains("[DONE]") && !told.contains("message_stop"), "{told}");
        }
    }
}

#[test]
fn an_end_without_a_reason_is_not_told_as_a_good_one() {
    for to in ALL {
        let told =
            told(OpenAi, to, USAGE, &[b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: [DONE]\n\n"])
                .unwrap();
        assert!(["\"length\"", "\"max_tokens\"", "\"OTHER\""].iter().any(|word| told.contains(word)), "{told}");
    }
}

#[test]
fn what_makes_no_sense_is_no_stream() {
    let chunk = |delta: &str| format!("data: {{\"choices\":[{{\"delta\":{delta}}}]}}\n\n");
    let nameless = chunk(r#"{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}"#);
    assert_eq!(told(OpenAi, Anthropic, USAGE, &[nameless.as_bytes()]), Err(Garbled));
    let open = chunk(r#"{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{"}}]}"#);
    assert_eq!(told(OpenAi, Gemini, USAGE, &[open.as_bytes()]), Err(Garbled));
    assert_eq!(told(Gemini, OpenAi, USAGE, &[b"data: {\n\n"]), Err(Garbled));
}

proptest! {
    #[test]
    fn pieces_make_no_difference_to_a_translation(cuts in prop::collection::vec(1_usize..40, 1..40), from in 0_usize..3, to in 0_usize..3) {
        let (from, to) = (ALL[from], ALL[to]);
        let stream = same(from);
        let (mut pieces, mut left) = (Vec::new(), stream.as_bytes());
        for cut in cuts.iter().cycle() {
            let (piece, rest) = left.split_at((*cut).min(left.len()));
            pieces.push(piece);
            left = rest;
            if left.is_empty() { break }
        }
        prop_assert_eq!(told(from, to, USAGE, &pieces), told(from, to, USAGE, &[stream.as_bytes()]));
    }
}

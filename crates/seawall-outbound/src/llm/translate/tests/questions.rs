//! Questions: one conversation in three dialects, each read and written as each other.

use serde_json::{Value, json};

use super::{ALL, FALLBACK, MODEL, read, translated, write};
use crate::llm::{
    operation::Dialect,
    translate::conversation::{Conversation, Format, Part},
};

const CITY: &str = r#"{"type":"object","properties":{"city":{"type":"string"},"at":{"type":"integer"}},"required":["city","at"],"additionalProperties":false}"#;

pub(super) fn city() -> Value {
    serde_json::from_str(CITY).unwrap()
}

/// One conversation, as each dialect has it.
pub(super) fn same(dialect: Dialect) -> Value {
    match dialect {
        Dialect::OpenAi => of_openai(),
        Dialect::Anthropic => of_anthropic(),
        Dialect::Gemini => of_gemini(),
    }
}

fn of_openai() -> Value {
    json!({
        "model": MODEL,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [
                {"type": "text", "text": "Where is it?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}},
            ]},
            {"role": "assistant", "content": "I look.", "refusal": null, "annotations": [], "tool_calls": [
                {"id": "call_1_0", "type": "function", "function": {"name": "find", "arguments": "{\"city\":\"Bergen\",\"at\":1}"}},
                {"id": "call_1_1", "type": "function", "function": {"name": "find", "arguments": "{\"city\":\"Oslo\",\"at\":2}"}},
            ]},
            {"role": "tool", "tool_call_id": "call_1_0", "content": "rain"},
            {"role": "tool", "tool_call_id": "call_1_1", "content": "{\"sun\":true}"},
            {"role": "user", "content": "And now?"},
        ],
        "tools": [{"type": "function", "function": {"name": "find", "description": "Finds.", "parameters": city()}}],
        "tool_choice": {"type": "function", "function": {"name": "find"}},
        "temperature": 0.5, "top_p": 0.9, "max_tokens": 100, "stop": ["END"], "reasoning_effort": "medium",
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": city(), "strict": true}},
    })
}

fn of_anthropic() -> Value {
    json!({
        "model": MODEL,
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "Where is it?"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
            ]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "call_1_0", "name": "find", "input": {"city": "Bergen", "at": 1}},
                {"type": "tool_use", "id": "call_1_1", "name": "find", "input": {"city": "Oslo", "at": 2}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "call_1_0", "content": "rain"},
                {"type": "tool_result", "tool_use_id": "call_1_1", "content": [{"type": "text", "text": "{\"sun\":true}"}]},
                {"type": "text", "text": "And now?"},
            ]},
        ],
        "tools": [{"name": "find", "description": "Finds.", "input_schema": city()}],
        "tool_choice": {"type": "tool", "name": "find"},
        "temperature": 0.5, "top_p": 0.9, "max_tokens": 100, "stop_sequences": ["END"],
        "output_config": {"effort": "medium", "format": {"type": "json_schema", "schema": city()}},
    })
}

fn of_gemini() -> Value {
    json!({
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {"role": "user", "parts": [
                {"text": "Where is it?"},
                {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
            ]},
            {"role": "model", "parts": [
                {"text": "hm", "thought": true},
                {"text": "I look."},
                {"functionCall": {"id": "call_1_0", "name": "find", "args": {"city": "Bergen", "at": 1}}, "thoughtSignature": "c2ln"},
                {"functionCall": {"id": "call_1_1", "name": "find", "args": {"city": "Oslo", "at": 2}}},
            ]},
            {"role": "user", "parts": [
                {"functionResponse": {"id": "call_1_0", "name": "find", "response": {"output": "rain"}}},
                {"functionResponse": {"name": "find", "response": {"sun": true}}},
                {"text": "And now?"},
            ]},
        ],
        "tools": [{"functionDeclarations": [{"name": "find", "description": "Finds.", "parametersJsonSchema": city()}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["find"]}},
        "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
        "generationConfig": {
            "temperature": 0.5, "topP": 0.9, "maxOutputTokens": 100, "stopSequences": ["END"],
            "responseMimeType": "application/json", "responseJsonSchema": city(),
            "thinkingConfig": {"thinkingLevel": "MEDIUM"},
        },
    })
}

/// Without what only one dialect knows: a schema's name, and a call's signature.
pub(super) fn common(mut asked: Conversation) -> Conversation {
    if let Format::Schema { name, description, strict, .. } = &mut asked.format {
        (*name, *description, *strict) = (None, None, None);
    }
    for part in asked.turns.iter_mut().flat_map(|turn| &mut turn.parts) {
        if let Part::Call(call) = part {
            call.signature = None;
            // JSON's members have no order that means something.
            let sorted: Value = serde_json::from_str(call.arguments.as_str()).unwrap();
            call.arguments = crate::llm::translate::tree::Raw::object(&sorted.to_string()).unwrap();
        }
    }
    asked
}

#[test]
fn st_8_one_conversation_in_three_dialects_is_the_same() {
    let expected = common(read(Dialect::OpenAi, &same(Dialect::OpenAi).to_string()).unwrap());
    assert_eq!(expected.turns.len(), 3);
    for dialect in ALL {
        assert_eq!(common(read(dialect, &same(dialect).to_string()).unwrap()), expected, "{dialect:?}");
    }
}

#[test]
fn st_8_a_question_survives_the_way_to_each_dialect_and_back() {
    for from in ALL {
        let asked = read(from, &same(from).to_string()).unwrap();
        for to in ALL {
            let written = write(to, &asked).unwrap();
            let again = read(to, &written).unwrap_or_else(|error| panic!("{from:?} {to:?}: {error:?}: {written}"));
            assert_eq!(common(again), common(asked.clone()), "{from:?} {to:?}: {written}");
        }
    }
}

#[test]
fn anthropic_gets_results_first_in_one_turn_and_the_length_that_it_wants() {
    let body = json!({"model": "x", "messages": [
        {"role": "developer", "content": "One."},
        {"role": "user", "content": "a"},
        {"role": "user", "content": ""},
        {"role": "user", "content": "b"},
        {"role": "assistant", "content": null, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}]},
        {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "x"}, {"type": "text", "text": "y"}]},
        {"role": "system", "content": "Two."},
    ]});
    let written = translated(Dialect::OpenAi, Dialect::Anthropic, &body.to_string()).unwrap();
    let expected = json!({
        "model": MODEL, "max_tokens": FALLBACK,
        "system": [{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "x\ny"}]},
        ],
    });
    assert_eq!(written, expected);
}

#[test]
fn gemini_gets_names_and_signatures_of_calls() {
    let call = |id: &str, signature: Value| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}, "extra_content": signature});
    let sent = |first: Value| {
        let body = json!({"model": "x", "messages": [
            {"role": "user", "content": "a"},
            {"role": "assistant", "tool_calls": [call("c", first), call("d", Value::Null)]},
            {"role": "tool", "tool_call_id": "d", "content": "no"},
        ]});
        translated(Dialect::OpenAi, Dialect::Gemini, &body.to_string()).unwrap()
    };
    let signatures = |written: &Value| {
        [0, 1].map(|n| written["contents"][1]["parts"][n]["thoughtSignature"].as_str().map(str::to_owned))
    };
    let signed = sent(json!({"google": {"thought_signature": "c2ln"}}));
    assert_eq!(signatures(&signed), [Some("c2ln".to_owned()), None]);
    let unsigned = sent(Value::Null);
    assert_eq!(signatures(&unsigned), [Some("skip_thought_signature_validator".to_owned()), None]);
    let expected = json!({"functionResponse": {"id": "d", "name": "f", "response": {"output": "no"}}});
    assert_eq!(unsigned["contents"][2]["parts"], json!([expected]));
}

#[test]
fn calls_without_ids_get_some_and_their_results_find_them_by_name() {
    let call = |name: &str| json!({"functionCall": {"name": name, "args": {}}});
    let result = |name: &str, text: &str| json!({"function_response": {"name": name, "response": {"error": text}}});
    let body = json!({"contents": [
        {"parts": [{"text": "a"}]},
        {"role": "model", "parts": [call("f"), call("g"), call("f")]},
        {"role": "function", "parts": [result("g", "1"), result("f", "2"), result("f", "3")]},
    ]});
    let written = translated(Dialect::Gemini, Dialect::Anthropic, &body.to_string()).unwrap();
    let ids = |turn: usize, member: &str| [0, 1, 2].map(|n| written["messages"][turn]["content"][n][member].clone());
    assert_eq!(ids(1, "id"), ["call_1_0", "call_2_1", "call_2_2"]);
    assert_eq!(ids(2, "tool_use_id"), ["call_2_1", "call_1_0", "call_2_2"]);
    assert_eq!(ids(2, "is_error"), [true, true, true]);
}

#[test]
fn schemas_keep_their_order_and_google_s_own_kind_becomes_json_schema() {
    let schema = r#"{"type":"object","properties":{"reason":{"type":"string"},"answer":{"type":"string"}}}"#;
    let body = format!(
        r#"{{"model":"x","messages":[{{"role":"user","content":"a"}}],"response_format":{{"type":"json_schema","json_schema":{{"name":"n","schema":{schema}}}}}}}"#
    );
    let asked = read(Dialect::OpenAi, &body).unwrap();
    for dialect in ALL {
        assert!(write(dialect, &asked).unwrap().contains(schema), "{dialect:?}");
    }
    let of_google = json!({"contents": [], "generation_config": {
        "response_mime_type": "application/json", "response_schema": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}},
    }});
    let written = translated(Dialect::Gemini, Dialect::OpenAi, &of_google.to_string()).unwrap();
    let expected = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    assert_eq!(written["response_format"]["json_schema"]["schema"], expected);
    assert_eq!(written["response_format"]["json_schema"]["strict"], false);
}

#[test]
fn usage_of_a_stream_is_always_asked_for() {
    let body = r#"{"model":"x","max_tokens":1,"stream":true,"messages":[{"role":"user","content":"a"}]}"#;
    let written = translated(Dialect::Anthropic, Dialect::OpenAi, body).unwrap();
    assert_eq!((&written["stream"], &written["stream_options"]["include_usage"]), (&json!(true), &json!(true)));
}

#[test]
fn effort_is_said_as_each_dialect_and_model_knows_it() {
    let body = |effort: &str| json!({"messages": [], "reasoning_effort": effort}).to_string();
    let to = |dialect, effort| translated(Dialect::OpenAi, dialect, &body(effort)).unwrap();
    assert_eq!(to(Dialect::Anthropic, "xhigh")["output_config"], json!({"effort": "max"}));
    assert_eq!(to(Dialect::Anthropic, "none")["thinking"], json!({"type": "disabled"}));
    assert_eq!(to(Dialect::Gemini, "low")["generationConfig"]["thinkingConfig"], json!({"thinkingLevel": "low"}));
    let asked = read(Dialect::OpenAi, &body("low")).unwrap();
    let earlier = crate::llm::translate::gemini::write(&asked, "gemini-2.5-pro", None).unwrap().text();
    assert!(earlier.contains(r#""thinkingConfig":{"thinkingBudget":1024}"#), "{earlier}");
    let budget = |tokens: i64| {
        let body = json!({"contents": [], "generationConfig": {"thinkingConfig": {"thinkingBudget": tokens}}});
        translated(Dialect::Gemini, Dialect::OpenAi, &body.to_string()).unwrap()["reasoning_effort"].clone()
    };
    assert_eq!(
        [-1, 0, 1_024, 8_192, 8_193].map(budget),
        [json!(null), json!("none"), json!("low"), json!("medium"), json!("high")]
    );
}

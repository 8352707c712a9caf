//! Each dialect, there and back.

use serde_json::json;

use super::*;

/// What a stream tells of an answer, made one answer again.
fn there_and_back(dialect: Dialect, operation: Operation, answer: &Value) -> Value {
    let stream = unfolded(dialect, operation, answer, true).unwrap();
    folded(dialect, operation, &stream).unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&stream)))
}

#[test]
fn a_chat_is_the_same_after_a_stream() {
    let calls = json!([
        {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{\"a\":1}"}},
        {"id": "c2", "type": "custom", "custom": {"name": "run", "input": "x"}}
    ]);
    let answer = json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 7, "model": "m", "system_fingerprint": "fp",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "caf\u{e9}", "refusal": null}, "finish_reason": "stop",
             "logprobs": {"content": [{"token": "caf", "logprob": -0.5}]}},
            {"index": 1, "message": {"role": "assistant", "content": null, "refusal": null, "tool_calls": calls},
             "finish_reason": "tool_calls", "logprobs": null}
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    });
    assert_eq!(there_and_back(Dialect::OpenAi, Operation::Chat, &answer), answer);
    let silent = unfolded(Dialect::OpenAi, Operation::Chat, &answer, false).unwrap();
    assert!(!String::from_utf8_lossy(&silent).contains("usage"), "it was not asked for");
    let spoken = json!({"choices": [{"index": 0, "message": {"audio": {"data": "AAAA"}}, "finish_reason": "stop"}]});
    assert_eq!(unfolded(Dialect::OpenAi, Operation::Chat, &spoken, true), None, "no stream tells that here");
}

#[test]
fn a_message_is_the_same_after_a_stream() {
    let answer = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
            {"type": "redacted_thinking", "data": "b3BhcXVl"},
            {"type": "text", "text": "Look:", "citations": [{"type": "char_location", "cited_text": "x"}]},
            {"type": "tool_use", "id": "t1", "name": "look", "input": {"a": [1, null]}},
            {"type": "tool_use", "id": "t2", "name": "rest", "input": {}}
        ],
        "stop_reason": "tool_use", "stop_sequence": null, "stop_details": null,
        "usage": {"input_tokens": 3, "cache_read_input_tokens": 1, "output_tokens": 9}
    });
    assert_eq!(there_and_back(Dialect::Anthropic, Operation::Messages, &answer), answer);
}

#[test]
fn a_response_is_the_same_after_a_stream() {
    let answer = json!({
        "id": "resp_1", "object": "response", "status": "completed", "error": null, "incomplete_details": null, "model": "m",
        "output": [
            {"id": "rs_1", "type": "reasoning", "summary": []},
            {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [
                {"type": "output_text", "text": "abc", "annotations": [], "logprobs": []},
                {"type": "refusal", "refusal": "no"}
            ]},
            {"id": "fc_1", "type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}", "status": "completed"}
        ],
        "usage": {"input_tokens": 3, "output_tokens": 2}
    });
    assert_eq!(there_and_back(Dialect::OpenAi, Operation::Responses, &answer), answer);
    let stream = unfolded(Dialect::OpenAi, Operation::Responses, &answer, true).unwrap();
    let numbers = events(&stream).unwrap().into_iter().map(|event| {
        let told: Value = serde_json::from_slice(&event.data).unwrap();
        assert_eq!(event.name.as_deref(), told["type"].as_str());
        told["sequence_number"].as_u64().unwrap()
    });
    let numbers: Vec<_> = numbers.collect();
    assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>());
}

#[test]
fn what_gemini_says_in_parts_is_one_answer() {
    let stream = Bytes::from_static(
        b"data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"hm\",\"thought\":true}]},\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":4},\"responseId\":\"r\"}\r\n\r\n\
          data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"Good \"}]},\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":4}}\r\n\r\n\
          data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"morning\"},{\"functionCall\":{\"name\":\"look\",\"args\":{}},\"thoughtSignature\":\"c2ln\"}]},\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":4,\"candidatesTokenCount\":2}}\r\n\r\n",
    );
    let answer = folded(Dialect::Gemini, Operation::Generate, &stream).unwrap();
    let expected = json!({
        "candidates": [{"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": [
            {"text": "hm", "thought": true}, {"text": "Good morning"},
            {"functionCall": {"name": "look", "args": {}}, "thoughtSignature": "c2ln"}
        ]}}],
        "usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": 2}, "responseId": "r"
    });
    assert_eq!(answer, expected);
    assert_eq!(there_and_back(Dialect::Gemini, Operation::Generate, &answer), answer);
}

#[test]
fn what_did_not_end_or_is_not_known_is_not_folded() {
    let chat = |stream: &'static str| folded(Dialect::OpenAi, Operation::Chat, &Bytes::from_static(stream.as_bytes()));
    let end = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    assert!(chat(end).is_some());
    assert_eq!(
        chat("data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"),
        None,
        "no [DONE]"
    );
    assert_eq!(chat("data: {\"choices\":[{\"index\":0,\"delta\":{\"audio\":{}}}]}\n\ndata: [DONE]\n\n"), None);
    assert_eq!(chat("data: {\"error\":{\"message\":\"x\"}}\n\ndata: [DONE]\n\n"), None);
    let message = Bytes::from_static(
        b"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"content\":[]}}\n\n\
          event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\n\
          event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    );
    assert_eq!(folded(Dialect::Anthropic, Operation::Messages, &message), None, "a block that never began");
}

#[test]
fn usage_is_told_again_where_it_is_wanted() {
    let stream = Bytes::from_static(
        b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}],\"usage\":null}\n\n\
          data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7}}\n\ndata: [DONE]\n\n",
    );
    assert_eq!(again(Dialect::OpenAi, Operation::Chat, &stream, true), stream);
    let silent = again(Dialect::OpenAi, Operation::Chat, &stream, false);
    assert_eq!(events(&silent).unwrap().len(), 2);
    assert_eq!(folded(Dialect::OpenAi, Operation::Chat, &stream).unwrap()["usage"]["prompt_tokens"], 7);
}

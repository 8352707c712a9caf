//! `:generateContent`, `:streamGenerateContent` as events or as one array, and `:countTokens`.

use serde_json::{Value, json};

use super::error;
use crate::demo::llm::{
    ask::{Ask, Choice, Content, Format, Tool, count, texts, tokens},
    dialect::{Asked, Dialect},
    frame::Frame,
    refused::Refused,
    reply::{Finish, Reply},
};

pub(in crate::demo::llm) const DIALECT: Dialect = Dialect { read, whole, frames, error_frame };

pub(in crate::demo::llm) fn count_tokens(asked: &Asked<'_>) -> Result<Value, Refused> {
    let inner = asked.body.get("generateContentRequest").unwrap_or(asked.body);
    let tokens = read(&Asked { body: inner, ..*asked })?.input_tokens();
    Ok(json!({ "totalTokens": tokens, "promptTokensDetails": [{ "modality": "TEXT", "tokenCount": tokens }] }))
}

fn read(asked: &Asked<'_>) -> Result<Ask, Refused> {
    let body = asked.body;
    let contents = body["contents"].as_array().filter(|contents| !contents.is_empty());
    let contents =
        contents.ok_or_else(|| Refused::request("* GenerateContentRequest.contents: contents is not specified"))?;
    let settings = &body["generationConfig"];
    let declared = body["tools"].as_array().into_iter().flatten();
    let declared = declared.filter_map(|tools| tools["functionDeclarations"].as_array()).flatten();
    let stream = asked.action == "streamGenerateContent";
    let mut ask = Ask {
        model: asked.model.to_owned(),
        tools: declared.filter_map(tool).collect(),
        choice: choice(&body["toolConfig"]["functionCallingConfig"]),
        format: format(settings),
        max_tokens: count(&settings["maxOutputTokens"]),
        stop: texts(&settings["stopSequences"]),
        choices: 1,
        stream,
        stream_usage: true,
        array: stream && !asked.query.split('&').any(|pair| pair == "alt=sse"),
        ..Ask::default()
    };
    ask.count(&Content::of(&body["systemInstruction"]["parts"]).text);
    for content in contents {
        take(&mut ask, content)?;
    }
    Ok(ask)
}

fn take(ask: &mut Ask, turn: &Value) -> Result<(), Refused> {
    let parts = turn["parts"].as_array().filter(|parts| !parts.is_empty());
    let parts = parts.ok_or_else(|| Refused::request("* GenerateContentRequest.contents.parts: must not be empty"))?;
    let content = Content::of(&turn["parts"]);
    ask.count(&content.text);
    ask.images += content.images;
    let results: Vec<String> =
        parts.iter().filter_map(|part| part.get("functionResponse")).map(|result| said(&result["response"])).collect();
    ask.tool_result = (!results.is_empty()).then(|| results.join(" "));
    if let Some(result) = ask.tool_result.clone() {
        ask.count(&result);
    }
    match turn["role"].as_str() {
        None | Some("user" | "function") => ask.prompt = content.text,
        Some("model") => {}
        Some(role) => return Err(Refused::request(format!("please use a valid role: user, model; not {role}"))),
    }
    Ok(())
}

/// What a tool said: a text stands in `output`, because Google wants an object.
fn said(response: &Value) -> String {
    let text = response["output"].as_str().filter(|_| response.as_object().is_some_and(|members| members.len() == 1));
    text.map_or_else(|| response.to_string(), str::to_owned)
}

fn tool(tool: &Value) -> Option<Tool> {
    // Google's library for Python writes it as Protocol Buffers name it, and Google takes both.
    let schema = tool.get("parametersJsonSchema").or_else(|| tool.get("parameters_json_schema"));
    let schema = schema.unwrap_or(&tool["parameters"]).clone();
    Some(Tool { name: tool["name"].as_str()?.to_owned(), schema })
}

fn choice(value: &Value) -> Choice {
    match value["mode"].as_str() {
        Some("NONE") => Choice::Never,
        Some("ANY") => match value["allowedFunctionNames"][0].as_str() {
            Some(name) => Choice::Named(name.to_owned()),
            None => Choice::Always,
        },
        _ => Choice::Auto,
    }
}

fn format(settings: &Value) -> Format {
    if settings["responseMimeType"] != "application/json" {
        return Format::Text;
    }
    let schema = settings.get("responseSchema").or_else(|| settings.get("responseJsonSchema"));
    schema.map_or(Format::Json, |schema| Format::Schema(schema.clone()))
}

fn whole(ask: &Ask, reply: &Reply) -> Value {
    response(ask, reply, &parts(reply), Some(finish_reason(reply)), reply.output_tokens)
}

/// Each frame is an answer of its own, with the tokens so far; only the last says why it ends.
fn frames(ask: &Ask, reply: &Reply) -> Vec<Frame> {
    let pieces = if reply.call.is_some() || reply.finish == Finish::Refusal { Vec::new() } else { reply.pieces() };
    let mut so_far = 0;
    let mut answers = Vec::new();
    for piece in &pieces {
        so_far += tokens(piece);
        answers.push((response(ask, reply, &json!([{ "text": piece }]), None, so_far), true));
    }
    let last = if pieces.is_empty() { parts(reply) } else { json!([{ "text": "" }]) };
    answers.push((response(ask, reply, &last, Some(finish_reason(reply)), reply.output_tokens), false));
    let count = answers.len();
    let encoded = answers.iter().enumerate().map(|(index, (answer, token))| {
        let frame = Frame { token: *token, ..encoded(ask, answer, index == 0) };
        let ends = ask.array && index + 1 == count;
        if ends { Frame { bytes: frame.bytes + "]", ..frame } } else { frame }
    });
    encoded.collect()
}

fn encoded(ask: &Ask, answer: &Value, first: bool) -> Frame {
    Frame::raw(match (ask.array, first) {
        (true, true) => format!("[{answer}"),
        (true, false) => format!("\n,\r\n{answer}"),
        (false, _) => format!("data: {answer}\r\n\r\n"),
    })
}

fn error_frame(ask: &Ask, refused: &Refused, _sent: usize) -> Frame {
    let frame = encoded(ask, &error(refused), false);
    if ask.array { Frame { bytes: frame.bytes + "]", ..frame } } else { frame }
}

/// A model that declines gives no parts.
fn parts(reply: &Reply) -> Value {
    match (&reply.call, reply.finish) {
        (Some(call), _) => {
            let call = json!({ "name": call.name, "args": call.arguments });
            json!([{ "functionCall": call, "thoughtSignature": "ZmFrZQ==" }])
        }
        (None, Finish::Refusal) => Value::Null,
        (None, _) => json!([{ "text": reply.text }]),
    }
}

fn response(ask: &Ask, reply: &Reply, parts: &Value, finish: Option<&str>, output: usize) -> Value {
    let mut candidate = json!({ "index": 0 });
    if !parts.is_null() {
        candidate["content"] = json!({ "parts": parts, "role": "model" });
    }
    if let Some(finish) = finish {
        candidate["finishReason"] = json!(finish);
    }
    if reply.finish == Finish::Refusal {
        let category = "HARM_CATEGORY_DANGEROUS_CONTENT";
        candidate["safetyRatings"] = json!([{ "category": category, "probability": "HIGH", "blocked": true }]);
    }
    let mut answer = json!({ "candidates": [candidate], "modelVersion": ask.model, "responseId": ask.id() });
    if reply.usage {
        answer["usageMetadata"] = json!({
            "promptTokenCount": reply.input_tokens,
            "candidatesTokenCount": output,
            "totalTokenCount": reply.input_tokens + output,
            "promptTokensDetails": [{ "modality": "TEXT", "tokenCount": reply.input_tokens }],
        });
    }
    answer
}

/// A call of a tool is a normal end.
const fn finish_reason(reply: &Reply) -> &'static str {
    match reply.finish {
        Finish::Stop | Finish::ToolCall => "STOP",
        Finish::Length => "MAX_TOKENS",
        Finish::Refusal => "SAFETY",
    }
}

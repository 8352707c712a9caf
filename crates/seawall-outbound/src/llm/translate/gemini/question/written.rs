//! A question in Gemini's words, written.

use serde::Deserialize;
use serde_json::{Number, Value};

use crate::llm::translate::{
    conversation::{
        Call, Choice, Conversation, Effort, Format, Image, Outcome, Part, Role, Sampling, Tool, Turn, only_text,
    },
    members::{Told, Unsaid},
    tree::{Raw, Tree, object},
};

/// As many stop sequences as it takes.
const MOST_STOPS: usize = 5;

/// What Google wants on a call of a tool that another model made, or whose signature is lost; without one, models from 3 on refuse the turn.
const UNSIGNED: &str = "skip_thought_signature_validator";

/// The question; the model stands in the path.
pub(in crate::llm::translate) fn write(asked: &Conversation, model: &str, most_output: Option<u64>) -> Told<Tree> {
    if asked.stop.len() > MOST_STOPS {
        return Err(Unsaid(format!("more than {MOST_STOPS} stop sequences are not taken there")));
    }
    if asked.parallel == Some(false) && !asked.tools.is_empty() {
        return Err(Unsaid(
            "one tool at a time (`parallel_tool_calls`, `disable_parallel_tool_use`) is not known there".to_owned(),
        ));
    }
    let contents = asked.turns.iter().map(written).collect::<Told<Vec<_>>>()?;
    let system: Vec<Tree> = asked.system.iter().map(|system| object([("text", system.into())])).collect();
    let system = (!system.is_empty()).then(|| object([("parts", system.into())]));
    let declared: Vec<Tree> = asked.tools.iter().map(write_tool).collect();
    let tools = (!declared.is_empty()).then(|| vec![object([("functionDeclarations", declared.into())])]);
    let choice = asked.choice.as_ref().map(|choice| object([("functionCallingConfig", write_choice(choice))]));
    Ok(object([
        ("contents", contents.into()),
        ("systemInstruction", system.into()),
        ("tools", tools.into()),
        ("toolConfig", choice.into()),
        ("generationConfig", config(asked, model, most_output).or_nothing()),
    ]))
}

fn config(asked: &Conversation, model: &str, most_output: Option<u64>) -> Tree {
    let Sampling { temperature, top_p, top_k, presence_penalty, frequency_penalty, seed } = asked.sampling.clone();
    let (kind, schema) = match &asked.format {
        Format::Text => (None, None),
        Format::Json => (Some("application/json"), None),
        Format::Schema { schema, .. } => (Some("application/json"), Some(schema.clone())),
    };
    object([
        ("temperature", temperature.into()),
        ("topP", top_p.into()),
        ("topK", top_k.into()),
        ("presencePenalty", presence_penalty.into()),
        ("frequencyPenalty", frequency_penalty.into()),
        ("seed", seed.into()),
        ("maxOutputTokens", most_output.into()),
        ("stopSequences", (!asked.stop.is_empty()).then(|| Value::from(asked.stop.clone())).into()),
        ("responseMimeType", kind.into()),
        ("responseJsonSchema", schema.into()),
        ("thinkingConfig", asked.effort.map(|effort| thinking(effort, model)).into()),
    ])
}

/// Models before 3 count tokens of thoughts, later ones know levels. The steps are those of Google's own translation of OpenAI's words.
fn thinking(effort: Effort, model: &str) -> Tree {
    let budget = |tokens: u64| object([("thinkingBudget", Number::from(tokens).into())]);
    let level = |level: &'static str| object([("thinkingLevel", level.into())]);
    let counts = model.contains("gemini-2");
    match effort {
        Effort::None => budget(0),
        Effort::Minimal | Effort::Low if counts => budget(1_024),
        Effort::Medium if counts => budget(8_192),
        Effort::High | Effort::Most if counts => budget(24_576),
        Effort::Minimal => level("minimal"),
        Effort::Low => level("low"),
        Effort::Medium => level("medium"),
        Effort::High | Effort::Most => level("high"),
    }
}

fn written(turn: &Turn) -> Told<Tree> {
    let role = if turn.role == Role::User { "user" } else { "model" };
    let signed = |part: &Part| matches!(part, Part::Call(Call { signature: Some(_), .. }));
    // Of several calls at once only the first is signed.
    let mut unsigned = (!turn.parts.iter().any(signed)).then_some(UNSIGNED);
    let mut parts = Vec::with_capacity(turn.parts.len());
    for part in &turn.parts {
        parts.push(match part {
            Part::Text(text) => object([("text", text.into())]),
            Part::Image(Image::Data { media_type, data }) => {
                let data = object([("mimeType", media_type.into()), ("data", data.into())]);
                object([("inlineData", data)])
            }
            Part::Image(Image::Address(_)) => {
                return Err(Unsaid(
                    "an image by its address is not taken there; send it as a `data:` address".to_owned(),
                ));
            }
            Part::Call(call) => write_call(call, call.signature.as_deref().or_else(|| unsigned.take())),
            Part::Outcome(outcome) => write_outcome(outcome)?,
        });
    }
    Ok(object([("role", role.into()), ("parts", parts.into())]))
}

/// A call, as questions and answers have it.
pub(in crate::llm::translate::gemini) fn write_call(call: &Call, signature: Option<&str>) -> Tree {
    let function =
        object([("id", (&call.id).into()), ("name", (&call.name).into()), ("args", call.arguments.clone().into())]);
    object([("functionCall", function), ("thoughtSignature", signature.into())])
}

/// `output` and `error` are Google's own names for what is no object.
fn write_outcome(outcome: &Outcome) -> Told<Tree> {
    let text = only_text(&outcome.said)
        .ok_or_else(|| Unsaid("an image among what a tool said is not taken there".to_owned()))?;
    let wrapped = |text: String| object([(if outcome.failed { "error" } else { "output" }, text.into())]);
    let response = match Raw::object(&text).filter(|_| !outcome.failed) {
        Some(raw) => raw.into(),
        None => wrapped(text),
    };
    let function = object([("id", (&outcome.id).into()), ("name", (&outcome.name).into()), ("response", response)]);
    Ok(object([("functionResponse", function)]))
}

/// What a tool said, out of the object that Gemini wants it in; and whether it failed.
pub(super) fn unwrapped(response: String) -> (String, bool) {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wrapped {
        output: Option<String>,
        error: Option<String>,
    }
    match serde_json::from_str::<Wrapped>(&response) {
        Ok(Wrapped { output: Some(text), error: None }) => (text, false),
        Ok(Wrapped { output: None, error: Some(text) }) => (text, true),
        _ => (response, false),
    }
}

fn write_tool(tool: &Tool) -> Tree {
    object([
        ("name", (&tool.name).into()),
        ("description", tool.description.as_ref().into()),
        ("parametersJsonSchema", tool.parameters.clone().into()),
    ])
}

fn write_choice(choice: &Choice) -> Tree {
    let (mode, allowed) = match choice {
        Choice::Auto => ("AUTO", None),
        Choice::Never => ("NONE", None),
        Choice::Always => ("ANY", None),
        Choice::Named(name) => ("ANY", Some(vec![Tree::from(name)])),
    };
    object([("mode", mode.into()), ("allowedFunctionNames", allowed.into())])
}

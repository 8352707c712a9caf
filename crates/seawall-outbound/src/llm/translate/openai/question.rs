//! A question in OpenAI's words, read and written.

use serde_json::json;

use crate::llm::translate::{
    conversation::{
        Call, Choice, Conversation, Effort, Format, Image, Outcome, Part, Role, Sampling, Tool, Turn, Turns, Wants,
        of_data_url, only_text,
    },
    members::{Members, TextOr, Told, Unsaid},
    schema,
    tree::{Raw, Tree, object},
};

/// What means nothing elsewhere and does no harm: bookkeeping, caching and the like.
const IGNORED: [&str; 10] = [
    "model",
    "user",
    "metadata",
    "store",
    "service_tier",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "prompt_cache_options",
    "prediction",
];

/// As many stop sequences as it takes.
const MOST_STOPS: usize = 4;

pub(in crate::llm::translate) fn read(body: &str) -> Told<Conversation> {
    let mut call = Members::of(body, String::new())?;
    call.ignore(&IGNORED);
    for (name, value) in [
        ("n", json!(1)),
        ("logprobs", json!(false)),
        ("top_logprobs", json!(0)),
        ("logit_bias", json!({})),
        ("modalities", json!(["text"])),
        ("verbosity", json!("medium")),
    ] {
        call.only(name, &value)?;
    }
    let mut options = call.object("stream_options")?;
    let usage = options.as_mut().map(|options| options.flag("include_usage")).transpose()?.flatten();
    let mut conversation = Conversation {
        tools: call.objects("tools")?.into_iter().map(tool).collect::<Told<_>>()?,
        choice: choice(&mut call, chosen)?,
        parallel: call.flag("parallel_tool_calls")?,
        sampling: Sampling {
            temperature: call.number("temperature")?,
            top_p: call.number("top_p")?,
            top_k: None,
            presence_penalty: call.number("presence_penalty")?,
            frequency_penalty: call.number("frequency_penalty")?,
            seed: call.number("seed")?,
        },
        // `max_tokens` is the older name.
        most_output: call.count("max_completion_tokens")?.or(call.count("max_tokens")?),
        stop: stop(&mut call)?,
        format: call.object("response_format")?.map(format).transpose()?.unwrap_or_default(),
        effort: call.text("reasoning_effort")?.map(|word| effort(&word, "reasoning_effort")).transpose()?,
        wants: Wants {
            stream: call.flag("stream")?.unwrap_or_default(),
            usage: usage.unwrap_or_default(),
            thoughts: false,
        },
        ..Conversation::default()
    };
    let mut turns = Turns::default();
    for message in call.objects("messages")? {
        take(&mut conversation, &mut turns, message)?;
    }
    conversation.turns = turns.done();
    call.done()?;
    Ok(conversation)
}

fn take(conversation: &mut Conversation, turns: &mut Turns, mut message: Members<'_>) -> Told<()> {
    match message.needed("role")?.as_str() {
        "system" | "developer" => {
            let texts = said(&mut message)?;
            let text = only_text(&texts).ok_or_else(|| Unsaid(format!("`{}` is no text", message.place("content"))))?;
            conversation.system.push(text);
        }
        "user" => said(&mut message)?.into_iter().for_each(|part| turns.say(Role::User, part)),
        "assistant" => {
            message.ignore(&["annotations", "reasoning_content", "reasoning", "reasoning_details"]);
            said(&mut message)?.into_iter().for_each(|part| turns.say(Role::Assistant, part));
            if let Some(text) = message.text("refusal")? {
                turns.say(Role::Assistant, Part::Text(text));
            }
            for call in message.objects("tool_calls")? {
                turns.call(tool_call(call)?);
            }
        }
        "tool" => {
            let (id, place) = (message.needed("tool_call_id")?, message.place("tool_call_id"));
            let texts = said(&mut message)?;
            turns.outcome(id, texts, false, &place)?;
        }
        _ => return Err(Unsaid(format!("a message of the role at `{}` is not carried", message.place("role")))),
    }
    message.done()
}

/// Texts and images of a message.
fn said(message: &mut Members<'_>) -> Told<Vec<Part>> {
    match message.text_or_objects("content")? {
        TextOr::Text(text) => Ok(vec![Part::Text(text)]),
        TextOr::Objects(parts) => parts.into_iter().map(part).collect(),
    }
}

fn part(mut part: Members<'_>) -> Told<Part> {
    let kind = part.needed("type")?;
    let read = match kind.as_str() {
        "text" => Part::Text(part.needed("text")?),
        "refusal" => Part::Text(part.needed("refusal")?),
        "image_url" => {
            let mut image = part.needed_object("image_url")?;
            image.ignore(&["detail"]);
            let url = image.needed("url")?;
            image.done()?;
            Part::Image(of_data_url(&url).unwrap_or(Image::Address(url)))
        }
        _ => return Err(Unsaid(format!("what `{}` names is not carried", part.place("type")))),
    };
    part.done()?;
    Ok(read)
}

fn tool_call(mut call: Members<'_>) -> Told<Call> {
    call.ignore(&["index"]);
    call.only("type", &json!("function"))?;
    let id = call.needed("id")?;
    let signature = signature(&mut call)?;
    let mut function = call.needed_object("function")?;
    let (name, text) = (function.needed("name")?, function.text("arguments")?.unwrap_or_default());
    let text = if text.trim().is_empty() { "{}" } else { &text };
    let arguments = Raw::object(text)
        .ok_or_else(|| Unsaid(format!("`{}` is not the text of a JSON object", function.place("arguments"))))?;
    function.done()?;
    call.done()?;
    Ok(Call { id, name, arguments, signature })
}

/// Gemini's signature of a call, where Google puts it when it speaks these words itself.
pub(in crate::llm::translate) fn signature(call: &mut Members<'_>) -> Told<Option<String>> {
    let mut google = call.object("extra_content")?.map(|mut extra| extra.object("google")).transpose()?.flatten();
    google.as_mut().map_or(Ok(None), |google| google.text("thought_signature"))
}

/// The same, written.
pub(in crate::llm::translate) fn extra_content(signature: Option<&String>) -> Tree {
    let google = |signature: &String| object([("google", object([("thought_signature", signature.into())]))]);
    signature.map(google).into()
}

fn tool(mut tool: Members<'_>) -> Told<Tool> {
    tool.only("type", &json!("function"))?;
    let mut function = tool.needed_object("function")?;
    let read = Tool {
        name: function.needed("name")?,
        description: function.text("description")?,
        parameters: function.raw("parameters")?,
        strict: function.flag("strict")?,
    };
    function.done()?;
    tool.done()?;
    Ok(read)
}

/// Which tool is called. Chats and responses say the same but where the name of the one tool stands, which `name` reads.
pub(in crate::llm::translate) fn choice(
    call: &mut Members<'_>,
    name: impl FnOnce(Members<'_>) -> Told<String>,
) -> Told<Option<Choice>> {
    let Some(value) = call.take("tool_choice") else { return Ok(None) };
    let place = call.place("tool_choice");
    if let Ok(word) = serde_json::from_str::<String>(value.get()) {
        return match word.as_str() {
            "auto" => Ok(Some(Choice::Auto)),
            "none" => Ok(Some(Choice::Never)),
            "required" => Ok(Some(Choice::Always)),
            _ => Err(Unsaid(format!("what `{place}` says is not carried"))),
        };
    }
    let mut named = Members::of(value.get(), place)?;
    named.only("type", &json!("function"))?;
    Ok(Some(Choice::Named(name(named)?)))
}

fn chosen(mut named: Members<'_>) -> Told<String> {
    named.needed_object("function")?.needed("name")
}

fn stop(call: &mut Members<'_>) -> Told<Vec<String>> {
    match call.take("stop") {
        None => Ok(Vec::new()),
        Some(value) => {
            let one = serde_json::from_str::<String>(value.get()).map(|text| vec![text]);
            one.or_else(|_| serde_json::from_str(value.get())).map_err(|_| Unsaid("`stop` is no text".to_owned()))
        }
    }
}

fn format(mut format: Members<'_>) -> Told<Format> {
    let read = match format.needed("type")?.as_str() {
        "text" => Format::Text,
        "json_object" => Format::Json,
        "json_schema" => {
            let place = format.place("json_schema");
            let missing = || Unsaid(format!("`{place}` has no schema"));
            let mut inner = format.object("json_schema")?.ok_or_else(missing)?;
            let read = Format::Schema {
                name: inner.text("name")?,
                description: inner.text("description")?,
                schema: inner.raw("schema")?.ok_or_else(missing)?,
                strict: inner.flag("strict")?,
            };
            inner.done()?;
            read
        }
        _ => return Err(Unsaid(format!("what `{}` says is not carried", format.place("type")))),
    };
    format.done()?;
    Ok(read)
}

/// The effort that this word at this place asks for.
pub(in crate::llm::translate) fn effort(word: &str, place: &str) -> Told<Effort> {
    EFFORTS
        .iter()
        .find(|(known, _)| *known == word)
        .map(|(_, effort)| *effort)
        .ok_or_else(|| Unsaid(format!("what `{place}` says is not carried")))
}

/// The first word of each is the one that is written.
const EFFORTS: [(&str, Effort); 7] = [
    ("none", Effort::None),
    ("minimal", Effort::Minimal),
    ("low", Effort::Low),
    ("medium", Effort::Medium),
    ("high", Effort::High),
    ("xhigh", Effort::Most),
    ("max", Effort::Most),
];

/// The question, with a limit of the answer in the member that the provider wants.
pub(in crate::llm::translate) fn write(
    asked: &Conversation,
    model: &str,
    (limit, most_output): (&'static str, Option<u64>),
) -> Told<Tree> {
    let Sampling { temperature, top_p, top_k, presence_penalty, frequency_penalty, seed } = asked.sampling.clone();
    if top_k.is_some() {
        return Err(Unsaid(
            "the number of likeliest tokens to choose from (`top_k`, `topK`) is not known there".to_owned(),
        ));
    }
    if asked.stop.len() > MOST_STOPS {
        return Err(Unsaid(format!("more than {MOST_STOPS} stop sequences are not taken there")));
    }
    let mut messages: Vec<Tree> =
        asked.system.iter().map(|text| object([("role", "system".into()), ("content", text.into())])).collect();
    for turn in &asked.turns {
        written(turn, &mut messages)?;
    }
    let tools: Vec<Tree> = asked.tools.iter().map(write_tool).collect();
    let effort = asked.effort.and_then(|effort| EFFORTS.iter().find(|(_, known)| *known == effort));
    let include_usage = || object([("include_usage", true.into())]);
    Ok(object([
        ("model", model.into()),
        ("messages", messages.into()),
        ("tools", (!tools.is_empty()).then_some(tools).into()),
        ("tool_choice", asked.choice.as_ref().map(write_choice).into()),
        ("parallel_tool_calls", asked.parallel.into()),
        ("temperature", temperature.into()),
        ("top_p", top_p.into()),
        ("presence_penalty", presence_penalty.into()),
        ("frequency_penalty", frequency_penalty.into()),
        ("seed", seed.into()),
        (limit, most_output.into()),
        ("stop", (!asked.stop.is_empty()).then(|| texts(&asked.stop)).into()),
        ("response_format", write_format(&asked.format)),
        ("reasoning_effort", effort.map(|(word, _)| *word).into()),
        ("stream", asked.wants.stream.then_some(true).into()),
        ("stream_options", asked.wants.stream.then(include_usage).into()),
    ]))
}

fn texts(texts: &[String]) -> Tree {
    Tree::List(texts.iter().map(Tree::from).collect())
}

fn written(turn: &Turn, messages: &mut Vec<Tree>) -> Told<()> {
    let (mut parts, mut calls) = (Vec::new(), Vec::new());
    for part in &turn.parts {
        match part {
            Part::Outcome(outcome) => messages.push(write_outcome(outcome)?),
            Part::Call(call) => calls.push(write_call(call)),
            Part::Image(_) if turn.role == Role::Assistant => {
                return Err(Unsaid("an image in an answer of the assistant is not taken there".to_owned()));
            }
            Part::Text(_) | Part::Image(_) => parts.push(part),
        }
    }
    if parts.is_empty() && calls.is_empty() {
        return Ok(());
    }
    let content = match parts.as_slice() {
        [] => Tree::Nothing,
        [Part::Text(text)] => text.into(),
        many => Tree::List(many.iter().filter_map(|part| write_part(part)).collect()),
    };
    let role = if turn.role == Role::User { "user" } else { "assistant" };
    let calls = (!calls.is_empty()).then_some(calls);
    messages.push(object([("role", role.into()), ("content", content), ("tool_calls", calls.into())]));
    Ok(())
}

fn write_part(part: &Part) -> Option<Tree> {
    match part {
        Part::Text(text) => Some(object([("type", "text".into()), ("text", text.into())])),
        Part::Image(image) => {
            let url = match image {
                Image::Data { media_type, data } => format!("data:{media_type};base64,{data}"),
                Image::Address(url) => url.clone(),
            };
            Some(object([("type", "image_url".into()), ("image_url", object([("url", url.into())]))]))
        }
        Part::Call(_) | Part::Outcome(_) => None,
    }
}

fn write_outcome(outcome: &Outcome) -> Told<Tree> {
    let text = only_text(&outcome.said)
        .ok_or_else(|| Unsaid("an image among what a tool said is not taken there".to_owned()))?;
    Ok(object([("role", "tool".into()), ("tool_call_id", (&outcome.id).into()), ("content", text.into())]))
}

/// A call, as questions and answers have it.
pub(super) fn write_call(call: &Call) -> Tree {
    let function = object([("name", (&call.name).into()), ("arguments", call.arguments.as_str().into())]);
    object([
        ("id", (&call.id).into()),
        ("type", "function".into()),
        ("function", function),
        ("extra_content", extra_content(call.signature.as_ref())),
    ])
}

fn write_tool(tool: &Tool) -> Tree {
    let function = object([
        ("name", (&tool.name).into()),
        ("description", tool.description.as_ref().into()),
        ("parameters", tool.parameters.clone().into()),
        ("strict", tool.strict.into()),
    ]);
    object([("type", "function".into()), ("function", function)])
}

fn write_choice(choice: &Choice) -> Tree {
    match choice {
        Choice::Auto => "auto".into(),
        Choice::Never => "none".into(),
        Choice::Always => "required".into(),
        Choice::Named(name) => object([("type", "function".into()), ("function", object([("name", name.into())]))]),
    }
}

fn write_format(format: &Format) -> Tree {
    match format {
        Format::Text => Tree::Nothing,
        Format::Json => object([("type", "json_object".into())]),
        Format::Schema { name, description, schema, strict } => {
            let inner = object([
                ("name", name.as_deref().unwrap_or("answer").into()),
                ("description", description.as_ref().into()),
                ("schema", schema.clone().into()),
                // Elsewhere a schema always holds; here it does where it can.
                ("strict", strict.unwrap_or_else(|| schema::closed(schema)).into()),
            ]);
            object([("type", "json_schema".into()), ("json_schema", inner)])
        }
    }
}

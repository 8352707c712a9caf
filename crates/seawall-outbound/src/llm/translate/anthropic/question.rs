//! A question in Anthropic's words, read and written.

use serde_json::{Value, json};

use crate::llm::translate::{
    conversation::{
        Call, Choice, Conversation, Effort, Format, Image, Part, Role, Sampling, Tool, Turn, Turns, Wants, only_text,
    },
    members::{Members, TextOr, Told, Unsaid},
    tree::{Raw, Tree, object},
};

/// What means nothing elsewhere and does no harm.
const IGNORED: [&str; 5] = ["model", "metadata", "service_tier", "inference_geo", "cache_control"];

/// The same of a block.
const IGNORED_IN_BLOCK: [&str; 3] = ["cache_control", "citations", "caller"];

/// The highest temperature that it takes.
const HOTTEST: f64 = 1.0;

pub(in crate::llm::translate) fn read(body: &str) -> Told<Conversation> {
    let mut call = Members::of(body, String::new())?;
    call.ignore(&IGNORED);
    call.only("mcp_servers", &json!([]))?;
    let (choice, parallel) = call.object("tool_choice")?.map(choice).transpose()?.unwrap_or_default();
    let (format, effort) = call.object("output_config")?.map(output).transpose()?.unwrap_or_default();
    let thinking = call.object("thinking")?.map(thinking).transpose()?.flatten();
    let mut conversation = Conversation {
        tools: call.objects("tools")?.into_iter().map(tool).collect::<Told<_>>()?,
        choice,
        parallel,
        sampling: Sampling {
            temperature: call.number("temperature")?,
            top_p: call.number("top_p")?,
            top_k: call.count("top_k")?,
            ..Sampling::default()
        },
        most_output: call.count("max_tokens")?,
        stop: call.texts("stop_sequences")?,
        format,
        effort: effort.or(thinking),
        wants: Wants { stream: call.flag("stream")?.unwrap_or_default(), ..Wants::default() },
        system: system(&mut call, "system")?,
        ..Conversation::default()
    };
    let mut turns = Turns::default();
    for mut message in call.objects("messages")? {
        let role = match message.needed("role")?.as_str() {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "system" => {
                conversation.system.extend(system(&mut message, "content")?);
                message.done()?;
                continue;
            }
            _ => return Err(Unsaid(format!("a message of the role at `{}` is not carried", message.place("role")))),
        };
        match message.text_or_objects("content")? {
            TextOr::Text(text) => turns.say(role, Part::Text(text)),
            TextOr::Objects(blocks) => {
                for block in blocks {
                    take(&mut turns, role, block)?;
                }
            }
        }
        message.done()?;
    }
    conversation.turns = turns.done();
    call.done()?;
    Ok(conversation)
}

fn system(call: &mut Members<'_>, name: &str) -> Told<Vec<String>> {
    let place = call.place(name);
    let parts = match call.text_or_objects(name)? {
        TextOr::Text(text) => vec![Part::Text(text)],
        TextOr::Objects(blocks) => blocks.into_iter().map(content).collect::<Told<_>>()?,
    };
    let text = |part| match part {
        Part::Text(text) => Ok(text),
        _ => Err(Unsaid(format!("`{place}` is no text"))),
    };
    let texts: Vec<String> = parts.into_iter().map(text).collect::<Told<_>>()?;
    Ok(texts.into_iter().filter(|text| !text.is_empty()).collect())
}

fn take(turns: &mut Turns, role: Role, mut block: Members<'_>) -> Told<()> {
    let kind = block.text("type")?.unwrap_or_default();
    match (kind.as_str(), role) {
        // What was thought is signed for the one model that thought it.
        ("thinking" | "redacted_thinking", Role::Assistant) => return Ok(()),
        ("tool_use", Role::Assistant) => {
            block.ignore(&IGNORED_IN_BLOCK);
            let (id, name) = (block.needed("id")?, block.needed("name")?);
            let arguments = block.raw("input")?.or_else(|| Raw::object("{}"));
            let arguments = arguments.ok_or_else(|| Unsaid(format!("`{}` is missing", block.place("input"))))?;
            turns.call(Call { id, name, arguments, signature: None });
        }
        ("tool_result", Role::User) => {
            block.ignore(&IGNORED_IN_BLOCK);
            let (id, place) = (block.needed("tool_use_id")?, block.place("tool_use_id"));
            let failed = block.flag("is_error")?.unwrap_or_default();
            let said = match block.text_or_objects("content")? {
                TextOr::Text(text) => vec![Part::Text(text)],
                TextOr::Objects(blocks) => blocks.into_iter().map(content).collect::<Told<_>>()?,
            };
            turns.outcome(id, said, failed, &place)?;
        }
        _ => {
            turns.say(role, known(block, &kind)?);
            return Ok(());
        }
    }
    block.done()
}

fn content(mut block: Members<'_>) -> Told<Part> {
    let kind = block.text("type")?.unwrap_or_default();
    known(block, &kind)
}

/// A text or an image.
fn known(mut block: Members<'_>, kind: &str) -> Told<Part> {
    block.ignore(&IGNORED_IN_BLOCK);
    let read = match kind {
        "text" => Part::Text(block.needed("text")?),
        "image" => {
            let mut source = block.needed_object("source")?;
            let image = match source.needed("type")?.as_str() {
                "base64" => Image::Data { media_type: source.needed("media_type")?, data: source.needed("data")? },
                "url" => Image::Address(source.needed("url")?),
                _ => return Err(Unsaid(format!("what `{}` names is not carried", source.place("type")))),
            };
            source.done()?;
            Part::Image(image)
        }
        _ => return Err(Unsaid(format!("what `{}` names is not carried", block.place("type")))),
    };
    block.done()?;
    Ok(read)
}

fn tool(mut tool: Members<'_>) -> Told<Tool> {
    tool.ignore(&["cache_control", "eager_input_streaming"]);
    tool.only("type", &json!("custom"))?;
    tool.only("defer_loading", &json!(false))?;
    let read = Tool {
        name: tool.needed("name")?,
        description: tool.text("description")?,
        parameters: tool.raw("input_schema")?,
        strict: tool.flag("strict")?,
    };
    tool.done()?;
    Ok(read)
}

/// Whether tools are called, and whether several at once.
fn choice(mut choice: Members<'_>) -> Told<(Option<Choice>, Option<bool>)> {
    let read = match choice.needed("type")?.as_str() {
        "auto" => Choice::Auto,
        "any" => Choice::Always,
        "none" => Choice::Never,
        "tool" => Choice::Named(choice.needed("name")?),
        _ => return Err(Unsaid(format!("what `{}` says is not carried", choice.place("type")))),
    };
    let parallel = choice.flag("disable_parallel_tool_use")?.map(|disabled| !disabled);
    choice.done()?;
    Ok((Some(read), parallel))
}

fn output(mut output: Members<'_>) -> Told<(Format, Option<Effort>)> {
    let effort = match output.text("effort")?.as_deref() {
        None => None,
        Some("low") => Some(Effort::Low),
        Some("medium") => Some(Effort::Medium),
        Some("high") => Some(Effort::High),
        Some("xhigh" | "max") => Some(Effort::Most),
        Some(_) => return Err(Unsaid(format!("what `{}` says is not carried", output.place("effort")))),
    };
    let mut format = Format::Text;
    if let Some(mut schema) = output.object("format")? {
        schema.only("type", &json!("json_schema"))?;
        let place = schema.place("schema");
        let read = schema.raw("schema")?.ok_or_else(|| Unsaid(format!("`{place}` is missing")))?;
        format = Format::Schema {
            name: schema.text("name")?,
            description: schema.text("description")?,
            schema: read,
            strict: None,
        };
        schema.done()?;
    }
    output.done()?;
    Ok((format, effort))
}

/// `disabled` is what holds unless a call says otherwise, and `adaptive` leaves it to the model, as other dialects do.
fn thinking(mut thinking: Members<'_>) -> Told<Option<Effort>> {
    thinking.ignore(&["display"]);
    let effort = match thinking.needed("type")?.as_str() {
        "disabled" | "adaptive" => None,
        "enabled" => thinking.count("budget_tokens")?.map(Effort::of_budget),
        _ => return Err(Unsaid(format!("what `{}` says is not carried", thinking.place("type")))),
    };
    thinking.done()?;
    Ok(effort)
}

/// The question, with a limit of the answer, which Anthropic wants.
pub(in crate::llm::translate) fn write(asked: &Conversation, model: &str, most_output: u64) -> Told<Tree> {
    let Sampling { temperature, top_p, top_k, presence_penalty, frequency_penalty, seed: _ } = asked.sampling.clone();
    for (name, penalty) in [("presence_penalty", presence_penalty), ("frequency_penalty", frequency_penalty)] {
        if penalty.and_then(|penalty| penalty.as_f64()).is_some_and(|penalty| penalty != 0.0) {
            return Err(Unsaid(format!("`{name}` is not known there")));
        }
    }
    if temperature.as_ref().and_then(serde_json::Number::as_f64).is_some_and(|temperature| temperature > HOTTEST) {
        return Err(Unsaid(format!("`temperature` above {HOTTEST} is not taken there")));
    }
    let system: Vec<Tree> = asked.system.iter().map(|system| text(system)).collect();
    let messages = asked.turns.iter().map(written).collect::<Told<Vec<_>>>()?;
    let tools: Vec<Tree> = asked.tools.iter().map(write_tool).collect();
    let config = object([("format", write_format(&asked.format)?), ("effort", write_effort(asked.effort).into())]);
    let thinking = (asked.effort == Some(Effort::None)).then(|| object([("type", "disabled".into())]));
    Ok(object([
        ("model", model.into()),
        ("max_tokens", most_output.into()),
        ("system", (!system.is_empty()).then_some(system).into()),
        ("messages", messages.into()),
        ("tools", (!tools.is_empty()).then_some(tools).into()),
        ("tool_choice", write_choice(asked)),
        ("temperature", temperature.into()),
        ("top_p", top_p.into()),
        ("top_k", top_k.into()),
        ("stop_sequences", (!asked.stop.is_empty()).then(|| Value::from(asked.stop.clone())).into()),
        ("output_config", config.or_nothing()),
        ("thinking", thinking.into()),
        ("stream", asked.wants.stream.then_some(true).into()),
    ]))
}

fn text(text: &str) -> Tree {
    object([("type", "text".into()), ("text", text.into())])
}

fn written(turn: &Turn) -> Told<Tree> {
    let role = if turn.role == Role::User { "user" } else { "assistant" };
    let content = match turn.parts.as_slice() {
        [Part::Text(text)] => text.into(),
        parts => Tree::List(parts.iter().map(|part| block(part, turn.role)).collect::<Told<_>>()?),
    };
    Ok(object([("role", role.into()), ("content", content)]))
}

fn block(part: &Part, role: Role) -> Told<Tree> {
    Ok(match part {
        Part::Text(said) => text(said),
        Part::Image(_) if role == Role::Assistant => {
            return Err(Unsaid("an image in an answer of the assistant is not taken there".to_owned()));
        }
        Part::Image(image) => {
            let source = match image {
                Image::Data { media_type, data } => {
                    object([("type", "base64".into()), ("media_type", media_type.into()), ("data", data.into())])
                }
                Image::Address(url) => object([("type", "url".into()), ("url", url.into())]),
            };
            object([("type", "image".into()), ("source", source)])
        }
        Part::Call(call) => write_call(call),
        Part::Outcome(outcome) => {
            let content = match only_text(&outcome.said) {
                Some(text) => text.into(),
                None => Tree::List(outcome.said.iter().map(|part| block(part, Role::User)).collect::<Told<_>>()?),
            };
            object([
                ("type", "tool_result".into()),
                ("tool_use_id", (&outcome.id).into()),
                ("content", content),
                ("is_error", outcome.failed.then_some(true).into()),
            ])
        }
    })
}

/// A call, as questions and answers have it.
pub(super) fn write_call(call: &Call) -> Tree {
    object([
        ("type", "tool_use".into()),
        ("id", (&call.id).into()),
        ("name", (&call.name).into()),
        ("input", call.arguments.clone().into()),
    ])
}

fn write_tool(tool: &Tool) -> Tree {
    let anything = || Raw::object(r#"{"type":"object","properties":{}}"#);
    object([
        ("name", (&tool.name).into()),
        ("description", tool.description.as_ref().into()),
        ("input_schema", tool.parameters.clone().or_else(anything).into()),
        ("strict", tool.strict.filter(|strict| *strict).into()),
    ])
}

fn write_choice(asked: &Conversation) -> Tree {
    let one_at_once = asked.parallel == Some(false);
    let (kind, name) = match &asked.choice {
        None if one_at_once && !asked.tools.is_empty() => ("auto", None),
        None => return Tree::Nothing,
        Some(Choice::Auto) => ("auto", None),
        Some(Choice::Always) => ("any", None),
        Some(Choice::Never) => return object([("type", "none".into())]),
        Some(Choice::Named(name)) => ("tool", Some(name)),
    };
    let disable = one_at_once.then_some(true);
    object([("type", kind.into()), ("name", name.into()), ("disable_parallel_tool_use", disable.into())])
}

fn write_format(format: &Format) -> Told<Tree> {
    match format {
        Format::Text => Ok(Tree::Nothing),
        Format::Json => Err(Unsaid(
            "JSON without a schema is not known there; give a schema, or ask for JSON in the prompt".to_owned(),
        )),
        Format::Schema { schema, .. } => {
            Ok(object([("type", "json_schema".into()), ("schema", schema.clone().into())]))
        }
    }
}

const fn write_effort(effort: Option<Effort>) -> Option<&'static str> {
    match effort {
        None | Some(Effort::None) => None,
        Some(Effort::Minimal | Effort::Low) => Some("low"),
        Some(Effort::Medium) => Some("medium"),
        Some(Effort::High) => Some("high"),
        Some(Effort::Most) => Some("max"),
    }
}

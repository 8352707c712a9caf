//! A question in the words of OpenAI's responses, read.

use serde_json::json;

use crate::llm::translate::{
    conversation::{
        Call, Conversation, Format, Image, Part, Role, Sampling, Tool, Turns, Wants, of_data_url, only_text,
    },
    members::{Members, TextOr, Told, Unsaid},
    openai::{choice, effort, signature},
    reply::arguments,
};

/// What means nothing elsewhere and does no harm. Nothing is stored here, which the answer says.
const IGNORED: [&str; 11] = [
    "model",
    "user",
    "metadata",
    "store",
    "service_tier",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "prompt_cache_options",
    // Padding of events.
    "stream_options",
    // Of tools that the provider runs itself, which are refused.
    "max_tool_calls",
];

/// The same of an item and of a part of one: what they were called, and what libraries read out of them.
const IGNORED_IN_ITEM: [&str; 6] = ["id", "status", "phase", "detail", "prompt_cache_breakpoint", "parsed_arguments"];

pub(in crate::llm::translate) fn read(body: &str) -> Told<Conversation> {
    let mut call = Members::of(body, String::new())?;
    call.ignore(&IGNORED);
    for (name, value) in [("background", json!(false)), ("truncation", json!("disabled")), ("top_logprobs", json!(0))] {
        call.only(name, &value)?;
    }
    if call.texts("include")?.iter().any(|what| what != "reasoning.encrypted_content") {
        return Err(Unsaid("what `include` says is not carried".to_owned()));
    }
    let mut text = call.object("text")?;
    let format = text.as_mut().map(format).transpose()?.flatten();
    text.map(Members::done).transpose()?;
    let mut conversation = Conversation {
        system: call.text("instructions")?.into_iter().filter(|text| !text.is_empty()).collect(),
        tools: call.objects("tools")?.into_iter().map(tool).collect::<Told<_>>()?,
        choice: choice(&mut call, chosen)?,
        parallel: call.flag("parallel_tool_calls")?,
        sampling: Sampling {
            temperature: call.number("temperature")?,
            top_p: call.number("top_p")?,
            ..Sampling::default()
        },
        most_output: call.count("max_output_tokens")?,
        format: format.unwrap_or_default(),
        // A response always tells its usage.
        wants: Wants { stream: call.flag("stream")?.unwrap_or_default(), usage: true, thoughts: false },
        ..Conversation::default()
    };
    if let Some(mut reasoning) = call.object("reasoning")? {
        // Thoughts are told to nobody here, and a summary of them neither.
        reasoning.ignore(&["summary", "generate_summary"]);
        reasoning.only("context", &json!("auto"))?;
        reasoning.only("mode", &json!("standard"))?;
        let place = reasoning.place("effort");
        conversation.effort = reasoning.text("effort")?.map(|word| effort(&word, &place)).transpose()?;
        reasoning.done()?;
    }
    let mut turns = Turns::default();
    match call.text_or_objects("input")? {
        TextOr::Text(text) => turns.say(Role::User, Part::Text(text)),
        TextOr::Objects(items) => {
            for item in items {
                take(&mut conversation, &mut turns, item)?;
            }
        }
    }
    conversation.turns = turns.done();
    call.done()?;
    Ok(conversation)
}

/// An item; those of the shortest kind, messages, need not say what they are.
fn take(conversation: &mut Conversation, turns: &mut Turns, mut item: Members<'_>) -> Told<()> {
    let kind = item.text("type")?.unwrap_or_else(|| "message".to_owned());
    item.ignore(&IGNORED_IN_ITEM);
    match kind.as_str() {
        "message" => message(conversation, turns, &mut item)?,
        "function_call" => {
            item.only("caller", &json!({"type": "direct"}))?;
            item.only("async", &json!(false))?;
            let (id, name) = (item.needed("call_id")?, item.needed("name")?);
            let text = item.text("arguments")?.unwrap_or_default();
            let wrong = || Unsaid(format!("`{}` is not the text of a JSON object", item.place("arguments")));
            let arguments = arguments(&text).ok_or_else(wrong)?;
            turns.call(Call { id, name, arguments, signature: signature(&mut item)? });
        }
        "function_call_output" => {
            item.ignore(&["name"]);
            item.only("caller", &json!({"type": "direct"}))?;
            let (id, place) = (item.needed("call_id")?, item.place("call_id"));
            turns.outcome(id, parts(&mut item, "output")?, false, &place)?;
        }
        // What was thought is sealed for the one model that thought it.
        "reasoning" => return Ok(()),
        // What libraries send in place of an item that they take to be stored.
        "item_reference" => {
            let place = item.place("type");
            return Err(Unsaid(format!(
                "what `{place}` refers to is stored nowhere; say `store: false`, and send the item"
            )));
        }
        _ => return Err(Unsaid(format!("what `{}` names is not carried", item.place("type")))),
    }
    item.done()
}

fn message(conversation: &mut Conversation, turns: &mut Turns, message: &mut Members<'_>) -> Told<()> {
    let role = match message.needed("role")?.as_str() {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" | "developer" => {
            let texts = parts(message, "content")?;
            let text = only_text(&texts).ok_or_else(|| Unsaid(format!("`{}` is no text", message.place("content"))))?;
            conversation.system.extend(Some(text).filter(|text| !text.is_empty()));
            return Ok(());
        }
        _ => return Err(Unsaid(format!("a message of the role at `{}` is not carried", message.place("role")))),
    };
    parts(message, "content")?.into_iter().for_each(|part| turns.say(role, part));
    Ok(())
}

/// Texts and images.
fn parts(item: &mut Members<'_>, name: &str) -> Told<Vec<Part>> {
    match item.text_or_objects(name)? {
        TextOr::Text(text) => Ok(vec![Part::Text(text)]),
        TextOr::Objects(parts) => parts.into_iter().map(part).collect(),
    }
}

fn part(mut part: Members<'_>) -> Told<Part> {
    let kind = part.needed("type")?;
    part.ignore(&IGNORED_IN_ITEM);
    let read = match kind.as_str() {
        "input_text" => Part::Text(part.needed("text")?),
        "output_text" => {
            part.ignore(&["annotations", "logprobs", "parsed"]);
            Part::Text(part.needed("text")?)
        }
        "refusal" => Part::Text(part.needed("refusal")?),
        // An image of `file_id` is at OpenAI and nowhere else, and is left to be refused.
        "input_image" => match part.text("image_url")? {
            Some(url) => Part::Image(of_data_url(&url).unwrap_or(Image::Address(url))),
            None => return Err(Unsaid(format!("an image without `{}` is not carried", part.place("image_url")))),
        },
        _ => return Err(Unsaid(format!("what `{}` names is not carried", part.place("type")))),
    };
    part.done()?;
    Ok(read)
}

fn tool(mut tool: Members<'_>) -> Told<Tool> {
    tool.only("type", &json!("function"))?;
    tool.ignore(&["output_schema"]);
    tool.only("allowed_callers", &json!(["direct"]))?;
    tool.only("defer_loading", &json!(false))?;
    tool.only("async", &json!(false))?;
    let read = Tool {
        name: tool.needed("name")?,
        description: tool.text("description")?,
        parameters: tool.raw("parameters")?,
        strict: tool.flag("strict")?,
    };
    tool.done()?;
    Ok(read)
}

fn chosen(mut named: Members<'_>) -> Told<String> {
    let name = named.needed("name")?;
    named.done()?;
    Ok(name)
}

/// What `text` says of the answer.
fn format(text: &mut Members<'_>) -> Told<Option<Format>> {
    text.only("verbosity", &json!("medium"))?;
    let Some(mut format) = text.object("format")? else { return Ok(None) };
    let read = match format.needed("type")?.as_str() {
        "text" => Format::Text,
        "json_object" => Format::Json,
        "json_schema" => {
            let place = format.place("schema");
            Format::Schema {
                name: format.text("name")?,
                description: format.text("description")?,
                schema: format.raw("schema")?.ok_or_else(|| Unsaid(format!("`{place}` is missing")))?,
                strict: format.flag("strict")?,
            }
        }
        _ => return Err(Unsaid(format!("what `{}` says is not carried", format.place("type")))),
    };
    format.done()?;
    Ok(Some(read))
}

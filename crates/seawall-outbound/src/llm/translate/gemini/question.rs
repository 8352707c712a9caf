//! A question in Gemini's words, read.

use std::collections::{HashMap, VecDeque};

use serde_json::json;

use crate::llm::translate::{
    conversation::{Call, Choice, Conversation, Effort, Format, Image, Part, Role, Sampling, Tool, Turns, Wants},
    members::{Members, Told, Unsaid},
    reply::made_id,
    schema,
    tree::Raw,
};

mod written;

pub(in crate::llm::translate) use written::write;
pub(super) use written::write_call;

/// What means nothing elsewhere: each provider has filters of its own.
const IGNORED: [&str; 3] = ["model", "labels", "safetySettings"];

pub(in crate::llm::translate) fn read(body: &str, stream: bool) -> Told<Conversation> {
    let mut call = Members::of(body, String::new())?.in_either_spelling();
    call.ignore(&IGNORED);
    let mut conversation = Conversation::default();
    if let Some(config) = call.object("generationConfig")? {
        configured(&mut conversation, config)?;
    }
    conversation.wants.stream = stream;
    for mut tools in call.objects("tools")? {
        for declared in tools.objects("functionDeclarations")? {
            conversation.tools.push(tool(declared)?);
        }
        tools.done()?;
    }
    if let Some(mut config) = call.object("toolConfig")? {
        conversation.choice = config.object("functionCallingConfig")?.map(choice).transpose()?;
        config.done()?;
    }
    if let Some(mut system) = call.object("systemInstruction")? {
        system.ignore(&["role"]);
        for mut part in system.objects("parts")? {
            conversation.system.extend(part.text("text")?.filter(|text| !text.is_empty()));
            part.done()?;
        }
        system.done()?;
    }
    let mut reading = Reading::default();
    for mut content in call.objects("contents")? {
        let role = match content.text("role")?.as_deref() {
            None | Some("user" | "function") => Role::User,
            Some("model") => Role::Assistant,
            Some(_) => {
                return Err(Unsaid(format!("a turn of the role at `{}` is not carried", content.place("role"))));
            }
        };
        for part in content.objects("parts")? {
            reading.take(role, part)?;
        }
        content.done()?;
    }
    conversation.turns = reading.turns.done();
    call.done()?;
    Ok(conversation)
}

fn configured(conversation: &mut Conversation, mut config: Members<'_>) -> Told<()> {
    config.ignore(&["mediaResolution"]);
    config.only("candidateCount", &json!(1))?;
    config.only("responseLogprobs", &json!(false))?;
    config.only("responseModalities", &json!(["TEXT"]))?;
    conversation.sampling = Sampling {
        temperature: config.number("temperature")?,
        top_p: config.number("topP")?,
        top_k: config.count("topK")?,
        presence_penalty: config.number("presencePenalty")?,
        frequency_penalty: config.number("frequencyPenalty")?,
        seed: config.number("seed")?,
    };
    conversation.most_output = config.count("maxOutputTokens")?;
    conversation.stop = config.texts("stopSequences")?;
    conversation.format = format(&mut config)?;
    if let Some(mut thinking) = config.object("thinkingConfig")? {
        let place = thinking.place("thinkingLevel");
        let level = match thinking.text("thinkingLevel")?.map(|level| level.to_ascii_uppercase()).as_deref() {
            None | Some("THINKING_LEVEL_UNSPECIFIED") => None,
            Some("MINIMAL") => Some(Effort::Minimal),
            Some("LOW") => Some(Effort::Low),
            Some("MEDIUM") => Some(Effort::Medium),
            Some("HIGH") => Some(Effort::High),
            Some(_) => return Err(Unsaid(format!("what `{place}` says is not carried"))),
        };
        // A negative budget leaves it to the model.
        let budget = thinking.number("thinkingBudget")?.and_then(|budget| budget.as_u64()).map(Effort::of_budget);
        conversation.effort = level.or(budget);
        conversation.wants =
            Wants { thoughts: thinking.flag("includeThoughts")?.unwrap_or_default(), ..conversation.wants };
        thinking.done()?;
    }
    config.done()
}

fn format(config: &mut Members<'_>) -> Told<Format> {
    let of_google = config.take("responseSchema");
    let place = config.place("responseSchema");
    let of_google = of_google.map(|schema| schema::of_gemini(schema, &place)).transpose()?;
    let schema = config.raw("responseJsonSchema")?.or(of_google);
    match (config.text("responseMimeType")?.as_deref(), schema) {
        (None | Some("text/plain"), None) => Ok(Format::Text),
        (Some("application/json"), None) => Ok(Format::Json),
        (Some("application/json"), Some(schema)) => {
            Ok(Format::Schema { name: None, description: None, schema, strict: None })
        }
        _ => Err(Unsaid(format!("what `{}` says is not carried", config.place("responseMimeType")))),
    }
}

fn tool(mut declared: Members<'_>) -> Told<Tool> {
    declared.ignore(&["response", "responseJsonSchema"]);
    let place = declared.place("parameters");
    let of_google = declared.take("parameters").map(|schema| schema::of_gemini(schema, &place)).transpose()?;
    let read = Tool {
        name: declared.needed("name")?,
        description: declared.text("description")?,
        parameters: declared.raw("parametersJsonSchema")?.or(of_google),
        strict: None,
    };
    declared.done()?;
    Ok(read)
}

fn choice(mut config: Members<'_>) -> Told<Choice> {
    let place = config.place("mode");
    let allowed = config.texts("allowedFunctionNames")?;
    let read = match (config.text("mode")?.as_deref(), allowed.as_slice()) {
        (None | Some("AUTO" | "MODE_UNSPECIFIED"), []) => Choice::Auto,
        (Some("NONE"), _) => Choice::Never,
        (Some("ANY"), []) => Choice::Always,
        (Some("ANY"), [name]) => Choice::Named(name.clone()),
        (Some("ANY"), _) => {
            return Err(Unsaid(format!(
                "more than one name in `{}` is not carried",
                config.place("allowedFunctionNames")
            )));
        }
        _ => return Err(Unsaid(format!("what `{place}` says is not carried"))),
    };
    config.done()?;
    Ok(read)
}

/// Turns, and calls that nobody has answered: their answers may name only the tool.
#[derive(Debug, Default)]
struct Reading {
    turns: Turns,
    waiting: HashMap<String, VecDeque<String>>,
    calls: usize,
}

impl Reading {
    fn take(&mut self, role: Role, mut part: Members<'_>) -> Told<()> {
        let signature = part.text("thoughtSignature")?;
        part.ignore(&["mediaResolution", "videoMetadata"]);
        let thought = part.flag("thought")?.unwrap_or_default();
        if let Some(text) = part.text("text")? {
            // What was thought is not told again.
            if !thought {
                self.turns.say(role, Part::Text(text));
            }
        }
        if let Some(mut data) = part.object("inlineData")? {
            data.ignore(&["displayName"]);
            let (media_type, place) = (data.needed("mimeType")?, data.place("mimeType"));
            if !media_type.starts_with("image/") {
                return Err(Unsaid(format!("what `{place}` names is no image, and is not carried")));
            }
            self.turns.say(role, Part::Image(Image::Data { media_type, data: data.needed("data")? }));
            data.done()?;
        }
        if let Some(call) = part.object("functionCall")? {
            self.call(call, signature)?;
        }
        if let Some(outcome) = part.object("functionResponse")? {
            self.outcome(outcome)?;
        }
        part.done()
    }

    fn call(&mut self, mut call: Members<'_>, signature: Option<String>) -> Told<()> {
        let name = call.needed("name")?;
        let made = || made_id(self.turns.len(), self.calls);
        let id = call.text("id")?.filter(|id| !id.is_empty()).unwrap_or_else(made);
        self.calls += 1;
        let none = || Raw::object("{}");
        let arguments = call.raw("args")?.or_else(none);
        let arguments = arguments.ok_or_else(|| Unsaid(format!("`{}` is missing", call.place("args"))))?;
        self.waiting.entry(name.clone()).or_default().push_back(id.clone());
        self.turns.call(Call { id, name, arguments, signature });
        call.done()
    }

    fn outcome(&mut self, mut outcome: Members<'_>) -> Told<()> {
        let (name, place) = (outcome.needed("name")?, outcome.place("name"));
        let waiting = self.waiting.entry(name).or_default();
        let id = match outcome.text("id")?.filter(|id| !id.is_empty()) {
            Some(id) => {
                waiting.retain(|other| *other != id);
                id
            }
            None => {
                waiting.pop_front().ok_or_else(|| Unsaid(format!("`{place}` answers no call of a tool before it")))?
            }
        };
        let response = outcome.raw("response")?.map_or_else(|| "{}".to_owned(), |raw| raw.as_str().to_owned());
        let (text, failed) = written::unwrapped(response);
        self.turns.outcome(id, vec![Part::Text(text)], failed, &place)?;
        outcome.only("willContinue", &json!(false))?;
        outcome.done()
    }
}

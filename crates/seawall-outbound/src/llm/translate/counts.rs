//! Counts of tokens: Anthropic's `count_tokens`, Gemini's `countTokens`, and OpenAI's `responses/input_tokens`, which callers speak and providers are
//! not asked in.

use serde::Deserialize;

use super::{
    anthropic,
    asking::{Place, Written, plain_model},
    conversation::{Conversation, Sampling, Wants},
    gemini,
    members::{Members, Told, Unsaid},
    passing::Wanted,
    responses,
    tree::{Tree, object},
};
use crate::llm::{
    operation::Dialect,
    target::{Question, Target},
};

/// What is counted, as its provider gets it.
pub(super) fn written(question: &Question<'_>, body: &str, target: &Target) -> Told<Written> {
    let asked = read(question.asked.dialect, body)?;
    let (body, place) = match target.provider.settings.dialect {
        Dialect::OpenAi => return Err(unknown()),
        Dialect::Anthropic => (of_anthropic(&asked, &target.model)?, Place::At("/v1/messages/count_tokens")),
        Dialect::Gemini => (of_gemini(&asked, &target.model)?, Place::OfModel("countTokens")),
    };
    Ok(Written { body, place, stream: false, wanted: Wanted::Count })
}

fn unknown() -> Unsaid {
    Unsaid("counts of tokens are not known there".to_owned())
}

/// What is counted, without what changes nothing in it: how the answer would be found, and how long it might be.
pub(super) fn read(dialect: Dialect, body: &str) -> Told<Conversation> {
    let asked = match dialect {
        Dialect::OpenAi => responses::read(body)?,
        Dialect::Anthropic => anthropic::read(body)?,
        Dialect::Gemini => {
            let mut call = Members::of(body, String::new())?.in_either_spelling();
            match call.take("generateContentRequest") {
                None => gemini::read(body, false)?,
                Some(whole) => {
                    call.done()?;
                    gemini::read(whole.get(), false)?
                }
            }
        }
    };
    let (sampling, wants) = (Sampling::default(), Wants::default());
    Ok(Conversation { sampling, wants, most_output: None, stop: Vec::new(), ..asked })
}

pub(super) fn of_anthropic(asked: &Conversation, model: &str) -> Told<Tree> {
    // A question wants a length, and a count takes none.
    Ok(match anthropic::write(asked, model, 1)? {
        Tree::Object(members) => Tree::Object(members.into_iter().filter(|(name, _)| name != "max_tokens").collect()),
        other => other,
    })
}

/// In the form that has room for more than turns.
pub(super) fn of_gemini(asked: &Conversation, model: &str) -> Told<Tree> {
    let Tree::Object(mut members) = gemini::write(asked, model, None)? else {
        return Err(unknown());
    };
    members.insert(0, ("model".into(), format!("models/{}", plain_model(model)).into()));
    Ok(object([("generateContentRequest", Tree::Object(members))]))
}

#[derive(Deserialize)]
struct OfAnthropic {
    input_tokens: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfGemini {
    total_tokens: u64,
}

/// A count of this provider's in a caller's words; nothing when it is none.
pub(super) fn told(from: Dialect, to: Dialect, body: &str) -> Option<Tree> {
    let tokens = match from {
        Dialect::OpenAi => return None,
        Dialect::Anthropic => serde_json::from_str::<OfAnthropic>(body).ok()?.input_tokens,
        Dialect::Gemini => serde_json::from_str::<OfGemini>(body).ok()?.total_tokens,
    };
    Some(match to {
        Dialect::OpenAi => object([("object", "response.input_tokens".into()), ("input_tokens", tokens.into())]),
        Dialect::Anthropic => object([("input_tokens", tokens.into())]),
        Dialect::Gemini => object([("totalTokens", tokens.into())]),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn counted(from: Dialect, body: &Value) -> Value {
        let asked = read(from, &body.to_string()).unwrap();
        let tree = if from == Dialect::Anthropic { of_gemini(&asked, "models/m") } else { of_anthropic(&asked, "m") };
        serde_json::from_str(&tree.unwrap().text()).unwrap()
    }

    #[test]
    fn st_8_what_is_counted_is_the_same_in_both_dialects() {
        let schema = json!({"type": "object", "properties": {}});
        let of_anthropic = json!({"model": "m", "system": "Be brief.", "messages": [{"role": "user", "content": "a"}],
            "tools": [{"name": "f", "input_schema": schema}]});
        let whole = json!({"model": "models/m", "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "contents": [{"role": "user", "parts": [{"text": "a"}]}],
            "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": schema}]}]});
        let of_gemini = json!({"generateContentRequest": whole});
        assert_eq!(counted(Dialect::Anthropic, &of_anthropic), of_gemini);
        let back = counted(Dialect::Gemini, &of_gemini);
        let system = json!([{"type": "text", "text": "Be brief."}]);
        assert_eq!((&back["system"], &back["tools"]), (&system, &of_anthropic["tools"]), "{back}");
        assert_eq!((&back["messages"], &back["model"]), (&of_anthropic["messages"], &json!("m")), "{back}");
        let of_openai = json!({"model": "m", "instructions": "Be brief.", "input": "a",
            "tools": [{"type": "function", "name": "f", "parameters": schema}]});
        assert_eq!(counted(Dialect::OpenAi, &of_openai), back);
    }

    #[test]
    fn what_a_count_does_not_take_is_left_out() {
        let config = json!({"temperature": 2, "topK": 3, "maxOutputTokens": 5, "stopSequences": ["END"]});
        let body = json!({"contents": [{"parts": [{"text": "a"}]}], "generationConfig": config});
        let told = counted(Dialect::Gemini, &body);
        assert_eq!(told, json!({"model": "m", "messages": [{"role": "user", "content": "a"}]}));
        let both = json!({"contents": [], "generateContentRequest": {"contents": []}});
        assert_eq!(read(Dialect::Gemini, &both.to_string()).unwrap_err().0, "`contents` is not carried");
    }

    #[test]
    fn a_count_is_told_in_the_callers_words() {
        let told = |from, to, body: &str| told(from, to, body).map(|tree| tree.text());
        let of_gemini = r#"{"totalTokens":7,"promptTokensDetails":[]}"#;
        let to_anthropic = told(Dialect::Gemini, Dialect::Anthropic, of_gemini);
        assert_eq!(to_anthropic.as_deref(), Some(r#"{"input_tokens":7}"#));
        let to_gemini = told(Dialect::Anthropic, Dialect::Gemini, r#"{"input_tokens":7}"#);
        assert_eq!(to_gemini.as_deref(), Some(r#"{"totalTokens":7}"#));
        let to_openai = told(Dialect::Gemini, Dialect::OpenAi, of_gemini);
        assert_eq!(to_openai.as_deref(), Some(r#"{"object":"response.input_tokens","input_tokens":7}"#));
        assert_eq!(told(Dialect::Anthropic, Dialect::Gemini, r#"{"input_tokens":-1}"#), None);
    }
}

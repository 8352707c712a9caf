//! What models answer, read with doubt: JSON that may stand in a fence, lack members, or hold others than were asked for. Pure.

use serde_json::Value;

use crate::project::{Feasibility, MOST_DESCRIPTION, Part, Specification};

/// Characters of one text of a model; what is longer is cut.
const MOST_TEXT: usize = 4_000;

/// Entries of one list of a model; those beyond are left out.
const MOST_ENTRIES: usize = 200;

/// The JSON object in an answer, whatever stands around it.
pub(crate) fn object(answer: &str) -> Option<Value> {
    let (first, last) = (answer.find('{')?, answer.rfind('}')?);
    serde_json::from_str(answer.get(first..=last)?).ok()
}

/// Whether it can be built; nothing when the answer does not say so.
pub(crate) fn feasibility(answer: &Value) -> Option<Feasibility> {
    let revised = text(answer, "revised_specification").map(|text| cut(&text, MOST_DESCRIPTION));
    Some(Feasibility {
        feasible: answer.get("feasible")?.as_bool()?,
        reason: text(answer, "reason").unwrap_or_default(),
        revised,
    })
}

/// The next question; `Some(None)` when the model has none.
#[expect(clippy::option_option, reason = "no answer, no question, a question")]
pub(crate) fn question(answer: &Value) -> Option<Option<String>> {
    answer.get("question")?;
    Some(text(answer, "question"))
}

/// The specification; nothing when nothing of one is there.
pub(crate) fn specification(answer: &Value) -> Option<Specification> {
    let specification = Specification {
        name: text(answer, "name"),
        summary: text(answer, "summary"),
        dimensions: text(answer, "dimensions"),
        bill_of_materials: entries(answer, "bill_of_materials").filter_map(part).collect(),
        assembly: entries(answer, "assembly").filter_map(of_value).collect(),
    };
    (specification != Specification::default()).then_some(specification)
}

fn part(value: &Value) -> Option<Part> {
    let named = Part { part: text(value, "part")?, quantity: text(value, "quantity"), note: text(value, "note") };
    Some(named)
}

fn entries<'a>(answer: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    answer.get(name).and_then(Value::as_array).into_iter().flatten().take(MOST_ENTRIES)
}

fn text(answer: &Value, name: &str) -> Option<String> {
    of_value(answer.get(name)?)
}

/// A text, or a number as text: models write quantities either way.
fn of_value(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then(|| cut(&text, MOST_TEXT))
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_found_in_a_fence_and_nowhere_else() {
        assert_eq!(object("```json\n{\"a\": 1}\n```"), Some(json!({ "a": 1 })));
        for none in ["", "I am sorry.", "{", "}{", "{\"a\": }"] {
            assert_eq!(object(none), None, "{none}");
        }
    }

    #[test]
    fn st_10_a_specification_may_lack_any_of_its_parts() {
        let read =
            specification(&json!({ "summary": "A lamp.", "bill_of_materials": null, "assembly": ["Glue.", 7, {}] }));
        let read = read.expect("a specification");
        assert_eq!((read.summary.as_deref(), read.name), (Some("A lamp."), None));
        assert_eq!((read.bill_of_materials.len(), read.assembly), (0, vec!["Glue.".to_owned(), "7".to_owned()]));
        let parts = json!({ "bill_of_materials": [{ "part": "LED", "quantity": 3 }, { "quantity": 1 }, "screw"] });
        let read = specification(&parts).expect("a specification");
        assert_eq!((read.bill_of_materials.len(), read.bill_of_materials[0].quantity.as_deref()), (1, Some("3")));
        for nothing in [json!({}), json!([]), json!("text"), json!({ "bill_of_materials": 4 })] {
            assert_eq!(specification(&nothing), None, "{nothing}");
        }
    }

    #[test]
    fn an_answer_that_does_not_say_is_none() {
        assert_eq!(feasibility(&json!({ "feasible": "yes" })), None);
        let no =
            feasibility(&json!({ "feasible": false, "revised_specification": "a".repeat(3_000) })).expect("an answer");
        assert_eq!(no.revised.map(|text| text.len()), Some(MOST_DESCRIPTION), "it can be used as a description");
        assert_eq!(question(&json!({})), None);
        assert_eq!(question(&json!({ "question": null })), Some(None));
        assert_eq!(question(&json!({ "question": "How large?" })), Some(Some("How large?".to_owned())));
    }
}

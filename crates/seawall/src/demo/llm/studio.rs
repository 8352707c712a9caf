//! What `fake-studio` answers: what the studio of the examples asks, by the members of the schema that it wants. Pure.
//!
//! Words of the product's description choose what happens, so that everything can be seen without a provider:
//!
//! | word | what happens |
//! |---|---|
//! | `perpetual` | it cannot be built, and a revised specification says what could be |
//! | `unlucky` | the first answer to each question is no JSON, the second is good |
//! | `sketchy` | the specification has no bill of materials |
//! | `slow` | the first picture of each kind never comes |

use std::borrow::Cow;

use serde_json::{Value, json};

use super::ask::{Ask, Format};

const MODEL: &str = "fake-studio";

const QUESTIONS: [&str; 5] = [
    "How large may it be?",
    "What is it powered by?",
    "Where is it used, indoors or outdoors?",
    "How many of them are to be built?",
    "What may one of them cost?",
];

/// The model whose faults a prompt asks for.
pub(super) fn model<'m>(model: &'m str, prompt: &str) -> Cow<'m, str> {
    // Pictures are asked for by a prompt that names their kind; what is said of a product is the same in both.
    let drawn = prompt.starts_with("A blueprint");
    match model {
        MODEL if drawn && prompt.contains("slow") => Cow::Borrowed("fake-studio-hang-once"),
        MODEL if !drawn && prompt.contains("unlucky") => Cow::Borrowed("fake-studio-malformed-once"),
        _ => Cow::Borrowed(model),
    }
}

/// The answer to one of the studio's questions; nothing when it is none.
pub(super) fn answer(ask: &Ask) -> Option<String> {
    let Format::Schema(schema) = &ask.format else { return None };
    let wants = |member: &str| schema.pointer(&format!("/properties/{member}")).is_some();
    let answer = if wants("feasible") {
        feasibility(&ask.prompt)
    } else if wants("question") {
        json!({ "question": QUESTIONS.get(ask.prompt.matches("\nAnswer: ").count() % QUESTIONS.len()) })
    } else if wants("bill_of_materials") {
        specification(&ask.prompt)
    } else {
        return None;
    };
    Some(answer.to_string())
}

fn feasibility(prompt: &str) -> Value {
    if prompt.contains("perpetual") {
        json!({
            "feasible": false,
            "reason": "Nothing gives more energy than it takes.",
            "revised_specification": "A desk lamp with a battery that a solar panel charges.",
        })
    } else {
        json!({ "feasible": true, "reason": "All its parts can be bought.", "revised_specification": null })
    }
}

fn specification(prompt: &str) -> Value {
    let mut specification = json!({
        "name": "Prototype 1",
        "summary": "A product as it was described, for a first series.",
        "dimensions": "120 mm x 80 mm x 40 mm",
        "bill_of_materials": [
            { "part": "Microcontroller", "quantity": 1, "note": "with a radio" },
            { "part": "Lithium cell", "quantity": 2, "note": "protected" },
            { "part": "Screw M2", "quantity": 6, "note": "" },
        ],
        "assembly": ["Solder the board.", "Put board and cells into the case.", "Close it with six screws."],
    });
    if let Some(members) = specification.as_object_mut().filter(|_| prompt.contains("sketchy")) {
        members.remove("bill_of_materials");
    }
    specification
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(member: &str, prompt: &str) -> Value {
        let format = Format::Schema(json!({ "properties": { member: {} } }));
        let ask = Ask { prompt: prompt.to_owned(), format, ..Ask::default() };
        serde_json::from_str(&answer(&ask).expect("it answers")).expect("JSON")
    }

    #[test]
    fn words_of_the_description_choose_what_is_answered() {
        assert_eq!(asked("feasible", "a lamp")["feasible"], true);
        let no = asked("feasible", "a perpetual lamp");
        assert!(no["feasible"] == false && no["revised_specification"].is_string(), "{no}");
        assert!(asked("bill_of_materials", "a lamp")["bill_of_materials"].is_array());
        assert!(asked("bill_of_materials", "a sketchy lamp").get("bill_of_materials").is_none());
        assert_eq!(model(MODEL, "an unlucky lamp"), "fake-studio-malformed-once");
        assert_eq!(model(MODEL, "A blueprint of a slow lamp"), "fake-studio-hang-once");
        assert_eq!(model(MODEL, "A blueprint of an unlucky lamp"), MODEL);
        assert_eq!(model("fake", "an unlucky lamp"), "fake", "other models know nothing of it");
    }

    #[test]
    fn each_round_has_a_question_of_its_own() {
        let first = asked("question", "a lamp");
        let second = asked("question", "a lamp\n\nQuestion: How large may it be?\nAnswer: small\n");
        assert!(first["question"].is_string() && first != second, "{first} {second}");
        assert_eq!(answer(&Ask::default()), None, "who asks for no schema asks something else");
    }
}

//! The text of a variable or an option as a value of a field's form.

use seawall_core::settings::{Raw, Shape};
use toml::de::DeValue;

use super::value;

/// The value that `text` means for a field of this form. Numbers, flags and lists are read as TOML has them, a list also
/// as items with commas between; what does not fit stays text, and the field's own check says what is wrong.
pub(super) fn coerce(shape: &Shape, text: &str) -> Result<Raw, String> {
    let trimmed = text.trim();
    Ok(match shape {
        Shape::Flag if trimmed.eq_ignore_ascii_case("true") => Raw::Flag(true),
        Shape::Flag if trimmed.eq_ignore_ascii_case("false") => Raw::Flag(false),
        Shape::Integer => trimmed.replace('_', "").parse().map_or_else(|_| Raw::Text(text.to_owned()), Raw::Integer),
        Shape::List(_) if trimmed.starts_with('[') => list(trimmed)?,
        Shape::List(inner) => Raw::List(
            trimmed
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| coerce(inner, item))
                .collect::<Result<_, _>>()?,
        ),
        Shape::Flag | Shape::Text(..) | Shape::Choice(_) | Shape::Secret | Shape::Address => Raw::Text(text.to_owned()),
    })
}

fn list(text: &str) -> Result<Raw, String> {
    let broken = || "the list cannot be read; write [\"a\", \"b\"], or a, b without brackets and quotes".to_owned();
    let value = DeValue::parse(text).map_err(|_| broken())?;
    value::raw(&value).map_err(|unusable| unusable.reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: Shape = Shape::List(&Shape::Text("text", ""));

    #[test]
    fn values_take_the_form_of_their_field() {
        let text = |text: &str| Raw::Text(text.to_owned());
        for (shape, written, expect) in [
            (Shape::Flag, "True", Raw::Flag(true)),
            (Shape::Flag, "yes", text("yes")),
            (Shape::Integer, " 1_000 ", Raw::Integer(1_000)),
            (Shape::Integer, "many", text("many")),
            (Shape::Text("text", ""), "30", text("30")),
            (Shape::Secret, " s=1 ", text(" s=1 ")),
            (TEXTS, "a, b,", Raw::List(vec![text("a"), text("b")])),
            (TEXTS, "", Raw::List(vec![])),
            (TEXTS, "[\"a, b\"]", Raw::List(vec![text("a, b")])),
            (Shape::List(&Shape::Integer), "1, 2", Raw::List(vec![Raw::Integer(1), Raw::Integer(2)])),
        ] {
            assert_eq!(coerce(&shape, written), Ok(expect), "{written}");
        }
        assert!(coerce(&TEXTS, "[\"a\"").is_err());
    }
}

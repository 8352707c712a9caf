//! Listed values, numbers and text.

use std::borrow::Cow;

use seawall_core::clock::Now;
use serde_json::Value;

use super::{
    super::{
        at::At,
        formats::date_in_future,
        instance::Instance,
        node::{Node, Numbers, Texts},
        number::Number,
        pattern::MOST_BYTES,
    },
    Check,
};

/// The most bytes of listed values that are shown.
const SHOWN: usize = 200;

/// Whether a value that holds no others passes a schema that is made of no others. Nothing has to be made to say so, and most do.
pub(super) fn fits(node: &Node, value: &Instance<'_>, now: Now) -> bool {
    if node.composed.is_some() || node.one_of_values.is_some() || !node.kinds.has(value.kinds()) {
        return false;
    }
    match value {
        Instance::Number(number) => node.numbers.as_ref().is_none_or(|numbers| number_fits(numbers, *number)),
        Instance::Text(text) => node.texts.as_ref().is_none_or(|texts| text_fits(texts, text, now)),
        Instance::Null | Instance::Flag(_) => true,
        Instance::Array(_) | Instance::Object(_) => false,
    }
}

impl<'v> Check<'_, 'v> {
    pub(super) fn values(&mut self, node: &Node, value: &Instance<'v>, at: &At<'_>) -> bool {
        let Some(values) = &node.one_of_values else { return true };
        values.iter().any(|one| value.same(one)) || self.fault(|spot| spot.fault(at, "enum", listed(values), value))
    }

    pub(super) fn number(&mut self, node: &Node, number: Number, value: &Instance<'v>, at: &At<'_>) -> bool {
        let Some(numbers) = &node.numbers else { return true };
        let mut passes = true;
        let mut rule = |broken: bool, rule: &'static str| {
            if broken {
                passes = self.fault(|spot| spot.fault(at, rule, range(numbers), value));
            }
        };
        rule(numbers.minimum.is_some_and(|least| number < least), "minimum");
        rule(numbers.maximum.is_some_and(|most| number > most), "maximum");
        rule(numbers.above.is_some_and(|above| number <= above), "exclusiveMinimum");
        rule(numbers.below.is_some_and(|below| number >= below), "exclusiveMaximum");
        match numbers.multiple_of {
            Some(of) if !number.multiple_of(of) => {
                self.fault(|spot| spot.fault(at, "multipleOf", format!("a multiple of {of}"), value))
            }
            _ => passes,
        }
    }

    pub(super) fn text(&mut self, node: &Node, text: &str, value: &Instance<'v>, at: &At<'_>) -> bool {
        let Some(texts) = &node.texts else { return true };
        let mut passes = true;
        if !length_fits(texts, text.len() as u64) {
            let length = text.chars().count() as u64;
            let expected = |_: ()| counted(texts.min_length, texts.max_length, "character", "characters");
            if length < texts.min_length {
                passes = self.fault(|spot| spot.fault(at, "minLength", expected(()), value));
            } else if texts.max_length.is_some_and(|most| length > most) {
                passes = self.fault(|spot| spot.fault(at, "maxLength", expected(()), value));
            }
        }
        if let Some(pattern) = &texts.pattern
            && !pattern.matches(text)
        {
            let expected =
                if text.len() > MOST_BYTES { "shorter text of its pattern" } else { "text of another pattern" };
            passes = self.wrong(at, value, "pattern", expected);
        }
        if let Some(format) = texts.format
            && !(format.check)(text, self.manner.now)
        {
            passes = self.wrong(at, value, "format", format.expected);
        }
        if texts.not_in_future && date_in_future(text, self.manner.now) {
            passes = self.wrong(at, value, "x-not-in-future", "a date that is not in the future");
        }
        passes
    }
}

fn number_fits(numbers: &Numbers, number: Number) -> bool {
    numbers.minimum.is_none_or(|least| number >= least)
        && numbers.maximum.is_none_or(|most| number <= most)
        && numbers.above.is_none_or(|above| number > above)
        && numbers.below.is_none_or(|below| number < below)
        && numbers.multiple_of.is_none_or(|of| number.multiple_of(of))
}

fn text_fits(texts: &Texts, text: &str, now: Now) -> bool {
    (length_fits(texts, text.len() as u64) || count_fits(texts, text.chars().count() as u64))
        && texts.pattern.as_ref().is_none_or(|pattern| pattern.matches(text))
        && texts.format.is_none_or(|format| (format.check)(text, now))
        && !(texts.not_in_future && date_in_future(text, now))
}

fn count_fits(texts: &Texts, characters: u64) -> bool {
    characters >= texts.min_length && texts.max_length.is_none_or(|most| characters <= most)
}

/// Whether text of so many bytes has a length that fits, however many characters they are: one for each byte, or for each four.
fn length_fits(texts: &Texts, bytes: u64) -> bool {
    bytes.div_ceil(4) >= texts.min_length && texts.max_length.is_none_or(|most| bytes <= most)
}

/// `1 to 3650`.
fn range(numbers: &Numbers) -> String {
    if let (Some(least), Some(most)) = (numbers.minimum, numbers.maximum) {
        return format!("{least} to {most}");
    }
    let bounds = [
        numbers.minimum.map(|least| format!("at least {least}")),
        numbers.above.map(|above| format!("more than {above}")),
        numbers.maximum.map(|most| format!("at most {most}")),
        numbers.below.map(|below| format!("less than {below}")),
    ];
    bounds.into_iter().flatten().collect::<Vec<_>>().join(" and ")
}

/// `1 to 3 characters`.
pub(super) fn counted(least: u64, most: Option<u64>, one: &str, many: &str) -> String {
    let unit = |count: u64| if count == 1 { one } else { many };
    match most {
        Some(most) if most == least => format!("{most} {}", unit(most)),
        Some(most) if least > 0 => format!("{least} to {most} {many}"),
        Some(most) => format!("at most {most} {}", unit(most)),
        None => format!("at least {least} {}", unit(least)),
    }
}

/// The values that a document lists, which are no secret.
fn listed(values: &[Value]) -> Cow<'static, str> {
    let mut out = String::new();
    for value in values {
        let text = value.to_string();
        if out.len() + text.len() > SHOWN {
            return format!("one of {} values", values.len()).into();
        }
        if !out.is_empty() {
            out.push_str(", ");
        }
        out.push_str(&text);
    }
    match values.len() {
        1 => out.into(),
        _ => format!("one of {out}").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Spot, *};
    use crate::schema::{
        Formats, UnknownFields,
        check::{Direction, Manner},
        node::Nodes,
        pattern::Pattern,
    };

    /// What is said in short and what is said in full are written apart, and must not differ.
    #[test]
    fn a_value_fits_when_nothing_is_found_wrong_with_it() {
        let bounded = |numbers| Node { numbers: Some(Box::new(numbers)), ..Node::anything() };
        let written = |texts| Node { texts: Some(Box::new(texts)), ..Node::anything() };
        let five = || Some(Number::Integer(5));
        let nodes = vec![
            bounded(Numbers { minimum: five(), ..Numbers::default() }),
            bounded(Numbers { maximum: five(), ..Numbers::default() }),
            bounded(Numbers { above: five(), ..Numbers::default() }),
            bounded(Numbers { below: five(), ..Numbers::default() }),
            bounded(Numbers { multiple_of: five(), ..Numbers::default() }),
            written(Texts { min_length: 2, ..Texts::default() }),
            written(Texts { max_length: Some(2), ..Texts::default() }),
            written(Texts { pattern: Some(Pattern::read("^a").unwrap()), ..Texts::default() }),
            written(Texts { format: Formats::standard().find("date"), ..Texts::default() }),
            written(Texts { not_in_future: true, ..Texts::default() }),
            Node::nothing(),
            Node { nullable: true, ..Node::nothing() },
            Node { one_of_values: Some(Box::new([5.into(), "ab".into()])), ..Node::anything() },
        ];
        let count = nodes.len();
        let exact = count - 2;
        let nodes = Nodes::new(nodes, Vec::new());
        let manner = Manner { unknown: UnknownFields::Reject, direction: Direction::Request, now: Now::default() };
        let numbers = [4, 5, 6, 10].map(|whole| Instance::Number(Number::Integer(whole)));
        let floats = [4.9, 5.0, 5.1, f64::NAN].map(|float| Instance::Number(Number::Float(float)));
        let texts = ["", "a", "ab", "abc", "é", "éé", "ééé", "1969-12-31", "1971-01-01"].map(Instance::Text);
        let (mut right, mut wrong) = (0, 0);
        for value in numbers.iter().chain(&floats).chain(&texts).chain(&[Instance::Null, Instance::Flag(true)]) {
            for id in 0..count {
                let mut check = Check::new(&nodes, Spot::BODY, manner, *value);
                let passes = check.value(id, value, &At::Root);
                let fits = fits(nodes.get(id), value, manner.now);
                let unordered = matches!(value, Instance::Number(Number::Float(float)) if float.is_nan());
                // Of the last, those that fit are looked at in full: nothing that does not pass is said to fit.
                assert!(fits == passes || !fits && (unordered || id >= exact), "{value:?} and {id}");
                assert_eq!(passes, check.faults.is_empty(), "{value:?} and {id}");
                if passes { right += 1 } else { wrong += 1 }
            }
        }
        assert!(right > 150 && wrong > 50, "{right} and {wrong}");
    }
}

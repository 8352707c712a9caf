//! Attacks: written by hand, one in a line, and the same in encodings that hide them.

use std::fmt::Write as _;

use seawall_guards::payload_filter::Class;

use super::{Sample, lines};

pub(super) fn written(class: Class) -> Vec<Sample> {
    lines(match class {
        Class::Sql => include_str!("../data/payload_filter/attacks/sql.txt"),
        Class::Xss => include_str!("../data/payload_filter/attacks/xss.txt"),
        Class::Path => include_str!("../data/payload_filter/attacks/path.txt"),
        Class::Command => include_str!("../data/payload_filter/attacks/command.txt"),
    })
}

type Encoding = fn(&str) -> String;

/// Each attack in each encoding of its class.
pub(super) fn encoded(class: Class, written: &[Sample]) -> Vec<Sample> {
    let mut encodings: Vec<Encoding> = vec![percent, twice, references, escapes];
    match class {
        Class::Sql => encodings.extend([mixed_case as Encoding, comments, full_width, nulls]),
        Class::Xss => encodings.extend([mixed_case as Encoding, full_width, nulls]),
        Class::Path => encodings.push(full_width),
        Class::Command => {}
    }
    let of = |sample: &Sample| {
        let held_out = sample.held_out;
        let text = sample.text.clone();
        encodings.clone().into_iter().map(move |encode| Sample { text: encode(&text), held_out })
    };
    written.iter().flat_map(of).collect()
}

fn percent(text: &str) -> String {
    each(text, |out, byte| write!(out, "%{byte:02X}").unwrap())
}

fn twice(text: &str) -> String {
    percent(&percent(text))
}

fn references(text: &str) -> String {
    each(text, |out, byte| write!(out, "&#x{byte:x};").unwrap())
}

fn escapes(text: &str) -> String {
    each(text, |out, byte| write!(out, "\\u{byte:04x}").unwrap())
}

fn full_width(text: &str) -> String {
    let wide = |c: char| if c.is_ascii_punctuation() { char::from_u32(u32::from(c) + 0xfee0).unwrap() } else { c };
    text.chars().map(wide).collect()
}

fn nulls(text: &str) -> String {
    each(text, |out, byte| write!(out, "{}\0", char::from(byte)).unwrap())
}

fn comments(text: &str) -> String {
    text.replace(' ', "/**/")
}

fn mixed_case(text: &str) -> String {
    let case = |(place, c): (usize, char)| if place % 2 == 0 { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
    text.chars().enumerate().map(case).collect()
}

/// Letters and digits as they are, other ASCII characters as `special` writes them.
fn each(text: &str, special: impl Fn(&mut String, u8)) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match u8::try_from(c) {
            Ok(byte) if byte.is_ascii() && !byte.is_ascii_alphanumeric() => special(&mut out, byte),
            _ => out.push(c),
        }
    }
    out
}

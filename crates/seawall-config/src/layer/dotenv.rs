//! `.env`: the lines of it that concern Seawall. All others belong to the application and are passed over unread.

use std::{ops::Range, sync::Arc};

use super::{Layer, unknown, variables};
use crate::{
    diagnostics::{Code, Diagnostic, Problems},
    place::Place,
    schema::Schema,
    text::Text,
};

/// A name and its value, with their places.
#[derive(Debug)]
struct Line {
    name: Range<usize>,
    value: Range<usize>,
    text: String,
}

/// What is wrong with a line.
#[derive(Debug)]
struct Broken {
    span: Range<usize>,
    message: &'static str,
    label: &'static str,
    help: &'static str,
}

/// Everything that `.env` sets.
pub(crate) fn read(schema: &Schema, text: &Arc<Text>, problems: &mut Problems) -> Layer {
    let mut lines = Vec::new();
    let mut start = 0;
    for line in text.raw().split_inclusive('\n') {
        match parse(line.trim_end_matches(['\n', '\r']), start, |name| variables::concerns(schema, name)) {
            Ok(line) => lines.extend(line),
            Err(broken) => problems.add(|| {
                Diagnostic::new(Code::Syntax, broken.message).at(text, &broken.span, broken.label).help(broken.help)
            }),
        }
        start += line.len();
    }
    let name = |line: &Line| text.raw().get(line.name.clone()).unwrap_or_default();
    lines.sort_by_key(|line| variables::rank(schema, name(line)).0);
    let mut layer = Layer::default();
    for line in &lines {
        let place = Place::Text { text: text.clone(), key: line.name.clone(), value: line.value.clone() };
        match variables::find(schema, name(line)) {
            Some(target) => {
                variables::assign(&mut layer, schema, name(line), target, &line.text, place, problems);
            }
            None => problems.add(|| {
                let stranger = unknown::variable(schema, name(line));
                stranger.at_key(&place, "not a setting").prefixed(name(line))
            }),
        }
    }
    layer
}

/// One line, when its name concerns us.
fn parse(line: &str, start: usize, concerns: impl Fn(&str) -> bool) -> Result<Option<Line>, Broken> {
    let trimmed = line.trim_start_matches([' ', '\t', '\u{feff}']);
    let bare = trimmed.strip_prefix("export ").unwrap_or(trimmed).trim_start();
    let name_start = line.len() - bare.len();
    let length = bare.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(bare.len());
    let (name, rest) = bare.split_at(length);
    if !concerns(name) {
        return Ok(None);
    }
    let name = start + name_start..start + name_start + length;
    let after = rest.trim_start();
    let Some(value) = after.strip_prefix('=') else {
        return Err(Broken {
            span: name.end..start + line.len(),
            message: "a variable without a value",
            label: "expected `=`",
            help: "write NAME=VALUE, one on each line",
        });
    };
    let value = value.trim_start_matches([' ', '\t']);
    let value_start = start + line.len() - value.len();
    let (text, length) = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => quoted(value, quote, value_start)?,
        _ => {
            let end = value.find(" #").unwrap_or(value.len());
            let bare = value.get(..end).unwrap_or_default().trim_end();
            (if bare.starts_with('#') { String::new() } else { bare.to_owned() }, bare.len())
        }
    };
    Ok(Some(Line { name, value: value_start..value_start + length, text }))
}

/// A quoted value and its length with the quotes. Between `"`, a backslash escapes; between `'`, nothing does.
fn quoted(value: &str, quote: char, start: usize) -> Result<(String, usize), Broken> {
    let mut text = String::new();
    let mut chars = value.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        if c == quote {
            let end = at + 1;
            let rest = value.get(end..).unwrap_or_default().trim_start();
            if rest.is_empty() || rest.starts_with('#') {
                return Ok((text, end));
            }
            return Err(Broken {
                span: start + end..start + value.len(),
                message: "something follows after the closing quote",
                label: "expected the end of the line",
                help: "write a quote inside the value as \\\", or put the whole value in single quotes",
            });
        }
        match c {
            '\\' if quote == '"' => match chars.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, 'r')) => text.push('\r'),
                Some((_, 't')) => text.push('\t'),
                Some((_, escaped)) => text.push(escaped),
                None => {}
            },
            plain => text.push(plain),
        }
    }
    Err(Broken {
        span: start + value.len()..start + value.len(),
        message: "a closing quote is missing",
        label: "expected a quote here",
        help: "a value ends on the line on which it begins",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(line: &str) -> Option<String> {
        parse(line, 0, |name| name.starts_with("SEAWALL__")).unwrap().map(|line| line.text)
    }

    #[test]
    fn values_are_read_as_shells_do() {
        for (line, expect) in [
            ("SEAWALL__A=x", Some("x")),
            ("export SEAWALL__A=x", Some("x")),
            ("  SEAWALL__A = x y  # comment", Some("x y")),
            ("SEAWALL__A=x#y", Some("x#y")),
            ("SEAWALL__A=", Some("")),
            ("SEAWALL__A= # nothing", Some("")),
            ("SEAWALL__A=\"x # y\" # comment", Some("x # y")),
            ("SEAWALL__A=\"a\\\"b\\n\"", Some("a\"b\n")),
            ("SEAWALL__A='a\\n'", Some("a\\n")),
            ("# SEAWALL__A=x", None),
            ("DATABASE_URL=\"unfinished", None),
            ("", None),
        ] {
            assert_eq!(value(line).as_deref(), expect, "{line}");
        }
    }

    #[test]
    fn broken_lines_are_located() {
        for (line, span, message) in [
            ("SEAWALL__A", 10..10, "a variable without a value"),
            ("SEAWALL__A: x", 10..13, "a variable without a value"),
            ("SEAWALL__A=\"x", 13..13, "a closing quote is missing"),
            ("SEAWALL__A=\"x\" y", 14..16, "something follows after the closing quote"),
        ] {
            let broken = parse(line, 0, |name| name.starts_with("SEAWALL__")).unwrap_err();
            assert_eq!((broken.span, broken.message), (span, message), "{line}");
        }
    }
}

//! Syntax errors in words for someone who has other things to do than learn TOML's grammar.

use std::ops::Range;

use crate::text::Text;

/// An error as people read it.
pub(super) struct Explained {
    pub(super) message: String,
    pub(super) label: String,
    pub(super) help: String,
}

const TOO_DEEP: (&str, &str, &str) =
    ("this is nested too deeply", "too deep", "a configuration holds no more than a list inside a section");

/// What each error of the parser means, by the beginning of its message.
const KNOWN: &[(&str, &str, &str, &str)] = &[
    (
        "invalid basic string, expected `\"`",
        "a closing quote is missing",
        "expected a quote here",
        "text stands between two quotes on one line: key = \"value\"",
    ),
    (
        "invalid literal string, expected `'`",
        "a closing quote is missing",
        "expected a quote here",
        "text stands between two quotes on one line: key = 'value'",
    ),
    (
        "invalid multi-line",
        "this text is never closed",
        "opened here",
        "close it with the same three quotes, or write it on one line between single ones",
    ),
    (
        "invalid basic string",
        "this character cannot stand in text",
        "not allowed here",
        "remove it, or write it as \\uXXXX",
    ),
    (
        "missing escaped value",
        "a backslash begins an escape, and this is none",
        "unknown escape",
        "write \\\\ for a backslash, or put the text in single quotes, where nothing is escaped",
    ),
    (
        "too few unicode",
        "a backslash begins an escape, and this is none",
        "unknown escape",
        "write \\\\ for a backslash, or put the text in single quotes, where nothing is escaped",
    ),
    (
        "unclosed array table",
        "the name of a section is not closed",
        "expected `]]` here",
        "a section begins with its name in single brackets: [upstream]",
    ),
    (
        "unclosed table",
        "the name of a section is not closed",
        "expected `]` here",
        "a section begins with its name in brackets; names with spaces or slashes need quotes: [upstream], \
         [route.\"POST /login\"]",
    ),
    ("unclosed array", "this list is never closed", "opened here", "write ] after the last item"),
    ("unclosed inline table", "this table is never closed", "opened here", "write } after the last value"),
    (
        "missing comma",
        "a comma is missing",
        "expected a comma here",
        "items are divided by commas: [\"a\", \"b\"]; also check that the list before is closed with ]",
    ),
    (
        "unexpected key or value",
        "something follows where the line should end",
        "expected the end of the line",
        "write one setting on each line; a comment begins with #",
    ),
    (
        "key with no value",
        "a key without a value",
        "expected `=` and a value",
        "write key = value; a comment begins with #, a section's name stands in brackets",
    ),
    ("invalid boolean", "true and false are lower case", "expected true or false", "write true or false"),
    (
        "unexpected leading zero",
        "a number cannot begin with 0",
        "expected no leading zero",
        "write the number without it, or put it in quotes if it is text",
    ),
    ("unquoted keys cannot be empty", "a name is missing", "expected a name", "write key = value, or [section]"),
    (
        "cannot extend value",
        "this name already has a value, so nothing can stand below it",
        "already a value",
        "keep either the value or the section of this name",
    ),
    ("recursion limit", TOO_DEEP.0, TOO_DEEP.1, TOO_DEEP.2),
    ("cannot recurse further", TOO_DEEP.0, TOO_DEEP.1, TOO_DEEP.2),
    (
        "carriage return",
        "a line ends in a way that TOML does not know",
        "a lone carriage return",
        "save the file with the line ends of Unix or Windows",
    ),
    (
        "invalid comment character",
        "this character cannot stand in a comment",
        "not allowed here",
        "remove it; it may be invisible",
    ),
    ("extra comma", "a comma too many", "nothing before this comma", "remove it"),
    ("extra `=`", "an equals sign too many", "expected a value", "write key = value"),
    ("unexpected `=`", "a setting stands inside a list", "not allowed in a list", "close the list before with ]"),
    ("missing value", "a value is missing", "expected a value", "write key = value, or remove the line"),
];

/// An error in words. `found` of a masked value is never quoted.
pub(super) fn explain(text: &Text, message: &str, span: &Range<usize>) -> Explained {
    let found = if text.masked(span.start) { "" } else { text.raw().get(span.clone()).unwrap_or_default() };
    if message.starts_with("string values must be quoted") {
        return unquoted(found, span.is_empty());
    }
    if message.starts_with("duplicate key") {
        return duplicate(text, span);
    }
    if message.starts_with("invalid unquoted key") {
        return unquoted_key(found);
    }
    let known = KNOWN.iter().find(|(start, ..)| message.starts_with(start));
    let (message, label, help) = match known {
        Some((_, message, label, help)) => (*message, *label, *help),
        None => (message, "here", "the file is TOML: key = value, one on each line, under [section] names"),
    };
    Explained { message: message.to_owned(), label: label.to_owned(), help: help.to_owned() }
}

fn unquoted(found: &str, empty: bool) -> Explained {
    let (message, label, help) = if empty {
        ("a value is missing", "expected a value".to_owned(), "write key = value, or remove the line".to_owned())
    } else if found.contains(['\u{201c}', '\u{201d}', '\u{2018}', '\u{2019}']) {
        let straight = found.replace(['\u{201c}', '\u{201d}', '\u{2018}', '\u{2019}'], "\"");
        ("these quotes are typographic", "not a TOML quote".to_owned(), format!("write straight quotes: {straight}"))
    } else if let Some(flag) = flag(found) {
        let help = format!("write \"{found}\"; where true or false is meant, write {flag}");
        ("text needs quotes", "expected quotes".to_owned(), help)
    } else if found.is_empty() {
        ("text needs quotes", "expected quotes".to_owned(), "put the value in quotes".to_owned())
    } else {
        ("text needs quotes", "expected quotes".to_owned(), format!("write \"{}\"", found.trim_end_matches(';')))
    };
    Explained { message: message.to_owned(), label, help }
}

fn flag(found: &str) -> Option<&'static str> {
    match found.to_ascii_lowercase().as_str() {
        "yes" | "on" => Some("true"),
        "no" | "off" => Some("false"),
        _ => None,
    }
}

fn duplicate(text: &Text, span: &Range<usize>) -> Explained {
    let name = text.raw().get(span.clone()).unwrap_or_default();
    let line = text.raw().get(text.line_start(span.start)..).unwrap_or_default().trim_start();
    let header = line.starts_with('[').then(|| line.split_inclusive(']').next().unwrap_or_default());
    let (message, help) = match header {
        Some(header) => (format!("the section {header} is written twice"), "put all its settings under one of them"),
        None => (format!("`{name}` is set twice in the same section"), "keep one of them"),
    };
    Explained { message, label: "here again".to_owned(), help: help.to_owned() }
}

fn unquoted_key(found: &str) -> Explained {
    let (message, label, help) = if found.starts_with(':') {
        ("a colon stands where TOML has an equals sign", "expected `=`", "write key = value")
    } else if found.starts_with("//") || found.starts_with(';') {
        ("a comment begins with #", "expected `#`", "write # instead")
    } else {
        let help = "names hold letters, digits, _ and -; put any other in quotes";
        ("a name with such characters needs quotes", "not allowed in a name", help)
    };
    Explained { message: message.to_owned(), label: label.to_owned(), help: help.to_owned() }
}

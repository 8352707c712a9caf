//! Values, keys and forms as people read them, and as TOML writes them.

use std::fmt::Write as _;

use seawall_core::settings::{FieldSpec, Literal, Raw, Section, Shape};

/// What stands for a value that must not be seen.
pub(crate) const HIDDEN: &str = "(hidden)";

/// What a field takes, as the label under a bad value: `expected a duration between 1s and 10min`.
pub(crate) fn expectation(field: &FieldSpec, item: bool) -> String {
    match (&field.shape, field.between) {
        (Shape::List(inner), _) if item => format!("expected {}", expected(inner)),
        (shape, Some((least, most))) => {
            format!("expected {} {} between {least} and {most}", article(&form(shape)), form(shape))
        }
        (shape, None) => format!("expected {}", expected(shape)),
    }
}

/// What a value of this form looks like: `a duration, such as "30s"`.
fn expected(shape: &Shape) -> String {
    match shape {
        Shape::Flag => "true or false".to_owned(),
        Shape::Integer => "a whole number".to_owned(),
        Shape::Text("text", "") => "text in quotes".to_owned(),
        Shape::Text(form, "") => format!("{} {form}", article(form)),
        Shape::Text(form, example) => format!("{} {form}, such as {}", article(form), toml_text(example)),
        Shape::Choice(all) => format!("one of {}", choices(all)),
        Shape::List(Shape::Text(form, example)) if !example.is_empty() => {
            format!("a list of {form}s, such as [{}]", toml_text(example))
        }
        Shape::List(inner) => format!("a list, each item {}", expected(inner)),
        Shape::Secret => "a secret in quotes".to_owned(),
        Shape::Address => "a URL in quotes".to_owned(),
    }
}

/// The form in one or two words, for a table.
pub(crate) fn form(shape: &Shape) -> String {
    match shape {
        Shape::Flag => "true or false".to_owned(),
        Shape::Integer => "whole number".to_owned(),
        Shape::Text(form, _) => (*form).to_owned(),
        Shape::Choice(all) => choices(all),
        Shape::List(inner @ Shape::Text(..)) => format!("list of {}s", form(inner)),
        Shape::List(inner) => format!("list of: {}", form(inner)),
        Shape::Secret => "secret".to_owned(),
        Shape::Address => "URL".to_owned(),
    }
}

/// Whether values of this form, or parts of them, must not be seen.
pub(crate) fn hidden(shape: &Shape) -> bool {
    match shape {
        Shape::Secret | Shape::Address => true,
        Shape::List(inner) => hidden(inner),
        Shape::Flag | Shape::Integer | Shape::Text(..) | Shape::Choice(_) => false,
    }
}

/// A value as it may be seen, as TOML writes it or in words; and whether that is all of it.
pub(crate) fn seen(shape: &Shape, raw: &Raw) -> (String, bool) {
    match (shape, raw) {
        (Shape::Address, Raw::Text(text)) => match address(text) {
            Some(seen) => (toml_text(&seen), seen == *text),
            None => (HIDDEN.to_owned(), false),
        },
        (shape, _) if hidden(shape) => (HIDDEN.to_owned(), false),
        (_, raw) => (toml_value(raw), true),
    }
}

/// Whether a value of this form holds what nobody must see: a URL does when there is a password in it.
pub(crate) fn shows_secret(shape: &Shape, raw: &Raw) -> bool {
    match (shape, raw) {
        (Shape::Address, Raw::Text(text)) => shows_password(text),
        _ => hidden(shape),
    }
}

/// A password stands behind the user's name, or among the parameters. What is no URL may hold one anywhere.
fn shows_password(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://").filter(|(scheme, _)| is_scheme(scheme)) else {
        return text.contains([':', '@']);
    };
    let user = rest.rsplit_once('@').map_or("", |(user, _)| user);
    let parameters = rest.split_once('?').map_or("", |(_, parameters)| parameters).to_ascii_lowercase();
    user.contains(':') || ["pass", "secret", "token"].iter().any(|name| parameters.contains(name))
}

/// A URL without the places where passwords stand: before its host, and after its path.
fn address(text: &str) -> Option<String> {
    let Some((scheme, rest)) = text.split_once("://") else {
        // A path, or a URL that somebody wrote otherwise.
        return (!text.contains([':', '@'])).then(|| text.to_owned());
    };
    // A password may hold any character, an `@` too, and so may what should have been a scheme.
    if !is_scheme(scheme) {
        return None;
    }
    let (user, rest) = rest.rsplit_once('@').map_or(("", rest), |(_, rest)| ("(hidden)@", rest));
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    let (path, query) = rest.split_at(end);
    let query = query.get(..1).map_or_else(String::new, |mark| format!("{mark}(hidden)"));
    Some(format!("{scheme}://{user}{path}{query}"))
}

fn is_scheme(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'+')
}

/// A sentence without the texts of a secret value.
pub(crate) fn without(sentence: &str, secret: &Raw) -> String {
    match secret {
        Raw::Text(text) if !text.is_empty() => sentence.replace(text.as_str(), "(hidden)"),
        Raw::List(items) => items.iter().fold(sentence.to_owned(), |sentence, item| without(&sentence, item)),
        Raw::Text(_) | Raw::Flag(_) | Raw::Integer(_) => sentence.to_owned(),
    }
}

/// What a field is for and what it takes, as the help under a bad value.
pub(crate) fn field_help(field: &FieldSpec) -> String {
    let mut help = field.documentation.to_owned();
    if let Some((least, most)) = field.between {
        let _ = write!(help, " Between {least} and {most}.");
    }
    if let Some(default) = default(field).filter(|default| default != "[]") {
        let _ = write!(help, " Default {default}.");
    }
    help
}

/// The default as TOML writes it; nothing when the field is unset.
pub(crate) fn default(field: &FieldSpec) -> Option<String> {
    match field.default {
        Literal::Unset => None,
        default => default.raw().map(|raw| toml_value(&raw)),
    }
}

/// A value to show where a field has no default: its least one, or the form's own example.
pub(crate) fn sample(field: &FieldSpec) -> String {
    match (field.shape, field.between) {
        (Shape::Integer, Some((least, _))) => least.to_owned(),
        (Shape::Text(..), Some((least, _))) => toml_text(least),
        (shape, _) => example(&shape),
    }
}

fn example(shape: &Shape) -> String {
    match shape {
        Shape::Flag => "true".to_owned(),
        Shape::Integer => "1".to_owned(),
        Shape::Text(_, example) => toml_text(example),
        Shape::Choice(all) => toml_text(all.first().copied().unwrap_or_default()),
        Shape::List(inner) => format!("[{}]", example(inner)),
        Shape::Secret | Shape::Address => toml_text("…"),
    }
}

/// A field's full name: `upstream.url`, or the key alone at the top.
pub(crate) fn path(section: &Section, entry: Option<&str>, key: &str) -> String {
    let parts = [section.name, entry.unwrap_or_default(), key];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".")
}

/// A section as it stands in the file: `[upstream]`, or "the top of the file".
pub(crate) fn section(section: &Section) -> String {
    if section.name.is_empty() { "the top of the file".to_owned() } else { format!("[{}]", section.name) }
}

/// Names with backticks and commas: `` `a`, `b` ``.
pub(crate) fn names<'a>(all: impl IntoIterator<Item = &'a str>) -> String {
    all.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// A value as TOML writes it, on one line.
pub(crate) fn toml_value(raw: &Raw) -> String {
    match raw {
        Raw::Flag(flag) => flag.to_string(),
        Raw::Integer(integer) => integer.to_string(),
        Raw::Text(text) => toml_text(text),
        Raw::List(items) => format!("[{}]", items.iter().map(toml_value).collect::<Vec<_>>().join(", ")),
    }
}

/// A key as TOML writes it: bare when it may be.
pub(crate) fn toml_key(key: &str) -> String {
    let bare = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if bare { key.to_owned() } else { toml_text(key) }
}

/// A text as a TOML basic string.
pub(crate) fn toml_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(control));
            }
            plain => out.push(plain),
        }
    }
    out.push('"');
    out
}

/// Words with quotes and commas: `"a", "b"`.
pub(crate) fn choices(all: &[&str]) -> String {
    all.iter().map(|word| toml_text(word)).collect::<Vec<_>>().join(", ")
}

fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

/// A sentence in lines of at most `width` characters, broken only between words.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_url_the_host_and_the_path_are_seen_and_no_password_is() {
        for (text, shown, whole) in [
            ("http://localhost:3000/health", "\"http://localhost:3000/health\"", true),
            ("sqlite:///srv/shop/orders.db", "\"sqlite:///srv/shop/orders.db\"", true),
            ("postgres://app:s3cret@db:5432/shop", "\"postgres://(hidden)@db:5432/shop\"", false),
            ("postgres://app:s3/cr@et@db/shop", "\"postgres://(hidden)@db/shop\"", false),
            ("postgres://db/shop?password=s3cret", "\"postgres://db/shop?(hidden)\"", false),
            ("redis+unix:///run/redis.sock?pass=s3cret", "\"redis+unix:///run/redis.sock?(hidden)\"", false),
            ("/srv/shop/uploads", "\"/srv/shop/uploads\"", true),
            ("app:s3cret@db/shop", HIDDEN, false),
            ("s3cret: http://localhost", HIDDEN, false),
        ] {
            let raw = Raw::Text(text.to_owned());
            assert_eq!(seen(&Shape::Address, &raw), (shown.to_owned(), whole), "{text}");
            assert_eq!(seen(&Shape::Secret, &raw), (HIDDEN.to_owned(), false), "{text}");
            assert_eq!(shows_secret(&Shape::Address, &raw), !whole, "{text}");
            assert!(shows_secret(&Shape::Secret, &raw));
        }
        let nobodys = Raw::Text("postgres://app@db/shop?sslmode=verify-full".to_owned());
        assert!(!shows_secret(&Shape::Address, &nobodys));
    }
}

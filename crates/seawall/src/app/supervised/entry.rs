//! What one line of the application says: its level, its message, the request it belongs to. Secrets are hidden.

use seawall_core::{redact, request_id::RequestId};
use serde_json::{Map, Value};
use tracing::Level;

/// Where common loggers put what is lifted out of a JSON line: pino, bunyan, winston, structlog, zap, slog, serilog.
const LEVELS: &[&str] = &["level", "severity", "levelname", "log.level"];
const MESSAGES: &[&str] = &["msg", "message", "event"];
const REQUEST_IDS: &[&str] = &["request_id", "requestId", "req_id", "reqId", "request.id"];
const REQUESTS: &[&str] = &["req", "request"];
const TRACE_IDS: &[&str] = &["trace_id", "traceId", "trace.id"];

/// Words of levels, in small letters.
const WORDS: &[(&str, Level)] = &[
    ("trace", Level::TRACE),
    ("debug", Level::DEBUG),
    ("info", Level::INFO),
    ("information", Level::INFO),
    ("notice", Level::INFO),
    ("warn", Level::WARN),
    ("warning", Level::WARN),
    ("error", Level::ERROR),
    ("fatal", Level::ERROR),
    ("critical", Level::ERROR),
    ("panic", Level::ERROR),
];

/// How far into a plain line its level is looked for, in characters.
const LEVEL_WITHIN: usize = 64;

/// One of the two outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    Out,
    Err,
}

impl Stream {
    /// The word for it in the log.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Out => "stdout",
            Self::Err => "stderr",
        }
    }
}

/// A line, understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) level: Level,
    pub(super) message: String,
    pub(super) request_id: Option<String>,
    pub(super) trace_id: Option<String>,
    /// What else a JSON line says, as JSON.
    pub(super) fields: Option<String>,
}

impl Entry {
    /// Reads a line: a JSON object, or plain text.
    pub(super) fn read(line: &str, stream: Stream) -> Self {
        let object = line.trim_start().starts_with('{').then(|| serde_json::from_str::<Map<String, Value>>(line));
        match object {
            Some(Ok(fields)) => Self::of_fields(fields, stream),
            _ => Self::of_text(line, stream),
        }
    }

    fn of_text(line: &str, stream: Stream) -> Self {
        Self {
            level: named_level(line).unwrap_or_else(|| usual(stream)),
            message: redact::text(line),
            request_id: RequestId::find(line).map(|id| id.to_string()),
            trace_id: None,
            fields: None,
        }
    }

    fn of_fields(mut fields: Map<String, Value>, stream: Stream) -> Self {
        let level = lift(&mut fields, LEVELS, level).unwrap_or_else(|| usual(stream));
        let request_id = lift(&mut fields, REQUEST_IDS, id).or_else(|| {
            let inner = |name: &&str| fields.get(*name).and_then(|request| request.get("id")).and_then(id);
            REQUESTS.iter().find_map(inner)
        });
        let trace_id = lift(&mut fields, TRACE_IDS, id);
        let message = lift(&mut fields, MESSAGES, |value| value.as_str().map(redact::text));
        hide(&mut fields);
        let rest = || Value::Object(fields).to_string();
        let (message, fields) = match message {
            Some(message) => (message, Some(rest()).filter(|rest| rest != "{}")),
            // Without a message the line itself is all there is to read.
            None => (rest(), None),
        };
        Self { level, message, request_id, trace_id, fields }
    }
}

/// The level of a line that names none: what an application writes to its standard error is worth a look.
const fn usual(stream: Stream) -> Level {
    match stream {
        Stream::Out => Level::INFO,
        Stream::Err => Level::WARN,
    }
}

/// The level that a plain line names near its beginning, in capitals as loggers write it: `[WARN] …`, `INFO: …`.
fn named_level(line: &str) -> Option<Level> {
    let end = line.char_indices().nth(LEVEL_WITHIN).map_or(line.len(), |(at, _)| at);
    let words = line.get(..end)?.split(|c: char| !c.is_ascii_alphanumeric());
    words.filter(|word| word.bytes().all(|byte| byte.is_ascii_uppercase())).find_map(word)
}

fn word(text: &str) -> Option<Level> {
    WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|&(_, level)| level)
}

/// A level as a word, or as a number from 10 (trace) to 60 (fatal), as bunyan and pino have them.
fn level(value: &Value) -> Option<Level> {
    match value {
        Value::String(text) => word(text),
        Value::Number(number) => Some(match number.as_u64()? {
            0..10 => return None,
            10..20 => Level::TRACE,
            20..30 => Level::DEBUG,
            30..40 => Level::INFO,
            40..50 => Level::WARN,
            _ => Level::ERROR,
        }),
        _ => None,
    }
}

/// An id, when it has the form of one.
fn id(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    RequestId::parse(text.as_bytes()).map(|id| id.to_string())
}

/// Takes the first of these fields that can be read.
fn lift<T>(fields: &mut Map<String, Value>, names: &[&str], read: impl Fn(&Value) -> Option<T>) -> Option<T> {
    let (name, value) = names.iter().find_map(|name| Some((*name, read(fields.get(*name)?)?)))?;
    fields.remove(name);
    Some(value)
}

/// Hides the values of secret names, however deep, and what looks like a secret in texts.
fn hide(fields: &mut Map<String, Value>) {
    for (name, value) in fields.iter_mut() {
        if redact::hides(name) {
            *value = Value::from(redact::HIDDEN);
        } else {
            hide_in(value);
        }
    }
}

fn hide_in(value: &mut Value) {
    match value {
        Value::String(text) => *text = redact::text(text),
        Value::Array(items) => items.iter_mut().for_each(hide_in),
        Value::Object(fields) => hide(fields),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "018bcfe5-6800-7fff-bfff-ffffffffffff";

    fn read(line: &str) -> Entry {
        Entry::read(line, Stream::Out)
    }

    #[test]
    fn plain_lines_keep_their_text_and_give_level_and_id() {
        let entry = read(&format!("12:00 [WARN] {ID} slow query"));
        assert_eq!((entry.level, entry.request_id.as_deref()), (Level::WARN, Some(ID)));
        assert_eq!(entry.message, format!("12:00 [WARN] {ID} slow query"));
        for (line, stream, level) in [
            ("listening", Stream::Out, Level::INFO),
            ("listening", Stream::Err, Level::WARN),
            ("INFO:     started", Stream::Err, Level::INFO),
            ("2026-01-01 12:00:00,1 - app - ERROR - no", Stream::Out, Level::ERROR),
            ("an error is no level unless it stands in capitals", Stream::Out, Level::INFO),
            (&format!("{} ERROR", "é".repeat(80)), Stream::Out, Level::INFO),
        ] {
            assert_eq!(Entry::read(line, stream).level, level, "{line}");
        }
        assert_eq!(read("{not json").message, "{not json");
        assert_eq!(read("DB_PASSWORD=hunter2").message, "DB_PASSWORD=[redacted]");
    }

    #[test]
    fn json_lines_of_common_loggers_are_taken_apart() {
        for (line, level, message, request, trace) in [
            (r#"{"level":40,"time":1,"reqId":"req-1","msg":"slow"}"#, Level::WARN, "slow", Some("req-1"), None),
            (r#"{"level":"info","req":{"id":7,"url":"/"},"msg":"done"}"#, Level::INFO, "done", Some("7"), None),
            (
                r#"{"severity":"CRITICAL","message":"down","request_id":"a","trace_id":"4bf9"}"#,
                Level::ERROR,
                "down",
                Some("a"),
                Some("4bf9"),
            ),
            (r#"{"event":"paid","requestId":"x y"}"#, Level::INFO, "paid", None, None),
        ] {
            let entry = read(line);
            assert_eq!(
                (entry.level, entry.message.as_str(), entry.request_id.as_deref(), entry.trace_id.as_deref()),
                (level, message, request, trace),
                "{line}"
            );
        }
    }

    #[test]
    fn what_else_a_json_line_says_is_kept_and_secrets_in_it_are_not() {
        let line =
            r#"{"msg":"signed in","user":"ann","tokens":["a","b"],"deep":{"password":{"x":1}},"url":"db://u:p@h"}"#;
        let fields = read(line).fields.unwrap();
        assert_eq!(
            fields,
            r#"{"deep":{"password":"[redacted]"},"tokens":"[redacted]","url":"db://u:[redacted]@h","user":"ann"}"#
        );
        assert_eq!(read(r#"{"msg":"only"}"#).fields, None);
        let bare = read(r#"{"level":"warn","user":"ann"}"#);
        assert_eq!((bare.message.as_str(), bare.fields), (r#"{"user":"ann"}"#, None));
    }
}

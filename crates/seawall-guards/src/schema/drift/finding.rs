//! One way in which answers differ, with nothing in it that is a value.

use std::borrow::Cow;

use crate::schema::{Fault, Operation, Place};

/// The longest name of a field that no schema has.
const LONGEST_NAME: usize = 64;

/// What stands for an item of an array, and for a key that no schema names.
const ANY: &str = "*";

/// One way in which answers of an operation differ from the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The pattern of the route.
    pub route: Box<str>,
    /// Method and path as the document has them.
    pub operation: Box<str>,
    /// The status of the answers.
    pub status: u16,
    /// The field: `status`, `header.etag`, or a JSON pointer into the body, in which `*` is any item, or a key that no schema names.
    pub field: Box<str>,
    /// The rule that is broken, by its keyword.
    pub rule: &'static str,
    /// What the document has.
    pub expected: Box<str>,
    /// The class of what was there the last time.
    pub found: Cow<'static, str>,
    /// How often.
    pub count: u64,
    /// When first, in microseconds since 1970-01-01T00:00:00Z.
    pub first_unix_us: u64,
    /// When last, in microseconds since 1970-01-01T00:00:00Z.
    pub last_unix_us: u64,
}

/// The field that a fault is in, without keys that may be values.
pub(super) fn field(operation: &Operation, fault: &Fault) -> String {
    if fault.place == Place::Message {
        return "status".to_owned();
    }
    if fault.place != Place::Body || fault.pointer.is_empty() {
        return fault.field();
    }
    let mut out = String::new();
    let mut segments = fault.pointer.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let key = segment.replace("~1", "/").replace("~0", "~");
        let unknown = segments.peek().is_none() && fault.rule == "additionalProperties" && is_name(&key);
        out.push('/');
        out.push_str(if unknown || operation.names(&key) { segment } else { ANY });
    }
    out
}

/// Whether it is written as names of fields are, and not as what applications use as keys of maps: ids of numbers, addresses, dates.
fn is_name(key: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    key.len() <= LONGEST_NAME
        && key.starts_with(letter)
        && key.chars().all(|c| letter(c) || c.is_ascii_digit() || c == '-')
}

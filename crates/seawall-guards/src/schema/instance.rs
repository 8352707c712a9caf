//! A value that is checked: of a parsed body, or of a parameter's text, for which nothing is allocated.

use std::borrow::Cow;

use serde_json::Value;

use super::{kinds::Kinds, number::Number};
use crate::json::{Inner, Item, Tree};

/// A value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Instance<'a> {
    Null,
    Flag(bool),
    Number(Number),
    Text(&'a str),
    Array(Inner<'a>),
    Object(Inner<'a>),
}

impl<'a> From<&'a Tree> for Instance<'a> {
    fn from(tree: &'a Tree) -> Self {
        Self::from(tree.root())
    }
}

impl<'a> From<Item<'a>> for Instance<'a> {
    #[inline]
    fn from(item: Item<'a>) -> Self {
        match item {
            Item::Null => Self::Null,
            Item::Flag(flag) => Self::Flag(flag),
            Item::Number(text) => Self::Number(Number::of(text)),
            Item::Text(text) => Self::Text(text),
            Item::Array(items) => Self::Array(items),
            Item::Object(fields) => Self::Object(fields),
        }
    }
}

impl Instance<'_> {
    /// The kinds that it is of.
    pub(super) fn kinds(&self) -> Kinds {
        match self {
            Self::Null => Kinds::NULL,
            Self::Flag(_) => Kinds::BOOLEAN,
            Self::Number(number) if number.whole() => Kinds::INTEGER,
            Self::Number(_) => Kinds::FRACTION,
            Self::Text(_) => Kinds::STRING,
            Self::Array(_) => Kinds::ARRAY,
            Self::Object(_) => Kinds::OBJECT,
        }
    }

    /// What it is, without saying which: `text of 12 characters`.
    pub(super) fn class(&self) -> Cow<'static, str> {
        let counted = |count: usize, of: &str, one: &str, many: &str| {
            format!("{of} of {count} {}", if count == 1 { one } else { many }).into()
        };
        match self {
            Self::Null => "null".into(),
            Self::Flag(_) => "a boolean".into(),
            Self::Number(number) if number.whole() => "a whole number".into(),
            Self::Number(_) => "a number".into(),
            Self::Text("") => "empty text".into(),
            Self::Text(text) => counted(text.chars().count(), "text", "character", "characters"),
            Self::Array(items) => counted(items.len(), "an array", "item", "items"),
            Self::Object(fields) => counted(fields.len(), "an object", "field", "fields"),
        }
    }

    /// Whether it is the same as a value of the document; 1 and 1.0 are.
    pub(super) fn same(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Null, Value::Null) => true,
            (Self::Flag(a), Value::Bool(b)) => a == b,
            (Self::Number(a), Value::Number(b)) => *a == Number::in_document(b),
            (Self::Text(a), Value::String(b)) => a == b,
            (Self::Array(a), Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| Instance::from(a.value()).same(b))
            }
            (Self::Object(a), Value::Object(b)) => {
                let same = |key: &str, a: Item<'_>| b.get(key).is_some_and(|b| Instance::from(a).same(b));
                a.len() == b.len() && a.iter().all(|entry| same(entry.key(), entry.value()))
            }
            _ => false,
        }
    }
}

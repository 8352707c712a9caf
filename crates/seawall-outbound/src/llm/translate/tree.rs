//! JSON as it is written: members in the order in which they are given, those that are nothing left out, and JSON that came from elsewhere kept
//! as it was, because models follow the order of a schema.

use std::borrow::Cow;

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Number, Value, value::RawValue};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tree {
    /// A member that is not there.
    Nothing,
    Value(Value),
    Raw(Raw),
    Object(Vec<(Cow<'static, str>, Self)>),
    List(Vec<Self>),
}

/// An object of these members.
pub(super) fn object<const N: usize>(members: [(&'static str, Tree); N]) -> Tree {
    Tree::Object(members.into_iter().map(|(name, value)| (Cow::Borrowed(name), value)).collect())
}

impl Tree {
    /// As text, without white space between its parts.
    pub(super) fn text(&self) -> String {
        // Only a name that is no text could fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The same, or nothing where it is an object without members.
    pub(super) fn or_nothing(self) -> Self {
        match &self {
            Self::Object(members) if members.iter().all(|(_, value)| *value == Self::Nothing) => Self::Nothing,
            _ => self,
        }
    }
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nothing => serializer.serialize_unit(),
            Self::Value(value) => value.serialize(serializer),
            Self::Raw(raw) => raw.0.serialize(serializer),
            Self::List(entries) => entries.serialize(serializer),
            Self::Object(members) => {
                let mut map = serializer.serialize_map(None)?;
                for (name, value) in members.iter().filter(|(_, value)| *value != Self::Nothing) {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

impl From<&str> for Tree {
    fn from(text: &str) -> Self {
        Self::Value(text.into())
    }
}

impl From<String> for Tree {
    fn from(text: String) -> Self {
        Self::Value(text.into())
    }
}

impl From<&String> for Tree {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<u64> for Tree {
    fn from(number: u64) -> Self {
        Self::Value(number.into())
    }
}

impl From<bool> for Tree {
    fn from(flag: bool) -> Self {
        Self::Value(flag.into())
    }
}

impl From<Number> for Tree {
    fn from(number: Number) -> Self {
        Self::Value(number.into())
    }
}

impl From<Value> for Tree {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}

impl From<Raw> for Tree {
    fn from(raw: Raw) -> Self {
        Self::Raw(raw)
    }
}

impl From<Vec<Self>> for Tree {
    fn from(entries: Vec<Self>) -> Self {
        Self::List(entries)
    }
}

impl<T: Into<Self>> From<Option<T>> for Tree {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nothing, Into::into)
    }
}

/// JSON that was written elsewhere, without white space between its parts, so that it fits on the one line of an event.
#[derive(Clone, Debug)]
pub(super) struct Raw(Box<RawValue>);

impl Raw {
    /// Nothing when it is no JSON.
    pub(super) fn parse(json: &str) -> Option<Self> {
        RawValue::from_string(compact(json)).ok().map(Self)
    }

    /// Nothing when it is no object.
    pub(super) fn object(json: &str) -> Option<Self> {
        Self::parse(json).filter(|raw| raw.as_str().starts_with('{'))
    }

    pub(super) fn as_str(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for Raw {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

/// JSON without white space between its parts.
fn compact(json: &str) -> String {
    let mut compact = String::with_capacity(json.len());
    let (mut in_text, mut escaped) = (false, false);
    for c in json.chars() {
        if in_text {
            compact.push(c);
            in_text = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else if !matches!(c, ' ' | '\t' | '\n' | '\r') {
            compact.push(c);
            in_text = c == '"';
        }
    }
    compact
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nothing_is_left_out_and_the_order_stays() {
        let raw = Raw::object("{ \"z\" : 1.50,\n\"a\": \"b \\\" c\\\\\" }").unwrap();
        let tree = object([("z", 1_u64.into()), ("none", Tree::Nothing), ("a", raw.into())]);
        assert_eq!(tree.text(), "{\"z\":1,\"a\":{\"z\":1.50,\"a\":\"b \\\" c\\\\\"}}");
        assert_eq!(object([("a", None::<bool>.into())]).or_nothing(), Tree::Nothing);
    }

    #[test]
    fn what_is_no_object_is_told_from_one() {
        assert!(Raw::object("{}").is_some());
        for wrong in ["", "[]", "{", "1 2", "{}{}", "\"{}\"", "tr ue"] {
            assert!(Raw::object(wrong).is_none(), "{wrong}");
        }
    }
}

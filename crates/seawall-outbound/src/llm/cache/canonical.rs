//! A body in the one form that all bodies have which ask the same: members in order, numbers by their value.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use aws_lc_rs::digest::Context;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// From here on numbers with a fraction are no longer all different (2^53).
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

/// A value of JSON. One that has a member twice means two things, and cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Canonical<'a> {
    Null,
    Flag(bool),
    /// As its shortest text, so that `1`, `1.0` and `1e0` are one.
    Number(String),
    Text(Cow<'a, str>),
    List(Vec<Self>),
    Object(BTreeMap<Cow<'a, str>, Self>),
}

impl<'a> Canonical<'a> {
    /// Reads a body; nothing when it cannot be told from every other one.
    pub(super) fn read(body: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// A member of an object, unless it is null.
    pub(super) fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.get(name).filter(|value| **value != Self::Null),
            _ => None,
        }
    }

    /// Takes members out.
    pub(super) fn without(mut self, names: &[&str]) -> Self {
        if let Self::Object(members) = &mut self {
            members.retain(|name, _| !names.contains(&&**name));
        }
        self
    }

    /// Hashes it: no two values give the same bytes.
    pub(super) fn hash(&self, hash: &mut Context) {
        match self {
            Self::Null => hash.update(b"n"),
            Self::Flag(flag) => hash.update(if *flag { b"t" } else { b"f" }),
            Self::Number(text) => part(hash, b"d", text.as_bytes()),
            Self::Text(text) => part(hash, b"s", text.as_bytes()),
            Self::List(entries) => {
                count(hash, b"l", entries.len());
                entries.iter().for_each(|entry| entry.hash(hash));
            }
            Self::Object(members) => {
                count(hash, b"o", members.len());
                for (name, value) in members {
                    part(hash, b"s", name.as_bytes());
                    value.hash(hash);
                }
            }
        }
    }
}

/// Hashes bytes, with their kind and length before them.
pub(super) fn part(hash: &mut Context, kind: &[u8], bytes: &[u8]) {
    count(hash, kind, bytes.len());
    hash.update(bytes);
}

fn count(hash: &mut Context, kind: &[u8], count: usize) {
    hash.update(kind);
    hash.update(&(count as u64).to_be_bytes());
}

impl<'de: 'a, 'a> Deserialize<'de> for Canonical<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Values)
    }
}

struct Values;

/// A name, borrowed where it can be.
struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Canonical::deserialize(deserializer)? {
            Canonical::Text(text) => Ok(Self(text)),
            _ => Err(D::Error::custom("a name is text")),
        }
    }
}

impl<'de> Visitor<'de> for Values {
    type Value = Canonical<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Canonical::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Canonical::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Canonical::Number(number.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Canonical::Number(number.to_string()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        if number.abs() < LARGEST_EXACT {
            Ok(Canonical::Number((number + 0.0).to_string()))
        } else {
            Err(E::custom("a number that cannot be told from others"))
        }
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Canonical::Text(text.into()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Canonical::Text(text.to_owned().into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = entries.next_element()? {
            list.push(entry);
        }
        Ok(Canonical::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut object = BTreeMap::new();
        while let Some((Name(name), value)) = members.next_entry()? {
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a member stands twice"));
            }
        }
        Ok(Canonical::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest::SHA256;

    use super::*;

    fn digest(body: &str) -> Option<Vec<u8>> {
        let mut hash = Context::new(&SHA256);
        Canonical::read(body.as_bytes())?.hash(&mut hash);
        Some(hash.finish().as_ref().to_vec())
    }

    #[test]
    fn bodies_that_ask_the_same_are_one() {
        let one = digest(r#"{"a":{"x":1,"y":[true,null]},"b":"caf\u00e9"}"#).unwrap();
        assert_eq!(one, digest("{ \"b\": \"café\",\n \"a\": {\"y\":[true, null],\"x\":1.0} }").unwrap());
        assert_eq!(digest(r#"{"t":1e3,"n":-0.0}"#), digest(r#"{"n":0,"t":1000}"#));
    }

    #[test]
    fn bodies_that_ask_for_something_else_are_others() {
        let bodies = [
            r#"{"a":1}"#,
            r#"{"a":"1"}"#,
            r#"{"a":[1]}"#,
            r#"{"a":1.5}"#,
            r#"{"a":null}"#,
            r#"{"a":{}}"#,
            r#"{"a":[]}"#,
            r#"{"a":["b","c"]}"#,
            r#"{"a":["bc"]}"#,
            r#"{"a":["b"],"c":1}"#,
            r#"{"a":18446744073709551615}"#,
            r#"{"a":18446744073709551614}"#,
        ];
        let digests: std::collections::BTreeSet<_> = bodies.iter().map(|body| digest(body).unwrap()).collect();
        assert_eq!(digests.len(), bodies.len());
    }

    #[test]
    fn what_means_two_things_is_not_read() {
        for body in
            [r#"{"a":1,"a":2}"#, r#"{"x":[{"a":1,"a":1}]}"#, r#"{"a":1e300}"#, r#"{"a":18446744073709551616}"#, "{"]
        {
            assert_eq!(digest(body), None, "{body}");
        }
    }
}

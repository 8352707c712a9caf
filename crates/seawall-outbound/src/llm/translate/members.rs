//! A question's objects, read member by member: each is taken by whoever knows it, and what is left at the end is told by its name, because what
//! is dropped without a word may be what mattered.

use std::collections::BTreeMap;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Number, Value, value::RawValue};

use super::tree::Raw;

/// What another dialect has no words for: a sentence's beginning, which names the member and holds no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unsaid(pub(super) String);

pub(super) type Told<T> = Result<T, Unsaid>;

/// The longest name of a member that is told.
const LONGEST_NAME: usize = 64;

/// An object.
#[derive(Debug)]
pub(super) struct Members<'a> {
    at: String,
    members: BTreeMap<String, &'a RawValue>,
    /// Whether names may be spelt as Protocol Buffers spell them, which Google's API allows.
    snake: bool,
}

impl<'a> Members<'a> {
    /// The object at this place; the place of a body is empty.
    pub(super) fn of(json: &'a str, at: String) -> Told<Self> {
        let mut members = BTreeMap::new();
        let wrong =
            || Unsaid(if at.is_empty() { "the body is no object".to_owned() } else { format!("`{at}` is no object") });
        for (name, value) in pairs(json).ok_or_else(wrong)? {
            if members.insert(name.clone(), value).is_some() {
                return Err(Unsaid(format!("`{}` stands twice", joined(&at, &name))));
            }
        }
        Ok(Self { at, members, snake: false })
    }

    /// The same, with names in either spelling.
    pub(super) fn in_either_spelling(self) -> Self {
        Self { snake: true, ..self }
    }

    /// Where a member stands.
    pub(super) fn place(&self, name: &str) -> String {
        joined(&self.at, name)
    }

    /// The member; `null` is none.
    pub(super) fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        let found = self.members.remove(name);
        let found = found.or_else(|| self.members.remove(&snake(name)).filter(|_| self.snake));
        found.filter(|value| value.get() != "null")
    }

    fn read<T: Deserialize<'a>>(&mut self, name: &str, what: &str) -> Told<Option<T>> {
        let read = self.take(name).map(|value| serde_json::from_str(value.get()));
        read.transpose().map_err(|_| Unsaid(format!("`{}` is no {what}", self.place(name))))
    }

    pub(super) fn text(&mut self, name: &str) -> Told<Option<String>> {
        self.read(name, "text")
    }

    /// A text without which it means nothing.
    pub(super) fn needed(&mut self, name: &str) -> Told<String> {
        self.text(name)?.ok_or_else(|| Unsaid(format!("`{}` is missing", self.place(name))))
    }

    pub(super) fn number(&mut self, name: &str) -> Told<Option<Number>> {
        self.read(name, "number")
    }

    pub(super) fn count(&mut self, name: &str) -> Told<Option<u64>> {
        let number = self.number(name)?;
        // Google's library for Python writes some as 40.0.
        let whole = |number: Number| number.as_u64().or_else(|| number.to_string().strip_suffix(".0")?.parse().ok());
        let wrong = || Unsaid(format!("`{}` is no count", joined(&self.at, name)));
        number.map(|number| whole(number).ok_or_else(wrong)).transpose()
    }

    pub(super) fn flag(&mut self, name: &str) -> Told<Option<bool>> {
        self.read(name, "true or false")
    }

    pub(super) fn texts(&mut self, name: &str) -> Told<Vec<String>> {
        Ok(self.read(name, "list of texts")?.unwrap_or_default())
    }

    pub(super) fn list(&mut self, name: &str) -> Told<Vec<&'a RawValue>> {
        Ok(self.read(name, "list")?.unwrap_or_default())
    }

    /// An object that is not looked into.
    pub(super) fn raw(&mut self, name: &str) -> Told<Option<Raw>> {
        let read = self.take(name).map(|value| Raw::object(value.get()));
        read.map(|raw| raw.ok_or_else(|| Unsaid(format!("`{}` is no object", self.place(name))))).transpose()
    }

    pub(super) fn object(&mut self, name: &str) -> Told<Option<Self>> {
        let read = self.take(name).map(|value| self.below(value, self.place(name)));
        read.transpose()
    }

    /// An object without which it means nothing.
    pub(super) fn needed_object(&mut self, name: &str) -> Told<Self> {
        self.object(name)?.ok_or_else(|| Unsaid(format!("`{}` is missing", self.place(name))))
    }

    /// A list of objects.
    pub(super) fn objects(&mut self, name: &str) -> Told<Vec<Self>> {
        let listed = self.list(name)?;
        let place = self.place(name);
        listed.into_iter().enumerate().map(|(n, value)| self.below(value, format!("{place}[{n}]"))).collect()
    }

    /// A text, or a list of objects; nothing where there is neither.
    pub(super) fn text_or_objects(&mut self, name: &str) -> Told<TextOr<'a>> {
        match self.members.get(name) {
            Some(value) if value.get().starts_with('"') => Ok(TextOr::Text(self.text(name)?.unwrap_or_default())),
            _ => Ok(TextOr::Objects(self.objects(name)?)),
        }
    }

    /// Lets go of members that mean nothing elsewhere and do no harm.
    pub(super) fn ignore(&mut self, names: &[&str]) {
        for name in names {
            self.take(name);
        }
    }

    /// Takes a member that only one value of is understood: that which it has when it is not there.
    pub(super) fn only(&mut self, name: &str, value: &Value) -> Told<()> {
        let Some(found) = self.take(name) else { return Ok(()) };
        let same = serde_json::from_str::<Value>(found.get()).is_ok_and(|found| found == *value);
        if same { Ok(()) } else { Err(Unsaid(format!("`{}` other than {value} is not carried", self.place(name)))) }
    }

    /// Nothing may be left.
    pub(super) fn done(self) -> Told<()> {
        match self.members.iter().find(|(_, value)| value.get() != "null") {
            None => Ok(()),
            Some((name, _)) => {
                let name: String = name.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
                Err(Unsaid(format!("`{}` is not carried", joined(&self.at, &name))))
            }
        }
    }

    fn below(&self, value: &'a RawValue, at: String) -> Told<Self> {
        Ok(Self { snake: self.snake, ..Self::of(value.get(), at)? })
    }
}

/// A text, or a list of objects.
#[derive(Debug)]
pub(super) enum TextOr<'a> {
    Text(String),
    Objects(Vec<Members<'a>>),
}

/// The members of an object in their order; nothing when it is none.
pub(super) fn pairs(json: &str) -> Option<Vec<(String, &RawValue)>> {
    struct Pairs<'a>(Vec<(String, &'a RawValue)>);
    struct Each;
    impl<'de> Visitor<'de> for Each {
        type Value = Pairs<'de>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
            let mut pairs = Vec::new();
            while let Some(pair) = map.next_entry()? {
                pairs.push(pair);
            }
            Ok(Pairs(pairs))
        }
    }
    impl<'de> Deserialize<'de> for Pairs<'de> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_map(Each)
        }
    }
    serde_json::from_str::<Pairs<'_>>(json).ok().map(|pairs| pairs.0)
}

fn joined(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}

/// `maxOutputTokens` as `max_output_tokens`.
fn snake(name: &str) -> String {
    let mut spelt = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            spelt.push('_');
        }
        spelt.push(c.to_ascii_lowercase());
    }
    spelt
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_left_is_told_by_its_name_and_never_by_its_value() {
        let mut members = Members::of(r#"{"a":1,"gone":null,"b":[{"secret":"word"}]}"#, String::new()).unwrap();
        assert_eq!(members.count("a"), Ok(Some(1)));
        let below = members.objects("b").unwrap().remove(0);
        assert_eq!(below.done(), Err(Unsaid("`b[0].secret` is not carried".to_owned())));
        assert_eq!(members.done(), Ok(()));
        let twice = Members::of(r#"{"a":{"b":1,"b":2}}"#, String::new()).unwrap().object("a").unwrap_err();
        assert_eq!(twice.0, "`a.b` stands twice");
    }

    #[test]
    fn names_of_google_are_known_in_both_spellings() {
        let read = |json| Members::of(json, String::new()).unwrap().in_either_spelling().count("maxOutputTokens");
        assert_eq!(read(r#"{"maxOutputTokens":1}"#), Ok(Some(1)));
        assert_eq!(read(r#"{"max_output_tokens":1.0}"#), Ok(Some(1)));
        assert_eq!(read(r#"{"maxOutputTokens":1.5}"#).unwrap_err().0, "`maxOutputTokens` is no count");
        assert_eq!(read(r#"{"max_output_tokens":"one"}"#).unwrap_err().0, "`maxOutputTokens` is no number");
        assert_eq!(Members::of(r#"{"a_b":1}"#, String::new()).unwrap().count("aB"), Ok(None));
    }

    #[test]
    fn a_value_that_changes_nothing_is_let_go_of_and_another_is_not() {
        let only = |json| Members::of(json, String::new()).unwrap().only("n", &json!(1));
        assert_eq!((only(r#"{"n":1}"#), only("{}"), only(r#"{"n":null}"#)), (Ok(()), Ok(()), Ok(())));
        assert_eq!(only(r#"{"n":2}"#).unwrap_err().0, "`n` other than 1 is not carried");
    }
}

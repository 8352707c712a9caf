//! The keywords of JSON Schema, group by group.

use serde_json::Value;

use super::{Compiler, Dialect, DocumentError, Keywords};
use crate::schema::{
    kinds::Kinds,
    names::Names,
    node::{Composed, Condition, Contains, Fields, Items, NodeId, Numbers, Texts},
    number::Number,
    pattern::Pattern,
};

type Group<T> = Result<Option<Box<T>>, DocumentError>;

fn has_any(words: &Keywords<'_, '_>, of: &[&str]) -> bool {
    of.iter().any(|word| words.schema.contains_key(*word))
}

pub(super) fn kinds(words: &Keywords<'_, '_>) -> Result<Kinds, DocumentError> {
    let one = |word: &Value| {
        word.as_str()
            .and_then(Kinds::of)
            .ok_or_else(|| words.error("type", "expected null, boolean, integer, number, string, array or object"))
    };
    match words.get("type") {
        None => Ok(Kinds::ALL),
        Some(Value::Array(list)) => list.iter().try_fold(Kinds::NONE, |kinds, word| Ok(kinds.or(one(word)?))),
        Some(word) => one(word),
    }
}

pub(super) fn values(words: &Keywords<'_, '_>) -> Result<Option<Box<[Value]>>, DocumentError> {
    if let Some(only) = words.get("const") {
        return Ok(Some([only.clone()].into()));
    }
    let values = words.array("enum")?;
    Ok(words.get("enum").map(|_| values.into()))
}

pub(super) fn numbers(words: &Keywords<'_, '_>, dialect: Dialect) -> Group<Numbers> {
    const WORDS: [&str; 5] = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"];
    let whole = match words.get("format").and_then(Value::as_str) {
        Some("int32") => Some((i128::from(i32::MIN), i128::from(i32::MAX))),
        Some("int64") => Some((i128::from(i64::MIN), i128::from(i64::MAX))),
        _ => None,
    };
    if whole.is_none() && !has_any(words, &WORDS) {
        return Ok(None);
    }
    let number = |word: &str| match words.get(word) {
        None => Ok(None),
        Some(Value::Number(number)) => Ok(Some(Number::in_document(number))),
        Some(Value::Bool(_)) if word.starts_with("exclusive") && dialect == Dialect::OpenApi30 => Ok(None),
        Some(_) => Err(words.error(word, "expected a number")),
    };
    let mut numbers = Numbers {
        minimum: number("minimum")?,
        maximum: number("maximum")?,
        above: number("exclusiveMinimum")?,
        below: number("exclusiveMaximum")?,
        multiple_of: number("multipleOf")?,
    };
    if numbers.multiple_of.is_some_and(|of| of <= Number::Integer(0)) {
        return Err(words.error("multipleOf", "expected a number above 0"));
    }
    if dialect == Dialect::OpenApi30 {
        let excluded = |word: &str| words.get(word) == Some(&Value::Bool(true));
        if excluded("exclusiveMinimum") {
            numbers.above = numbers.minimum.take();
        }
        if excluded("exclusiveMaximum") {
            numbers.below = numbers.maximum.take();
        }
    }
    if let Some((least, most)) = whole {
        numbers.minimum = numbers.minimum.or(Some(Number::Integer(least)));
        numbers.maximum = numbers.maximum.or(Some(Number::Integer(most)));
    }
    Ok(Some(Box::new(numbers)))
}

fn pattern(words: &Keywords<'_, '_>, word: &str, text: &str) -> Result<Pattern, DocumentError> {
    Pattern::read(text).map_err(|reason| words.error(word, reason))
}

impl<'d> Compiler<'d> {
    fn child(&mut self, words: &Keywords<'_, 'd>, word: &str) -> Result<Option<NodeId>, DocumentError> {
        let Some(schema) = words.get(word) else { return Ok(None) };
        self.schema(&words.at(word), schema).map(Some)
    }

    fn list(&mut self, words: &Keywords<'_, 'd>, word: &str) -> Result<Vec<NodeId>, DocumentError> {
        let items = words.array(word)?;
        if words.get(word).is_some() && items.is_empty() {
            return Err(words.error(word, "expected at least one schema"));
        }
        items
            .iter()
            .enumerate()
            .map(|(place, item)| self.schema(&format!("{}/{place}", words.at(word)), item))
            .collect()
    }

    fn table(&mut self, words: &Keywords<'_, 'd>, word: &str) -> Result<Vec<(&'d String, NodeId)>, DocumentError> {
        let inside = |name: &str| format!("{}/{}", words.at(word), crate::schema::at::escaped(name));
        words.map(word)?.map(|(name, schema)| Ok((name, self.schema(&inside(name), schema)?))).collect()
    }

    pub(super) fn texts(&self, words: &Keywords<'_, 'd>) -> Group<Texts> {
        let texts = Texts {
            min_length: words.count("minLength")?.unwrap_or_default(),
            max_length: words.count("maxLength")?,
            pattern: words.text("pattern")?.map(|text| pattern(words, "pattern", text)).transpose()?,
            format: words.text("format")?.and_then(|name| self.formats.find(name)),
            not_in_future: words.flag("x-not-in-future")?,
        };
        let plain = texts.min_length == 0 && texts.max_length.is_none() && !texts.not_in_future;
        Ok((!plain || texts.pattern.is_some() || texts.format.is_some()).then(|| Box::new(texts)))
    }

    pub(super) fn items(&mut self, words: &Keywords<'_, 'd>) -> Group<Items> {
        const WORDS: [&str; 6] = ["items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"];
        if !has_any(words, &WORDS) {
            return Ok(None);
        }
        if matches!(words.get("items"), Some(Value::Array(_))) {
            return Err(words.error("items", "an array of schemas is written as `prefixItems`"));
        }
        let contains = match self.child(words, "contains")? {
            None => None,
            Some(node) => {
                let min = words.count("minContains")?.unwrap_or(1);
                Some(Contains { node, min, max: words.count("maxContains")? })
            }
        };
        Ok(Some(Box::new(Items {
            prefix: if words.get("prefixItems").is_some() { self.list(words, "prefixItems")? } else { Vec::new() },
            rest: self.child(words, "items")?,
            min: words.count("minItems")?.unwrap_or_default(),
            max: words.count("maxItems")?,
            unique: words.flag("uniqueItems")?,
            contains,
        })))
    }

    pub(super) fn fields(&mut self, words: &Keywords<'_, 'd>) -> Group<Fields> {
        const WORDS: [&str; 9] = [
            "properties",
            "patternProperties",
            "additionalProperties",
            "unevaluatedProperties",
            "propertyNames",
            "required",
            "dependentRequired",
            "minProperties",
            "maxProperties",
        ];
        if !has_any(words, &WORDS) {
            return Ok(None);
        }
        let patterns = self.table(words, "patternProperties")?;
        let patterns = patterns.into_iter().map(|(text, id)| Ok((pattern(words, "patternProperties", text)?, id)));
        let patterns: Vec<_> = patterns.collect::<Result<_, _>>()?;
        let properties = self.table(words, "properties")?;
        let needs = words.map("dependentRequired")?.map(|(name, needed)| {
            let names =
                needed.as_array().and_then(|list| list.iter().map(|one| one.as_str().map(str::to_owned)).collect());
            let needed: Option<Vec<String>> = names;
            needed
                .map(|needed| (name.clone(), needed))
                .ok_or_else(|| words.error("dependentRequired", "expected arrays of names"))
        });
        Ok(Some(Box::new(Fields {
            describes: !properties.is_empty() || !patterns.is_empty(),
            named: Names::new(words.names("required")?, properties.into_iter().map(|(name, id)| (name.clone(), id))),
            patterns,
            others: self.child(words, "additionalProperties")?,
            unevaluated: self.child(words, "unevaluatedProperties")?,
            names: self.child(words, "propertyNames")?,
            required_with: needs.collect::<Result<_, _>>()?,
            min: words.count("minProperties")?.unwrap_or_default(),
            max: words.count("maxProperties")?,
        })))
    }

    pub(super) fn composed(&mut self, words: &Keywords<'_, 'd>) -> Group<Composed> {
        const WORDS: [&str; 7] = ["$ref", "allOf", "anyOf", "oneOf", "not", "if", "dependentSchemas"];
        if !has_any(words, &WORDS) {
            return Ok(None);
        }
        let reference = match words.text("$ref")? {
            Some(reference) => Some(self.referred(&words.at("$ref"), reference)?),
            None => None,
        };
        if self.dialect == Dialect::OpenApi30 && reference.is_some() {
            return Ok(Some(Box::new(Composed { reference, ..Composed::default() })));
        }
        let condition = match self.child(words, "if")? {
            None => None,
            Some(when) => {
                let (then, otherwise) = (self.child(words, "then")?, self.child(words, "else")?);
                Some(Condition { when, then, otherwise })
            }
        };
        let with_field = self.table(words, "dependentSchemas")?;
        Ok(Some(Box::new(Composed {
            reference,
            all_of: self.list(words, "allOf")?,
            any_of: self.list(words, "anyOf")?,
            one_of: self.list(words, "oneOf")?,
            not: self.child(words, "not")?,
            condition,
            with_field: with_field.into_iter().map(|(name, id)| (name.clone(), id)).collect(),
        })))
    }
}

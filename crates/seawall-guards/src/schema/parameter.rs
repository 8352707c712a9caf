//! One parameter: how it is written in a request, and its text as a value.

use serde_json::Value;

use super::{
    check::{self, Manner},
    fault::{Faults, Place, Spot},
    instance::Instance,
    kinds::Kinds,
    node::{NodeId, Nodes},
    number::Number,
};
use crate::json::Tree;

/// A parameter of a document.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) place: Place,
    /// As it is written; headers in lower case.
    pub(super) name: String,
    pub(super) required: bool,
    pub(super) style: Style,
    pub(super) node: NodeId,
    /// What its schema takes, and what that of its items does; known once all schemas are.
    pub(super) kinds: Kinds,
    pub(super) item_kinds: Kinds,
}

/// How a value is written as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Once for each item: `id=1&id=2`.
    Repeated,
    /// Once, with this between items: `id=1,2`.
    Divided(char),
    /// As JSON.
    Json,
}

impl Parameter {
    pub(super) const fn spot(&self) -> Spot<'_> {
        Spot { place: self.place, name: self.name.as_str() }
    }

    /// Whether several values of it are one array.
    pub(super) fn repeats(&self) -> bool {
        self.style == Style::Repeated && self.kinds.has(Kinds::ARRAY) && !self.single()
    }

    /// Whether anything but an array can be meant.
    fn single(&self) -> bool {
        self.kinds == Kinds::ALL
    }

    /// What is wrong with its one text.
    pub(super) fn text(&self, nodes: &Nodes, text: &str, manner: Manner) -> Faults {
        match self.style {
            Style::Json => self.json(nodes, text, manner),
            Style::Divided(between) if self.kinds.has(Kinds::ARRAY) && !self.single() => {
                self.texts(nodes, text.split(between), manner)
            }
            Style::Divided(_) | Style::Repeated => self.one(nodes, text, manner),
        }
    }

    /// What is wrong with its several texts.
    pub(super) fn texts<'t>(&self, nodes: &Nodes, texts: impl Iterator<Item = &'t str>, manner: Manner) -> Faults {
        let items: Vec<Value> = texts.map(|text| value(self.item_kinds, text)).collect();
        // Of `anyOf: [array, string]` the other may be meant.
        if let ([_], Some(Value::String(only))) = (&*items, items.first())
            && self.kinds.has(Kinds::STRING)
            && check::passes(nodes, self.node, &Instance::Text(only), manner)
        {
            return Faults::default();
        }
        let array = Tree::from(&Value::Array(items));
        check::faults(nodes, self.node, &Instance::from(&array), self.spot(), manner)
    }

    fn one(&self, nodes: &Nodes, text: &str, manner: Manner) -> Faults {
        let typed = typed(self.kinds, text);
        if let Some(typed) = typed
            && (!self.kinds.has(Kinds::STRING) || check::passes(nodes, self.node, &typed, manner))
        {
            return check::faults(nodes, self.node, &typed, self.spot(), manner);
        }
        check::faults(nodes, self.node, &Instance::Text(text), self.spot(), manner)
    }

    fn json(&self, nodes: &Nodes, text: &str, manner: Manner) -> Faults {
        match serde_json::from_str::<Value>(text) {
            Ok(value) => check::faults(nodes, self.node, &Instance::from(&Tree::from(&value)), self.spot(), manner),
            Err(_) => {
                let mut faults = Faults::default();
                let found = Instance::Text(text).class();
                faults.push(self.spot().because(String::new(), "content", "JSON", found));
                faults
            }
        }
    }
}

/// The text as what a schema of these kinds would rather have than text.
fn typed(kinds: Kinds, text: &str) -> Option<Instance<'static>> {
    if kinds.has(Kinds::NUMBER)
        && let Some(number) = Number::read(text)
    {
        return Some(Instance::Number(number));
    }
    if kinds.has(Kinds::BOOLEAN) {
        // Python writes `True`.
        let flag = [("true", true), ("false", false)].into_iter().find(|(word, _)| text.eq_ignore_ascii_case(word));
        if let Some((_, flag)) = flag {
            return Some(Instance::Flag(flag));
        }
    }
    (kinds.has(Kinds::NULL) && matches!(text, "" | "null")).then_some(Instance::Null)
}

/// The text as a value.
pub(super) fn value(kinds: Kinds, text: &str) -> Value {
    // Text stays text where it may be, for it cannot be told what was meant.
    let typed = if kinds.has(Kinds::STRING) { None } else { typed(kinds, text) };
    match typed {
        Some(Instance::Flag(flag)) => flag.into(),
        Some(Instance::Null) => Value::Null,
        Some(Instance::Number(Number::Integer(whole))) => {
            i64::try_from(whole).map_or_else(|_| Value::from(Number::Integer(whole).float()), Value::from)
        }
        Some(Instance::Number(Number::Float(float))) => float.into(),
        _ => text.into(),
    }
}

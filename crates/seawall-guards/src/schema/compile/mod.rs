//! From a document to nodes: each schema is compiled once, wherever it is referred to.

mod facts;
mod keywords;
mod reference;

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{
    at::escaped,
    formats::Formats,
    kinds::Kinds,
    node::{Node, NodeId, Nodes},
};
use crate::json::Tree;

pub(super) use reference::resolve;

/// A document that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", Self::place(.pointer))]
pub struct DocumentError {
    /// Where in the document, as a JSON pointer; empty for all of it.
    pub pointer: String,
    /// Why it cannot be used, and what to do.
    pub reason: String,
}

impl DocumentError {
    pub(super) fn new(pointer: &str, reason: impl Into<String>) -> Self {
        Self { pointer: pointer.to_owned(), reason: reason.into() }
    }

    fn place(pointer: &str) -> String {
        if pointer.is_empty() { String::new() } else { format!("at {pointer}: ") }
    }
}

/// The words that a document is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// OpenAPI 3.0: `nullable`, bounds that exclude by a flag, nothing beside `$ref`.
    OpenApi30,
    /// JSON Schema 2020-12, as OpenAPI 3.1 uses it.
    Draft2020,
}

/// Compiles the schemas of one document.
#[derive(Debug)]
pub(super) struct Compiler<'d> {
    root: &'d Value,
    dialect: Dialect,
    formats: &'d Formats,
    nodes: Vec<Node>,
    /// Where each node stands in the document.
    places: Vec<String>,
    known: HashMap<String, NodeId>,
    /// Schemas that were referred to and are compiled later, so that long chains need no deep stack.
    waiting: Vec<(NodeId, &'d Value)>,
}

impl<'d> Compiler<'d> {
    pub(super) fn new(root: &'d Value, dialect: Dialect, formats: &'d Formats) -> Self {
        Self {
            root,
            dialect,
            formats,
            nodes: Vec::new(),
            places: Vec::new(),
            known: HashMap::new(),
            waiting: Vec::new(),
        }
    }

    /// The node of the schema at this place.
    ///
    /// # Errors
    /// [`DocumentError`].
    pub(super) fn schema(&mut self, pointer: &str, schema: &'d Value) -> Result<NodeId, DocumentError> {
        if let Some(id) = self.known.get(pointer) {
            return Ok(*id);
        }
        let id = self.reserve(pointer);
        let node = self.node(pointer, schema)?;
        self.put(id, node);
        Ok(id)
    }

    /// The node of a reference's target, compiled now or later.
    fn referred(&mut self, pointer: &str, reference: &str) -> Result<NodeId, DocumentError> {
        let (target, schema) = resolve(self.root, pointer, reference)?;
        if let Some(id) = self.known.get(&target) {
            return Ok(*id);
        }
        let id = self.reserve(&target);
        self.waiting.push((id, schema));
        Ok(id)
    }

    /// Compiles what was only referred to, and looks at the whole.
    ///
    /// # Errors
    /// [`DocumentError`].
    pub(super) fn finish(mut self) -> Result<Nodes, DocumentError> {
        while let Some((id, schema)) = self.waiting.pop() {
            let pointer = self.places.get(id).cloned().unwrap_or_default();
            let node = self.node(&pointer, schema)?;
            self.put(id, node);
        }
        let kinds = facts::kinds(&self.nodes, &self.places)?;
        Ok(Nodes::new(self.nodes, kinds))
    }

    fn reserve(&mut self, pointer: &str) -> NodeId {
        let id = self.nodes.len();
        self.nodes.push(Node::anything());
        self.places.push(pointer.to_owned());
        self.known.insert(pointer.to_owned(), id);
        id
    }

    fn put(&mut self, id: NodeId, node: Node) {
        if let Some(place) = self.nodes.get_mut(id) {
            *place = node;
        }
    }

    fn node(&mut self, pointer: &str, schema: &'d Value) -> Result<Node, DocumentError> {
        match schema {
            Value::Bool(true) => Ok(Node::anything()),
            Value::Bool(false) => Ok(Node::nothing()),
            Value::Object(schema) => self.object(&Keywords { pointer, schema }),
            _ => Err(DocumentError::new(pointer, "a schema is an object or a boolean")),
        }
    }

    fn object(&mut self, words: &Keywords<'_, 'd>) -> Result<Node, DocumentError> {
        self.refuse_unsupported(words)?;
        if self.dialect == Dialect::OpenApi30 && words.schema.contains_key("$ref") {
            // Whatever stands beside a reference has no meaning in OpenAPI 3.0.
            return Ok(Node { composed: self.composed(words)?, ..Node::anything() });
        }
        Ok(Node {
            kinds: keywords::kinds(words)?,
            nullable: self.dialect == Dialect::OpenApi30 && words.flag("nullable")?,
            read_only: words.flag("readOnly")?,
            write_only: words.flag("writeOnly")?,
            one_of_values: keywords::values(words)?,
            numbers: keywords::numbers(words, self.dialect)?,
            texts: self.texts(words)?,
            items: self.items(words)?,
            fields: self.fields(words)?,
            composed: self.composed(words)?,
        })
    }

    fn refuse_unsupported(&self, words: &Keywords<'_, '_>) -> Result<(), DocumentError> {
        const UNSUPPORTED: [(&str, &str); 7] = [
            ("$dynamicRef", "write a `$ref` to the schema that is meant"),
            ("$recursiveRef", "write a `$ref` to the schema that is meant"),
            ("unevaluatedItems", "say `items: false` beside `prefixItems`"),
            ("additionalItems", "say `items` beside `prefixItems`, as JSON Schema 2020-12 does"),
            ("dependencies", "say `dependentRequired` or `dependentSchemas`"),
            ("divisibleBy", "say `multipleOf`"),
            ("extends", "say `allOf`"),
        ];
        for (word, instead) in UNSUPPORTED {
            if words.schema.contains_key(word) {
                return Err(words.error(word, format!("`{word}` is not supported; {instead}")));
            }
        }
        let nested = words.schema.contains_key("$id") && !words.pointer.is_empty();
        if nested && !std::ptr::eq(words.schema, self.root.as_object().unwrap_or(words.schema)) {
            return Err(words.error("$id", "an `$id` inside a document changes what its references mean; leave it out"));
        }
        Ok(())
    }
}

/// The keywords of one schema, and where it stands.
#[derive(Debug)]
struct Keywords<'p, 'd> {
    pointer: &'p str,
    schema: &'d Map<String, Value>,
}

impl<'d> Keywords<'_, 'd> {
    fn at(&self, word: &str) -> String {
        format!("{}/{}", self.pointer, escaped(word))
    }

    fn error(&self, word: &str, reason: impl Into<String>) -> DocumentError {
        DocumentError::new(&self.at(word), reason)
    }

    fn get(&self, word: &str) -> Option<&'d Value> {
        self.schema.get(word)
    }

    fn flag(&self, word: &str) -> Result<bool, DocumentError> {
        match self.get(word) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(self.error(word, "expected true or false")),
        }
    }

    fn text(&self, word: &str) -> Result<Option<&'d str>, DocumentError> {
        match self.get(word) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.error(word, "expected text")),
        }
    }

    /// A count, which may be written as `3.0`.
    fn count(&self, word: &str) -> Result<Option<u64>, DocumentError> {
        let Some(value) = self.get(word) else { return Ok(None) };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, not negative, and small")]
        let whole = |float: f64| (float.fract() == 0.0 && (0.0..1e15).contains(&float)).then_some(float as u64);
        let count = value.as_u64().or_else(|| value.as_f64().and_then(whole));
        count.map(Some).ok_or_else(|| self.error(word, "expected a whole number that is not negative"))
    }

    fn array(&self, word: &str) -> Result<&'d [Value], DocumentError> {
        match self.get(word) {
            None => Ok(&[]),
            Some(Value::Array(items)) => Ok(items),
            Some(_) => Err(self.error(word, "expected an array")),
        }
    }

    fn map(&self, word: &str) -> Result<impl Iterator<Item = (&'d String, &'d Value)> + use<'d>, DocumentError> {
        match self.get(word) {
            None => Ok(None.into_iter().flatten()),
            Some(Value::Object(map)) => Ok(Some(map.iter()).into_iter().flatten()),
            Some(_) => Err(self.error(word, "expected an object")),
        }
    }

    fn names(&self, word: &str) -> Result<Vec<String>, DocumentError> {
        let names = self.array(word)?.iter().map(|name| name.as_str().map(str::to_owned));
        names.collect::<Option<Vec<_>>>().ok_or_else(|| self.error(word, "expected an array of names"))
    }
}

/// The kinds of the values that a schema lists.
fn kinds_of(values: &[Value]) -> Kinds {
    values
        .iter()
        .fold(Kinds::NONE, |kinds, value| kinds.or(super::instance::Instance::from(&Tree::from(value)).kinds()))
}

//! A document that was read, in two pieces of memory: its values in their order, and the text that they stand in.

use serde_json::{Map, Value};

use super::grow::Growing;

/// A document. Whoever looks at it goes through [`Tree::root`].
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// Each value before those inside; there is at least one.
    pub(super) nodes: Vec<Node>,
    pub(super) texts: String,
}

/// A value, and the key before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) key: Span,
    pub(super) hash: u64,
    pub(super) what: What,
}

/// Where a text begins and ends.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Span {
    pub(super) begin: usize,
    pub(super) end: usize,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum What {
    Null,
    Flag(bool),
    Number(Span),
    Text(Span),
    Array(Inside),
    Object(Inside),
}

/// How many values stand directly in an array or object, and where the values behind it begin.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Inside {
    pub(super) count: usize,
    pub(super) end: usize,
}

/// A value.
#[derive(Clone, Copy, Debug)]
pub enum Item<'t> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Flag(bool),
    /// A number as it was written.
    Number(&'t str),
    /// A string, decoded.
    Text(&'t str),
    /// An array.
    Array(Inner<'t>),
    /// An object.
    Object(Inner<'t>),
}

impl Tree {
    /// The document's value.
    #[must_use]
    pub fn root(&self) -> Item<'_> {
        self.nodes.first().map_or(Item::Null, |node| Entry { tree: self, place: 0, node }.value())
    }

    #[inline]
    pub(super) fn text(&self, span: Span) -> &str {
        self.texts.get(span.begin..span.end).unwrap_or_default()
    }
}

/// What stands in an array or object.
#[derive(Clone, Copy)]
pub struct Inner<'t> {
    tree: &'t Tree,
    /// Its own place.
    place: usize,
    inside: Inside,
}

impl<'t> Inner<'t> {
    /// How many values stand directly in it.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.inside.count
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.inside.count == 0
    }

    /// Those, in their order.
    #[must_use]
    pub const fn iter(&self) -> Entries<'t> {
        Entries { tree: self.tree, at: self.place + 1, end: self.inside.end }
    }

    /// The value of this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Item<'t>> {
        self.iter().find(|entry| entry.key() == key).map(|entry| entry.value())
    }

    /// Its place among all values of the document.
    pub(crate) const fn place(&self) -> usize {
        self.place
    }

    /// How many values it is made of, itself among them.
    pub(crate) const fn values(&self) -> usize {
        self.inside.end - self.place
    }
}

impl std::fmt::Debug for Inner<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter().map(|entry| (entry.key(), entry.value()))).finish()
    }
}

/// The values that stand directly in an array or object.
#[derive(Clone, Copy, Debug)]
pub struct Entries<'t> {
    tree: &'t Tree,
    at: usize,
    end: usize,
}

impl<'t> Iterator for Entries<'t> {
    type Item = Entry<'t>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'t>> {
        if self.at >= self.end {
            return None;
        }
        let place = self.at;
        let node = self.tree.nodes.get(place)?;
        self.at = node.behind(place);
        Some(Entry { tree: self.tree, place, node })
    }
}

/// One of them.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'t> {
    tree: &'t Tree,
    place: usize,
    node: &'t Node,
}

impl<'t> Entry<'t> {
    /// Its key, in an object.
    #[must_use]
    pub fn key(&self) -> &'t str {
        self.tree.text(self.node.key)
    }

    /// The hash of its key.
    #[must_use]
    pub const fn hash(&self) -> u64 {
        self.node.hash
    }

    /// Its value.
    #[must_use]
    #[inline]
    pub fn value(&self) -> Item<'t> {
        let inner = |inside| Inner { tree: self.tree, place: self.place, inside };
        match self.node.what {
            What::Null => Item::Null,
            What::Flag(flag) => Item::Flag(flag),
            What::Number(span) => Item::Number(self.tree.text(span)),
            What::Text(span) => Item::Text(self.tree.text(span)),
            What::Array(inside) => Item::Array(inner(inside)),
            What::Object(inside) => Item::Object(inner(inside)),
        }
    }

    /// Its place among all values of the document.
    pub(crate) const fn place(&self) -> usize {
        self.place
    }
}

impl Node {
    /// The place of the value that stands behind this one, which stands here.
    pub(super) const fn behind(&self, place: usize) -> usize {
        match self.what {
            What::Array(inside) | What::Object(inside) => inside.end,
            What::Null | What::Flag(_) | What::Number(_) | What::Text(_) => place + 1,
        }
    }
}

impl From<&Value> for Tree {
    fn from(value: &Value) -> Self {
        Growing::of(value)
    }
}

impl From<Item<'_>> for Value {
    fn from(item: Item<'_>) -> Self {
        match item {
            Item::Null => Self::Null,
            Item::Flag(flag) => Self::Bool(flag),
            // The scanner refuses what no 64-bit number holds, so there is always one.
            Item::Number(text) => text.parse().map_or(Self::Null, Self::Number),
            Item::Text(text) => Self::String(text.to_owned()),
            Item::Array(inner) => inner.iter().map(|entry| Self::from(entry.value())).collect(),
            Item::Object(inner) => {
                let fields = inner.iter().map(|entry| (entry.key().to_owned(), Self::from(entry.value())));
                Self::Object(fields.collect::<Map<_, _>>())
            }
        }
    }
}

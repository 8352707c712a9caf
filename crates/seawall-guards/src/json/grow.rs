//! A tree that grows while a document is read. The scanner bounds how deep and how wide.

use seawall_core::json::{Sink, Told, Word, key_hash};
use serde_json::Value;

use super::tree::{Inside, Node, Span, Tree, What};

/// So long a document has room at once, at most: a client that says it will send more has sent nothing yet.
const MOST_ROOM_BYTES: usize = 4 * 1024;

/// Bytes of a document for each of its values, at the least for most.
const BYTES_OF_VALUE: usize = 16;

/// What was read so far.
#[derive(Debug, Default)]
pub(crate) struct Growing {
    nodes: Vec<Node>,
    /// Parts as they came, and behind each what in it was not written as it is meant.
    texts: String,
    /// Where the part begins that is read.
    part: usize,
    /// The places of arrays and objects that have not ended.
    open: Vec<usize>,
    /// How many values the innermost of those has so far.
    count: usize,
    /// Those of the ones around it.
    counts: Vec<usize>,
    key: Span,
    hash: u64,
}

impl Growing {
    /// With room for a document that is said to be so long.
    pub(crate) fn of_bytes(length: Option<u64>) -> Self {
        let length = usize::try_from(length.unwrap_or_default()).unwrap_or(usize::MAX).min(MOST_ROOM_BYTES);
        let (nodes, texts) = (Vec::with_capacity(length / BYTES_OF_VALUE), String::with_capacity(length));
        Self { nodes, texts, ..Self::default() }
    }

    /// Bytes of memory that the tree takes so far.
    pub(crate) const fn held_bytes(&self) -> usize {
        self.nodes.capacity() * size_of::<Node>() + self.texts.capacity()
    }

    /// The document, once it was read to its end.
    pub(crate) fn into_tree(self) -> Option<Tree> {
        let whole = self.open.is_empty() && !self.nodes.is_empty();
        whole.then_some(Tree { nodes: self.nodes, texts: self.texts })
    }

    /// A value that was read by somebody else.
    pub(super) fn of(value: &Value) -> Tree {
        let mut growing = Self::default();
        growing.value(value);
        Tree { nodes: growing.nodes, texts: growing.texts }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.word(Word::Null),
            Value::Bool(true) => self.word(Word::True),
            Value::Bool(false) => self.word(Word::False),
            Value::Number(number) => self.number(number.to_string().as_str().into()),
            Value::String(text) => self.text(text.as_str().into()),
            Value::Array(items) => {
                self.open(true);
                items.iter().for_each(|item| self.value(item));
                self.close();
            }
            Value::Object(fields) => {
                self.open(false);
                for (key, value) in fields {
                    self.key(key.as_str().into(), key_hash(key));
                    self.value(value);
                }
                self.close();
            }
        }
    }

    #[inline]
    fn add(&mut self, what: What) {
        self.count += 1;
        self.nodes.push(Node { key: self.key, hash: self.hash, what });
    }

    #[inline]
    fn keep(&mut self, told: Told<'_>) -> Span {
        if let Some((begin, end)) = told.place() {
            return Span { begin: self.part + begin, end: self.part + end };
        }
        let begin = self.texts.len();
        self.texts.push_str(told.text());
        Span { begin, end: self.texts.len() }
    }
}

impl Sink for Growing {
    const TEXTS: bool = true;

    fn part(&mut self, text: &str) {
        self.part = self.texts.len();
        self.texts.push_str(text);
    }

    fn open(&mut self, array: bool) {
        self.open.push(self.nodes.len());
        let inside = Inside::default();
        self.add(if array { What::Array(inside) } else { What::Object(inside) });
        self.counts.push(std::mem::take(&mut self.count));
        // Items have no key.
        (self.key, self.hash) = (Span::default(), 0);
    }

    fn close(&mut self) {
        let inside = Inside { count: self.count, end: self.nodes.len() };
        self.count = self.counts.pop().unwrap_or_default();
        (self.key, self.hash) = (Span::default(), 0);
        let node = self.open.pop().and_then(|place| self.nodes.get_mut(place));
        if let Some(What::Array(own) | What::Object(own)) = node.map(|node| &mut node.what) {
            *own = inside;
        }
    }

    #[inline]
    fn key(&mut self, key: Told<'_>, hash: u64) {
        self.key = self.keep(key);
        self.hash = hash;
    }

    #[inline]
    fn text(&mut self, text: Told<'_>) {
        let span = self.keep(text);
        self.add(What::Text(span));
    }

    #[inline]
    fn number(&mut self, number: Told<'_>) {
        let span = self.keep(number);
        self.add(What::Number(span));
    }

    #[inline]
    fn word(&mut self, word: Word) {
        self.add(match word {
            Word::Null => What::Null,
            Word::True => What::Flag(true),
            Word::False => What::Flag(false),
        });
    }
}

//! Compiled schemas: nodes that name one another by their place, so that documents may be recursive.

use std::collections::HashSet;

use serde_json::Value;

use super::{formats::Format, kinds::Kinds, names::Names, number::Number, pattern::Pattern};

/// The place of a node.
pub(super) type NodeId = usize;

/// Every schema of a document.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    pub(super) all: Vec<Node>,
    /// The kinds of value that can pass, as far as can be told without a value.
    pub(super) kinds: Vec<Kinds>,
    /// Every field that any of them names.
    pub(super) names: HashSet<String>,
}

impl Nodes {
    pub(super) fn new(all: Vec<Node>, kinds: Vec<Kinds>) -> Self {
        let fields = || all.iter().filter_map(|node| node.fields.as_deref());
        let names = fields().flat_map(|fields| fields.named.iter()).map(|named| named.name.clone()).collect();
        Self { all, kinds, names }
    }

    pub(super) fn get(&self, id: NodeId) -> &Node {
        self.all.get(id).unwrap_or(&ANYTHING)
    }

    pub(super) fn kinds(&self, id: NodeId) -> Kinds {
        self.kinds.get(id).copied().unwrap_or(Kinds::ALL)
    }

    /// The schema behind references that stand alone.
    pub(super) fn behind(&self, mut id: NodeId) -> NodeId {
        // Invariant: no schema refers to itself in place, so this ends.
        while let Some(target) = self.get(id).composed.as_ref().and_then(|composed| composed.reference) {
            id = target;
        }
        id
    }
}

static ANYTHING: Node = Node::anything();

/// One schema.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) kinds: Kinds,
    /// `null` passes, whatever else is said (OpenAPI 3.0's `nullable`).
    pub(super) nullable: bool,
    pub(super) read_only: bool,
    pub(super) write_only: bool,
    /// The values of `enum`, or the one of `const`.
    pub(super) one_of_values: Option<Box<[Value]>>,
    pub(super) numbers: Option<Box<Numbers>>,
    pub(super) texts: Option<Box<Texts>>,
    pub(super) items: Option<Box<Items>>,
    pub(super) fields: Option<Box<Fields>>,
    pub(super) composed: Option<Box<Composed>>,
}

impl Node {
    pub(super) const fn anything() -> Self {
        Self {
            kinds: Kinds::ALL,
            nullable: false,
            read_only: false,
            write_only: false,
            one_of_values: None,
            numbers: None,
            texts: None,
            items: None,
            fields: None,
            composed: None,
        }
    }

    pub(super) fn nothing() -> Self {
        Self { kinds: Kinds::NONE, ..Self::anything() }
    }

    pub(super) fn refuses_everything(&self) -> bool {
        self.kinds == Kinds::NONE
    }
}

/// What numbers have to keep.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    pub(super) minimum: Option<Number>,
    pub(super) maximum: Option<Number>,
    pub(super) above: Option<Number>,
    pub(super) below: Option<Number>,
    pub(super) multiple_of: Option<Number>,
}

/// What text has to keep.
#[derive(Debug, Default)]
pub(super) struct Texts {
    pub(super) min_length: u64,
    pub(super) max_length: Option<u64>,
    pub(super) pattern: Option<Pattern>,
    pub(super) format: Option<Format>,
    pub(super) not_in_future: bool,
}

/// What arrays have to keep.
#[derive(Debug, Default)]
pub(super) struct Items {
    pub(super) prefix: Vec<NodeId>,
    pub(super) rest: Option<NodeId>,
    pub(super) min: u64,
    pub(super) max: Option<u64>,
    pub(super) unique: bool,
    pub(super) contains: Option<Contains>,
}

/// What some items of an array have to be.
#[derive(Debug)]
pub(super) struct Contains {
    pub(super) node: NodeId,
    pub(super) min: u64,
    pub(super) max: Option<u64>,
}

/// What objects have to keep.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) named: Names,
    /// Whether it says which fields there are, so that all others are unknown.
    pub(super) describes: bool,
    pub(super) patterns: Vec<(Pattern, NodeId)>,
    pub(super) others: Option<NodeId>,
    pub(super) unevaluated: Option<NodeId>,
    pub(super) names: Option<NodeId>,
    pub(super) required_with: Vec<(String, Vec<String>)>,
    pub(super) min: u64,
    pub(super) max: Option<u64>,
}

/// What else the same value has to pass.
#[derive(Debug, Default)]
pub(super) struct Composed {
    pub(super) reference: Option<NodeId>,
    pub(super) all_of: Vec<NodeId>,
    pub(super) any_of: Vec<NodeId>,
    pub(super) one_of: Vec<NodeId>,
    pub(super) not: Option<NodeId>,
    pub(super) condition: Option<Condition>,
    pub(super) with_field: Vec<(String, NodeId)>,
}

/// `if`, `then` and `else`.
#[derive(Debug)]
pub(super) struct Condition {
    pub(super) when: NodeId,
    pub(super) then: Option<NodeId>,
    pub(super) otherwise: Option<NodeId>,
}

impl Composed {
    /// Whether several schemas look at the same value.
    pub(super) fn plural(&self) -> bool {
        self.condition.is_some() || self.in_place().nth(1).is_some()
    }

    /// The schemas that look at the same value.
    pub(super) fn in_place(&self) -> impl Iterator<Item = NodeId> + '_ {
        let condition =
            self.condition.iter().flat_map(|one| [Some(one.when), one.then, one.otherwise].into_iter().flatten());
        let lists = self.all_of.iter().chain(&self.any_of).chain(&self.one_of).copied();
        let with_field = self.with_field.iter().map(|(_, id)| *id);
        self.reference.into_iter().chain(lists).chain(self.not).chain(condition).chain(with_field)
    }
}

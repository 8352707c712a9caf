//! The fields of a form as a JSON value, so that forms are looked at as JSON is.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{
    kinds::Kinds,
    node::{NodeId, Nodes},
    parameter::value,
};

/// The most schemas that are looked through for a field.
const MOST_LOOKS: usize = 256;

/// An object of the fields; one that is given several times, or whose schema takes only arrays, is an array.
pub(super) fn object(nodes: &Nodes, node: Option<NodeId>, fields: &[(Cow<'_, str>, Cow<'_, str>)]) -> Value {
    let mut out = Map::new();
    for (name, text) in fields {
        let field = node.and_then(|node| field(nodes, node, name));
        let kinds = field.map_or(Kinds::ALL, |id| nodes.kinds(id));
        let several = kinds.has(Kinds::ARRAY) && !kinds.has(Kinds::STRING);
        let kinds = if several { field.map_or(Kinds::ALL, |id| items(nodes, id)) } else { kinds };
        let one = value(kinds, text);
        match out.get_mut(name.as_ref()) {
            None => drop(out.insert(name.to_string(), if several { Value::Array(vec![one]) } else { one })),
            Some(Value::Array(list)) => list.push(one),
            Some(first) => *first = Value::Array(vec![first.take(), one]),
        }
    }
    Value::Object(out)
}

/// What the items of an array may be.
pub(super) fn items(nodes: &Nodes, id: NodeId) -> Kinds {
    let found = search(nodes, id, |node| nodes.get(node).items.as_ref().and_then(|items| items.rest));
    found.map_or(Kinds::ALL, |id| nodes.kinds(id))
}

fn field(nodes: &Nodes, id: NodeId, name: &str) -> Option<NodeId> {
    search(nodes, id, |node| nodes.get(node).fields.as_ref().and_then(|fields| fields.named.node(name)))
}

/// The first schema for the same value that has something.
fn search<T>(nodes: &Nodes, id: NodeId, has: impl Fn(NodeId) -> Option<T>) -> Option<T> {
    let mut waiting = vec![id];
    for _ in 0..MOST_LOOKS {
        let id = waiting.pop()?;
        if let Some(found) = has(id) {
            return Some(found);
        }
        waiting.extend(nodes.get(id).composed.iter().flat_map(|composed| composed.in_place()));
    }
    None
}

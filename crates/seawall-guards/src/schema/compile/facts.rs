//! What is known of schemas without a value: that looking at one ends, and the kinds that can pass it.

use super::{DocumentError, kinds_of};
use crate::schema::{
    kinds::Kinds,
    node::{Node, NodeId},
};

/// The longest chain of schemas that look at the same value.
const LONGEST: usize = 32;

/// How far the search for one node has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    /// Done, with the length of the longest chain from here.
    Done(usize),
}

/// The kinds that can pass each node.
///
/// # Errors
/// [`DocumentError`] when a schema refers to itself for the same value, which would never end, or is composed too deeply.
pub(super) fn kinds(nodes: &[Node], places: &[String]) -> Result<Vec<Kinds>, DocumentError> {
    let mut search = Search { nodes, states: vec![State::New; nodes.len()], kinds: vec![Kinds::ALL; nodes.len()] };
    for id in 0..nodes.len() {
        search
            .from(id)
            .map_err(|(id, reason)| DocumentError::new(places.get(id).map_or("", String::as_str), reason))?;
    }
    Ok(search.kinds)
}

struct Search<'n> {
    nodes: &'n [Node],
    states: Vec<State>,
    kinds: Vec<Kinds>,
}

impl Search<'_> {
    /// Depth first, with a stack of its own: chains may be as long as the document.
    fn from(&mut self, start: NodeId) -> Result<(), (NodeId, &'static str)> {
        let mut stack = vec![start];
        while let Some(&id) = stack.last() {
            match self.state(id) {
                State::Done(_) => {
                    stack.pop();
                }
                State::New => {
                    self.set(id, State::Open);
                    for next in self.in_place(id) {
                        match self.state(next) {
                            State::New => stack.push(next),
                            State::Open => {
                                return Err((
                                    next,
                                    "the schema refers to itself for the same value, so looking at one would never end",
                                ));
                            }
                            State::Done(_) => {}
                        }
                    }
                }
                State::Open => {
                    let below = self.in_place(id).into_iter().map(|next| match self.state(next) {
                        State::Done(length) => length + 1,
                        State::New | State::Open => 0,
                    });
                    let length = below.max().unwrap_or_default();
                    if length > LONGEST {
                        return Err((
                            id,
                            "more than 32 schemas in one another are for the same value; refer to fewer through others",
                        ));
                    }
                    self.set(id, State::Done(length));
                    let kinds = self.kinds_of(id);
                    if let Some(place) = self.kinds.get_mut(id) {
                        *place = kinds;
                    }
                    stack.pop();
                }
            }
        }
        Ok(())
    }

    fn state(&self, id: NodeId) -> State {
        self.states.get(id).copied().unwrap_or(State::Done(0))
    }

    fn set(&mut self, id: NodeId, state: State) {
        if let Some(place) = self.states.get_mut(id) {
            *place = state;
        }
    }

    fn in_place(&self, id: NodeId) -> Vec<NodeId> {
        let composed = self.nodes.get(id).and_then(|node| node.composed.as_ref());
        composed.map(|composed| composed.in_place().collect()).unwrap_or_default()
    }

    fn kinds_of(&self, id: NodeId) -> Kinds {
        let Some(node) = self.nodes.get(id) else { return Kinds::ALL };
        let known = |id: &NodeId| self.kinds.get(*id).copied().unwrap_or(Kinds::ALL);
        let mut kinds = node.kinds;
        if let Some(values) = &node.one_of_values {
            kinds = kinds.and(kinds_of(values));
        }
        if let Some(composed) = &node.composed {
            kinds = composed.reference.iter().chain(&composed.all_of).fold(kinds, |kinds, id| kinds.and(known(id)));
            for branches in [&composed.any_of, &composed.one_of] {
                if !branches.is_empty() {
                    kinds = kinds.and(branches.iter().fold(Kinds::NONE, |all, id| all.or(known(id))));
                }
            }
        }
        if node.nullable { kinds.or(Kinds::NULL) } else { kinds }
    }
}

//! Looking at a value through a schema: what it may have, what it must, and which of its fields nobody names.

mod array;
mod composed;
mod object;
mod scalar;
mod seen;
mod strip;

use seawall_core::clock::Now;

use self::{
    seen::Seen,
    strip::{Record, all_named, each_whole, together},
};
use super::{
    at::{At, escaped},
    fault::{Fault, Faults, Spot, shown},
    instance::Instance,
    node::{Node, NodeId, Nodes},
};
use crate::json::Tree;

/// What happens to fields that a schema does not name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownFields {
    /// The message is refused.
    #[default]
    Reject,
    /// They are taken out, and the rest is passed on.
    Strip,
    /// Only what a schema closes itself is closed.
    Allow,
}

/// Which way a message goes: what is only read is no part of a request, what is only written none of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Request,
    Answer,
}

/// How values are looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub(super) unknown: UnknownFields,
    pub(super) direction: Direction,
    pub(super) now: Now,
}

/// What is wrong with a field that nobody names.
const UNKNOWN: &str = "additionalProperties";
const NO_FIELD: &str = "no field of this name";

/// The most schemas in one another that one value is looked at through.
const MOST_DEPTH: u16 = 384;

/// Looks for each value of a document: a schema that needs more has alternatives in alternatives, and gets no answer.
const LOOKS: u64 = 64;

/// What is allowed in any case.
const FEWEST_LOOKS: u64 = 2_048;

/// Whether a value passes; what is wrong is not looked for, and nothing allocated for it unless several schemas look at its objects.
pub(super) fn passes(nodes: &Nodes, id: NodeId, value: &Instance<'_>, manner: Manner) -> bool {
    let mut check = Check { quiet: true, ..Check::new(nodes, Spot::BODY, manner, *value) };
    check.value(id, value, &At::Root) && !check.spent && all_named(&check.records)
}

/// What is wrong with a value, found without allocating when nothing is and no object has several schemas.
pub(super) fn faults(nodes: &Nodes, id: NodeId, value: &Instance<'_>, spot: Spot<'_>, manner: Manner) -> Faults {
    if scalar::fits(nodes.get(id), value, manner.now) {
        return Faults::default();
    }
    let mut check = Check::new(nodes, spot, manner, *value);
    check.value(id, value, &At::Root);
    check.tell_unknown(value);
    check.faults
}

/// The value without what no schema names, when it passes so; nothing when it has only what is named.
///
/// # Errors
/// [`Faults`] when something else is wrong with it.
pub(super) fn stripped(nodes: &Nodes, id: NodeId, value: &Tree, manner: Manner) -> Result<Option<Tree>, Faults> {
    let closed = Manner { unknown: UnknownFields::Reject, ..manner };
    if passes(nodes, id, &Instance::from(value), closed) {
        return Ok(None);
    }
    let mut check = Check::new(nodes, Spot::BODY, manner, Instance::from(value));
    check.value(id, &Instance::from(value), &At::Root);
    if !check.faults.is_empty() {
        return Err(check.faults);
    }
    let rest = strip::without_unknown(value, check.records);
    // Invariant: what goes on is what the document says, also where the number of fields counts.
    let open = Manner { unknown: UnknownFields::Allow, ..manner };
    if passes(nodes, id, &Instance::from(rest.as_ref().unwrap_or(value)), open) {
        Ok(rest)
    } else {
        Err(faults(nodes, id, &Instance::from(value), Spot::BODY, closed))
    }
}

/// One look at one value.
struct Check<'n, 'v> {
    nodes: &'n Nodes,
    spot: Spot<'n>,
    manner: Manner,
    faults: Faults,
    /// Whether faults are not written down, because another alternative may hold.
    quiet: bool,
    looks_left: u64,
    depth: u16,
    spent: bool,
    /// Whether it could not be said which of several schemas is meant, so that nobody knows which fields there are.
    unsure: bool,
    /// How many schemas around this one have others beside them that look at the same values.
    shared: u16,
    /// Which fields are named, of objects that more than one schema may look at, and of all from which fields are taken out.
    records: Vec<Record<'v>>,
    /// Where the records begin of the look that may yet be taken back, and how many there are when those are put together next.
    floor: usize,
    crowded: usize,
}

/// So many records are never put together before the end.
const FEW_RECORDS: usize = 1_024;

impl<'n, 'v> Check<'n, 'v> {
    fn new(nodes: &'n Nodes, spot: Spot<'n>, manner: Manner, value: Instance<'v>) -> Self {
        let looks_left = FEWEST_LOOKS + LOOKS * values_of(&value);
        let faults = Faults::default();
        Self {
            nodes,
            spot,
            manner,
            faults,
            quiet: false,
            looks_left,
            depth: 0,
            spent: false,
            unsure: false,
            shared: 0,
            records: Vec::new(),
            floor: 0,
            crowded: FEW_RECORDS,
        }
    }

    /// Looks at a value that is not the one looked at before. Unless several schemas do so, it is known here which fields nobody names.
    fn value(&mut self, id: NodeId, value: &Instance<'v>, at: &At<'_>) -> bool {
        let Instance::Object(map) = value else { return self.node(id, value, at, None) };
        if self.manner.unknown == UnknownFields::Allow {
            return self.node(id, value, at, None);
        }
        let mut seen = Seen::new(map.len());
        let passes = self.node(id, value, at, Some(&mut seen));
        let whole = !seen.described() || seen.all();
        if whole && self.shared == 0 {
            return passes;
        }
        if self.shared > 0 || self.manner.unknown == UnknownFields::Strip {
            self.record(Record::new(*map, seen));
            return passes;
        }
        for (_, entry) in map.iter().enumerate().filter(|(place, _)| !seen.has(*place)) {
            let found = Instance::from(entry.value());
            self.fault(|spot| spot.fault(&at.key(entry.key()), UNKNOWN, NO_FIELD, &found));
        }
        false
    }

    /// Keeps a record. Those of one object are put together now and then, so that there are no more than twice as many as objects.
    fn record(&mut self, record: Record<'v>) {
        self.records.push(record);
        if self.records.len() >= self.crowded {
            let latest = self.records.split_off(self.floor);
            self.records.extend(together(latest));
            self.crowded = FEW_RECORDS.max(self.records.len() * 2);
        }
    }

    /// Looks, with whatever is recorded meanwhile apart from what was before.
    fn apart<T>(&mut self, look: impl FnOnce(&mut Self) -> T) -> T {
        let floor = std::mem::replace(&mut self.floor, self.records.len());
        let looked = look(self);
        self.floor = floor;
        looked
    }

    /// Writes down which fields nobody names, once all have looked.
    fn tell_unknown(&mut self, value: &Instance<'_>) {
        if self.manner.unknown != UnknownFields::Reject || self.spent || self.unsure || each_whole(&self.records) {
            return;
        }
        let records = together(std::mem::take(&mut self.records));
        for entry in records.iter().flat_map(Record::unknown) {
            if self.faults.more() {
                return;
            }
            let found = Instance::from(entry.value()).class();
            self.faults.push(self.spot.because(way_to(value, entry.place()), UNKNOWN, NO_FIELD, found));
        }
    }

    /// Looks at a value through one schema; `seen` learns which fields it names.
    fn node(&mut self, id: NodeId, value: &Instance<'v>, at: &At<'_>, seen: Option<&mut Seen>) -> bool {
        if !self.enter(at, value) {
            return false;
        }
        let passes = self.entered(id, value, at, seen);
        self.depth -= 1;
        passes
    }

    fn entered(&mut self, id: NodeId, value: &Instance<'v>, at: &At<'_>, seen: Option<&mut Seen>) -> bool {
        let nodes = self.nodes;
        let node = nodes.get(id);
        let beside = node.fields.is_some() || node.items.is_some();
        let shared = u16::from(node.composed.as_ref().is_some_and(|composed| beside || composed.plural()));
        self.shared += shared;
        let passes = self.looked(node, value, at, seen);
        self.shared -= shared;
        passes
    }

    fn looked(&mut self, node: &Node, value: &Instance<'v>, at: &At<'_>, seen: Option<&mut Seen>) -> bool {
        if node.nullable && matches!(value, Instance::Null) {
            return true;
        }
        if node.refuses_everything() {
            return self.wrong(at, value, "false", "nothing here");
        }
        if !node.kinds.has(value.kinds()) {
            if let Some(seen) = seen {
                seen.mark_all();
            }
            let kinds = node.kinds;
            return self.fault(|spot| spot.fault(at, "type", kinds.to_string(), value));
        }
        let mut passes = self.values(node, value, at);
        passes &= match value {
            Instance::Number(number) => self.number(node, *number, value, at),
            Instance::Text(text) => self.text(node, text, value, at),
            Instance::Array(items) => self.array(node, *items, at),
            Instance::Object(map) => return self.object_and_composed(node, *map, at, seen) && passes,
            Instance::Null | Instance::Flag(_) => true,
        };
        match &node.composed {
            Some(composed) => self.composed(composed, value, at, None) && passes,
            None => passes,
        }
    }

    /// Counts a look, so that no document takes longer than its size allows.
    fn enter(&mut self, at: &At<'_>, value: &Instance<'_>) -> bool {
        if !self.spent && self.looks_left > 0 && self.depth < MOST_DEPTH {
            self.looks_left -= 1;
            self.depth += 1;
            return true;
        }
        if !self.spent {
            self.spent = true;
            let fault = self.spot.fault(at, "complexity", "a value that is looked at in less time", value);
            self.faults.push(fault);
        }
        false
    }

    /// Writes a fault down, unless nobody wants it.
    fn fault(&mut self, fault: impl FnOnce(Spot<'_>) -> Fault) -> bool {
        // What follows a look that was cut short says nothing.
        if !self.quiet && !self.spent && !self.faults.more() {
            let fault = fault(self.spot);
            self.faults.push(fault);
        }
        false
    }

    fn wrong(&mut self, at: &At<'_>, value: &Instance<'_>, rule: &'static str, expected: &'static str) -> bool {
        self.fault(|spot| spot.fault(at, rule, expected, value))
    }

    /// Asks whether a value passes. What is asked decides of other schemas, and says nothing of fields: one that it does not name is none the
    /// less known to others.
    fn asks(&mut self, look: impl FnOnce(&mut Self) -> bool) -> bool {
        let unknown = std::mem::replace(&mut self.manner.unknown, UnknownFields::Allow);
        let passes = self.quietly(look);
        self.manner.unknown = unknown;
        passes
    }

    /// Looks without writing anything down: whether it passes.
    fn quietly(&mut self, look: impl FnOnce(&mut Self) -> bool) -> bool {
        let (quiet, records) = (self.quiet, self.records.len());
        self.quiet = true;
        let passes = self.apart(look);
        self.quiet = quiet;
        if !passes {
            self.records.truncate(records);
        }
        passes
    }
}

/// The pointer to the value at a place.
fn way_to(value: &Instance<'_>, place: usize) -> String {
    let mut way = String::new();
    let mut here = *value;
    while let Instance::Array(inner) | Instance::Object(inner) = here {
        // The last that begins no later holds it.
        let Some((number, entry)) = inner.iter().enumerate().take_while(|(_, entry)| entry.place() <= place).last()
        else {
            break;
        };
        match here {
            Instance::Array(_) => way.push_str(&format!("/{number}")),
            _ => way.push_str(&format!("/{}", escaped(&shown(entry.key())))),
        }
        if entry.place() == place {
            break;
        }
        here = entry.value().into();
    }
    way
}

/// How many values a value is made of.
fn values_of(value: &Instance<'_>) -> u64 {
    match value {
        Instance::Array(inner) | Instance::Object(inner) => inner.values() as u64,
        Instance::Null | Instance::Flag(_) | Instance::Number(_) | Instance::Text(_) => 1,
    }
}

//! Objects: their fields, by name, by pattern, and all others.

use std::collections::HashSet;

use smallvec::SmallVec;

use super::{
    super::{
        at::At,
        instance::Instance,
        names::Name,
        node::{Fields, Node, NodeId},
    },
    Check, Direction, UnknownFields,
    scalar::counted,
    seen::Seen,
};
use crate::json::{Entry, Inner};

/// What a schema says of each field of an object, in the order of the object's; of few, nothing is allocated.
type Known<'n> = SmallVec<[Option<&'n Name>; 16]>;

impl<'v> Check<'_, 'v> {
    /// The fields and whatever is composed of them, since `unevaluatedProperties` asks what both named.
    pub(super) fn object_and_composed(
        &mut self,
        node: &Node,
        map: Inner<'v>,
        at: &At<'_>,
        seen: Option<&mut Seen>,
    ) -> bool {
        let unevaluated = node.fields.as_ref().and_then(|fields| fields.unevaluated);
        let Some(unevaluated) = unevaluated else {
            return self.fields_and_composed(node, map, at, seen);
        };
        let mut own = Seen::new(map.len());
        let mut passes = self.fields_and_composed(node, map, at, Some(&mut own));
        passes &= self.others(unevaluated, "unevaluatedProperties", map, at, (&mut own, None));
        if let Some(seen) = seen {
            seen.add(&own);
        }
        passes
    }

    fn fields_and_composed(&mut self, node: &Node, map: Inner<'v>, at: &At<'_>, mut seen: Option<&mut Seen>) -> bool {
        let mut passes = true;
        if let Some(fields) = &node.fields {
            // A name may have a schema, and fit a pattern that has another.
            let shared = u16::from(!fields.patterns.is_empty());
            self.shared += shared;
            passes &= self.fields(fields, map, at, seen.as_deref_mut());
            self.shared -= shared;
        }
        if let Some(composed) = &node.composed {
            passes &= self.composed(composed, &Instance::Object(map), at, seen);
        }
        passes
    }

    fn fields(&mut self, fields: &Fields, map: Inner<'v>, at: &At<'_>, seen: Option<&mut Seen>) -> bool {
        let mut required = 0;
        let find = |entry: Entry<'v>| {
            let name = fields.named.find(entry.hash(), entry.key());
            required += usize::from(name.is_some_and(|name| name.required));
            name
        };
        let known: Known<'_> = map.iter().map(find).collect();
        let mut passes = self.present(fields, &known, required, map, at);
        let (mut own, mut misplaced) = (Seen::new(map.len()), None::<Seen>);
        for (place, (entry, known)) in map.iter().zip(&known).enumerate() {
            let key = entry.key();
            let here = at.key(key);
            if let Some(id) = known.and_then(|name| name.node) {
                if self.manner.unknown != UnknownFields::Allow && known.is_some_and(|name| self.other_way(name)) {
                    passes &= self.misplaced(entry, &here);
                    misplaced.get_or_insert_with(|| Seen::new(map.len())).mark(place);
                    continue;
                }
                own.mark(place);
                passes &= self.value(id, &entry.value().into(), &here);
            }
            for (pattern, id) in &fields.patterns {
                if pattern.matches(key) {
                    own.mark(place);
                    passes &= self.value(*id, &entry.value().into(), &here);
                }
            }
            if let Some(id) = fields.names {
                passes &= self.name(id, key, at);
            }
            if self.spent || (!passes && self.quiet) {
                return false;
            }
        }
        if fields.describes {
            own.describe();
        }
        if let Some(id) = fields.others {
            passes &= self.others(id, "additionalProperties", map, at, (&mut own, misplaced.as_ref()));
        }
        // Told already where unknown fields are refused.
        if let Some(misplaced) = misplaced.filter(|_| self.manner.unknown == UnknownFields::Reject) {
            own.add(&misplaced);
        }
        if let Some(seen) = seen {
            // What must be there is no unknown field, even when nothing else is said of it.
            if fields.named.bare() {
                let required = |known: &Option<&Name>| known.is_some_and(|name| name.required);
                known.iter().enumerate().filter(|(_, known)| required(known)).for_each(|(place, _)| own.mark(place));
            }
            seen.add(&own);
        }
        passes
    }

    /// Looks at the fields that are not named so far through the schema for such.
    fn others(
        &mut self,
        id: NodeId,
        rule: &'static str,
        map: Inner<'v>,
        at: &At<'_>,
        (own, misplaced): (&mut Seen, Option<&Seen>),
    ) -> bool {
        if own.all() {
            return true;
        }
        let mut passes = true;
        let closed = self.nodes.get(id).refuses_everything();
        for (place, entry) in map.iter().enumerate() {
            if own.has(place) || misplaced.is_some_and(|misplaced| misplaced.has(place)) {
                continue;
            }
            if !closed {
                passes &= self.value(id, &entry.value().into(), &at.key(entry.key()));
            } else if self.manner.unknown == UnknownFields::Strip {
                own.describe();
                continue;
            } else {
                let value = entry.value().into();
                passes = self.fault(|spot| spot.fault(&at.key(entry.key()), rule, "no field of this name", &value));
            }
            own.mark(place);
        }
        passes
    }

    fn name(&mut self, id: NodeId, key: &'v str, at: &At<'_>) -> bool {
        self.quietly(|check| check.value(id, &Instance::Text(key), at))
            || self.fault(|spot| {
                spot.fault(&at.key(key), "propertyNames", "a field of another name", &Instance::Text(key))
            })
    }

    /// How many fields there are, and whether those are there that must be.
    fn present(&mut self, fields: &Fields, known: &Known<'_>, required: usize, map: Inner<'v>, at: &At<'_>) -> bool {
        let mut passes = true;
        if required < fields.named.required() {
            let there: HashSet<usize> = known.iter().flatten().map(|name| name.place).collect();
            for name in fields.named.iter().filter(|name| name.required && !there.contains(&name.place)) {
                if !self.other_way(name) {
                    passes = self.missing(&name.name, "required", at);
                }
            }
        }
        for (name, needed) in fields.required_with.iter().filter(|(name, _)| map.get(name).is_some()) {
            for lacking in needed.iter().filter(|lacking| *lacking != name && map.get(lacking).is_none()) {
                passes = self.missing(lacking, "dependentRequired", at);
            }
        }
        let count = map.len() as u64;
        let rule = match fields.max {
            _ if count < fields.min => "minProperties",
            Some(most) if count > most => "maxProperties",
            _ => return passes,
        };
        let expected = counted(fields.min, fields.max, "field", "fields");
        self.fault(|spot| spot.fault(at, rule, expected, &Instance::Object(map)))
    }

    fn missing(&mut self, name: &str, rule: &'static str, at: &At<'_>) -> bool {
        self.fault(|spot| spot.because(at.key(name).pointer(), rule, "a value", "nothing"))
    }

    /// A field is there that only messages the other way have. Where unknown fields are taken out, so is this one.
    fn misplaced(&mut self, entry: Entry<'v>, at: &At<'_>) -> bool {
        let (rule, expected) = match self.manner.direction {
            Direction::Request => ("readOnly", "no value: only answers have this field"),
            Direction::Answer => ("writeOnly", "no value: only requests have this field"),
        };
        self.manner.unknown == UnknownFields::Strip || self.wrong(at, &entry.value().into(), rule, expected)
    }

    /// Whether a field is none of a message that goes this way: what only answers have is not asked of requests.
    fn other_way(&self, name: &Name) -> bool {
        let Some(id) = name.node else { return false };
        let (node, behind) = (self.nodes.get(id), self.nodes.get(self.nodes.behind(id)));
        match self.manner.direction {
            Direction::Request => node.read_only || behind.read_only,
            Direction::Answer => node.write_only || behind.write_only,
        }
    }
}

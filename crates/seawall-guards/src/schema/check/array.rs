//! Arrays.

use std::{
    collections::HashSet,
    hash::{BuildHasher, Hash, Hasher, RandomState},
};

use super::{
    super::{
        at::At,
        instance::Instance,
        node::{Contains, Items, Node},
        number::Number,
    },
    Check,
    scalar::counted,
};
use crate::json::{Entry, Inner, Item};

impl<'v> Check<'_, 'v> {
    pub(super) fn array(&mut self, node: &Node, items: Inner<'v>, at: &At<'_>) -> bool {
        let Some(rules) = &node.items else { return true };
        let mut passes = self.count(rules, items, at);
        for (place, item) in items.iter().enumerate() {
            let rule = rules.prefix.get(place).copied().or(rules.rest);
            if let Some(id) = rule {
                passes &= self.value(id, &item.value().into(), &at.item(place));
            }
            if self.spent || (!passes && self.quiet) {
                return false;
            }
        }
        if rules.unique && !unique(items) {
            passes = self.wrong(at, &Instance::Array(items), "uniqueItems", "items that all differ");
        }
        match &rules.contains {
            Some(contains) => self.contains(contains, items, at) && passes,
            None => passes,
        }
    }

    fn count(&mut self, rules: &Items, items: Inner<'v>, at: &At<'_>) -> bool {
        let count = items.len() as u64;
        let rule = match rules.max {
            _ if count < rules.min => "minItems",
            Some(most) if count > most => "maxItems",
            _ => return true,
        };
        let expected = counted(rules.min, rules.max, "item", "items");
        self.fault(|spot| spot.fault(at, rule, expected, &Instance::Array(items)))
    }

    fn contains(&mut self, contains: &Contains, items: Inner<'v>, at: &At<'_>) -> bool {
        let found = items.iter().enumerate().filter(|(place, item)| {
            self.asks(|check| check.value(contains.node, &item.value().into(), &at.item(*place)))
        });
        let count = found.count() as u64;
        let expected = || format!("{} of a certain form", counted(contains.min, contains.max, "item", "items"));
        (count >= contains.min && contains.max.is_none_or(|most| count <= most))
            || self.fault(|spot| spot.fault(at, "contains", expected(), &Instance::Array(items)))
    }
}

/// Whether no two items are the same; in time that grows with their size alone, and in room for a number of each.
fn unique(items: Inner<'_>) -> bool {
    let state = RandomState::new();
    let mut known = HashSet::with_capacity(items.len());
    items.iter().all(|item| known.insert(digest(item.value(), &state)))
}

/// A number that is the same for the same values, whatever the order of their fields; 1.0 is 1. Keyed by chance, so that nobody makes two
/// values meet.
fn digest(value: Item<'_>, state: &RandomState) -> u64 {
    match value {
        Item::Number(text) => state.hash_one((0, Number::of(text).to_string())),
        Item::Array(items) => {
            let mut hasher = state.build_hasher();
            (1, items.len()).hash(&mut hasher);
            items.iter().for_each(|item| digest(item.value(), state).hash(&mut hasher));
            hasher.finish()
        }
        Item::Object(map) => {
            let field = |entry: Entry<'_>| state.hash_one((entry.key(), digest(entry.value(), state)));
            state.hash_one((2, map.len(), map.iter().map(field).fold(0, u64::wrapping_add)))
        }
        Item::Null => state.hash_one(3),
        Item::Flag(flag) => state.hash_one((4, flag)),
        Item::Text(text) => state.hash_one((5, text)),
    }
}

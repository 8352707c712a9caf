//! The names that a schema has for the fields of an object, found by their hash.

use std::collections::{BTreeMap, HashSet};

use seawall_core::json::key_hash;

use super::node::NodeId;

/// A name.
#[derive(Debug)]
pub(super) struct Name {
    /// Its place among all of them.
    pub(super) place: usize,
    hash: u64,
    pub(super) name: String,
    /// What its value has to pass, when anything is said of it.
    pub(super) node: Option<NodeId>,
    pub(super) required: bool,
}

/// All names of one schema, made when it is compiled.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// In the order of the document: those that have to be there, then the others.
    all: Vec<Name>,
    /// Twice as many places as names, at least: one more than the name's own place, or nothing. Who does not find his place free has the
    /// next one.
    slots: Box<[usize]>,
    required: usize,
    /// Whether nothing is said of one of those.
    bare: bool,
}

impl Names {
    pub(super) fn new(required: Vec<String>, described: impl Iterator<Item = (String, NodeId)>) -> Self {
        let mut described: BTreeMap<String, NodeId> = described.collect();
        let mut known = HashSet::new();
        let mut all: Vec<Name> = Vec::new();
        let mut add = |name: String, node: Option<NodeId>, required: bool| {
            all.push(Name { place: all.len(), hash: key_hash(&name), name, node, required });
        };
        for name in required {
            if known.insert(name.clone()) {
                let node = described.remove(&name);
                add(name, node, true);
            }
        }
        described.into_iter().for_each(|(name, node)| add(name, Some(node), false));
        let mut slots = vec![0; if all.is_empty() { 0 } else { (all.len() * 2).next_power_of_two() }];
        for (place, Name { hash, .. }) in all.iter().enumerate() {
            let free = probes(*hash, slots.len()).find(|slot| slots.get(*slot) == Some(&0));
            if let Some(slot) = free.and_then(|slot| slots.get_mut(slot)) {
                *slot = place + 1;
            }
        }
        let bare = all.iter().any(|name| name.required && name.node.is_none());
        Self { all, slots: slots.into(), required: known.len(), bare }
    }

    /// All, in their order.
    pub(super) fn iter(&self) -> std::slice::Iter<'_, Name> {
        self.all.iter()
    }

    /// How many have to be there.
    pub(super) const fn required(&self) -> usize {
        self.required
    }

    /// Whether nothing is said of the value of a field that has to be there.
    pub(super) const fn bare(&self) -> bool {
        self.bare
    }

    /// The name that a key of this hash is.
    #[inline]
    pub(super) fn find(&self, hash: u64, key: &str) -> Option<&Name> {
        for slot in probes(hash, self.slots.len()) {
            let place = self.slots.get(slot)?.checked_sub(1)?;
            let name = self.all.get(place)?;
            if name.hash == hash && name.name == key {
                return Some(name);
            }
        }
        None
    }

    /// What is said of a field.
    pub(super) fn node(&self, name: &str) -> Option<NodeId> {
        self.find(key_hash(name), name).and_then(|name| name.node)
    }
}

/// The slots in which a name may stand; there are as many as a power of two, or none.
fn probes(hash: u64, slots: usize) -> impl Iterator<Item = usize> {
    let mask = slots.wrapping_sub(1);
    // Any bits of a hash are as good as others.
    let first = usize::try_from(hash >> 32).unwrap_or_default();
    (0..slots).map(move |step| (first + step) & mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_and_no_other() {
        for count in [0, 1, 2, 3, 17, 300] {
            let named = (0..count).map(|number| (format!("field_{number}"), number));
            let names = Names::new(vec!["field_1".to_owned(), "id".to_owned()], named);
            for number in 0..count {
                assert_eq!(names.node(&format!("field_{number}")), Some(number));
            }
            assert_eq!(names.node("id"), None);
            assert_eq!(names.node("field_-1"), None);
            assert_eq!(names.required(), 2);
            let name = names.find(key_hash("id"), "id").unwrap();
            assert!(name.required);
            assert!(names.find(key_hash("id"), "other").is_none(), "the hash alone says nothing");
        }
    }
}

//! Which fields no schema names, where several look at the same objects, and taking them out of a value.

use std::collections::{BTreeMap, btree_map};

use super::seen::Seen;
use crate::json::{Entry, Inner, Tree};

/// An object that the look came by, and which of its fields were named there.
#[derive(Clone, Debug)]
pub(super) struct Record<'v> {
    object: Inner<'v>,
    seen: Seen,
    /// The way to it, where faults are told.
    pointer: Option<String>,
}

impl<'v> Record<'v> {
    pub(super) const fn new(object: Inner<'v>, seen: Seen, pointer: Option<String>) -> Self {
        Self { object, seen, pointer }
    }

    /// It names fields for the schemas that say which there are, and says nothing of that itself.
    pub(super) fn names_only(&mut self) {
        let mut names = self.seen.fresh();
        names.add_names(&self.seen);
        self.seen = names;
    }

    /// The way to it.
    pub(super) fn pointer(&self) -> &str {
        self.pointer.as_deref().unwrap_or_default()
    }

    /// The fields that nobody names, of an object of which somebody said which there are.
    pub(super) fn unknown(&self) -> impl Iterator<Item = Entry<'v>> + '_ {
        let described = self.seen.described();
        self.object
            .iter()
            .enumerate()
            .filter(move |(place, _)| described && !self.seen.has(*place))
            .map(|(_, entry)| entry)
    }
}

/// One record for each object, which knows what all of them name.
pub(super) fn together(records: Vec<Record<'_>>) -> impl Iterator<Item = Record<'_>> {
    let mut objects: BTreeMap<usize, Record<'_>> = BTreeMap::new();
    for record in records {
        match objects.entry(record.object.place()) {
            btree_map::Entry::Vacant(place) => {
                place.insert(record);
            }
            btree_map::Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.seen.add(&record.seen);
                known.pointer = known.pointer.take().or(record.pointer);
            }
        }
    }
    objects.into_values()
}

/// Whether each of these records names every field by itself, as those of most bodies do.
pub(super) fn each_whole(records: &[Record<'_>]) -> bool {
    records.iter().all(|record| !record.seen.described() || record.seen.all())
}

/// Whether every field is named, by these records together.
pub(super) fn all_named(records: &[Record<'_>]) -> bool {
    each_whole(records) || together(records.to_vec()).all(|record| record.unknown().next().is_none())
}

/// The value without fields that no look named; nothing when all are named.
pub(super) fn without_unknown(value: &Tree, records: Vec<Record<'_>>) -> Option<Tree> {
    let unknown = |record: Record<'_>| {
        let object = record.object.place();
        record.unknown().map(|entry| (entry.place(), object)).collect::<Vec<_>>()
    };
    let mut gone: Vec<_> = together(records).flat_map(unknown).collect();
    gone.sort_unstable();
    (!gone.is_empty()).then(|| value.without(&gone))
}

//! Taking out of a value what no schema names.

use std::collections::BTreeMap;

use super::seen::Seen;
use crate::json::{Inner, Tree};

/// An object that the look came by, and which of its fields were named there.
#[derive(Debug)]
pub(super) struct Record<'v> {
    object: Inner<'v>,
    seen: Seen,
}

impl<'v> Record<'v> {
    pub(super) const fn new(object: Inner<'v>, seen: Seen) -> Self {
        Self { object, seen }
    }
}

/// The value without fields that no look named; nothing when all are named.
pub(super) fn without_unknown(value: &Tree, records: Vec<Record<'_>>) -> Option<Tree> {
    let mut objects: BTreeMap<usize, Record<'_>> = BTreeMap::new();
    for record in records {
        let place = record.object.place();
        objects.entry(place).and_modify(|known| known.seen.add(&record.seen)).or_insert(record);
    }
    let unknown = |(place, Record { object, seen }): (usize, Record<'_>)| {
        let fields = object.iter().enumerate().filter(move |(number, _)| !seen.has(*number));
        fields.map(move |(_, entry)| (entry.place(), place)).collect::<Vec<_>>()
    };
    let gone: Vec<_> = objects.into_iter().flat_map(unknown).collect();
    (!gone.is_empty()).then(|| value.without(&gone))
}

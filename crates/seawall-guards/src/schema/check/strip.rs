//! Which fields no schema names, where several look at the same objects, and taking them out of a value.

use super::seen::Seen;
use crate::json::{Entry, Inner, Tree};

/// An object that the look came by, and which of its fields were named there.
#[derive(Clone, Debug)]
pub(super) struct Record<'v> {
    object: Inner<'v>,
    seen: Seen,
}

impl<'v> Record<'v> {
    pub(super) const fn new(object: Inner<'v>, seen: Seen) -> Self {
        Self { object, seen }
    }

    /// It names fields for the schemas that say which there are, and says nothing of that itself.
    pub(super) fn names_only(&mut self) {
        let mut names = self.seen.fresh();
        names.add_names(&self.seen);
        self.seen = names;
    }

    /// The object's place among all values of the document.
    pub(super) const fn place(&self) -> usize {
        self.object.place()
    }

    /// The fields that nobody names, of an object of which somebody said which there are.
    pub(super) fn unknown(&self) -> impl Iterator<Item = Entry<'v>> + '_ {
        let fields = self.object.iter().enumerate();
        let unknown = fields.filter(|(place, _)| self.seen.described() && !self.seen.has(*place));
        unknown.map(|(_, entry)| entry)
    }
}

/// One record for each object, in their order, which knows what all of them name.
pub(super) fn together(mut records: Vec<Record<'_>>) -> Vec<Record<'_>> {
    records.sort_by_key(Record::place);
    records.dedup_by(|later, first| {
        let same = later.place() == first.place();
        if same {
            first.seen.add(&later.seen);
        }
        same
    });
    records
}

/// Whether each of these records names every field by itself, as those of most bodies do.
pub(super) fn each_whole(records: &[Record<'_>]) -> bool {
    records.iter().all(|record| !record.seen.described() || record.seen.all())
}

/// Whether every field is named, by these records together.
pub(super) fn all_named(records: &[Record<'_>]) -> bool {
    each_whole(records) || together(records.to_vec()).iter().all(|record| record.unknown().next().is_none())
}

/// The value without fields that no look named; nothing when all are named.
pub(super) fn without_unknown(value: &Tree, records: Vec<Record<'_>>) -> Option<Tree> {
    let records = together(records);
    let unknown = |record: &Record<'_>| {
        let object = record.place();
        record.unknown().map(|entry| (entry.place(), object)).collect::<Vec<_>>()
    };
    let mut gone: Vec<_> = records.iter().flat_map(unknown).collect();
    gone.sort_unstable();
    (!gone.is_empty()).then(|| value.without(&gone))
}

//! Which fields of one object some schema names.

/// A bit for each field, in the order in which the object gives them.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// Those of the first 64 fields, and of all others: of few, nothing is allocated.
    first: u64,
    rest: Vec<u64>,
    fields: usize,
    /// Whether any schema said which fields there are. Of an object that nobody describes, no field is unknown.
    described: bool,
}

impl Seen {
    pub(super) fn new(fields: usize) -> Self {
        let rest = if fields <= 64 { Vec::new() } else { vec![0; (fields - 64).div_ceil(64)] };
        Self { first: 0, rest, fields, described: false }
    }

    /// Nothing named yet, of the same object.
    pub(super) fn fresh(&self) -> Self {
        Self::new(self.fields)
    }

    pub(super) fn mark(&mut self, place: usize) {
        let word = if place < 64 { Some(&mut self.first) } else { self.rest.get_mut(place / 64 - 1) };
        if let Some(word) = word {
            *word |= 1 << (place % 64);
        }
    }

    pub(super) fn mark_all(&mut self) {
        self.first = u64::MAX;
        self.rest.fill(u64::MAX);
    }

    pub(super) const fn describe(&mut self) {
        self.described = true;
    }

    pub(super) const fn described(&self) -> bool {
        self.described
    }

    pub(super) fn has(&self, place: usize) -> bool {
        let word = if place < 64 { Some(&self.first) } else { self.rest.get(place / 64 - 1) };
        word.is_some_and(|word| word & (1 << (place % 64)) != 0)
    }

    pub(super) fn all(&self) -> bool {
        self.all_with(self)
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.first |= other.first;
        for (word, more) in self.rest.iter_mut().zip(&other.rest) {
            *word |= more;
        }
        self.described |= other.described;
    }

    /// The same, of a schema that says what some fields are, and not which there are.
    pub(super) fn add_names(&mut self, other: &Self) {
        let described = self.described;
        self.add(other);
        self.described = described;
    }

    /// Whether the two together name every field.
    pub(super) fn all_with(&self, other: &Self) -> bool {
        self.first | other.first | !below(self.fields) == u64::MAX
            && self
                .rest
                .iter()
                .zip(&other.rest)
                .enumerate()
                .all(|(place, (own, more))| own | more | !below(self.fields - 64 * (place + 1)) == u64::MAX)
    }
}

/// The bits of so many fields.
const fn below(fields: usize) -> u64 {
    if fields >= 64 { u64::MAX } else { (1 << fields) - 1 }
}

//! The parts of an answer that differ, for logs and metrics.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

/// Which parts of an answer differ from the document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Differs(u8);

impl Differs {
    /// A status that the document does not have.
    pub const STATUS: Self = Self(1);
    /// Headers: one that is missing, or another media type.
    pub const HEADER: Self = Self(2);
    /// A body of another form.
    pub const BODY: Self = Self(4);

    const ALL: [(Self, &'static str); 3] = [(Self::STATUS, "status"), (Self::HEADER, "header"), (Self::BODY, "body")];

    /// The words of all parts, as metrics have them.
    pub(super) const WORDS: [&'static str; 3] = ["status", "header", "body"];

    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether nothing differs.
    #[must_use]
    pub const fn nothing(self) -> bool {
        self.0 == 0
    }

    /// The parts, as words.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().filter(move |(part, _)| self.0 & part.0 != 0).map(|(_, word)| word)
    }
}

/// The parts of one answer that are known to differ so far. Nothing is allocated for an answer that nobody looks at.
#[derive(Clone, Debug, Default)]
pub struct Told(Option<Arc<AtomicU8>>);

impl Told {
    /// What is known so far.
    #[must_use]
    pub fn differs(&self) -> Differs {
        Differs(self.0.as_ref().map_or(0, |parts| parts.load(Ordering::Relaxed)))
    }

    /// The same, for whoever will know more of the same answer.
    pub(super) fn shared(&mut self) -> Self {
        self.0.get_or_insert_default();
        self.clone()
    }

    /// These differ too.
    pub(super) fn add(&mut self, differs: Differs) {
        if !differs.nothing() {
            self.0.get_or_insert_default().fetch_or(differs.0, Ordering::Relaxed);
        }
    }
}

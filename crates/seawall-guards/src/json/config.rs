//! Section `[json]`.

use std::sync::Arc;

use seawall_core::settings::{Field, Literal, Raw, Section, Setting, Shape, Values, choice};

use super::{ENCODED_BODY, JsonGuard, UNSOUND_JSON};
use crate::{GuardEntry, ReportOnly, engine::MODE};

/// Arrays and objects in one another.
pub const DEPTH: Field<u64> = Field::new(
    "depth",
    Literal::Integer(10),
    "How deep arrays and objects may stand in one another; `[]` is one deep.",
)
.between("1", "1000");

/// Items of one array.
pub const ITEMS: Field<u64> =
    Field::new("items", Literal::Integer(1_000), "How many items one array may have.").between("1", "10000000");

/// Keys of one object.
pub const KEYS: Field<u64> =
    Field::new("keys", Literal::Integer(100), "How many keys one object may have.").between("1", "1000000");

/// Characters of one string.
pub const CHARACTERS: Field<u64> = Field::new(
    "characters",
    Literal::Integer(10_000),
    "How many characters one string, or key, may have. A route that takes files as base64 within JSON needs more: they take a third more characters than bytes.",
)
.between("1", "1000000000");

/// What happens to a body that cannot be read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoded {
    /// It is refused.
    Refuse,
    /// It passes unseen.
    Pass,
}

impl Setting for Encoded {
    const SHAPE: Shape = Shape::Choice(&["refuse", "pass"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("refuse", Self::Refuse), ("pass", Self::Pass)])
    }
}

/// Bodies in a content coding.
pub const ENCODED: Field<Encoded> = Field::new(
    "encoded",
    Literal::Text("refuse"),
    "What happens to a JSON body in a content coding such as `gzip`, which is not undone here: `refuse` answers 415, `pass` lets it through unseen.",
);

/// The section.
pub const SECTION: Section = Section::new(
    "json",
    "The shape of JSON bodies.",
    &[MODE.spec(), DEPTH.spec(), ITEMS.spec(), KEYS.spec(), CHARACTERS.spec(), ENCODED.spec()],
)
.per_route();

/// The catalogue entry.
pub static ENTRY: GuardEntry = GuardEntry {
    name: "json",
    summary: "Refuses JSON bodies that two readers may read differently, or that are too deep, too wide or too long.",
    section: &SECTION,
    problems: &[&UNSOUND_JSON, &ENCODED_BODY],
    metrics: &[],
    report_only: ReportOnly::Yes,
    // What Seawall answers itself reads its bodies by the same rules.
    build: |build| if build.own_path { Ok(None) } else { Ok(Some(Arc::new(JsonGuard::read(build.values)?))) },
};

/// The defaults, to change from.
#[must_use]
pub fn values() -> Values {
    Values::defaults(&SECTION)
}

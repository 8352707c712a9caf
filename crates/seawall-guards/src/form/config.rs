//! Section `[form]`.

use std::sync::Arc;

use seawall_core::{
    form::{Duplicates, FILE_TYPES, FileType},
    settings::{Field, Literal, Raw, Section, Setting, Shape, Size, Values, choice, nearest},
};

use super::{FILE_TOO_LARGE, FILE_TYPE_REFUSED, FormGuard, UNSOUND_FORM};
use crate::{GuardEntry, ReportOnly, engine::MODE, json::Encoded};

/// Fields of one form.
pub const FIELDS: Field<u64> =
    Field::new("fields", Literal::Integer(100), "How many fields one form may have, beside files.")
        .between("1", "1000000");

/// Characters of one name or value.
pub const CHARACTERS: Field<u64> = Field::new(
    "characters",
    Literal::Integer(10_000),
    "How many characters one name, or the value of one field, may have.",
)
.between("1", "1000000000");

/// Brackets in one name.
pub const DEPTH: Field<u64> = Field::new(
    "depth",
    Literal::Integer(10),
    "How many brackets one name may have; `a[b][c]`, which many frameworks read as objects in one another, has two.",
)
.between("0", "1000");

/// What becomes of names that stand twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Twice(pub(super) Duplicates);

impl Setting for Twice {
    const SHAPE: Shape = Shape::Choice(&["allow", "refuse"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("allow", Self(Duplicates::Allow)), ("refuse", Self(Duplicates::Refuse))])
    }
}

/// Names that stand twice.
pub const DUPLICATES: Field<Twice> = Field::new(
    "duplicates",
    Literal::Text("allow"),
    "What happens to a form with the same name twice: `allow` lets it through, as lists of a form are sent, `refuse` refuses it, because some readers take the first and others the last. A name that ends in `[]` is a list in either case.",
);

/// Files of one form.
pub const FILES: Field<u64> =
    Field::new("files", Literal::Integer(20), "How many files one form may have.").between("0", "1000000");

/// The largest file.
pub const MAX_FILE: Field<Size> = Field::new(
    "max_file",
    Literal::Text("10 MB"),
    "The largest file in a form. `max` in `[body]` bounds all files of a form together.",
)
.between("1 B", "1 TB");

/// A type of files that is taken.
#[derive(Clone, Copy, Debug)]
pub struct Listed(pub(super) &'static FileType);

impl Setting for Listed {
    const SHAPE: Shape = Shape::Text("type of files", "image/png");

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else {
            return Err(format!("expected a type of files as text, such as \"image/png\", found {}", raw.kind()));
        };
        FileType::named(text).map(Self).ok_or_else(|| {
            let names = || FILE_TYPES.iter().map(|known| known.name);
            match nearest(text, names()) {
                Some(near) => format!("\"{text}\" is no type that is known by its content; did you mean \"{near}\"?"),
                None => format!(
                    "\"{text}\" is no type that is known by its content; known are {}",
                    names().collect::<Vec<_>>().join(", ")
                ),
            }
        })
    }
}

/// The types of files that are taken.
pub const TYPES: Field<Vec<Listed>> = Field::new(
    "types",
    Literal::Texts(&[]),
    "The only types that files may have, such as `\"image/png\"`, told by how their content begins and not by what the client says; a file that is said to be of another of them is refused too. Empty takes all.",
);

/// Bodies in a content coding.
pub const ENCODED: Field<Encoded> = Field::new(
    "encoded",
    Literal::Text("refuse"),
    "What happens to a form in a content coding such as `gzip`, which is not undone here: `refuse` answers 415, `pass` lets it through unseen.",
);

/// The section.
pub const SECTION: Section = Section::new(
    "form",
    "The shape of forms, and the files in them.",
    &[
        MODE.spec(),
        FIELDS.spec(),
        CHARACTERS.spec(),
        DEPTH.spec(),
        DUPLICATES.spec(),
        FILES.spec(),
        MAX_FILE.spec(),
        TYPES.spec(),
        ENCODED.spec(),
    ],
)
.per_route();

/// The catalogue entry.
pub static ENTRY: GuardEntry = GuardEntry {
    name: "form",
    summary: "Refuses forms that two readers may read differently, that are too large, or that hold files of other types than are taken.",
    section: &SECTION,
    // Beside `ENCODED_BODY`, which it shares with the guard of JSON.
    problems: &[&UNSOUND_FORM, &FILE_TOO_LARGE, &FILE_TYPE_REFUSED],
    metrics: &[],
    report_only: ReportOnly::Yes,
    // What Seawall answers itself reads its forms itself.
    build: |build| if build.own_path { Ok(None) } else { Ok(Some(Arc::new(FormGuard::read(build.values)?))) },
};

/// The defaults, to change from.
#[must_use]
pub fn values() -> Values {
    Values::defaults(&SECTION)
}

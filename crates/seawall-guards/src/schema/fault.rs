//! What is wrong with a request or an answer, field by field, without a single value.

use std::{borrow::Cow, fmt};

use seawall_core::problem::FieldError;

use super::{at::At, instance::Instance};

/// The most faults that are listed; of the others it is only said that there are more.
pub const MOST_FAULTS: usize = 50;

/// The part of a message that a field is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A segment of the path.
    Path,
    /// The query.
    Query,
    /// A header.
    Header,
    /// A cookie.
    Cookie,
    /// The body.
    Body,
    /// The message as a whole: its method or its status.
    Message,
}

impl Place {
    /// The word that documents and field names use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
            Self::Body => "body",
            Self::Message => "message",
        }
    }
}

/// One field that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The part of the message.
    pub place: Place,
    /// The parameter's name; empty in a body.
    pub name: Cow<'static, str>,
    /// A JSON pointer inside the parameter or body; empty is all of it.
    pub pointer: String,
    /// The rule that was broken, by its keyword: `maximum`.
    pub rule: &'static str,
    /// What was expected: `1 to 3650`.
    pub expected: Cow<'static, str>,
    /// The class of what was found: `a number`. Never the value.
    pub found: Cow<'static, str>,
}

impl Fault {
    /// The name of the field, as problems have it: `query.days`, or a JSON pointer into the body.
    #[must_use]
    pub fn field(&self) -> String {
        match (self.place, self.name.is_empty()) {
            (Place::Body, _) if !self.pointer.is_empty() => self.pointer.clone(),
            (_, true) => self.place.word().to_owned(),
            _ => format!("{}.{}{}", self.place.word(), self.name, self.pointer),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {} ({}), found {}", self.expected, self.rule, self.found)
    }
}

/// The faults of one message, a bounded number of them. A word while there are none: so it is with most messages, and most parts of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(Option<Box<Listed>>);

/// At least one fault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Listed {
    list: Vec<Fault>,
    more: bool,
}

impl Faults {
    /// No fault was found.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Those that are listed.
    #[must_use]
    pub fn list(&self) -> &[Fault] {
        self.0.as_ref().map_or(&[], |listed| &listed.list)
    }

    /// Whether there are more than are listed.
    #[must_use]
    pub fn more(&self) -> bool {
        self.0.as_ref().is_some_and(|listed| listed.more)
    }

    pub(super) fn push(&mut self, fault: Fault) {
        let Listed { list, more } = &mut **self.0.get_or_insert_default();
        if list.len() >= MOST_FAULTS {
            *more = true;
        } else if !list.contains(&fault) {
            list.push(fault);
        }
    }

    pub(super) fn append(&mut self, others: Self) {
        let Some(others) = others.0 else { return };
        let Some(own) = &mut self.0 else {
            self.0 = Some(others);
            return;
        };
        own.more |= others.more;
        for fault in others.list {
            self.push(fault);
        }
    }

    /// The fields, as a problem lists them.
    #[must_use]
    pub fn fields(&self) -> Vec<FieldError> {
        let fields = self.list().iter().map(|fault| FieldError { field: fault.field(), message: fault.to_string() });
        let more = || FieldError {
            field: "more".to_owned(),
            message: format!("further fields are wrong; {MOST_FAULTS} are listed"),
        };
        fields.chain(self.more().then(more)).collect()
    }
}

/// Faults of which there is one.
pub(super) fn one(
    place: Place,
    rule: &'static str,
    expected: impl Into<Cow<'static, str>>,
    found: impl Into<Cow<'static, str>>,
) -> Faults {
    let mut faults = Faults::default();
    faults.push(Spot { place, name: "" }.because(String::new(), rule, expected, found));
    faults
}

/// Where a check stands outside of the value: the part of the message, and the parameter's name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot<'a> {
    pub(super) place: Place,
    pub(super) name: &'a str,
}

impl Spot<'_> {
    pub(super) const BODY: Spot<'static> = Spot { place: Place::Body, name: "" };

    /// A fault of the value at this way into it.
    pub(super) fn fault(
        self,
        at: &At<'_>,
        rule: &'static str,
        expected: impl Into<Cow<'static, str>>,
        found: &Instance<'_>,
    ) -> Fault {
        self.because(at.pointer(), rule, expected, found.class())
    }

    /// A fault of what is no value.
    pub(super) fn because(
        self,
        pointer: String,
        rule: &'static str,
        expected: impl Into<Cow<'static, str>>,
        found: impl Into<Cow<'static, str>>,
    ) -> Fault {
        let (expected, found) = (expected.into(), found.into());
        Fault { place: self.place, name: shown(self.name).into(), pointer, rule, expected, found }
    }
}

/// The most characters of a name that is shown.
const SHOWN: usize = 64;

/// A name that the client chose, shortened.
pub(super) fn shown(name: &str) -> String {
    name.chars().take(SHOWN).collect()
}

//! One mistake, with its place and the way out.

use std::{fmt, ops::Range, sync::Arc};

use crate::{place::Place, text::Text};

/// Longest message, in characters; a value of any length may stand in one.
const LONGEST: usize = 500;

/// One mistake in a configuration.
#[derive(Clone, thiserror::Error)]
#[error("{message}")]
pub struct Diagnostic {
    code: Code,
    message: String,
    help: Option<String>,
    site: Site,
}

/// The kind of mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// The text is too large to read.
    TooLarge,
    /// The text is not TOML, or a line of `.env` cannot be read.
    Syntax,
    /// A key that no section has.
    UnknownKey,
    /// A section that does not exist.
    UnknownSection,
    /// A `SEAWALL__` variable or option that stands for nothing.
    UnknownVariable,
    /// A preset that does not exist.
    UnknownPreset,
    /// A key that belongs to another section.
    WrongSection,
    /// A value where a section is expected.
    NotASection,
    /// A section where a value is expected.
    NotAValue,
    /// A value of the wrong form, or out of bounds.
    BadValue,
    /// A route that cannot be read.
    BadRoute,
    /// Two routes for the same requests.
    ContradictoryRoutes,
    /// Something a route may not change.
    NotPerRoute,
    /// A name of an entry that cannot be used.
    BadName,
    /// The same setting twice in one layer.
    SetTwice,
    /// A file with a secret that cannot be read.
    SecretFile,
    /// Something that must hold between settings, or in this environment, does not.
    Demand,
}

/// Where a mistake stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The file's name.
    pub source: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The stretch in bytes from the start of the file.
    pub span: Range<usize>,
}

#[derive(Clone)]
enum Site {
    Text { text: Arc<Text>, marks: Vec<Mark> },
    Named(String),
    Nowhere,
}

/// A labelled stretch of a text; the first mark of a diagnostic is where it is located.
#[derive(Clone)]
pub(crate) struct Mark {
    pub(crate) span: Range<usize>,
    pub(crate) label: String,
}

impl Code {
    /// The word used in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Syntax => "syntax",
            Self::UnknownKey => "unknown_key",
            Self::UnknownSection => "unknown_section",
            Self::UnknownVariable => "unknown_variable",
            Self::UnknownPreset => "unknown_preset",
            Self::WrongSection => "wrong_section",
            Self::NotASection => "not_a_section",
            Self::NotAValue => "not_a_value",
            Self::BadValue => "bad_value",
            Self::BadRoute => "bad_route",
            Self::ContradictoryRoutes => "contradictory_routes",
            Self::NotPerRoute => "not_per_route",
            Self::BadName => "bad_name",
            Self::SetTwice => "set_twice",
            Self::SecretFile => "secret_file",
            Self::Demand => "demand",
        }
    }
}

impl Diagnostic {
    pub(crate) fn new(code: Code, message: impl AsRef<str>) -> Self {
        Self { code, message: presentable(message.as_ref()), help: None, site: Site::Nowhere }
    }

    /// Points at a stretch of a text; a second call adds a second label.
    pub(crate) fn at(mut self, text: &Arc<Text>, span: &Range<usize>, label: impl AsRef<str>) -> Self {
        let mark = Mark { span: text.tidy(span), label: presentable(label.as_ref()) };
        match &mut self.site {
            Site::Text { text: same, marks } if Arc::ptr_eq(same, text) => marks.push(mark),
            Site::Text { .. } => {}
            Site::Named(_) | Site::Nowhere => self.site = Site::Text { text: text.clone(), marks: vec![mark] },
        }
        self
    }

    /// Points at the value of a place, or names the variable or option.
    pub(crate) fn at_value(self, place: &Place, label: impl AsRef<str>) -> Self {
        match place {
            Place::Text { text, value, .. } => self.at(text, value, label),
            other => self.named(other),
        }
    }

    /// Points at the key of a place, or names the variable or option.
    pub(crate) fn at_key(self, place: &Place, label: impl AsRef<str>) -> Self {
        match place {
            Place::Text { text, key, .. } => self.at(text, key, label),
            other => self.named(other),
        }
    }

    /// Adds the way out.
    pub(crate) fn help(mut self, help: impl AsRef<str>) -> Self {
        let help = presentable(help.as_ref());
        self.help = (!help.is_empty()).then_some(help);
        self
    }

    /// Puts the name it is about before the message.
    pub(crate) fn prefixed(mut self, name: &str) -> Self {
        self.message = format!("{}: {}", presentable(name), self.message);
        self
    }

    fn named(mut self, place: &Place) -> Self {
        let (kind, name, shown) = match place {
            Place::Variable { name, shown } => ("environment variable", name, shown),
            Place::Option { name, shown } => ("command line", name, shown),
            Place::Text { .. } => return self,
        };
        if matches!(self.site, Site::Nowhere) {
            self.message = format!("{kind} {}: {}", presentable(shown), self.message);
            self.site = Site::Named(name.clone());
        }
        self
    }

    /// The kind of mistake.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// What is wrong, in one line.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    #[must_use]
    pub fn advice(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// What stands at the caret.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        self.marks().first().map(|mark| mark.label.as_str())
    }

    /// Where it stands, when it stands in a file.
    #[must_use]
    pub fn location(&self) -> Option<Location> {
        let (text, mark) = (self.text()?, self.marks().first()?);
        let start = mark.span.start;
        Some(Location {
            source: text.name.clone(),
            line: text.line(start),
            column: text.column(start),
            span: mark.span.clone(),
        })
    }

    /// The variable or option that holds it, when it does not stand in a file.
    #[must_use]
    pub fn setting(&self) -> Option<&str> {
        match &self.site {
            Site::Named(name) => Some(name),
            Site::Text { .. } | Site::Nowhere => None,
        }
    }

    pub(super) fn text(&self) -> Option<&Arc<Text>> {
        match &self.site {
            Site::Text { text, .. } => Some(text),
            Site::Named(_) | Site::Nowhere => None,
        }
    }

    pub(super) fn marks(&self) -> &[Mark] {
        match &self.site {
            Site::Text { marks, .. } => marks,
            Site::Named(_) | Site::Nowhere => &[],
        }
    }
}

impl fmt::Debug for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Diagnostic")
            .field("code", &self.code)
            .field("message", &self.message)
            .field("location", &self.location())
            .finish_non_exhaustive()
    }
}

/// One line without control characters and of bearable length, whatever the value in it was.
fn presentable(text: &str) -> String {
    let mut out: String = text
        .chars()
        .take(LONGEST)
        .map(|c| if c.is_control() { if c == '\n' { ' ' } else { '\u{fffd}' } } else { c })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        out.push('…');
    }
    out
}

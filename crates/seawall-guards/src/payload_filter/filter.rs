//! The settings as one decision on a field, and what was found in a request.

use std::borrow::Cow;

use seawall_core::{
    problem::Problem,
    settings::{BadSetting, Values},
    text_rules::SafeId,
};

use super::{
    Class, Classes, Found, SUSPICIOUS_PAYLOAD,
    allow::Allowed,
    config::{ALLOW, CLASSES, THRESHOLD},
    score,
};

/// Where a field stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The path.
    Path,
    /// A parameter of the query.
    Query,
    /// A cookie.
    Cookie,
    /// A header field.
    Header,
    /// A value of the body; its name is a JSON pointer.
    Body,
}

impl Place {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Path, Self::Query, Self::Cookie, Self::Header, Self::Body];

    /// The word in configuration and logs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Cookie => "cookie",
            Self::Header => "header",
            Self::Body => "body",
        }
    }
}

/// What was found in one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// The field's name, when it is one that may stand in a log.
    pub name: Option<SafeId>,
    /// What.
    pub found: Found,
}

impl Finding {
    /// The refusal. It tells the place and the class, and nothing of what was sent.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let Found { class, rule, points } = self.found;
        let place = self.place.word();
        let name = self.name.as_ref().map_or(Cow::Borrowed(""), |name| format!(" {}", name.as_str()).into());
        Problem::new(&SUSPICIOUS_PAYLOAD)
            .detail(format!("The {place} of the request holds what looks like {}.", class.title()))
            .inside(format!("{} in {place}{name}: {rule}, {points} points", class.word()))
    }
}

/// The strongest finding of a request: points of several fields are not added.
#[derive(Clone, Debug, Default)]
pub struct Tally(Option<Finding>);

impl Tally {
    /// Adds what was found in a field.
    pub fn add(&mut self, finding: Option<Finding>) {
        let points = |finding: &Option<Finding>| finding.as_ref().map_or(0, |finding| finding.found.points);
        if points(&finding) > points(&self.0) {
            self.0 = finding;
        }
    }

    /// The strongest.
    #[must_use]
    pub fn strongest(self) -> Option<Finding> {
        self.0
    }
}

/// What is looked for, and where it may stand.
#[derive(Clone, Debug)]
pub struct Filter {
    threshold: u8,
    classes: Classes,
    allow: Vec<Allowed>,
}

impl Filter {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values) -> Result<Self, BadSetting> {
        let classes: Vec<Class> = values.get(&CLASSES)?;
        Ok(Self {
            threshold: u8::try_from(values.get(&THRESHOLD)?).unwrap_or(u8::MAX),
            classes: if classes.is_empty() { Classes::ALL } else { Classes::of(&classes) },
            allow: values.get(&ALLOW)?,
        })
    }

    /// What is found in a field, when that reaches the threshold and the field may not hold it.
    #[must_use]
    pub fn field(&self, place: Place, name: &str, text: &[u8]) -> Option<Finding> {
        self.named(place, || name.into(), text)
    }

    /// The same, for a name that is made only when it is asked for.
    pub(super) fn named<'a>(&self, place: Place, name: impl FnOnce() -> Cow<'a, str>, text: &[u8]) -> Option<Finding> {
        let found = score::strongest(text, self.classes).filter(|found| found.points >= self.threshold)?;
        let name = name();
        if self.allow.iter().any(|allowed| allowed.is(place, &name)) {
            return None;
        }
        Some(Finding { place, name: SafeId::parse(&name.replace('/', ".").replacen('.', "", 1)).ok(), found })
    }
}

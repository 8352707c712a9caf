//! A named group of fields, owned by one guard or crate.

use super::{FieldSpec, Values};
use crate::Environment;

/// A section of the configuration file.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// The table's name in the file; empty for the keys at the top. With a dot it is a table inside another section's:
    /// `app.env` is `[app.env]`.
    pub name: &'static str,
    /// What the section is for, in whole sentences.
    pub documentation: &'static str,
    /// Its fields, in the order of the reference.
    pub fields: &'static [FieldSpec],
    /// Whether a route may differ.
    pub routes: bool,
    /// The fields of its named entries (`[health.NAME]`), when it has any.
    pub entries: Option<&'static [FieldSpec]>,
    /// What must hold between fields, or in an environment.
    pub demands: fn(&Values, &Situation) -> Vec<Complaint>,
    /// What must hold in each of its named entries, and of its name.
    pub entry_demands: fn(&str, &Values, &Situation) -> Vec<Complaint>,
}

/// What a section's demands may depend on besides its own values.
#[derive(Clone, Copy, Debug)]
pub struct Situation {
    /// Where the application runs.
    pub environment: Environment,
    /// Whether anyone wrote a value of this section, so that the feature is meant to be used.
    pub written: bool,
}

/// A demand that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The field to point at; nothing points at the section.
    pub key: Option<&'static str>,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub help: String,
}

impl Section {
    /// A section that routes may not change and that demands nothing more.
    #[must_use]
    pub const fn new(name: &'static str, documentation: &'static str, fields: &'static [FieldSpec]) -> Self {
        Self {
            name,
            documentation,
            fields,
            routes: false,
            entries: None,
            demands: no_demands,
            entry_demands: no_entry_demands,
        }
    }

    /// Lets routes differ.
    #[must_use]
    pub const fn per_route(self) -> Self {
        Self { routes: true, ..self }
    }

    /// Gives the section named entries with these fields.
    #[must_use]
    pub const fn with_entries(self, entries: &'static [FieldSpec]) -> Self {
        Self { entries: Some(entries), ..self }
    }

    /// Adds demands.
    #[must_use]
    pub const fn with_demands(self, demands: fn(&Values, &Situation) -> Vec<Complaint>) -> Self {
        Self { demands, ..self }
    }

    /// Adds demands on each named entry.
    #[must_use]
    pub const fn with_entry_demands(self, entry_demands: fn(&str, &Values, &Situation) -> Vec<Complaint>) -> Self {
        Self { entry_demands, ..self }
    }

    /// The field of this key.
    #[must_use]
    pub fn field(&self, key: &str) -> Option<&'static FieldSpec> {
        self.fields.iter().find(|field| field.key == key)
    }
}

fn no_entry_demands(_: &str, _: &Values, _: &Situation) -> Vec<Complaint> {
    Vec::new()
}

fn no_demands(_: &Values, _: &Situation) -> Vec<Complaint> {
    Vec::new()
}

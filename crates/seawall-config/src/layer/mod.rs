//! One layer of configuration: everything that a file, a preset, `.env`, the environment or the command line sets.

mod coerce;
mod dotenv;
mod file;
mod options;
mod syntax;
mod unknown;
mod value;
mod variables;

use seawall_core::{
    http::route::RoutePattern,
    settings::{FieldSpec, Raw, Section},
};

pub(crate) use dotenv::read as read_dotenv;
pub(crate) use file::read as read_file;
pub(crate) use options::read as read_options;
pub(crate) use variables::{plain as plain_variable, read as read_variables, variable_of};

use crate::{place::Place, words};

/// What one layer sets, in the order in which it is written.
#[derive(Default)]
pub(crate) struct Layer {
    pub(crate) assignments: Vec<Assignment>,
    /// Routes, empty ones included.
    pub(crate) routes: Vec<(RoutePattern, Place)>,
    /// Named entries, empty ones included.
    pub(crate) entries: Vec<(&'static Section, String, Place)>,
    /// Where sections begin.
    pub(crate) headers: Vec<(&'static Section, Place)>,
    /// Whether parts are missing because the text could not be read.
    pub(crate) damaged: bool,
}

/// One value that a layer sets.
pub(crate) struct Assignment {
    pub(crate) owner: Owner,
    pub(crate) field: &'static FieldSpec,
    pub(crate) content: Content,
    pub(crate) place: Place,
}

/// What a field belongs to.
#[derive(Clone)]
pub(crate) enum Owner {
    /// A section.
    Section(&'static Section),
    /// A named entry of a section.
    Entry(&'static Section, String),
    /// A section in the layer's route of this index.
    Route(usize, &'static Section),
    /// The layer's route of this index itself.
    WholeRoute(usize),
}

/// What is set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    /// A value.
    Given(Raw),
    /// The path of a file that holds the value.
    File(String),
    /// A value that has been found wrong.
    Wrong,
}

impl Owner {
    /// The full name of one of its fields.
    pub(crate) fn path(&self, key: &str) -> String {
        match self {
            Self::Section(section) | Self::Route(_, section) => words::path(section, None, key),
            Self::Entry(section, name) => words::path(section, Some(name), key),
            Self::WholeRoute(_) => key.to_owned(),
        }
    }
}

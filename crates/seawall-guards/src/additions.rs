//! What a guard adds to an operation that an OpenAPI document describes: fields of its requests and answers, answers of its own, and
//! the problems with which it refuses one.
//!
//! A guard whose settings decide that says so in its `additions.rs`. Of every other guard it is enough to know its problems.

use std::borrow::Cow;

use http::{HeaderName, Method, StatusCode};
use seawall_core::problem::ProblemType;

/// An operation of the application.
#[derive(Clone, Copy, Debug)]
pub struct Operated<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its path as clients ask for it, with parameters in braces.
    pub path: &'a str,
    /// Whether it has a body.
    pub body: bool,
}

/// A header field that requests send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its name.
    pub name: Cow<'static, str>,
    /// Whether a request without it is refused.
    pub required: bool,
    /// What it says.
    pub description: Cow<'static, str>,
    /// What its value has to be.
    pub takes: Takes,
}

/// What the value of a field has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Anything that the guard can read, which no pattern can say.
    Text,
    /// What matches this.
    Pattern(&'static str),
    /// One of these.
    OneOf(Vec<String>),
}

/// A header field that answers can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given {
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub description: &'static str,
    /// The only status that it comes with; nothing for every one.
    pub only: Option<StatusCode>,
}

/// What a guard adds to an operation.
#[derive(Clone, Debug, Default)]
pub struct Additions {
    /// Fields of requests.
    pub sent: Vec<Sent>,
    /// Fields of the application's answers.
    pub given: Vec<Given>,
    /// Answers that are no problems, each with what it means.
    pub answers: Vec<(StatusCode, &'static str)>,
    /// Problems with which it refuses such a request.
    pub problems: Vec<(StatusCode, &'static ProblemType)>,
}

impl Additions {
    /// No more than these problems.
    #[must_use]
    pub fn of_problems(problems: &[&'static ProblemType]) -> Self {
        Self { problems: problems.iter().map(|problem| (problem.status, *problem)).collect(), ..Self::default() }
    }

    /// Another problem.
    pub(crate) fn refuse(&mut self, problem: &'static ProblemType) {
        self.problems.push((problem.status, problem));
    }
}

impl Sent {
    /// A field that is asked for by its well-known name.
    pub(crate) fn field(name: &HeaderName, required: bool, description: &'static str) -> Self {
        let (name, description) = (name.as_str().to_owned().into(), description.into());
        Self { name, required, description, takes: Takes::Text }
    }

    /// With such values alone.
    pub(crate) fn taking(self, takes: Takes) -> Self {
        Self { takes, ..self }
    }
}

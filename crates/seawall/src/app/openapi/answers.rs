//! The answers that Seawall gives in place of the application's, each set of problems written once.

use std::collections::{BTreeMap, BTreeSet};

use http::StatusCode;
use seawall_core::problem::ProblemType;
use seawall_guards::additions::Given;
use serde_json::{Map, Value, json};

use super::shapes::{self, PROBLEM};

/// The answers that were needed so far, by status and problems, and the fields that operations name.
#[derive(Debug, Default)]
pub(super) struct Answers {
    names: BTreeMap<(u16, Vec<&'static str>), String>,
    fields: BTreeMap<&'static str, &'static str>,
}

/// Problems by status.
pub(super) type ByStatus = BTreeMap<u16, Vec<&'static ProblemType>>;

/// The same, each problem once for a status.
pub(super) fn by_status(problems: &[(StatusCode, &'static ProblemType)]) -> ByStatus {
    let mut out = ByStatus::new();
    let mut seen = BTreeSet::new();
    for (status, problem) in problems {
        if seen.insert((status.as_u16(), problem.slug)) {
            out.entry(status.as_u16()).or_default().push(problem);
        }
    }
    out
}

impl Answers {
    /// A reference to the answer with these problems.
    pub(super) fn reference(&mut self, status: u16, problems: &[&'static ProblemType]) -> Value {
        let key = (status, slugs(problems));
        let others = self.names.keys().filter(|(known, _)| *known == status).count();
        let name = self.names.entry(key).or_insert_with(|| match others {
            0 => format!("Seawall{status}"),
            others => format!("Seawall{status}_{}", others + 1),
        });
        json!({ "$ref": format!("#/components/responses/{name}") })
    }

    /// A reference to a field of answers.
    pub(super) fn field(&mut self, given: &Given) -> Value {
        self.fields.insert(given.name, given.description);
        json!({ "$ref": format!("#/components/headers/{}", component(given.name)) })
    }

    /// All answers, by their names.
    pub(super) fn responses(&self) -> Map<String, Value> {
        let answer = |status: u16, slugs: &[&str]| {
            let description = format!("Refused by Seawall: {}", slugs.join(", "));
            let headers = shapes::of_problems(status);
            json!({ "description": description, "headers": headers, "content": content(), "x-seawall-problems": slugs })
        };
        self.names.iter().map(|((status, slugs), name)| (name.clone(), answer(*status, slugs))).collect()
    }

    /// All fields, by their names.
    pub(super) fn headers(&self) -> Map<String, Value> {
        let header = |description| json!({ "description": description, "schema": { "type": "string" } });
        self.fields.iter().map(|(name, description)| (component(name), header(*description))).collect()
    }
}

/// The name of a field among components.
fn component(name: &str) -> String {
    format!("Seawall-{name}")
}

/// The names of problems.
pub(super) fn slugs(problems: &[&'static ProblemType]) -> Vec<&'static str> {
    problems.iter().map(|problem| problem.slug).collect()
}

/// A problem as a body.
pub(super) fn content() -> Value {
    json!({ "application/problem+json": { "schema": { "$ref": format!("#/components/schemas/{PROBLEM}") } } })
}

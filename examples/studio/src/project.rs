//! A project: what somebody wants to build, and what models made of it. Pure.

use serde::{Deserialize, Serialize};

/// Characters of a description (checklist ST-5).
pub(crate) const MOST_DESCRIPTION: usize = 2_000;

/// Characters of an answer to a question.
pub(crate) const MOST_ANSWER: usize = 1_000;

/// The pictures of a product.
pub(crate) const VIEWS: [&str; 3] = ["front", "side", "inside"];

/// What is known of a project.
#[derive(Clone, Debug, Default)]
pub(crate) struct Project {
    /// Nobody guesses it.
    pub(crate) id: String,
    pub(crate) description: String,
    pub(crate) feasibility: Option<Feasibility>,
    pub(crate) rounds: Vec<Round>,
    /// Whether there are no more questions.
    pub(crate) refined: bool,
    pub(crate) blueprints: Vec<Blueprint>,
    pub(crate) specification: Option<Specification>,
    /// Why the last step brought nothing.
    pub(crate) failure: Option<String>,
}

/// Whether it can be built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Feasibility {
    pub(crate) feasible: bool,
    pub(crate) reason: String,
    /// What could be built instead.
    pub(crate) revised: Option<String>,
}

/// A question, and its answer once there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Round {
    pub(crate) number: u32,
    pub(crate) question: String,
    pub(crate) answer: Option<String>,
    /// Whether no other question follows.
    pub(crate) last: bool,
}

/// One view of the product: a picture, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Blueprint {
    pub(crate) view: String,
    pub(crate) failure: Option<String>,
}

/// What is built. Models leave parts out, so any of it may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Specification {
    pub(crate) name: Option<String>,
    pub(crate) summary: Option<String>,
    pub(crate) dimensions: Option<String>,
    pub(crate) bill_of_materials: Vec<Part>,
    pub(crate) assembly: Vec<String>,
}

/// A line of the bill of materials.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Part {
    pub(crate) part: String,
    pub(crate) quantity: Option<String>,
    pub(crate) note: Option<String>,
}

/// Where a project stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nobody has said yet whether it can be built.
    Unknown,
    /// It cannot be built as it is described.
    Rejected,
    /// It can, and questions make it clearer.
    Questions,
    /// It is clear enough to be drawn and specified.
    Design,
}

impl Project {
    /// Where it stands.
    pub(crate) fn step(&self) -> Step {
        match &self.feasibility {
            None => Step::Unknown,
            Some(feasibility) if !feasibility.feasible => Step::Rejected,
            Some(_) if !self.refined => Step::Questions,
            Some(_) => Step::Design,
        }
    }

    /// The question that waits for its answer.
    pub(crate) fn pending(&self) -> Option<&Round> {
        self.rounds.last().filter(|round| round.answer.is_none())
    }

    /// The views without a picture.
    pub(crate) fn undrawn(&self) -> Vec<&'static str> {
        let drawn = |view: &str| self.blueprints.iter().any(|one| one.view == view && one.failure.is_none());
        VIEWS.into_iter().filter(|view| !drawn(view)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(feasible: bool) -> Project {
        let feasibility = Feasibility { feasible, reason: String::new(), revised: None };
        Project { feasibility: Some(feasibility), ..Project::default() }
    }

    #[test]
    fn a_project_stands_where_its_answers_lead() {
        assert_eq!(Project::default().step(), Step::Unknown);
        assert_eq!(judged(false).step(), Step::Rejected);
        assert_eq!(judged(true).step(), Step::Questions);
        assert_eq!(Project { refined: true, ..judged(true) }.step(), Step::Design);
    }

    #[test]
    fn views_that_failed_are_drawn_again_and_others_are_kept() {
        let drawn = |view: &str, failure: Option<&str>| Blueprint {
            view: view.to_owned(),
            failure: failure.map(str::to_owned),
        };
        let blueprints = vec![drawn("front", None), drawn("side", Some("late"))];
        assert_eq!(Project { blueprints, ..Project::default() }.undrawn(), ["side", "inside"]);
    }
}

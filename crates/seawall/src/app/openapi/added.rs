//! What the guards of a policy add to an operation. `docs/guide/schema.md` has the table of what each one does.

use http::StatusCode;
use seawall_config::Config;
use seawall_core::{
    Mode,
    problem::ProblemType,
    settings::{BadSetting, Section, Values},
};
use seawall_guards::{
    Policy,
    additions::{Additions, Given, Operated},
    conditional, csrf, idempotency, rate_limit, signatures, versions,
};

use crate::app::catalogue::ORDER;

/// Guards that refuse bodies only.
const OF_BODIES: [&str; 3] = ["body", "json", "form"];

const fn every(name: &'static str, description: &'static str) -> Given {
    Given { name, description, only: None }
}

const REQUEST_ID: Given = every("X-Request-Id", "The id of the request, which the log and problems name.");
const LIMIT: Given =
    every("RateLimit", "How many requests are left of the tightest limit, and in how many seconds there are more.");
const LIMIT_POLICY: Given = every("RateLimit-Policy", "The limits that hold for the request.");
const OLD_LIMITS: [Given; 3] = [
    every("X-RateLimit-Limit", "How many requests the tightest limit lets through."),
    every("X-RateLimit-Remaining", "How many are left of it."),
    every("X-RateLimit-Reset", "In how many seconds there are more."),
];

/// The values of a section where a policy holds.
pub(super) fn values<'c>(config: &'c Config, policy: &Policy, section: &Section) -> &'c Values {
    let name = Policy::route(policy);
    let route = config.routes().iter().find(|route| route.pattern().to_string() == **name);
    route.map_or_else(|| config.values(section), |route| route.values(section))
}

/// Whether a guard refuses requests, or writes answers, where a policy holds.
pub(super) fn enforces(policy: &Policy, guard: &str) -> bool {
    policy.steps().iter().any(|step| step.name() == guard && step.mode() == Mode::Enforce)
}

/// What a policy adds to an operation, which the application answers or Seawall itself. A guard that only reports adds nothing.
pub(super) fn of_policy(
    config: &Config,
    policy: &Policy,
    operation: &Operated<'_>,
    forwards: bool,
) -> Result<Additions, BadSetting> {
    let mut all = Additions::default();
    for step in policy.steps().iter().filter(|step| step.mode() == Mode::Enforce) {
        let of = |section| values(config, policy, section);
        let own = match step.name() {
            "csrf" => csrf::additions(of(&csrf::SECTION), operation)?,
            "versions" => versions::additions(of(&versions::SECTION), config.entries(&versions::SECTION), operation)?,
            "signatures" => {
                signatures::additions(of(&signatures::SECTION), config.entries(&signatures::SECTION), operation)?
            }
            "idempotency" => idempotency::additions(of(&idempotency::SECTION), operation)?,
            "conditional" => conditional::additions(of(&conditional::SECTION), operation)?,
            name if OF_BODIES.contains(&name) && !operation.body => Additions::default(),
            name => of_catalogue(name, operation, of)?,
        };
        all.sent.extend(own.sent);
        all.given.extend(own.given.into_iter().filter(|field| !all.given.contains(field)).collect::<Vec<_>>());
        all.answers.extend(own.answers);
        all.problems.extend(own.problems);
    }
    let of_forwarding = |problem: &&&'static ProblemType| forwards && problem.status.is_server_error();
    let of_forwarding = seawall_proxy::PROBLEMS.iter().filter(of_forwarding);
    all.problems.extend(of_forwarding.map(|problem| (problem.status, *problem)));
    Ok(all)
}

/// What a guard adds whose problems stand in the catalogue and depend on no setting.
fn of_catalogue<'c>(
    name: &str,
    operation: &Operated<'_>,
    values: impl Fn(&'static Section) -> &'c Values,
) -> Result<Additions, BadSetting> {
    let entry = ORDER.iter().map(|step| step.guard).find(|entry| entry.name == name);
    let mut own = entry.map(|entry| Additions::of_problems(entry.problems)).unwrap_or_default();
    match name {
        "request_id" => own.given.push(REQUEST_ID),
        "rate_limit" | "principal_rate_limit" => {
            own.given.extend([LIMIT, LIMIT_POLICY]);
            if values(&rate_limit::SECTION).get(&rate_limit::LEGACY_HEADERS)? {
                own.given.extend(OLD_LIMITS);
            }
        }
        // A body of another kind than the document has is refused with another status.
        "schema" if operation.body => {
            let again: Vec<_> = own.problems.iter().map(|(_, problem)| *problem).collect();
            own.problems.extend(again.into_iter().map(|problem| (StatusCode::UNSUPPORTED_MEDIA_TYPE, problem)));
        }
        _ => {}
    }
    Ok(own)
}

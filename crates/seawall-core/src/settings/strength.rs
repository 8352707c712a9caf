//! How long a secret has to be.

use super::{Complaint, Field, Secret, Situation, Values};
use crate::Environment;

/// The shortest secret that production accepts, in bytes (checklist WK-12).
const SHORTEST_IN_PRODUCTION: usize = 32;
const SHORTEST: usize = 16;

/// The command that makes a good secret.
const MAKE: &str = "openssl rand -hex 32";

/// What is said of a secret that is too short to be one; `what` is its name in a sentence.
#[must_use]
pub fn too_short(values: &Values, situation: &Situation, what: &str, field: &Field<Secret>) -> Option<Complaint> {
    let length = values.find(field).ok()??.expose().len();
    let production = situation.environment == Environment::Production;
    let least = if production { SHORTEST_IN_PRODUCTION } else { SHORTEST };
    if length >= least {
        return None;
    }
    let what = format!("the {what} has {length} characters; {} wants at least {least}", situation.environment.word());
    Some(Complaint { key: Some(field.key()), what, help: format!("make a good one with: {MAKE}") })
}

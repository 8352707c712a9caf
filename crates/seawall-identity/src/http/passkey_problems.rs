//! What people are told when a passkey does not do it.

use http::StatusCode;
use seawall_core::problem::{Fault, Problem, ProblemType, Severity};

use super::problems::client;
use crate::IdentityError;

static PASSKEY_REFUSED: ProblemType = client(
    "passkey-refused",
    "PASSKEY_REFUSED",
    StatusCode::UNAUTHORIZED,
    "The passkey is not accepted",
    "The passkey is unknown here, what it signed does not hold, it took longer than five minutes, or its owner may not sign in: the answer is the same, and takes as \
     long, whichever it is. Begin again, or sign in another way. Failures are counted as failures of passwords and codes are, and after too many `Retry-After` says \
     for how long none is looked at.\n\nFor the operator: which it was stands in the audit log (`seawall audit-log tail`). `user.passkey_cloned` means that a counter went back: there may be \
     a copy of that passkey, and its owner should remove it.",
);
static PASSKEY_INVALID: ProblemType = client(
    "passkey-invalid",
    "PASSKEY_INVALID",
    StatusCode::UNPROCESSABLE_ENTITY,
    "The passkey cannot be taken",
    "What the browser sent is not what was asked for; the detail says what is wrong. Begin again: what the browser was asked holds for five minutes, and once.\n\n\
     For the operator: when the page or the domain is refused, `url` in `[identity]`, and `rp_id` and `origins` in `[identity.passkeys]`, are not those of the page.",
);
static PASSKEY_CONFLICT: ProblemType = client(
    "passkey-conflict",
    "PASSKEY_CONFLICT",
    StatusCode::CONFLICT,
    "The passkeys are not so",
    "The passkey is registered already, or there are as many as there may be. The detail says which.",
);
static PASSKEYS_UNAVAILABLE: ProblemType = ProblemType {
    slug: "passkeys-unavailable",
    code: "PASSKEYS_UNAVAILABLE",
    status: StatusCode::NOT_FOUND,
    title: "Passkeys are not used here",
    retryable: false,
    fault: Fault::Us,
    severity: Severity::Low,
    documentation: "Sign in with a password, or another way.\n\nFor the operator: passkeys are for a domain, so `url` in `[identity]` has to be the address of the site, with a domain and no IP \
        address; `enabled` in `[identity.passkeys]` turns them off.",
};

/// The problems of passkeys.
pub static PASSKEY_PROBLEMS: [&ProblemType; 4] =
    [&PASSKEY_REFUSED, &PASSKEY_INVALID, &PASSKEY_CONFLICT, &PASSKEYS_UNAVAILABLE];

/// The problem of a failure, when passkeys are what failed.
pub(super) fn of(error: &IdentityError, sentence: impl Fn() -> String) -> Option<Problem> {
    Some(match error {
        IdentityError::NoPasskeys => Problem::new(&PASSKEYS_UNAVAILABLE).inside(error.to_string()),
        IdentityError::PasskeyRefused { retry_after: None } => Problem::new(&PASSKEY_REFUSED),
        IdentityError::PasskeyRefused { retry_after: Some(seconds) } => {
            Problem::new(&PASSKEY_REFUSED).header(http::header::RETRY_AFTER, (*seconds).into())
        }
        IdentityError::PasskeyInvalid(_) => Problem::new(&PASSKEY_INVALID).detail(sentence()),
        IdentityError::PasskeyTaken | IdentityError::TooManyPasskeys(_) => {
            Problem::new(&PASSKEY_CONFLICT).detail(sentence())
        }
        _ => return None,
    })
}

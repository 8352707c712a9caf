//! The refusals of credentials.

use std::borrow::Cow;

use http::StatusCode;
use seawall_core::{
    problem::{Fault, Problem, ProblemType, Severity},
    reply::PortError,
};

/// Whose a credential is could not be found out, and the route needs to know.
pub static UNAVAILABLE: ProblemType = ProblemType {
    slug: "identity-unavailable",
    code: "SERVICE_UNAVAILABLE",
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "It cannot be found out who you are",
    retryable: true,
    fault: Fault::Us,
    severity: Severity::High,
    documentation: "The request came with a session, a token or a key, and the store that knows them did not answer, so it was not let in. What was shown \
        still holds; try again in a moment.\n\nFor the operator: see that the store works (`seawall status`, `[store]`). Which routes need \
        to know who asks is said by `require` in `[access]`, and by `when_unavailable` in `[authentication]`; with a key, every route does.",
};

/// A key from an address that it does not hold for.
pub static ELSEWHERE: ProblemType = ProblemType {
    slug: "key-address-refused",
    code: "FORBIDDEN",
    status: StatusCode::FORBIDDEN,
    title: "The key does not hold for this address",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Medium,
    documentation: "The key is good, and may be used from certain networks only, to which the address of this request does not belong.\n\nFor \
        the operator: `seawall key list` shows the networks of a key. If all clients seem to share one address, a proxy stands in front: add it to \
        `trusted` in `[client_address]`.",
};

/// The refusal of a request whose credential could not be looked up.
pub(crate) fn unavailable(error: PortError) -> Box<Problem> {
    Box::new(Problem::new(&UNAVAILABLE).inside(Cow::Owned(error.to_string())).retry_after(1))
}

/// The refusal of a key from elsewhere.
pub(super) fn elsewhere() -> Box<Problem> {
    Box::new(Problem::new(&ELSEWHERE))
}

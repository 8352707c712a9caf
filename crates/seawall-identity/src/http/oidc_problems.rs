//! What people are told when signing in elsewhere does not do it.

use http::StatusCode;
use seawall_core::problem::{Fault, ProblemType, Severity};

pub(super) static ISSUER_REFUSED: ProblemType = ProblemType {
    slug: "issuer-refused",
    code: "ISSUER_REFUSED",
    status: StatusCode::FORBIDDEN,
    title: "Signing in with this account did not work",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Low,
    documentation: "What came from the issuer does not hold here: it was begun elsewhere, more than ten minutes ago, was used before, or is not for this site. Begin \
        again.\n\nFor the operator: the log says which it was. `client_id` and `issuer` in `[identity.oidc.NAME]` have to be written as the issuer writes them, and \
        the issuer has to know `URL/PREFIX/auth/oidc/NAME/callback` as a redirect URI.",
};
pub(super) static ISSUER_AWAY: ProblemType = ProblemType {
    slug: "issuer-unavailable",
    code: "ISSUER_UNAVAILABLE",
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "The issuer of this account does not answer",
    retryable: true,
    fault: Fault::Upstream,
    severity: Severity::Medium,
    documentation: "Its configuration, its keys or its tokens could not be had. Try again, or sign in with a password.\n\nFor the operator: the log says why; Seawall \
        has to reach the issuer over https.",
};
pub(super) static NOT_LINKED: ProblemType = ProblemType {
    slug: "not-linked",
    code: "NOT_LINKED",
    status: StatusCode::FORBIDDEN,
    title: "No user is linked to this account",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Low,
    documentation: "Sign in with the password first, and link the account then: an address that both have in common proves nothing.\n\nFor the operator: with \
        `register = true` in `[identity.oidc.NAME]` whoever signs in for the first time becomes a user.",
};
pub(super) static LINKED_ELSEWHERE: ProblemType = ProblemType {
    slug: "linked-elsewhere",
    code: "LINKED_ELSEWHERE",
    status: StatusCode::CONFLICT,
    title: "Another user is linked to this account",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Low,
    documentation: "An account elsewhere belongs to one user here. Sign in with it to see whose it is.",
};

/// The problems of accounts elsewhere.
pub static OIDC_PROBLEMS: [&ProblemType; 4] = [&ISSUER_REFUSED, &ISSUER_AWAY, &NOT_LINKED, &LINKED_ELSEWHERE];

//! What people are told when mail, or a link in one, does not do it.

use http::StatusCode;
use seawall_core::problem::{Fault, ProblemType, Severity};

pub(super) static LINK_REFUSED: ProblemType = ProblemType {
    slug: "link-refused",
    code: "LINK_REFUSED",
    status: StatusCode::FORBIDDEN,
    title: "The link does not hold",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Low,
    documentation: "A link that confirms an address holds for 24 hours and once, and only the last one that was sent. Sign in and ask for \
        another.",
};
pub(super) static TOO_MANY_MAILS: ProblemType = ProblemType {
    slug: "too-many-mails",
    code: "TOO_MANY_MAILS",
    status: StatusCode::TOO_MANY_REQUESTS,
    title: "Too many mails were asked for",
    retryable: true,
    fault: Fault::Client,
    severity: Severity::Low,
    documentation: "A user can have five addresses confirmed in an hour, so that nobody else is written to again and again. `Retry-After` says when the \
        next is sent.",
};
pub(super) static MAIL_UNAVAILABLE: ProblemType = ProblemType {
    slug: "mail-unavailable",
    code: "MAIL_UNAVAILABLE",
    status: StatusCode::NOT_IMPLEMENTED,
    title: "Mail is not sent here",
    retryable: false,
    fault: Fault::Us,
    severity: Severity::Medium,
    documentation: "What was asked for needs a mail, and none can be sent. Whoever runs the application can help: \
        `seawall user reset NAME` makes a token to choose a password with.\n\nFor the operator: set `url` and `from` in `[mail]`, and `url` in `[identity]` to the \
        address of the site; `seawall mail test ADDRESS` tells whether it works.",
};

/// The problems of mail.
pub static MAIL_PROBLEMS: [&ProblemType; 3] = [&LINK_REFUSED, &TOO_MANY_MAILS, &MAIL_UNAVAILABLE];

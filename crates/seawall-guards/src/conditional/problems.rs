//! The refusals of requests that change something.

use http::StatusCode;
use seawall_core::problem::{Fault, ProblemType, Severity};

/// The request does not say which state it changes.
pub static PRECONDITION_REQUIRED: ProblemType = ProblemType {
    slug: "precondition-required",
    code: "PRECONDITION_REQUIRED",
    status: StatusCode::PRECONDITION_REQUIRED,
    title: "The request has to say which state it changes",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Low,
    documentation: "Somebody else may have changed this resource since it was read, and the request would undo that unseen. Get the resource, \
        and send the value of its `ETag` in `If-Match` with the change; `If-None-Match: *` creates what is not there yet. A field that is no \
        list of entity tags counts as none.\n\nFor the operator: `if_match` in `[conditional]` asks for it, for the methods in `if_match_methods`.",
};

/// The resource is not what the request says it is.
pub static PRECONDITION_FAILED: ProblemType = ProblemType {
    slug: "precondition-failed",
    code: "PRECONDITION_FAILED",
    status: StatusCode::PRECONDITION_FAILED,
    title: "The resource has changed",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Low,
    documentation: "The state that the request names in `If-Match` is not the current one, so the change was not made. The answer's `ETag` is the \
        current state's. Get the resource, see what changed, and send the change again if it still makes sense. Weak tags, those that begin \
        with `W/`, never match here.\n\nFor the operator: with `if_match = \"check\"` in `[conditional]` the application is asked for its current \
        state before each change. That many are refused means that many people edit the same things, or that the tag changes by itself: \
        an answer with the time in it is another at each request.",
};

/// Somebody else is changing it.
pub static RESOURCE_BUSY: ProblemType = ProblemType {
    slug: "resource-busy",
    code: "RESOURCE_BUSY",
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "Another request is changing the resource",
    retryable: true,
    fault: Fault::Us,
    severity: Severity::Medium,
    documentation: "Requests that change one resource are carried out one after the other, and those before this one took too long. Nothing was sent to the \
        application: try again in a moment.\n\nFor the operator: `wait` in `[conditional]` says how long one waits. The application \
        takes too long for its changes, or very many come for one path.",
};

/// The application does not say what its state is.
pub static CURRENT_UNKNOWN: ProblemType = ProblemType {
    slug: "current-state-unknown",
    code: "CURRENT_STATE_UNKNOWN",
    status: StatusCode::BAD_GATEWAY,
    title: "It cannot be found out whether the resource has changed",
    retryable: false,
    fault: Fault::Upstream,
    severity: Severity::Medium,
    documentation: "Before the change the application was asked for the resource's current state, with the caller's own credentials, and gave none that can be compared. The \
        change was not made.\n\nFor the operator: the log says what the application answered to GET. A path that cannot be got needs \
        `if_match = \"require\"` or `\"off\"`, one whose answers are longer than `max` in `[conditional]` a larger `max`, and one whose answers have no \
        strong tag `etag = \"strong\"`.",
};

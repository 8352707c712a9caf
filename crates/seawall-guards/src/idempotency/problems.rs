//! What callers with an idempotency key can be told.

use http::StatusCode;
use seawall_core::problem::{Fault, ProblemType, Severity};

/// The route wants a key.
pub static MISSING: ProblemType = ProblemType {
    slug: "idempotency-key-missing",
    code: "IDEMPOTENCY_KEY_MISSING",
    status: StatusCode::BAD_REQUEST,
    title: "The request has no idempotency key",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Low,
    documentation: "This route carries a request out once for a key, and this request came without one. Make up a key for each thing you want \
        done, such as a random UUID, send it as `Idempotency-Key: \"…\"`, and send the same key when you try again.\n\nFor the operator: \
        `required` in `[idempotency]` says so, per route under `[route.\"METHOD /path\"]`.",
};

/// The field holds no key.
pub static INVALID: ProblemType = ProblemType {
    slug: "idempotency-key-invalid",
    code: "IDEMPOTENCY_KEY_INVALID",
    status: StatusCode::BAD_REQUEST,
    title: "The idempotency key cannot be read",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Low,
    documentation: "A key is one string of 1 to 255 printable ASCII characters in quotes, `Idempotency-Key: \"8e03978e-40d5-43dd-bc93-6894a57f9324\"`; \
        the quotes may be left out when it has no space, quote, backslash, comma or semicolon. The field may come once.",
};

/// Another attempt is being carried out.
pub static IN_FLIGHT: ProblemType = ProblemType {
    slug: "idempotency-in-flight",
    code: "IDEMPOTENCY_IN_FLIGHT",
    status: StatusCode::CONFLICT,
    title: "The same request is being carried out",
    retryable: true,
    fault: Fault::Client,
    severity: Severity::Low,
    documentation: "A request with this key has come before, and its answer is not there yet. Wait as long as `Retry-After` says and send the same \
        request again: you get the answer of the first, and nothing is done twice.",
};

/// The key was used for another request.
pub static REUSED: ProblemType = ProblemType {
    slug: "idempotency-key-reused",
    code: "IDEMPOTENCY_KEY_REUSED",
    status: StatusCode::UNPROCESSABLE_ENTITY,
    title: "The idempotency key was used for another request",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Medium,
    documentation: "You have sent this key before with another path, query or body. A key holds for one request: make up a new one for each thing you \
        want done, and send exactly the same bytes when you try again.",
};

/// Nobody knows whether an earlier attempt was carried out.
pub static UNKNOWN: ProblemType = ProblemType {
    slug: "idempotency-outcome-unknown",
    code: "IDEMPOTENCY_OUTCOME_UNKNOWN",
    status: StatusCode::CONFLICT,
    title: "It is not known whether the request was carried out",
    retryable: false,
    fault: Fault::Us,
    severity: Severity::High,
    documentation: "A request with this key was sent on, and Seawall or the application ended before it was answered. It may have been carried out or \
        not. Look whether what you wanted is there; if it is not, send the request with a new key.\n\nFor the operator: where the application \
        bears the same request twice, `unknown = \"retry\"` in `[idempotency]` sends it on again.",
};

/// It was carried out, and its answer was too large, or replaced.
pub static NOT_KEPT: ProblemType = ProblemType {
    slug: "idempotency-answer-not-kept",
    code: "IDEMPOTENCY_ANSWER_NOT_KEPT",
    status: StatusCode::CONFLICT,
    title: "The request was carried out, and its answer was not kept",
    retryable: false,
    fault: Fault::Us,
    severity: Severity::Medium,
    documentation: "A request with this key was carried out and answered; the answer was too large to be given again, or a failure of the application \
        that is not shown. `detail` has its status. Nothing was done this time. Read what it made by its own address.\n\nFor the operator: answers up \
        to `max_answer` in `[idempotency]` are kept, and failures only with `upstream_errors = \"pass\"` in `[rescue]`.",
};

/// The caller has as many keys as one may.
pub static FULL: ProblemType = ProblemType {
    slug: "idempotency-keys-spent",
    code: "IDEMPOTENCY_KEYS_SPENT",
    status: StatusCode::TOO_MANY_REQUESTS,
    title: "Too many idempotency keys are kept for you",
    retryable: true,
    fault: Fault::Client,
    severity: Severity::Medium,
    documentation: "Keys and answers are kept for a while, and you have used as many as are kept for one caller. Nothing was done. Try again later with \
        the same key.\n\nFor the operator: a shorter `ttl` in `[idempotency]` lets go of them sooner.",
};

/// The store does not answer.
pub static UNAVAILABLE: ProblemType = ProblemType {
    slug: "idempotency-unavailable",
    code: "IDEMPOTENCY_UNAVAILABLE",
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "It cannot be made sure that the request is carried out once",
    retryable: true,
    fault: Fault::Us,
    severity: Severity::High,
    documentation: "What was carried out is kept in a store, which does not answer. Send the same request with the same key again: when it was carried \
        out, you are told.\n\nFor the operator: see the state of the store; `when_unavailable = \"open\"` in `[idempotency]` sends such requests on \
        unprotected.",
};

/// All of them.
pub static PROBLEMS: [&ProblemType; 8] =
    [&MISSING, &INVALID, &IN_FLIGHT, &REUSED, &UNKNOWN, &NOT_KEPT, &FULL, &UNAVAILABLE];

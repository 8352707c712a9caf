//! What the proxy answers when the application cannot, and whose fault it is.

use http::StatusCode;
use seawall_core::problem::{Fault, Problem, ProblemType, Severity};
use seawall_guards::problem::NOT_FOUND;

const fn upstream(
    slug: &'static str,
    code: &'static str,
    status: StatusCode,
    title: &'static str,
    documentation: &'static str,
) -> ProblemType {
    ProblemType {
        slug,
        code,
        status,
        title,
        retryable: true,
        fault: Fault::Upstream,
        severity: Severity::High,
        documentation,
    }
}

/// No connection to the application.
pub(crate) static UNREACHABLE: ProblemType = upstream(
    "upstream-unreachable",
    "SERVICE_UNAVAILABLE",
    StatusCode::SERVICE_UNAVAILABLE,
    "The application cannot be reached",
    "No connection to the application behind Seawall could be made, so the request was not sent. It is safe to try again.\n\nFor the \
     operator: see that the application runs and listens at `url` in `[upstream]`; the log says how connecting failed. Nothing needs a \
     restart once it is back.",
);

/// Every server of the application fails, so none is asked.
pub(crate) static BREAKER_OPEN: ProblemType = upstream(
    "circuit-breaker-open",
    "CIRCUIT_BREAKER_OPEN",
    StatusCode::SERVICE_UNAVAILABLE,
    "The application is failing and is given time to recover",
    "The application behind Seawall failed several times in a row, so it gets no requests for a while: they would only fail too, \
     slowly, and keep it from recovering. `Retry-After` says when it is tried again.\n\nFor the operator: the limits are \
     `breaker_failures`, `breaker_successes` and `breaker_open` in `[upstream]`; the log names the failures that came before, and \
     `seawall_upstream_breaker_state` shows each server.",
);

/// All connections to the application are in use.
pub(crate) static UPSTREAM_BUSY: ProblemType = upstream(
    "upstream-busy",
    "SERVICE_UNAVAILABLE",
    StatusCode::SERVICE_UNAVAILABLE,
    "The application is busy",
    "As many connections to the application as are allowed are in use, and none became free in time, so the request was not sent; or \
     the application declined it unseen, as HTTP/2 lets it. It is safe to try again.\n\nFor the operator: the limits are \
     `max_connections` and `max_waiting` in `[upstream]`, and `connect` in `[deadline]` bounds the wait. `error` in the log line says \
     when the application declined (`REFUSED_STREAM`, `GOAWAY`).",
);

/// The application broke off, or answered with what is not HTTP.
pub(crate) static BAD_GATEWAY: ProblemType = upstream(
    "bad-gateway",
    "BAD_GATEWAY",
    StatusCode::BAD_GATEWAY,
    "The application gave no valid answer",
    "The application took the request, but closed the connection before it answered, or its answer broke the rules of HTTP. Whether the \
     request had an effect is not known.\n\nFor the operator: the log says what was wrong under the request id; most often the application \
     crashed.",
);

/// The application took too long.
pub(crate) static TIMED_OUT: ProblemType = upstream(
    "upstream-timeout",
    "TIMEOUT",
    StatusCode::GATEWAY_TIMEOUT,
    "The application took too long",
    "The application did not answer in time. Whether the request had an effect is not known.\n\nFor the operator: the limits are `connect`, \
     `response_head` and `total` in `[deadline]`, per route under `[route.\"METHOD /path\"]`; the request log's durations show which routes \
     are slow.",
);

/// The client took too long to send its body.
pub(crate) static REQUEST_TIMEOUT: ProblemType = ProblemType {
    slug: "request-timeout",
    code: "REQUEST_TIMEOUT",
    status: StatusCode::REQUEST_TIMEOUT,
    title: "The request took too long to arrive",
    retryable: true,
    fault: Fault::Client,
    severity: Severity::Low,
    documentation: "The client fell silent in the middle of its request, or was still sending it when the time for all of it was over. Send it \
        again over a better connection.\n\nFor the operator: the limits are `request_idle`, `request_rate` with its `request_grace`, and `total` in \
        `[deadline]`. While more than half of `body_memory` is taken, a client may be silent for two seconds, and sends 64 KiB a second.",
};

const fn refused(
    slug: &'static str,
    code: &'static str,
    status: StatusCode,
    title: &'static str,
    documentation: &'static str,
) -> ProblemType {
    ProblemType {
        slug,
        code,
        status,
        title,
        retryable: false,
        fault: Fault::Client,
        severity: Severity::Low,
        documentation,
    }
}

/// There is no room for the body.
static BODIES_FULL: ProblemType = ProblemType {
    slug: "bodies-full",
    code: "SERVICE_UNAVAILABLE",
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "There is no room for the request body now",
    retryable: true,
    fault: Fault::Us,
    severity: Severity::High,
    documentation: "Bodies are looked at before the application gets them, and those of other requests fill the memory that there is for that. \
        Nothing was sent to the application: try again in a moment.\n\nFor the operator: the memory is `body_memory` in `[server]`; \
        `seawall_bodies_held_bytes` says how much of it is taken. `body.max` of a route bounds what one body takes; a JSON body that `[schema]` or \
        `[payload_filter]` looks at takes some 48 bytes for each of its values beside its own.",
};

/// What a body is told for which there is no room.
pub(crate) fn bodies_full() -> Problem {
    Problem::new(&BODIES_FULL).inside("body_memory is taken").retry_after(1).close()
}

/// A request line that is longer than any application needs.
pub(crate) static URI_TOO_LONG: ProblemType = refused(
    "uri-too-long",
    "URI_TOO_LONG",
    StatusCode::URI_TOO_LONG,
    "The address of the request is too long",
    "The request line over HTTP/1 may have 8 KiB. Most often a form was sent with GET, or redirects have added to a query again and \
     again. Send what is long in a body.",
);

/// A transfer coding that nobody here undoes.
pub(crate) static CODING_UNKNOWN: ProblemType = refused(
    "transfer-coding-unknown",
    "TRANSFER_CODING_UNKNOWN",
    StatusCode::NOT_IMPLEMENTED,
    "The request is in an unknown transfer coding",
    "The only `Transfer-Encoding` known here is `chunked`: a body in another one could be read in two ways. Compressed content is \
     named in `Content-Encoding`, which is passed on.",
);

/// A version of HTTP that is not spoken.
pub(crate) static VERSION_UNSUPPORTED: ProblemType = refused(
    "version-unsupported",
    "VERSION_UNSUPPORTED",
    StatusCode::HTTP_VERSION_NOT_SUPPORTED,
    "This version of HTTP is not spoken here",
    "HTTP/1.0, HTTP/1.1 and HTTP/2 are spoken here. The request line names another version.",
);

/// The control plane did not answer.
pub(crate) static BUILTIN_UNAVAILABLE: ProblemType = ProblemType {
    slug: "service-unavailable",
    code: "SERVICE_UNAVAILABLE",
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "This service cannot answer now",
    retryable: true,
    fault: Fault::Us,
    severity: Severity::High,
    documentation: "A service of Seawall itself has too much to do or is stopping. Try again in a moment.",
};

/// Every problem of this crate, for the catalogue.
pub static PROBLEMS: [&ProblemType; 12] = [
    &UNREACHABLE,
    &BREAKER_OPEN,
    &UPSTREAM_BUSY,
    &BAD_GATEWAY,
    &TIMED_OUT,
    &REQUEST_TIMEOUT,
    &BODIES_FULL,
    &URI_TOO_LONG,
    &CODING_UNKNOWN,
    &VERSION_UNSUPPORTED,
    &NOT_FOUND,
    &BUILTIN_UNAVAILABLE,
];

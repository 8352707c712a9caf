//! Problems as answers: the one place where an error inside becomes what a client sees (RFC 9457).
//!
//! A program gets `application/problem+json`, a browser that navigates gets a small page with the same facts. What
//! happened inside stands in the log under the request id, and in the answer only in development.

mod page;
mod pages;

use http::StatusCode;
pub use pages::Pages;
use seawall_core::problem::{Fault, ProblemType, Severity};

/// Nothing is at this path, or nothing that the caller may know of.
pub static NOT_FOUND: ProblemType = ProblemType {
    slug: "not-found",
    code: "NOT_FOUND",
    status: StatusCode::NOT_FOUND,
    title: "There is nothing here",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Low,
    documentation: "Nothing is served at this path.\n\nFor the operator: paths under `prefix` in `[server]` are answered by Seawall and never \
        reach the application. A route that is `hidden` in `[access]` answers so whoever may not use it.",
};

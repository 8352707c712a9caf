//! Every error a client can see: a table of types, and one occurrence.

mod json;

use std::borrow::Cow;

use http::{HeaderName, HeaderValue, StatusCode};
pub use json::json;

/// Whose fault a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The caller must change the request.
    Client,
    /// The application behind Seawall failed.
    Upstream,
    /// Seawall failed, or protects itself.
    Us,
}

impl Fault {
    /// The word used in bodies and logs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Upstream => "upstream",
            Self::Us => "seawall",
        }
    }
}

/// How much a problem matters to an operator (checklist WK-8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Everyday: a client erred.
    Low,
    /// Worth counting: limits, refusals.
    Medium,
    /// The application or Seawall could not serve.
    High,
    /// Someone must act.
    Critical,
}

impl Severity {
    /// The word used in bodies and logs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// A kind of problem: one row of the table that each crate lists and the catalogue collects.
#[derive(Clone, Copy, Debug)]
pub struct ProblemType {
    /// The last segment of the type URI: `rate-limited`. Unique over all crates.
    pub slug: &'static str,
    /// The stable code for programs: `RATE_LIMITED` (checklist WK-8).
    pub code: &'static str,
    /// The HTTP status.
    pub status: StatusCode,
    /// A short, fixed summary.
    pub title: &'static str,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// Whose fault it is.
    pub fault: Fault,
    /// How much it matters.
    pub severity: Severity,
    /// What happened, why, and what to do, for the caller and the operator: the page behind the type URI.
    pub documentation: &'static str,
}

/// One field of a request that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// A JSON pointer, or `query.NAME`, `path.NAME`, `header.NAME`.
    pub field: String,
    /// What is wrong with it, without its value.
    pub message: String,
}

/// One occurrence of a problem. `detail` may be shown to the client; `inside` only goes to the log.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Its type.
    pub kind: &'static ProblemType,
    /// The status of this occurrence, when it is not the type's.
    pub status: Option<StatusCode>,
    /// What happened this time, for the client; nothing says no more than the title.
    pub detail: Option<Cow<'static, str>>,
    /// What happened, for the log, and for the client in development.
    pub inside: Option<Cow<'static, str>>,
    /// Seconds after which a retry makes sense.
    pub retry_after: Option<u64>,
    /// The wrong fields.
    pub fields: Vec<FieldError>,
    /// Headers that belong to this answer, such as `Allow`.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether the connection must close after the answer.
    pub closes: bool,
}

impl Problem {
    /// A problem of this type that says no more than its title.
    #[must_use]
    pub const fn new(kind: &'static ProblemType) -> Self {
        Self {
            kind,
            status: None,
            detail: None,
            inside: None,
            retry_after: None,
            fields: Vec::new(),
            headers: Vec::new(),
            closes: false,
        }
    }

    /// The status to answer with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status.unwrap_or(self.kind.status)
    }

    /// Answers with another status than the type's.
    #[must_use]
    pub const fn with_status(mut self, status: StatusCode) -> Self {
        self.status = Some(status);
        self
    }

    /// Says what happened, for the client.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Says what happened, for the log.
    #[must_use]
    pub fn inside(mut self, inside: impl Into<Cow<'static, str>>) -> Self {
        self.inside = Some(inside.into());
        self
    }

    /// Says when to try again, in seconds.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Closes the connection after the answer.
    #[must_use]
    pub const fn close(mut self) -> Self {
        self.closes = true;
        self
    }
}

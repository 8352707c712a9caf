//! The decision on an answer that reports a failure.

use http::{StatusCode, header::RETRY_AFTER};
use seawall_core::{
    Environment,
    problem::{Fault, Problem, ProblemType, Severity},
    settings::{BadSetting, Values},
};

use super::config::{UPSTREAM_ERRORS, UpstreamErrors};
use crate::{AnswerHead, Context, Guard, Needs, Stop};

/// The application answered with a failure.
pub static UPSTREAM_ERROR: ProblemType = ProblemType {
    slug: "upstream-error",
    code: "UPSTREAM_ERROR",
    status: StatusCode::INTERNAL_SERVER_ERROR,
    title: "The application failed",
    retryable: true,
    fault: Fault::Upstream,
    severity: Severity::High,
    documentation: "The application behind Seawall answered with an error of its own. Its answer is not shown, because it may hold a \
        stack trace or a secret.\n\nFor the operator: the original answer is in the request log under the request id, field `error`. \
        `upstream_errors = \"pass\"` in `[rescue]` shows it to clients.",
};

/// Seawall failed.
pub static INTERNAL: ProblemType = ProblemType {
    slug: "internal-error",
    code: "INTERNAL_ERROR",
    status: StatusCode::INTERNAL_SERVER_ERROR,
    title: "The request could not be handled",
    retryable: true,
    fault: Fault::Us,
    severity: Severity::Critical,
    documentation: "Seawall itself failed while it handled the request; other requests are not affected.\n\nFor the operator: this is a \
        defect. The log holds the panic and its place under the request id; please report it.",
};

/// Replaces failures of the application.
#[derive(Debug)]
pub struct RescueGuard {
    replaces: bool,
}

impl RescueGuard {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values, environment: Environment) -> Result<Self, BadSetting> {
        let replaces = match values.get(&UPSTREAM_ERRORS)? {
            UpstreamErrors::Auto => environment == Environment::Production,
            UpstreamErrors::Replace => true,
            UpstreamErrors::Pass => false,
        };
        Ok(Self { replaces })
    }
}

impl Guard for RescueGuard {
    fn answer(&self, answer: &mut AnswerHead, _context: &mut Context) -> Option<Stop> {
        if !self.replaces || !answer.status.is_server_error() {
            return None;
        }
        let mut problem = Problem::new(&UPSTREAM_ERROR).with_status(answer.status);
        problem.retry_after = answer.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        Some(Stop::Refused(Box::new(problem)))
    }

    fn needs(&self) -> Needs {
        Needs { answers: true, ..Needs::default() }
    }
}

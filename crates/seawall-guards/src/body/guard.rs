//! The decision on a body's size.

use http::{StatusCode, header::CONTENT_LENGTH};
use seawall_core::{
    problem::{Fault, Problem, ProblemType, Severity},
    settings::{BadSetting, Values},
};

use super::MAX;
use crate::{Context, Guard, Head, Needs, Stop, Verdict};

/// The body is larger than the route takes.
pub static TOO_LARGE: ProblemType = ProblemType {
    slug: "request-too-large",
    code: "REQUEST_TOO_LARGE",
    status: StatusCode::PAYLOAD_TOO_LARGE,
    title: "The request body is too large",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Low,
    documentation: "The request's body is larger than this route accepts. Send a smaller body, or divide it.\n\n\
        For the operator: the limit is `max` in `[body]`; a route that takes uploads can have its own, such as \
        `[route.\"POST /upload\"]` with `body.max = \"2 GB\"`.",
};

/// Refuses bodies beyond a size.
#[derive(Debug)]
pub struct BodyGuard {
    max_bytes: u64,
    detail: String,
}

impl BodyGuard {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values) -> Result<Self, BadSetting> {
        let max = values.get(&MAX)?;
        Ok(Self { max_bytes: max.bytes(), detail: format!("This route accepts bodies of up to {max}.") })
    }

    fn refusal(&self) -> Box<Problem> {
        // What is left of the body is not read, so the connection cannot be used again.
        Box::new(Problem::new(&TOO_LARGE).detail(self.detail.clone()).close())
    }
}

impl Guard for BodyGuard {
    fn head(&self, head: &mut Head, _context: &mut Context) -> Verdict {
        let declared = head
            .headers
            .get(CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.parse::<u64>().ok());
        if declared.is_some_and(|bytes| bytes > self.max_bytes) {
            Verdict::Refuse(self.refusal())
        } else {
            Verdict::Pass
        }
    }

    fn body(&self, _context: &mut Context) -> Option<Stop> {
        Some(Stop::Refused(self.refusal()))
    }

    fn needs(&self) -> Needs {
        Needs { body_limit: Some(self.max_bytes), ..Needs::default() }
    }
}

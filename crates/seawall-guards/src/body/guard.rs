//! The decision on a body's size.

use http::{StatusCode, header::CONTENT_LENGTH};
use seawall_core::{
    problem::{Fault, Problem, ProblemType, Severity},
    settings::{BadSetting, Size, Values},
};

use super::MAX;
use crate::{
    Context, Guard, Head, Needs, Stop, Verdict,
    report::{Gauge, Need},
};

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
        if declared(head).is_some_and(|bytes| bytes > self.max_bytes) {
            Verdict::Refuse(self.refusal())
        } else {
            Verdict::Pass
        }
    }

    fn body(&self, _context: &mut Context) -> Option<Stop> {
        Some(Stop::Refused(self.refusal()))
    }

    fn measure(&self, head: Option<&Head>, gauge: &Gauge<'_>) {
        let bytes = head.map_or(gauge.context.body_bytes, declared);
        if let Some(needed) = bytes.filter(|bytes| *bytes > self.max_bytes) {
            gauge.needs(Need {
                setting: "`max` in `[body]`",
                set: Size::from_bytes(self.max_bytes).to_string(),
                needed,
                fitting: rounded(needed).to_string(),
                refused: gauge.refused,
            });
        }
    }

    fn needs(&self) -> Needs {
        Needs { body_limit: Some(self.max_bytes), ..Needs::default() }
    }
}

/// How long the body says it is.
fn declared(head: &Head) -> Option<u64> {
    head.headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The next whole unit, so that the size is one that people write.
fn rounded(bytes: u64) -> Size {
    let unit = [1_000_000, 1_000].into_iter().find(|unit| bytes > *unit).unwrap_or(1);
    Size::from_bytes(bytes.div_ceil(unit).saturating_mul(unit))
}

//! The decision on a request whose values were scored.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, StatusCode, header::CONTENT_TYPE};
use seawall_core::{
    meter::{Handle, Meter},
    problem::{Fault, Problem, ProblemType, Severity},
    settings::{BadSetting, Values},
};

use super::{
    Class, Filter, Finding, Tally,
    config::{BODIES, COOKIES, FINDINGS, HEADERS},
    head,
    look::{FormLook, JsonLook},
};
use crate::{Context, Expected, Guard, Head, Inspect, Needs, Verdict, json::is_json};

/// A value that looks like an attack.
pub static SUSPICIOUS_PAYLOAD: ProblemType = ProblemType {
    slug: "suspicious-payload",
    code: "SUSPICIOUS_PAYLOAD",
    status: StatusCode::BAD_REQUEST,
    title: "The request holds a value that looks like an attack",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Medium,
    documentation: "A value of the request looks like SQL injection, cross-site scripting, path traversal or a shell command, and this route takes no such \
        text. The answer says in which part it stands and what it looks like; the value is repeated nowhere.\n\nFor the operator: when the \
        value is harmless, allow its field, such as `allow = [\"body /comment\"]` in `[payload_filter]`, leave out its class with `classes`, \
        or raise `threshold`. The log names the field, when its name is a plain one, and the rule. `mode = \"report\"` lets requests pass and counts them.",
};

/// Scores values, and refuses a request for the strongest finding.
#[derive(Debug)]
pub struct PayloadFilterGuard {
    shared: Arc<Scoring>,
    bodies: bool,
    cookies: bool,
    headers: Vec<HeaderName>,
}

/// What looks at bodies share with the guard.
#[derive(Debug)]
pub(super) struct Scoring {
    pub(super) filter: Filter,
    found: [(Class, Handle); 4],
}

impl Scoring {
    /// What becomes of a request with this strongest finding.
    pub(super) fn verdict(&self, finding: Option<&Finding>) -> Verdict {
        match finding {
            Some(finding) => Verdict::Refuse(self.refusal(finding)),
            None => Verdict::Pass,
        }
    }

    /// Counts a finding.
    pub(super) fn refusal(&self, finding: &Finding) -> Box<Problem> {
        let of_class = self.found.iter().find(|(class, _)| *class == finding.found.class);
        of_class.iter().for_each(|(_, handle)| handle.increment());
        Box::new(finding.problem())
    }
}

impl PayloadFilterGuard {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values, meter: &dyn Meter) -> Result<Self, BadSetting> {
        let found = Class::ALL.map(|class| (class, meter.series(&FINDINGS, &[class.word()])));
        Ok(Self {
            shared: Arc::new(Scoring { filter: Filter::read(values)?, found }),
            bodies: values.get(&BODIES)?,
            cookies: values.get(&COOKIES)?,
            headers: values.get(&HEADERS)?.into_iter().map(|watched| watched.0).collect(),
        })
    }
}

impl Guard for PayloadFilterGuard {
    fn head(&self, head: &mut Head, _context: &mut Context) -> Verdict {
        let mut tally = Tally::default();
        head::target(&self.shared.filter, &head.uri, &mut tally);
        if self.cookies {
            head::cookies(&self.shared.filter, &head.headers, &mut tally);
        }
        head::fields(&self.shared.filter, &head.headers, &self.headers, &mut tally);
        self.shared.verdict(tally.strongest().as_ref())
    }

    fn inspect(
        &self,
        head: &mut Head,
        expected: &Expected,
        _context: &mut Context,
    ) -> Result<Option<Box<dyn Inspect>>, Box<Problem>> {
        if !self.bodies || expected.empty() {
            return Ok(None);
        }
        let shared = Arc::clone(&self.shared);
        Ok(if is_json(&head.headers) {
            Some(Box::new(JsonLook::new(shared)))
        } else if is_form(&head.headers) {
            Some(Box::new(FormLook::new(shared)))
        } else {
            None
        })
    }

    fn needs(&self) -> Needs {
        Needs { inspects: self.bodies, tree: self.bodies, ..Needs::default() }
    }
}

/// Whether a body is a form by any of its `Content-Type` fields.
fn is_form(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_TYPE).iter().any(|value| {
        let kind = value.as_bytes().split(|byte| matches!(byte, b';' | b',')).next().unwrap_or_default();
        kind.trim_ascii().eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
    })
}

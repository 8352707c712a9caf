//! The decision on one request more.

use http::StatusCode;
use seawall_core::{
    problem::{Fault, Problem, ProblemType, Severity},
    settings::{BadSetting, Values},
};

use super::{
    Places,
    config::{MAX_IN_FLIGHT, RETRY_AFTER},
};
use crate::{
    Context, End, Guard, Head, Needs, Verdict,
    report::{Gauge, Need},
};

/// As many requests are in flight as are served at once.
pub static OVERLOADED: ProblemType = ProblemType {
    slug: "overloaded",
    code: "SERVICE_UNAVAILABLE",
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "Too many requests are being served",
    retryable: true,
    fault: Fault::Us,
    severity: Severity::High,
    documentation: "As many requests are in flight as this route serves at once, so this one was refused before anything was sent on. \
        Try again after the time in `Retry-After`.\n\nFor the operator: the number is `max_in_flight` in `[load_shed]`. When it is reached \
        often, the application is slow or too small; the request log's durations tell which.",
};

/// Serves so many requests at once.
#[derive(Debug)]
pub struct LoadShedGuard {
    most: u64,
    retry_after_s: u64,
    places: Places,
}

impl LoadShedGuard {
    /// Reads the settings; counts in `places`.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values, places: Places) -> Result<Self, BadSetting> {
        Ok(Self {
            most: values.get(&MAX_IN_FLIGHT)?,
            retry_after_s: values.get(&RETRY_AFTER)?.ms().div_ceil(1_000),
            places,
        })
    }
}

impl Guard for LoadShedGuard {
    fn head(&self, _head: &mut Head, _context: &mut Context) -> Verdict {
        if self.places.take(self.most) {
            return Verdict::Pass;
        }
        let detail = "As many requests are being served as this server takes at once.";
        Verdict::Refuse(Box::new(Problem::new(&OVERLOADED).detail(detail).retry_after(self.retry_after_s)))
    }

    fn admitted(&self) {
        self.places.admit();
    }

    fn released(&self) {
        self.places.release();
    }

    fn measure(&self, _head: Option<&Head>, gauge: &Gauge<'_>) {
        let in_flight = self.places.in_flight();
        if in_flight > self.most {
            gauge.needs(Need {
                setting: "`max_in_flight` in `[load_shed]`",
                set: self.most.to_string(),
                needed: in_flight,
                fitting: in_flight.to_string(),
                refused: gauge.refused,
            });
        }
    }

    fn finish(&self, _end: &End, _context: &Context) {
        self.places.give_back();
    }

    fn needs(&self) -> Needs {
        Needs { finishes: true, ..Needs::default() }
    }
}

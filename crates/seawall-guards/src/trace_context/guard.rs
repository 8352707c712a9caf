//! Continuing or beginning a trace.

use http::{HeaderName, HeaderValue};
use seawall_core::{
    http::{Networks, Sample, TraceContext},
    settings::{BadSetting, Values},
};

use super::config::{ACCEPT, Accept, SAMPLE};
use crate::{Context, Guard, Head, Verdict};

static PARENT: HeaderName = HeaderName::from_static("traceparent");
static STATE: HeaderName = HeaderName::from_static("tracestate");

/// Continues or begins a trace.
#[derive(Debug)]
pub struct TraceContextGuard {
    accept: Accept,
    sample: Sample,
    trusted: Networks,
}

impl TraceContextGuard {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values, trusted: Networks) -> Result<Self, BadSetting> {
        Ok(Self { accept: values.get(&ACCEPT)?, sample: values.get(&SAMPLE)?, trusted })
    }

    fn carried_on(&self, head: &Head, context: &Context, span: u64, sampled: bool) -> Option<TraceContext> {
        let value = head.headers.get(&PARENT)?;
        let trusted = self.trusted.contains(context.peer.address);
        let continued = match self.accept {
            Accept::Any => true,
            Accept::Trusted => trusted,
            Accept::None => false,
        };
        if !continued {
            return None;
        }
        let trace = TraceContext::carry_on(value.as_bytes(), span)?;
        Some(if trusted { trace } else { TraceContext { sampled, ..trace } })
    }
}

impl Guard for TraceContextGuard {
    fn head(&self, head: &mut Head, context: &mut Context) -> Verdict {
        let (trace_id, span) = context.seed.trace();
        let sampled = self.sample.takes(trace_id);
        let trace = self.carried_on(head, context, span, sampled).unwrap_or_else(|| {
            // State without its parent means nothing (W3C Trace Context section 3.3).
            head.headers.remove(&STATE);
            TraceContext { trace_id: trace_id.max(1), span_id: span.max(1), parent_id: None, sampled }
        });
        if let Ok(value) = HeaderValue::from_bytes(&trace.header()) {
            head.headers.insert(&PARENT, value);
        }
        context.trace = Some(trace);
        Verdict::Pass
    }
}

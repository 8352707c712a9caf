//! The export of traces: wired when this build has it, and nothing when it has not.

use std::sync::Arc;

use seawall_config::Config;
use seawall_core::clock::Clock;
use seawall_telemetry::{Registry, TRACE_SECTION, trace::Spans, trace::TraceSettings};

use super::AppError;

/// The exporter, when there is one; it ends with [`Traces::finish`].
#[derive(Debug, Default)]
pub(super) struct Traces {
    #[cfg(feature = "otlp")]
    exporter: Option<seawall_telemetry::trace::SpanExporter>,
}

impl Traces {
    /// Starts the exporter when a collector is configured. Loading has refused a collector in a build without export.
    #[cfg(feature = "otlp")]
    pub(super) fn start(
        config: &Config,
        service: &str,
        clock: &Arc<dyn Clock>,
        registry: &Registry,
    ) -> Result<(Self, Spans), AppError> {
        let Some(endpoint) = TraceSettings::read(config.values(&TRACE_SECTION))?.endpoint else {
            return Ok((Self::default(), Spans::none()));
        };
        let (exporter, spans) =
            seawall_telemetry::trace::SpanExporter::start(&endpoint, service, Arc::clone(clock), registry)?;
        Ok((Self { exporter: Some(exporter) }, spans))
    }

    /// This build exports nothing.
    #[cfg(not(feature = "otlp"))]
    pub(super) fn start(config: &Config, _: &str, _: &Arc<dyn Clock>, _: &Registry) -> Result<(Self, Spans), AppError> {
        TraceSettings::read(config.values(&TRACE_SECTION))?;
        Ok((Self::default(), Spans::none()))
    }

    /// Sends what is left.
    #[cfg(feature = "otlp")]
    pub(super) fn finish(self, limit: std::time::Duration) -> Result<(), AppError> {
        Ok(self.exporter.map_or(Ok(()), |exporter| exporter.finish(limit))?)
    }

    /// There is nothing to send.
    #[cfg(not(feature = "otlp"))]
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "the same shape as in a build with export")]
    pub(super) fn finish(self, _: std::time::Duration) -> Result<(), AppError> {
        Ok(())
    }
}

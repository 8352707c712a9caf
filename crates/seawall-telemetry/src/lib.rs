//! Logs, metrics and traces of Seawall.
//!
//! | module | what it holds |
//! |---|---|
//! | [`metrics`] | the registry behind core's `Meter`: one cell per core and series, summed at scrape |
//! | [`request_log`] | one line per request, formatted into a buffer per core, written by one thread; lossy under pressure, and counted |
//! | [`log`] | the process log: a `tracing` subscriber; never lossy |
//! | [`trace`] | which requests become spans, and, with the feature `otlp`, their export |
//! | [`config`] | the section `log` |
//!
//! Both logs write through one [`Output`]: the same sink, the same order of fields, the same escaping. Nothing here is
//! global: `main` installs the subscriber, and two applications in one process have two of everything.

#![warn(missing_docs)]

pub mod config;
mod error;
mod level;
mod line;
pub mod log;
pub mod metrics;
mod output;
pub mod request_log;
mod sink;
pub mod trace;
mod worker;

pub use config::{LOG_SECTION, LogSettings};
pub use error::TelemetryError;
pub use level::LogLevel;
pub use metrics::Registry;
pub use output::{Format, Output, Style, Terminal};
pub use request_log::{Entry, LogHandle, LogWriter, RequestLog};
pub use sink::Sink;
pub use trace::TRACE_SECTION;

use seawall_core::meter::Metric;

/// Every metric of this crate, for the catalogue.
pub const METRICS: &[&Metric] = &[&metrics::SERIES_DROPPED, &request_log::LINES_DROPPED, &trace::SPANS_DROPPED];

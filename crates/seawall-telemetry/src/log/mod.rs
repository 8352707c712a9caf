//! The process log: what Seawall says about itself, through `tracing`.
//!
//! ```
//! use std::sync::Arc;
//! # #[derive(Debug)]
//! # struct Clock;
//! # impl seawall_core::clock::Clock for Clock {
//! #     fn now(&self) -> seawall_core::clock::Now { seawall_core::clock::Now::default() }
//! # }
//! use seawall_telemetry::{LogLevel, Output, Sink, Style, log};
//!
//! let sink = Sink::new(Box::new(std::io::stdout()));
//! let output = Output { sink, style: Style::Json, service: "shop".into(), clock: Arc::new(Clock) };
//! let subscriber = log::subscriber(output, &LogLevel::parse("info")?);
//! tracing::subscriber::with_default(subscriber, || tracing::info!(listener.address = "127.0.0.1:8080", "listening"));
//! # Ok::<(), String>(())
//! ```
//!
//! A line carries the event's fields and those of the spans around it; where names are equal, the innermost wins. Values
//! of secret names are hidden. A line is written by the thread that logs, so none is lost, and a slow sink slows whoever
//! logs: the data plane does not log here per request.

mod fields;
mod layer;
mod level;
#[cfg(test)]
mod tests;

use tracing::Subscriber;
use tracing_subscriber::layer::SubscriberExt;

use crate::{LogLevel, Output};

pub use level::LevelHandle;

/// The subscriber; `main` installs it for the process, a test for a closure.
#[must_use]
pub fn subscriber(output: Output, level: &LogLevel) -> impl Subscriber + Send + Sync + 'static {
    tracing_subscriber::registry().with(level.filter()).with(layer::LogLayer::new(output))
}

/// The same, with a way to change its level while the process runs.
#[must_use]
pub fn adjustable(output: Output, level: &LogLevel) -> (impl Subscriber + Send + Sync + 'static, LevelHandle) {
    let (filter, handle) = LevelHandle::new(level);
    (tracing_subscriber::registry().with(filter).with(layer::LogLayer::new(output)), handle)
}

//! What can go wrong in this crate.

use std::io;

/// What was attempted and failed.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// A thread of this crate.
    #[error("starting the thread {name}")]
    Thread {
        /// The thread's name.
        name: &'static str,
        /// Why the system refused it.
        source: io::Error,
    },
    /// The last lines or spans.
    #[error("writing what is left took longer than allowed")]
    Unfinished,
    /// The exporter of spans.
    #[error("preparing the export of traces to {endpoint}: {reason}")]
    Exporter {
        /// Where the spans would go.
        endpoint: String,
        /// What the exporter says.
        reason: String,
    },
}

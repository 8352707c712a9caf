//! Health: alive, ready, and what exactly is wrong (checklist RG-12, PM-7).
//!
//! `live` says that the process runs. `ready` says that a request would be served: the application accepts connections, the
//! checks of its dependencies that are required pass, and the server is not draining. Results are kept for a second, so that
//! asking often costs the dependencies nothing.

mod checks;
mod config;
mod report;

pub use checks::Health;
pub use config::{HealthSettings, SECTION, Show};
pub use report::{Outcome, Report};

//! The supervised application: Seawall starts it, waits until it is ready, forwards what it says to the log, starts it again
//! when it ends, replaces it without losing a request, and stops it last (`seawall run -- node server.js`).
//!
//! The application gets Seawall's environment without Seawall's own settings, and the variables `PORT` and `HOST`. It leads a
//! process group of its own, so that Ctrl-C in a terminal reaches Seawall alone, which first lets requests finish. Should
//! Seawall end without stopping it, even by SIGKILL, a small shell beside it does (`keeper.rs`).
//!
//! Pure are `lifecycle.rs` (what state, how long to wait), `entry.rs` (what a line says), `lines.rs` and `environment.rs`;
//! `care.rs` is the task that acts on them, `supervisor.rs` its owner.

mod care;
mod config;
mod entry;
mod environment;
mod fault;
mod group;
mod keeper;
mod lifecycle;
mod lines;
mod output;
mod placement;
mod plan;
mod port;
mod process;
mod ready;
mod replacement;
mod seat;
mod supervisor;

pub use config::{ENV_SECTION, SECTION, SupervisedSettings, both_named};
pub use environment::missing;
pub use fault::SupervisedError;
pub use lifecycle::State;
pub use placement::{Placed, Placement};
#[cfg(test)]
pub(in crate::app) use supervisor::tests;
pub use supervisor::{Handle, Status, Supervisor, Surrounding};

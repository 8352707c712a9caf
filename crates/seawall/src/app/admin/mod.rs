//! The admin listener: health in full, metrics, and what runs here (checklist WK-11, RG-12).
//!
//! It listens on this machine only. Host and Origin are checked, so that no website can reach it through a visitor's
//! browser, and everything but health and metrics wants the token in `admin.token`, or the operators' key. The command line uses a Unix socket
//! beside it, which only the owner of the process may open.

mod config;
mod gate;
mod key;
mod refusal;
mod reload;
mod report;
mod restart;
mod routes;
mod serve;
mod versions;

pub use config::{AdminSettings, SECTION};
pub(super) use key::AdminKey;
pub use key::REFUSALS;
pub use refusal::PROBLEMS;
pub(super) use refusal::document;
pub(super) use routes::{State, router};
pub(super) use serve::{bind, bind_unix, serve_tcp, serve_unix};

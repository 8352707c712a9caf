//! Reload: another configuration takes the place of the one that runs, without a socket closed and without a count forgotten.
//!
//! Everything is read, checked and built before anything is switched, so a file with mistakes changes nothing. Requests in
//! flight and open WebSockets keep what they began with; whatever begins later finds the new configuration whole. What only a
//! restart takes over is left as it is, and named.
//!
//! `outcome.rs` says what came of it, `reloader.rs` does it, `watch.rs` looks at the files.

mod meters;
mod outcome;
mod record;
mod reloader;
mod watch;

pub use meters::METRICS;
pub(super) use meters::ReloadMeters;
pub use outcome::{Difference, Refusal};
pub(super) use reloader::Lasting;
pub use reloader::{Reloader, Trigger};
pub(super) use watch::watch;

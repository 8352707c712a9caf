//! Handing over to another process without losing a request: the listening sockets, what the data directory guards, and the
//! application that Seawall starts.
//!
//! ```text
//! successor                                        predecessor
//!   hello 2 0.1.0                ─────────►        one hand-over at a time; same user
//!   (takes the listeners)        ◄─────────        offer public=… admin=…   with the descriptors
//!   (reads its configuration, starts its application)
//!   ready                        ─────────►        waits for requests that hold the store (`work.rs`),
//!                                                  then gives each step of `step.rs`, in order
//!   (locks the data directory)   ◄─────────        released
//!   (serves)                     ─────────►        finishes what it has, stops its application, ends
//!   taken
//! ```
//!
//! While the other side waits, whoever is at work says so now and then: `working`.
//!
//! Until `released` a failure changes nothing: the predecessor goes on. After it, whoever holds the lock of the data directory
//! serves: when the successor ends without `taken`, the predecessor takes the lock back and goes on.

mod fault;
mod fresh;
mod ground;
mod handle;
mod link;
mod message;
mod meters;
mod predecessor;
mod program;
mod step;
mod successor;
mod work;

pub use fault::HandOverError;
pub(super) use ground::{Ground, Held};
pub(super) use handle::channel;
pub use handle::{HandOver, Phase};
pub(super) use meters::HandOverMeters;
pub use meters::METRICS;
pub(super) use predecessor::Predecessor;
pub use program::Program;
pub(super) use step::Step;

/// How a process comes to its listeners.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Entry {
    /// It binds them.
    #[default]
    Fresh,
    /// It takes them over from the process that runs, if one does.
    TakeOver,
}

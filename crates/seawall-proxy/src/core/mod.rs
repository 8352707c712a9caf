//! One core: a thread with a runtime of its own, its listener, its connections and its state. Nothing here is shared with
//! another core but what counts for the whole process.

mod accept;
mod crowd;
mod sockets;
mod state;
mod talkers;
mod thread;

pub(crate) use crowd::Crowd;
pub(crate) use sockets::{Gate, Sockets};
pub(crate) use state::{Core, CoreParts, Serving};
pub(crate) use talkers::Talkers;
pub(crate) use thread::{COMMANDS, Command, start};

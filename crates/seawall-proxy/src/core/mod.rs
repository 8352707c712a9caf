//! One core: a thread with a runtime of its own, its listener, its connections and its state. Nothing here is shared with
//! another core but what counts for the whole process.

mod accept;
mod body_memory;
mod crowd;
mod flights;
mod sockets;
mod state;
mod talkers;
mod thread;
mod turns;

pub(crate) use body_memory::{BodyMemory, Room};
pub(crate) use crowd::{Counted, Crowd};
pub(crate) use flights::{Flight, Flights, Seat, Shared};
pub(crate) use sockets::{Gate, Sockets};
pub(crate) use state::{Core, CoreParts, Serving};
pub(crate) use talkers::Talkers;
pub(crate) use thread::{COMMANDS, Command, start};
pub(crate) use turns::{Turn, Turns};

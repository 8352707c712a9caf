//! The outbox: messages written in a transaction and delivered after its commit, at least once.
//!
//! A message is claimed for a while (its `due_at` moves ahead), handed to the handler of its topic, and removed when that succeeds.
//! A handler that fails, or a process that dies, leaves it to be claimed again, later each time; after its last attempt it is set
//! aside as dead. The number of the attempt is the fence: who was too slow can neither remove nor fail what another has claimed
//! since. Messages of one topic and key are delivered one after the other, in the order of their ids.

mod deliver;
mod message;
mod meters;
mod table;

pub use deliver::{Delivery, Outbox};
pub use message::{Handler, Message, Topic, Undelivered};
pub use table::{Dead, dead, discard, revive};

pub(crate) use meters::METRICS;

use crate::migration::{Migration, Overlap};

/// The table.
pub(crate) const MIGRATION: Migration = Migration {
    name: "outbox",
    overlap: Overlap::Expands,
    up: include_str!("sql/up.sql"),
    down: include_str!("sql/down.sql"),
};

//! The audit log: who did what, with the values before and after, kept in the transaction that made the change.
//!
//! Entries are sealed into a chain of hashes in the order of their commits. A chain alone does not show that its end was cut off,
//! or that all of it was computed anew; so its head is signed now and then with a key that is not in the database, and sent to a
//! place that whoever owns the database does not own. [`verify`](verify::verify) compares all three and names the first entry
//! where they part.
//!
//! Personal values stand in the chain as salted hashes only; the values themselves are in a table beside it, from where they can
//! be erased without breaking the chain.

mod chain;
mod checkpoint;
mod config;
mod courier;
mod destination;
mod entry;
mod personal;
mod record;
mod seal;
mod verify;

pub use checkpoint::{Checkpoint, SigningKey, sign_head};
pub use config::{AuditSettings, PublicKey, SECTION};
pub use courier::{Courier, Signed, Standing, standings};
pub use destination::{DeliveryFault, Destination, Held, Webhook};
pub use entry::{Entry, Outcome};
pub use personal::{erase, erase_within};
pub use record::{Filter, Record, page, personal_values};
pub use verify::{Finding, Report, Tampering, verify};

pub(crate) use checkpoint::{key_id, statement_signed};
pub(crate) use courier::METRICS;
pub(crate) use seal::seal;
pub use seal::seal_waiting;

use crate::migration::{Migration, Overlap};

/// The tables.
pub(crate) const MIGRATION: Migration = Migration {
    name: "audit log",
    overlap: Overlap::Expands,
    up: include_str!("sql/up.sql"),
    down: include_str!("sql/down.sql"),
};

/// How far each destination of checkpoints is.
pub(crate) const DELIVERIES: Migration = Migration {
    name: "audit deliveries",
    overlap: Overlap::Expands,
    up: include_str!("sql/deliveries_up.sql"),
    down: include_str!("sql/deliveries_down.sql"),
};

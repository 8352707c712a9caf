//! Idempotency keys: which requests were carried out, and what was answered.
//!
//! An attempt is a row, written before the application sees the request and again before the client sees the answer, each a durable
//! transaction of its own. The row names whose attempt it is (`life`, `serial`), and a life says for how long it is to be believed
//! (`idempotency_lives`): a process that dies stops saying so, and its attempts are then told as what they are, unknown.
//!
//! Nothing in the tables opens an answer. Keys and requests are there as digests, and the answer is sealed under a key that is made of
//! the caller's key and the whole request (`seal.rs`, decision 57).

mod bounds;
mod heart;
mod port;
mod row;
mod seal;
mod settling;
mod table;

pub use bounds::Bounds;
pub use port::Attempts;

use std::time::Duration;

use crate::{
    Cause,
    migration::{Migration, Overlap},
    retention::Rule,
};

/// Who writes, for the audit log.
const CAUSE: Cause = Cause::system("idempotency");

/// The tables.
pub(crate) const MIGRATION: Migration = Migration {
    name: "idempotency",
    overlap: Overlap::Expands,
    up: include_str!("sql/up.sql"),
    down: include_str!("sql/down.sql"),
};

/// Keys go when they expire, lives a day after they ended: until then the clocks of nodes may differ.
pub(crate) const RULES: [Rule; 2] = [
    Rule {
        name: "idempotency_keys",
        keep: Duration::ZERO,
        sql: "DELETE FROM idempotency_keys WHERE place IN
              (SELECT place FROM idempotency_keys WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)",
    },
    Rule {
        name: "idempotency_lives",
        keep: Duration::from_secs(24 * 60 * 60),
        sql: "DELETE FROM idempotency_lives WHERE life IN
              (SELECT life FROM idempotency_lives WHERE alive_until < $1 ORDER BY alive_until LIMIT $2)",
    },
];

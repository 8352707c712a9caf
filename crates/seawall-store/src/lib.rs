//! The store: everything that Seawall keeps.
//!
//! [`Db`] is one small façade over embedded SQLite and PostgreSQL. SQL is written once, in the subset that both know: `$1`
//! parameters, microseconds since 1970 in BIGINT, ids and JSON in TEXT, hashes in BLOB, `ON CONFLICT`, `RETURNING`, partial
//! indexes. Domain crates see this façade and no driver.
//!
//! A statement is a `&'static str`: what comes from outside can only be a parameter.

#![warn(missing_docs)]

pub mod audit;
pub mod backup;
pub mod cache;
mod cause;
mod config;
pub mod counters;
pub mod cursor;
mod db;
mod dialect;
mod effects;
mod engine;
mod error;
mod expiry;
pub mod foreign;
mod gauge;
pub mod hands;
mod hex;
mod id;
pub mod idempotency;
mod lanes;
pub mod like;
mod loose;
pub mod messages;
pub mod meta;
pub mod migration;
pub mod outbox;
mod ping;
mod postgres;
pub mod relocation;
pub mod retention;
mod row;
mod session;
mod sqlite;
mod surroundings;
mod threads;
mod tx;
mod url;
mod value;
mod watch;
pub mod webhook;
mod work;

use migration::Ledger;

use seawall_core::queue;

pub use cause::{Actor, Cause};
pub use config::{Migrate, SECTION, StoreSettings};
pub use db::{Db, Options};
pub use error::{OpenError, StoreError};
pub use lanes::Lane;
pub use loose::{LooseWrite, Merge};
pub use ping::ping;
pub use postgres::PostgresUrl;
pub use row::{FromRow, Row};
pub use surroundings::Surroundings;
pub use tx::{ReadTx, Tx};
pub use url::DatabaseUrl;
pub use value::{FromValue, Parameters, ToValue, Value};
pub use watch::METRICS;

/// What is promised of writes, for health and for people.
pub const DURABILITY: &str = "what is acknowledged is on the disk (flushed at each group's commit); loose values, such as times of last use, within a second";

/// The store's own tables.
pub static LEDGER: Ledger = Ledger {
    name: "store",
    migrations: &[audit::MIGRATION, outbox::MIGRATION, meta::MIGRATION, audit::DELIVERIES, idempotency::MIGRATION],
};

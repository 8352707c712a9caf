//! PostgreSQL databases, by PostgreSQL's own tools: `pg_dump`, `pg_restore`, `psql`.
//!
//! A dump is the state of one moment. For point-in-time recovery of PostgreSQL there are pgBackRest, WAL-G and Barman, which do it
//! better than anything here could; see the guide.

mod dump;
mod proof;
mod server;
mod tools;

pub use server::PostgresServer;

pub(super) use dump::dump;
pub(super) use proof::{listed, restore_into, restored};

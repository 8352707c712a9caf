//! Backups of the store and of what the configuration names: what is backed up where, and what keeps doing it.

mod board;
mod keeper;
mod plan;
mod routes;
mod shown;

pub(crate) use board::Board;
pub(in crate::app) use keeper::Keeper;
pub(crate) use plan::{Backups, Kept, Purpose, What};
pub(crate) use routes::{Asked, router};
pub(crate) use shown::restored;

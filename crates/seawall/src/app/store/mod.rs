//! Seawall's own database: where it is, how it is opened and brought up to this version, and what is done for it while the server
//! runs.

mod checkpoints;
mod fault;
mod open;
mod place;
mod routes;
mod shown;

pub use fault::StoreFault;
pub(crate) use open::open;
pub(super) use open::{Store, overlap};
pub use place::StorePlace;
pub(crate) use routes::router;

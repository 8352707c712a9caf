//! Seawall's own database: where it is, how it is opened and brought up to this version, and what is done for it while the server
//! runs.

pub(crate) mod backups;
pub(crate) mod before;
pub(crate) mod between;
pub(crate) mod checkpoints;
mod fault;
mod open;
mod overlap;
mod place;
mod rounds;
mod routes;
mod shown;

pub use fault::StoreFault;
pub(crate) use open::open;
pub(super) use open::{Lent, Store};
pub(super) use overlap::overlap;
pub use place::StorePlace;
pub(crate) use routes::{Looked, router};
pub(super) use shown::time;

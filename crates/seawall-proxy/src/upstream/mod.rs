//! The application behind: where it is, and the connections to it.

mod address;
mod pool;

pub use address::UpstreamAddress;
pub(crate) use pool::Pool;

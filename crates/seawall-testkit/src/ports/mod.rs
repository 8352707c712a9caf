//! One contract suite for each port, and implementations that make waiting and failing visible.

pub mod idempotency_store;
mod rate_store;

pub use idempotency_store::{LaterIdempotency, idempotency_store_contract};
pub use rate_store::{FailingRates, LaterRates, rate_store_contract};

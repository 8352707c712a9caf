//! One contract suite for each port, and implementations that make waiting and failing visible.

mod rate_store;

pub use rate_store::{FailingRates, LaterRates, rate_store_contract};

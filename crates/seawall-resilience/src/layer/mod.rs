//! The same decisions as tower layers, around any [`tower_service::Service`].
//!
//! | file | what it holds |
//! |---|---|
//! | `deadline.rs` | [`DeadlineLayer`]: a call has so long, and whatever it does knows until when |
//! | `bulkhead.rs` | [`BulkheadLayer`]: so many calls at once |
//! | `retry.rs` | [`RetryLayer`]: a call that fails in passing is made again |
//! | `breaker.rs` | [`BreakerLayer`]: a service that fails is left alone |
//! | `ask.rs` | a call of the service within, once that is ready |
//!
//! All of them are ready at once, and wait for the service within in the future of the call, with a clone of it. So nothing is taken before a
//! call is made: neither a place nor a probe is lost with a clone that was polled ready and dropped, and the deadline covers the wait for
//! readiness. What stands outside of them, and would look whether they are ready, finds that in the answer: they refuse at once instead.
//!
//! Outermost first, they belong in the order of the table: places are taken once for all attempts, and the breaker sees each attempt.

mod ask;
mod breaker;
mod bulkhead;
mod deadline;
mod retry;
#[cfg(test)]
mod tests;

pub use ask::Ask;
pub use breaker::{BreakerError, BreakerFuture, BreakerLayer, BreakerService};
pub use bulkhead::{BulkheadError, BulkheadFuture, BulkheadLayer, BulkheadService};
pub use deadline::{DeadlineError, DeadlineFuture, DeadlineLayer, DeadlineService};
pub use retry::{RetryFuture, RetryLayer, RetryService};

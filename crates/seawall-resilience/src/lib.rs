//! What keeps one failing service from taking others with it, for the proxy and for any Rust application.
//!
//! The decisions are in [`seawall_core::resilience`]; here they become handles that threads share, and futures.
//!
//! | module | what it holds |
//! |---|---|
//! | [`breaker`] | stop asking a service that fails, and find out when it works again |
//! | [`budget`] | how many retries all requests together may make |
//! | [`bulkhead`] | so many at once, so many waiting, the rest refused |
//! | [`deadline`] | one point in time that everything a request does shares |
//! | [`retry`](mod@retry) | try again with waits between, under one deadline |
//! | [`clocks`] | the four clocks of one exchange over HTTP: connecting, the first byte, silence, and all of it |
//! | [`batch`](mod@batch) | run many futures, a few at a time |
//! | [`layer`] | deadline, bulkhead, retry and breaker as tower layers |
//!
//! A call to another service, with all of them:
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//! use seawall_resilience::{Bulkhead, CircuitBreaker, Deadline, Next, Retry, RetryError};
//! # use seawall_core::clock::{Clock, Now};
//! # #[derive(Debug)] struct AppClock;
//! # impl Clock for AppClock { fn now(&self) -> Now { Now::default() } }
//! # async fn ask(_: u32) -> Result<&'static str, std::io::Error> { Ok("answer") }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let breaker = CircuitBreaker::new(Default::default(), Arc::new(AppClock), |change| {
//!     let _ = change; // log it, count it
//! });
//! let bulkhead = Bulkhead::new(64, 16);
//!
//! let deadline = Deadline::after(Duration::from_secs(2));
//! let _permit = bulkhead.acquire(deadline).await?;
//! let ticket = breaker.ticket()?;
//! let answer = Retry::default().under(deadline).run(ask, |_: &std::io::Error| Next::Again).await;
//! match &answer {
//!     Ok(_) => ticket.succeeded(),
//!     Err(_) => ticket.failed(),
//! }
//! assert_eq!(answer?, "answer");
//! # Ok(())
//! # }
//! ```
//!
//! The same around a tower service, whatever it is: all attempts share one deadline and one place, and the breaker sees each of them. What fails
//! in passing, and what counts against the service, is told by a closure.
//!
//! ```
//! use std::{io, sync::Arc, time::Duration};
//! use seawall_resilience::{
//!     Bulkhead, CircuitBreaker, Next, Outcome, Retry,
//!     layer::{BreakerError, BreakerLayer, BulkheadLayer, DeadlineLayer, RetryLayer},
//! };
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! # use seawall_core::clock::{Clock, Now};
//! # #[derive(Debug)] struct AppClock;
//! # impl Clock for AppClock { fn now(&self) -> Now { Now::default() } }
//! # async fn ask(question: String) -> io::Result<String> { Ok(format!("{question}: yes")) }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let breaker = CircuitBreaker::new(Default::default(), Arc::new(AppClock), |_| {});
//! let retries = RetryLayer::new(
//!     Retry::default(),
//!     |question: &String| Some(question.clone()),
//!     |result: &Result<String, BreakerError<io::Error>>| match result {
//!         Err(BreakerError::Open(open)) => Next::AgainAfter(open.retry_after),
//!         Err(BreakerError::Service(_)) => Next::Again,
//!         Ok(_) => Next::GiveUp,
//!     },
//! );
//! let service = ServiceBuilder::new()
//!     .layer(DeadlineLayer::after(Duration::from_secs(2)))
//!     .layer(BulkheadLayer::new(Bulkhead::new(64, 16)))
//!     .layer(retries)
//!     .layer(BreakerLayer::new(breaker, |result: &io::Result<String>| match result {
//!         Ok(_) => Outcome::Succeeded,
//!         Err(_) => Outcome::Failed,
//!     }))
//!     .service(service_fn(ask));
//!
//! assert_eq!(service.oneshot("Is it up".to_owned()).await?, "Is it up: yes");
//! # Ok(())
//! # }
//! ```

#![warn(missing_docs)]

pub mod batch;
pub mod breaker;
pub mod budget;
pub mod bulkhead;
pub mod clocks;
pub mod deadline;
pub mod layer;
pub mod retry;
#[cfg(test)]
mod testing;

pub use batch::batch;
pub use breaker::{CircuitBreaker, Open, Outcome, Ticket};
pub use budget::RetryBudget;
pub use bulkhead::{Bulkhead, BulkheadFull, Permit};
pub use clocks::{Clocked, Clocks, Late, ReadError};
pub use deadline::{Deadline, TimedOut};
pub use retry::{GaveUp, Next, Retry, RetryError};
pub use seawall_core::resilience::{
    Backoff, BreakerSettings, BreakerState, BudgetSettings, Change, Pass, RateSettings,
};

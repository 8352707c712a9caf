//! The store from outside.

#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails loudly")]

mod audit;
mod backup;
mod crash;
mod outbox;
mod scratch;

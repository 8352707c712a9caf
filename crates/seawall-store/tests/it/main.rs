//! The store's contract, on both engines, and what each engine promises for itself.

#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails loudly")]

mod audit;
mod crash;
mod limits;
mod loose;
mod migrations;
mod outbox;
mod postgres;
mod queues;
mod relocation;
mod retention;
mod sqlite;
mod support;
mod tls;
mod transactions;
mod values;

//! The store's contract, on both engines, and what each engine promises for itself.

#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails loudly")]

mod limits;
mod loose;
mod migrations;
mod postgres;
mod queues;
mod sqlite;
mod support;
mod tls;
mod transactions;
mod values;

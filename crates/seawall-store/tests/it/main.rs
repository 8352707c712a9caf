//! The store's contract, on both engines, and what each engine promises for itself.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails loudly"
)]
#![expect(clippy::print_stdout, reason = "a test that cannot run here says why")]

mod audit;
mod backup;
mod cache;
mod checkpoints;
mod crash;
mod faults;
mod foreign;
mod idempotency;
mod limits;
mod loose;
mod messages;
mod migrations;
mod outbox;
mod postgres;
mod power;
mod queues;
mod relocation;
mod replica;
mod retention;
mod scratch;
mod sqlite;
mod support;
mod tls;
mod transactions;
mod values;

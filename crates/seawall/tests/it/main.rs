//! End-to-end tests: the real server on free ports, real sockets, real applications behind it.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails loudly"
)]

mod admin;
mod applications;
mod bodies;
mod browser;
mod checklist;
mod cli;
mod compression;
mod connections;
mod corpus;
mod crowds;
mod differential;
mod documentation;
mod failures;
mod forwarding;
mod guards;
mod health;
mod http2;
mod identity;
mod lifecycle;
mod llm;
mod logs;
mod malformed;
mod memory;
mod notify;
mod outbound;
mod ports;
#[path = "../../../seawall-store/tests/it/support/server.rs"]
#[expect(dead_code, reason = "the store's own tests use all of it")]
mod postgres;
mod problems;
mod readers;
mod redis;
mod refusals;
mod reload;
mod restart;
mod resting;
mod routes;
mod schemathesis;
mod smoke;
mod studio;
mod supervised;
mod tls;
#[cfg(feature = "otlp")]
mod traces;
mod upstream;
mod websocket;

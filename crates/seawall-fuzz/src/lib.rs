//! What must hold for any bytes: one oracle for each parser that reads what strangers send.
//!
//! An oracle is a plain function that panics when something does not hold. Fuzzers call it with bytes they make up
//! (`fuzz/fuzz_targets/`, `cargo xtask fuzz`); an ordinary test calls it with the seeds, among them every input that once
//! broke something, so that no fuzzer and no nightly compiler is needed to see that they still pass.
//!
//! | file | the idea |
//! |---|---|
//! | `request_line`, `headers`, `chunking`, `websocket`, `proxy_protocol`, `path`, `routes`, `fields`, `json`, `form`, `multipart`, `schema`, `payload` | the targets: how input becomes a message, and what must hold for it |
//! | `target`, `seeds` | the table of targets; what a fuzzer begins with |
//! | `pieces` | bytes cut as the input says |
//! | `verdict` | what a framing checker finds, however its bytes were cut |
//! | `plain` | messages read by the letter of RFC 9112: slow, and of another shape than the checker |
//! | `agreement` | the HTTP library behind the checker, as a second opinion |
//! | `framing` | these three together |

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "an oracle says that something does not hold by a panic"
)]

pub mod agreement;
pub mod chunking;
pub mod fields;
pub mod form;
mod framing;
pub mod headers;
pub mod json;
pub mod multipart;
pub mod path;
pub mod payload;
mod pieces;
mod plain;
pub mod proxy_protocol;
pub mod request_line;
pub mod routes;
pub mod schema;
pub mod seeds;
mod target;
mod verdict;
pub mod websocket;

pub use target::{TARGETS, Target};

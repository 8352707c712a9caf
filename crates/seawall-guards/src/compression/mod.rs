//! Which answers are compressed on their way to the client, and in which coding (checklist WK-12).
//!
//! The guard decides; the proxy compresses while it streams. An answer is compressed when the client takes a coding
//! (RFC 9110 section 12.5.3), the answer is a whole one of a type that shrinks, and nobody has said that it must stay as it
//! is: not the application with a coding of its own, `no-transform` or a digest, and not the guard because of a secret.
//!
//! Compression tells the length of what repeats, so whoever can put text into an answer that holds a secret, and sees how
//! long it is, can guess the secret (BREACH). [decision 11](../../../../docs/decisions/0011-what-is-compressed.md) says which
//! answers are left alone for that. Nothing is ever decompressed here: a request's body passes as it came.

mod accept;
mod answer;
mod config;
mod guard;
mod relabel;
#[cfg(test)]
mod tests;

pub use accept::Coding;
pub use config::{ANSWERS, ENTRY, SECTION, values};
pub use guard::{Compression, CompressionGuard};
pub use relabel::relabel;

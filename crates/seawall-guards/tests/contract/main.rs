//! The contract of every guard, kept by the proxy's loop and by the tower layer alike: the same requests get the same
//! decisions, in both modes.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails loudly")]

mod answers;
mod bodies;
mod harness;
mod heads;
mod leaving;
mod whom;

//! The shape of JSON, checked as it arrives: how deep, how many, how long, and whether every reader will read it alike.
//!
//! [`Scanner`] takes a document in parts of any size and keeps no more of it than the string or number it is in. It is stricter than
//! most readers: what two of them may read in two ways is refused (RFC 8259 leaves duplicate keys, lone surrogates and huge numbers
//! to each). What it read can be passed on, as a [`Sink`] wishes, so that a document is read once.
//!
//! ```
//! use seawall_core::json::{Fault, Limits, Scanner};
//!
//! let mut scanner = Scanner::new(Limits::default());
//! scanner.feed(br#"{"name": "An"#)?;
//! scanner.feed(br#"n", "name": 1}"#).unwrap_err();
//! # Ok::<(), seawall_core::json::Refusal>(())
//! ```

mod fault;
pub(crate) mod keys;
mod number;
mod open;
mod part;
mod pointer;
mod scanner;
mod sink;
mod swift;
#[cfg(test)]
mod tests;
mod text;

pub use fault::{Fault, Refusal};
pub use keys::key_hash;
pub use pointer::pointer;
pub use scanner::Scanner;
pub use sink::{Discard, Sink, Told, Word};

/// How large the parts of a document may be (checklist WK-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Arrays and objects in one another; `[]` is one deep.
    pub depth: u16,
    /// Items of one array.
    pub items: u32,
    /// Keys of one object.
    pub keys: u32,
    /// Characters (Unicode scalar values) of one string or key.
    pub characters: u32,
    /// Bytes of one number, 64 at most.
    pub digits: u8,
}

impl Limits {
    /// Those of the checklist, WK-1.
    pub const CHECKLIST: Self = Self { depth: 10, items: 1_000, keys: 100, characters: 10_000, digits: 64 };
}

impl Default for Limits {
    fn default() -> Self {
        Self::CHECKLIST
    }
}

/// Whether a document that is all here is sound.
///
/// # Errors
/// [`Refusal`].
pub fn check(document: &[u8], limits: Limits) -> Result<(), Refusal> {
    let mut scanner = Scanner::new(limits);
    scanner.feed(document)?;
    scanner.finish().map(drop)
}

//! Signed requests (checklist WK-15): what a route only does for whoever holds a key.
//!
//! A route names the keys that it takes (`require`). Partners sign by RFC 9421: a signature over the parts of the request that the
//! route wants covered, with the moment at which it was made; the body is covered by its `Content-Digest` (RFC 9530), which is
//! computed while the body is read. Webhooks of others come signed in their own ways, over the body as it was sent: by Standard
//! Webhooks, Stripe or GitHub (`preset`).
//!
//! A head that is wrong is refused before anything of its body is read, and the application hears of a request only when all of it was
//! seen. A signature is taken once: what has passed is remembered for as long as it could pass again.

mod additions;
mod algorithm;
mod body;
mod config;
mod guard;
mod key;
mod look;
mod message;
mod outcome;
mod problems;
mod replay;
mod rules;
#[cfg(test)]
mod tests;
mod webhook;

pub use additions::additions;
pub use config::{ENTRY, SECTION, values};
pub use guard::SignaturesGuard;
pub use look::Pending;
pub use outcome::SIGNATURES;
pub use problems::{REFUSED, UNAVAILABLE};
pub use replay::Seen;

//! Passwords through the public surface: every format, the pool, what a dump would show.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a helper of a test fails the test")]

mod fixtures;
mod formats;
mod hashing;
mod hostile;
mod wrapping;

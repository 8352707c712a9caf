//! Helpers for Seawall's own tests; nothing here ships.

#![expect(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test helpers fail loudly")]

pub mod app;
pub mod client;
pub mod clock;
pub mod upstream;

pub use app::{StartedApp, TemporaryDirectory, TestApp};
pub use clock::ManualClock;

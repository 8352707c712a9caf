//! Helpers for Seawall's own tests; nothing here ships.

#![expect(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test helpers fail loudly")]

pub mod app;
pub mod bridge;
pub mod browser;
pub mod client;
pub mod clock;
pub mod llm;
pub mod ports;
pub mod redis;
pub mod smtp;
pub mod tls;
pub mod upstream;

pub use app::{StartedApp, TemporaryDirectory, TestApp, in_front, in_front_with_clock};
pub use bridge::{Authority, Bridge, Identity, Validity};
pub use clock::ManualClock;
pub use llm::FakeLlm;
pub use redis::RedisServer;
pub use smtp::{MailServer, Manner};

//! Counters that several processes share, in Redis or Valkey.
//!
//! The window is that of core (`limit/window.rs`), decided by one script that Redis runs as a whole: a request is counted in all
//! its quotas or in none, and never are more than N accepted in any window W, by whatever processes. Time is the server's: the
//! processes' clocks do not matter. The bound holds as far as that clock runs evenly and what was counted is kept: a clock set
//! forward by S forgets S early (set back, it forgets that much later), and a replica that takes over lacks the last requests that
//! had not reached it.
//!
//! A counter is one string of at most [`MOST_BYTES`] bytes; with its key and what Redis needs for it, below 1.5 KB. It expires
//! with the last request in it. A refused request writes nothing.

mod fault;
mod link;
mod rates;
mod script;
mod url;

pub use fault::RedisFault;
pub(crate) use link::CONNECTING;
pub use link::RedisLink;
pub use rates::{RatesOptions, RedisRates, Timekeeper};
pub use script::MOST_BYTES;
pub use url::RedisUrl;

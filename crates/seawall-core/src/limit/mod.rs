//! Limits on how often: quotas, the sliding window that decides, the sketch that remembers, and the port to a store.

pub mod pace;
pub mod quota;
pub mod set;
pub mod sketch;
pub mod store;
pub mod window;

pub use pace::{BytePace, MessagePace};
pub use quota::{Methods, Per, Quota};
pub use set::{Announced, LimitSet, Limits};
pub use sketch::Sketch;
pub use store::{Ask, RateKey, RateKeys, RateStore, ScopedQuota, Standing};
pub use window::{Track, WORDS, Window};

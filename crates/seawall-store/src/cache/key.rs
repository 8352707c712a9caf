//! What entries are found by, and how it is written in messages to other nodes.

use std::hash::Hash;

use crate::hex::{hex, unhex};

/// A key that other nodes can be told of.
pub trait CacheKey: Clone + Eq + Hash + Send + Sync + 'static {
    /// As it is written in a message.
    fn text(&self) -> String;

    /// Reads what [`CacheKey::text`] has written; nothing when it is anything else.
    fn read(text: &str) -> Option<Self>;
}

/// A digest, such as that of a token.
impl<const BYTES: usize> CacheKey for [u8; BYTES] {
    fn text(&self) -> String {
        hex(self)
    }

    fn read(text: &str) -> Option<Self> {
        unhex(text)?.try_into().ok()
    }
}

impl CacheKey for String {
    fn text(&self) -> String {
        self.clone()
    }

    fn read(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

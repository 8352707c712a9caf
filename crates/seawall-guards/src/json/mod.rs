//! The shape of JSON bodies, before the application gets them (checklist WK-1).
//!
//! A body whose `Content-Type` says JSON is read as it arrives, without a tree, and held until its end was seen: it must be sound
//! JSON that every reader reads alike (no duplicate keys, lone surrogates, null characters, numbers beyond 64 bits of floating point,
//! trailing data), and within limits on depth, items, keys and characters. When a schema applies to the route too, the same reading
//! builds the tree that it looks at.
//!
//! A body in a content coding such as `gzip` cannot be read here; it is refused unless `encoded = "pass"` says otherwise.

mod config;
mod grow;
mod guard;
mod look;
#[cfg(test)]
mod tests;
mod tree;
mod written;

pub use config::{CHARACTERS, DEPTH, ENCODED, ENTRY, Encoded, ITEMS, KEYS, SECTION, values};
pub(crate) use grow::Growing;
pub use guard::{ENCODED_BODY, JsonGuard, UNSOUND_JSON, is_json};
pub(crate) use guard::{encoded, refused_coding};
pub use tree::{Entries, Entry, Inner, Item, Tree};

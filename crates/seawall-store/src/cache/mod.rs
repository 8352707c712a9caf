//! Rows and answers of queries that are asked for again and again, in memory: sessions, API keys, policies.
//!
//! A hit is synchronous, allocates nothing and holds a shard's lock for a look only. A miss reads the store: once, however many ask for
//! the same key at once, and no longer than each of them waits.
//!
//! **What holds.** Whoever changes a row says in the same transaction which keys that makes void ([`crate::Tx::void`]). Once it is
//! committed, and before its caller has the answer, this node has forgotten them; a reading that began earlier is not kept. Other
//! nodes are told by [`crate::messages`], within milliseconds as a rule. When messages may have been lost a cache forgets everything,
//! and when nobody knows that they were, an entry is at most [`CacheOptions::keep`] old, counted from before it was read. What is read
//! from a replica is older by as much as the replica is behind, so read what decides over access from the database itself.
//!
//! **What is bounded.** Entries and bytes (an entry's weight is what the cache's user says plus what it takes here), keys that are read
//! at once, and those who wait for them. Keys that do not exist are remembered for a shorter time, and share the room: an entry that is
//! asked for again outlives those that were asked for once.

mod caches;
mod flights;
mod handle;
mod key;
mod listener;
mod meters;
mod options;
mod shared;
mod table;
mod text;

pub use caches::Caches;
pub use handle::{Cache, Known};
pub use key::CacheKey;
pub use options::CacheOptions;

pub(crate) use meters::METRICS;

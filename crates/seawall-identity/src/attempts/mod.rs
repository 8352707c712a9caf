//! Guessing of passwords: who has tried too often is not heard for a while, whether the name exists or not.
//!
//! | layer | what it counts | when it is too much |
//! |---|---|---|
//! | own | attempts at one name from one source, or from one known device | 5, then a pause of 15 minutes |
//! | source | names at which one source failed, so that one password for many names is seen | `spray_accounts`, then a pause |
//! | account | failures at one name from everywhere | 6, then 1, 3, 5 and 10 s between two attempts; 100, then known devices alone |
//! | codes | codes of a user's second factor | 10, then 15 minutes and the password again |
//!
//! A device that its owner signed in on is known by a cookie, and passes by the source and the account: an attacker holds up everybody
//! but the owner. Counters are kept in tables, so that a restart forgets none and all nodes on one database count together. Names are
//! kept as keyed hashes only: people type passwords where a name belongs.

mod account;
mod device;
mod key;
mod layers;
mod preset;
mod sources;
pub(crate) mod table;

pub(crate) use account::forget as forget_account;
pub(crate) use device::KNOWN_S;
pub use device::{Device, DeviceKeys};
pub use key::AttemptsKey;
pub(crate) use key::Counted;
pub(crate) use layers::Layers;
pub use preset::{BruteForce, Spraying};
pub(crate) use table::{Allowance, Attempt, CODES, OWN, clear, count};

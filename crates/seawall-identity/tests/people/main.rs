//! People on both engines: what holds of users, sessions and attempts, whatever keeps them.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails loudly"
)]

mod attempts;
#[expect(dead_code, reason = "the tests of the rules use all of it")]
mod authenticator;
mod cut_off;
mod devices;
mod external;
mod factors;
#[path = "../it/fixtures.rs"]
mod fixtures;
mod imports;
mod keys;
mod layers;
mod mail;
mod nodes;
mod operator;
mod organisations;
mod passkeys;
mod races;
#[path = "../../../seawall-store/tests/it/support/server.rs"]
#[expect(dead_code, reason = "the store's own tests use all of it")]
mod server;
mod sessions;
mod support;
mod tables;
mod times;
mod tokens;
mod ways_in;

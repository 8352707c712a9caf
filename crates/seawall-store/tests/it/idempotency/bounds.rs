//! What one caller may have kept.

use seawall_core::{clock::Clock, reply::PortError};
use seawall_store::{Options, idempotency::Bounds};

use super::{OverDb, contract::Attempt};
use crate::support::{Store, on_both};

#[tokio::test]
async fn a_caller_has_so_many_keys_and_takes_none_of_another() {
    on_both(async |store| {
        let db = store.with_tables().await;
        let life = OverDb::new(&db, Bounds { keys: 3, ..Bounds::default() });
        for key in ["1", "2", "3"] {
            life.carried_out(Attempt::of(key), "kept").await;
        }
        for _ in 0..2 {
            let refused = Attempt::of("4").begin(&life.attempts, life.clock.now()).await;
            assert_eq!(refused.map(drop), Err(PortError::Full), "{}", store.name());
        }
        assert_eq!(life.tried(Attempt::of("1")).await, "201 kept", "what is kept is still told");
        assert_eq!(life.tried(Attempt { caller: "bob", ..Attempt::of("4") }).await, "fresh");
    })
    .await;
}

#[tokio::test]
async fn a_caller_has_so_many_bytes_of_answers() {
    let store = Store::sqlite(&Options::default());
    let db = store.with_tables().await;
    let life = OverDb::new(&db, Bounds { bytes: 150, ..Bounds::default() });
    life.carried_out(Attempt::of("1"), "a hundred bytes and more, with its fields and its seal").await;
    life.carried_out(Attempt::of("2"), "a hundred bytes and more, with its fields and its seal").await;
    let refused = Attempt::of("3").begin(&life.attempts, life.clock.now()).await;
    assert_eq!(refused.map(drop), Err(PortError::Full));
}

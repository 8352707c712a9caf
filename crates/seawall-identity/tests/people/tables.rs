//! The tables: there and back again.

use seawall_identity::{
    LEDGER,
    keys::NewKey,
    people::{Asking, Keeper},
};
use seawall_store::{
    Cause,
    migration::{self, DataLoss},
};

use crate::support::{facts, on_both};

#[tokio::test(flavor = "multi_thread")]
async fn the_migrations_go_back_and_forth_and_keep_rows_unless_told() {
    on_both(async |ground| {
        let ledgers = [&seawall_store::LEDGER, &LEDGER];
        let node = ground.people().await;
        let ann = node.add("ann", &[]).await;
        let new = NewKey { label: "test".to_owned(), ..NewKey::default() };
        node.people.add_key(&Cause::operator(), &ann.id, &new).await.unwrap();
        let signed_in = node.sign_in("ann").await;
        node.people.give_tokens(&facts("192.0.2.1", None), signed_in, Keeper::Program).await.unwrap();
        node.people.add_organisation(&Cause::operator(), "acme", None).await.unwrap();
        let asking = Asking { name: "television".to_owned() };
        node.people.begin_device(&facts("192.0.2.1", None), asking).await.unwrap();
        let mut kept = 0;
        for _ in LEDGER.migrations {
            if migration::down(&ground.db, &ledgers, "identity", DataLoss::Refused).await.is_err() {
                kept += 1;
                migration::down(&ground.db, &ledgers, "identity", DataLoss::Accepted).await.unwrap();
            }
        }
        assert_eq!(kept, LEDGER.migrations.len() - 3, "only the tables of imports, issuers and passkeys have no rows");
        assert!(node.people.list(None, 1).await.is_err());
        migration::up(&ground.db, &ledgers, |_| {}).await.unwrap();
        assert!(node.people.list(None, 1).await.unwrap().is_empty());
        node.add("ann", &[]).await;
        node.sign_in("ann").await;
    })
    .await;
}

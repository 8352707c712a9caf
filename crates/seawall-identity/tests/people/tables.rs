//! The tables: there and back again.

use seawall_identity::LEDGER;
use seawall_store::migration::{self, DataLoss};

use crate::support::on_both;

#[tokio::test(flavor = "multi_thread")]
async fn the_migrations_go_back_and_forth_and_keep_rows_unless_told() {
    on_both(async |ground| {
        let ledgers = [&seawall_store::LEDGER, &LEDGER];
        let node = ground.people().await;
        node.add("ann", &[]).await;
        // What was added to the first tables goes first.
        for _ in LEDGER.migrations.iter().skip(1) {
            migration::down(&ground.db, &ledgers, "identity", DataLoss::Refused).await.unwrap();
        }
        assert!(migration::down(&ground.db, &ledgers, "identity", DataLoss::Refused).await.is_err());
        node.sign_in("ann").await;
        migration::down(&ground.db, &ledgers, "identity", DataLoss::Accepted).await.unwrap();
        assert!(node.people.list(None, 1).await.is_err());
        migration::up(&ground.db, &ledgers, |_| {}).await.unwrap();
        assert!(node.people.list(None, 1).await.unwrap().is_empty());
        node.add("ann", &[]).await;
        node.sign_in("ann").await;
    })
    .await;
}

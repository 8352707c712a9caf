//! What has expired is removed, and nothing else.

use std::time::Duration;

use seawall_store::{
    Lane, StoreError,
    outbox::Topic,
    retention::{RULES, Rule, prune},
};
use tokio::sync::watch;

use crate::support::{CAUSE, on_both};

#[tokio::test]
async fn expired_rows_go_in_batches_and_others_stay() {
    on_both(async |store| {
        let db = store.with_tables().await;
        db.write::<_, StoreError>(&CAUSE, |tx| {
            for number in 0..450 {
                tx.outbox(&Topic::new("mail"), "key", &number.to_string())?;
            }
            tx.execute("UPDATE outbox SET dead = TRUE WHERE payload <> '7'", &[])
        })
        .await
        .unwrap();
        let (_stop, stopping) = watch::channel(false);
        assert_eq!(prune(&db, RULES[0], &stopping).await.unwrap(), 0, "they are not old enough");
        let rule = Rule { keep: Duration::ZERO, ..RULES[0] };
        assert_eq!(prune(&db, rule, &stopping).await.unwrap(), 449);
        let left: Vec<(String,)> =
            db.read::<_, StoreError>(Lane::Background, |tx| tx.all("SELECT payload FROM outbox", &[])).await.unwrap();
        assert_eq!(left, [("7".to_owned(),)], "what still waits is not removed");
    })
    .await;
}

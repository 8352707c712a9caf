//! Moving everything to another database.

use seawall_store::{
    DatabaseUrl, Db, LEDGER, Lane, Options, StoreError,
    audit::{self, Entry},
    outbox::Topic,
    relocation::{self, Progress, RelocationError, relocate},
};

use crate::support::{CAUSE, Store};

async fn fill(db: &Db) {
    for number in 0..700 {
        db.write::<_, StoreError>(&CAUSE, move |tx| {
            tx.audit(Entry::new("thing.made", "thing", number.to_string()))?;
            tx.outbox(&Topic::new("mail"), "key", "{\"ä\": \"\\\"\"}")
        })
        .await
        .unwrap();
    }
    while audit::seal_waiting(db).await.unwrap() > 0 {}
}

async fn rows(db: &Db) -> (i64, i64) {
    db.read::<_, StoreError>(Lane::Background, |tx| {
        tx.one("SELECT (SELECT COUNT(*) FROM audit_log), (SELECT COUNT(*) FROM outbox)", &[])
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn everything_arrives_in_the_other_engine_and_back_and_is_proven_equal() {
    let (first, second, third) =
        (Store::sqlite(&Options::default()), Store::postgres(&Options::default()), Store::sqlite(&Options::default()));
    let db = first.with_tables().await;
    fill(&db).await;
    let there = relocate(&db, &second.db, &[&LEDGER], |_| {}).await.unwrap();
    let back = relocate(&second.db, &third.db, &[&LEDGER], |_| {}).await.unwrap();
    assert_eq!(
        there.iter().map(|moved| (&moved.table, moved.rows, &moved.hash)).collect::<Vec<_>>(),
        back.iter().map(|moved| (&moved.table, moved.rows, &moved.hash)).collect::<Vec<_>>()
    );
    for store in [&second, &third] {
        assert_eq!(rows(&store.db).await, (700, 700), "{}", store.name());
        let report = audit::verify(&store.db, &[], &[]).await.unwrap();
        assert_eq!((report.findings, report.entries, report.unsealed), (Vec::new(), 700, 0), "{}", store.name());
    }
    // The other one goes on where the first has left off.
    fill(&third.db).await;
    let report = audit::verify(&third.db, &[], &[]).await.unwrap();
    assert_eq!((report.findings, report.entries), (Vec::new(), 1_400));
}

#[tokio::test]
async fn a_move_that_was_interrupted_goes_on() {
    let (source, target) = (Store::sqlite(&Options::default()), Store::postgres(&Options::default()));
    let db = source.with_tables().await;
    fill(&db).await;
    // The target goes away after the first batch.
    let taken = std::sync::atomic::AtomicUsize::new(0);
    let cut = relocate(&db, &target.db, &[&LEDGER], |_| {
        if taken.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0 {
            target.db.close();
        }
    })
    .await;
    assert!(matches!(cut, Err(RelocationError::Store(StoreError::Closed))), "{cut:?}");
    target.db.reopen().unwrap();
    let (some, _) = rows(&target.db).await;
    assert!((1..700).contains(&some), "{some}");
    relocate(&db, &target.db, &[&LEDGER], |_| {}).await.unwrap();
    assert_eq!(rows(&target.db).await, (700, 700));
}

#[tokio::test]
async fn a_target_with_rows_of_its_own_is_left_alone() {
    let (source, target) = (Store::sqlite(&Options::default()), Store::postgres(&Options::default()));
    let (db, other) = (source.with_tables().await, target.with_tables().await);
    fill(&db).await;
    other.write::<_, StoreError>(&CAUSE, |tx| tx.outbox(&Topic::new("mail"), "key", "own")).await.unwrap();
    let refused = relocate(&db, &other, &[&LEDGER], |_| {}).await;
    assert!(matches!(&refused, Err(RelocationError::Occupied(table)) if table == "outbox"), "{refused:?}");
    assert_eq!(rows(&other).await, (0, 1));
}

#[tokio::test]
async fn a_difference_is_found() {
    let (source, target) = (Store::sqlite(&Options::default()), Store::postgres(&Options::default()));
    let db = source.with_tables().await;
    fill(&db).await;
    // Somebody writes to the source past its owner, behind what was carried over already.
    let DatabaseUrl::Sqlite(path) = source.url.clone() else { panic!("it is SQLite") };
    let mut written = false;
    let write = |progress: &Progress| {
        if progress.comparing && !written {
            written = true;
            let connection = rusqlite::Connection::open(&path).unwrap();
            connection.execute("DELETE FROM outbox WHERE id = (SELECT MAX(id) FROM outbox)", []).unwrap();
        }
    };
    let late = relocate(&db, &target.db, &[&LEDGER], write).await;
    assert!(matches!(&late, Err(RelocationError::Differs { table, .. }) if table == "outbox"), "{late:?}");
}

#[tokio::test]
async fn a_database_that_is_being_filled_is_known_as_such() {
    let (source, target) = (Store::sqlite(&Options::default()), Store::postgres(&Options::default()));
    let db = source.with_tables().await;
    fill(&db).await;
    assert_eq!(relocation::unfinished(&target.db).await.unwrap(), None);
    let cut = relocate(&db, &target.db, &[&LEDGER], |_| target.db.close()).await;
    assert!(cut.is_err(), "{cut:?}");
    target.db.reopen().unwrap();
    assert_eq!(relocation::unfinished(&target.db).await.unwrap(), Some(source.url.to_string()));
    let third = Store::sqlite(&Options::default());
    let refused = relocate(&target.db, &third.db, &[&LEDGER], |_| {}).await;
    assert!(matches!(refused, Err(RelocationError::Partial(_))), "{refused:?}");
    relocate(&db, &target.db, &[&LEDGER], |_| {}).await.unwrap();
    assert_eq!(relocation::unfinished(&target.db).await.unwrap(), None);
}

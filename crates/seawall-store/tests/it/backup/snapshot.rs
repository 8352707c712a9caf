//! Snapshots: taken while others write, verified, restored.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use seawall_store::{
    Lane, StoreError,
    audit::Entry,
    backup::{self, Moment, Outcome, Phase, Progress, Source},
    meta,
};

use super::{CAUSE, House, fill, number, text, transfer};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_verified_and_restored() {
    let house = House::new();
    let db = house.store().await;
    fill(&db, 200).await;
    let audited: Result<(), StoreError> =
        db.write(&CAUSE, |tx| tx.audit(Entry::new("account.made", "account", "1"))).await;
    audited.unwrap();
    let manifest =
        backup::take(&house.vault, "seawall", &Source::Store(db.clone()), &Progress::silent()).await.unwrap();
    assert_eq!(manifest.rows.get("accounts"), Some(&200));
    assert_eq!(manifest.audit.as_ref().map(|head| head.seq), Some(1));
    assert!(manifest.object.encrypted && manifest.sentinel.is_some());
    assert_eq!(house.vault.list("seawall").await.unwrap().backups, [manifest]);

    let verified = backup::verify(&house.vault, "seawall", None, &Progress::silent()).await.unwrap();
    assert_eq!((verified.outcome, &verified.reason), (Outcome::Ok, &None));
    assert!(verified.rpo_us.is_some_and(|rpo_us| rpo_us < 60_000_000));
    assert_eq!(house.vault.verifications("seawall").await.unwrap(), [verified]);

    transfer(&db, 1, 2).await;
    let epoch: Result<String, StoreError> = db.read(Lane::Interactive, meta::epoch).await;
    assert_eq!(epoch.unwrap(), "");
    let path = house.database();
    let in_use =
        backup::restore(&house.vault, "seawall", &Moment::Newest, &path, &Progress::silent()).await.unwrap_err();
    assert!(in_use.chain().contains("in use"), "{in_use:?}");
    db.close();

    let steps = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&steps);
    let progress = Progress::new(move |step| heard.lock().unwrap().push(step));
    let restored = backup::restore(&house.vault, "seawall", &Moment::Newest, &path, &progress).await.unwrap();
    assert_eq!(number(&path, "SELECT balance FROM accounts WHERE id = 1"), 100);
    assert_eq!(number(&restored.kept.unwrap(), "SELECT balance FROM accounts WHERE id = 1"), 99);
    let epoch = text(&path, "SELECT value FROM seawall_meta WHERE key = 'epoch'").unwrap();
    assert_eq!(epoch.len(), 32);
    let downloads: Vec<_> =
        steps.lock().unwrap().iter().filter(|step| step.phase == Phase::Download).copied().collect();
    assert!(downloads.last().is_some_and(|step| step.done_bytes == step.total_bytes && step.total_bytes > 0));
}

/// The claim on which the snapshot rests: inside one read transaction, the online backup is not started anew by writers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_under_load_is_of_one_moment() {
    let house = House::new();
    let db = house.store().await;
    fill(&db, 20_000).await;
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..4_i64)
        .map(|writer| {
            let (db, stop) = (db.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut moved = 0_i64;
                while !stop.load(Ordering::Relaxed) {
                    transfer(&db, (moved * 37 + writer) % 20_000, (moved * 101 + 7) % 20_000).await;
                    moved += 1;
                }
                moved
            })
        })
        .collect();
    let copied = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&copied);
    let progress = Progress::new(move |step| {
        if step.phase == Phase::Copy {
            heard.lock().unwrap().push(step.done_bytes);
        }
    });
    let source = Source::Store(db.clone());
    for round in 0..3 {
        copied.lock().unwrap().clear();
        let manifest = backup::take(&house.vault, "seawall", &source, &progress).await.unwrap();
        let steps = copied.lock().unwrap().clone();
        assert!(steps.len() > 3 && steps.is_sorted(), "the copy began anew: {steps:?}");
        let verified = backup::verify(&house.vault, "seawall", Some(&manifest.id), &Progress::silent()).await.unwrap();
        assert_eq!((verified.outcome, verified.reason), (Outcome::Ok, None), "round {round}");
        let target = house.scratch.path().join(format!("round-{round}.db"));
        backup::restore(&house.vault, "seawall", &Moment::Backup(manifest.id), &target, &Progress::silent())
            .await
            .unwrap();
        assert_eq!(number(&target, "SELECT sum(balance) FROM accounts"), 2_000_000);
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        assert!(writer.await.unwrap() > 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_an_application_is_backed_up_while_it_is_used() {
    let house = House::new();
    let path = house.scratch.path().join("shop.db");
    let shop = rusqlite::Connection::open(&path).unwrap();
    shop.execute_batch("CREATE TABLE orders (id INTEGER PRIMARY KEY); INSERT INTO orders VALUES (1), (2); BEGIN; INSERT INTO orders VALUES (3)")
        .unwrap();
    let manifest = backup::take(&house.vault, "shop", &Source::Sqlite(path), &Progress::silent()).await.unwrap();
    assert_eq!(manifest.rows.get("orders"), Some(&2));
    let verified = backup::verify(&house.vault, "shop", None, &Progress::silent()).await.unwrap();
    assert_eq!((verified.outcome, verified.reason), (Outcome::Ok, None));
    let target = house.target();
    backup::restore(&house.vault, "shop", &Moment::Newest, &target, &Progress::silent()).await.unwrap();
    assert_eq!(number(&target, "SELECT count(*) FROM orders"), 2);
}

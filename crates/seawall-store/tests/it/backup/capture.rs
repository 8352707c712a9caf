//! Point-in-time recovery: any second, exactly, or an error that says why not.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use seawall_store::{
    Db, Lane,
    backup::{self, BackupError, CaptureOptions, Moment, Outcome, Phase, Progress, Source},
};
use tokio::{runtime::Handle, task::JoinHandle};

use super::{House, count, files, fill, number, open, quick, text, transfer, until, vault};

async fn take(house: &House, db: &Db) -> backup::Manifest {
    backup::take(&house.vault, "seawall", &Source::Store(db.clone()), &Progress::silent()).await.unwrap()
}

/// Closes the store, which completes the last segment, and ships all.
async fn close_and_ship(house: &House, db: &Db) {
    db.close();
    backup::ship(&house.vault, "seawall", db).await.unwrap();
}

async fn counter_at(house: &House, at_us: i64) -> Result<i64, BackupError> {
    let target = house.scratch.path().join(format!("at-{at_us}.db"));
    backup::restore(&house.vault, "seawall", &Moment::At(at_us), &target, &Progress::silent()).await?;
    Ok(number(&target, "SELECT value FROM counter"))
}

/// Every moment that is asked for gives all that was acknowledged before it and nothing that was begun after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_moment_is_restored_exactly() {
    let house = House::new();
    let mut written = Vec::new();
    let mut first = None;
    // Three runs of the store, some changes large enough for checkpoints and parts, one that makes the file smaller.
    for run in 0..3 {
        let db = house.captured().await;
        if run == 0 {
            fill(&db, 3_000).await;
            let manifest = take(&house, &db).await;
            assert!(manifest.continued.is_some());
            first = Some(manifest.taken_at_us);
        }
        for round in 0..60 {
            written.push(count(&db).await);
            transfer(&db, round, 2_999 - round).await;
            if round % 20 == 10 {
                db.write::<_, seawall_store::StoreError>(&super::CAUSE, move |tx| {
                    tx.execute("UPDATE accounts SET filler = filler || $1", &[&"x".repeat(200)])?;
                    Ok(())
                })
                .await
                .unwrap();
            }
            if round == 50 && run == 1 {
                db.write::<_, seawall_store::StoreError>(&super::CAUSE, move |tx| {
                    tx.execute("UPDATE accounts SET filler = NULL", &[])?;
                    Ok(())
                })
                .await
                .unwrap();
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        close_and_ship(&house, &db).await;
    }
    let generations: Vec<_> = fs::read_dir(house.scratch.path().join("place/seawall/segments")).unwrap().collect();
    assert_eq!(generations.len(), 1, "closing and opening is no gap");
    let early = counter_at(&house, first.unwrap() - 1).await.unwrap_err();
    assert!(matches!(early, BackupError::NotCovered { .. }), "{early:?}");
    for pick in (0..written.len()).step_by(61).chain([written.len() - 1]) {
        let (value, _, acknowledged_us) = written[pick];
        let restored = counter_at(&house, acknowledged_us).await.unwrap();
        let begun = written.iter().filter(|(_, begun_us, _)| *begun_us <= acknowledged_us).count();
        assert!(restored >= value && restored <= begun as i64, "{value} <= {restored} <= {begun}");
    }
    let verified = backup::verify(&house.vault, "seawall", None, &Progress::silent()).await.unwrap();
    assert_eq!((verified.outcome, verified.reason), (Outcome::Ok, None));
    assert!(verified.commits > 150, "{}", verified.commits);
    let target = house.target();
    let restored =
        backup::restore(&house.vault, "seawall", &Moment::Newest, &target, &Progress::silent()).await.unwrap();
    assert_eq!(restored.gap, None);
    assert_eq!(number(&target, "SELECT value FROM counter"), 180);
    assert_eq!(number(&target, "SELECT sum(balance) FROM accounts"), 300_000);
}

/// The log goes into the file beside the thread that writes, which must capture everything before the log begins anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_a_reader_made_long_is_captured_and_begins_anew() {
    let house = House::new();
    let db = house.captured().await;
    fill(&db, 3_000).await;
    take(&house, &db).await;
    let (release, held) = std::sync::mpsc::channel::<()>();
    let (begun, reads) = std::sync::mpsc::channel();
    let reader = tokio::spawn({
        let db = db.within(Duration::from_mins(1));
        async move {
            db.read::<_, seawall_store::StoreError>(Lane::Background, move |tx| {
                tx.one::<(i64,)>("SELECT count(*) FROM accounts", &[])?;
                begun.send(()).unwrap();
                held.recv().unwrap();
                Ok(())
            })
            .await
        }
    });
    reads.recv().unwrap();
    let log = house.scratch.path().join("seawall.db-wal");
    while fs::metadata(&log).unwrap().len() < 40 << 20 {
        db.write::<_, seawall_store::StoreError>(&super::CAUSE, |tx| {
            tx.execute("UPDATE accounts SET filler = filler || $1", &[&"x"])?;
            Ok(())
        })
        .await
        .unwrap();
        count(&db).await;
    }
    let salts = || fs::read(&log).unwrap().get(16..24).map(<[u8]>::to_vec);
    let before = salts();
    release.send(()).unwrap();
    reader.await.unwrap().unwrap();
    let mut last = (0, 0, 0);
    for round in 0_i64.. {
        last = count(&db).await;
        transfer(&db, round % 3_000, (round + 7) % 3_000).await;
        if salts() != before {
            break;
        }
        assert!(round < 20_000, "the log never began anew");
    }
    for _ in 0..20 {
        last = count(&db).await;
    }
    let status = db.capture_status().unwrap();
    assert_eq!(status.given_up, None);
    close_and_ship(&house, &db).await;
    assert_eq!(counter_at(&house, last.2).await.unwrap(), last.0);
    let verified = backup::verify(&house.vault, "seawall", None, &Progress::silent()).await.unwrap();
    assert_eq!((verified.outcome, verified.reason), (Outcome::Ok, None));
}

/// No transaction is open while the store is copied: what is written meanwhile is made again in the copy, also from segments that were
/// shipped before the copy was whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_made_while_pages_change_is_of_one_moment() {
    const ACCOUNTS: i64 = 20_000;
    let house = House::new();
    let db = house.captured().await;
    fill(&db, ACCOUNTS).await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut busy = transfers(&db, &stop, ACCOUNTS);
    busy.push(shipping(&house, &db, &stop));
    let progress = each_chunk_takes_until_the_log_begins_anew(&house);
    let source = Source::Store(db.clone());
    for round in 0..2 {
        let (before, ..) = count(&db).await;
        let manifest = backup::take(&house.vault, "seawall", &source, &progress).await.unwrap();
        let (after, ..) = count(&db).await;
        let target = house.scratch.path().join(format!("round-{round}.db"));
        let wanted = Moment::Backup(manifest.id);
        backup::restore(&house.vault, "seawall", &wanted, &target, &Progress::silent()).await.unwrap();
        assert_eq!(number(&target, "SELECT sum(balance) FROM accounts"), ACCOUNTS * 100, "round {round}");
        let counted = number(&target, "SELECT value FROM counter");
        assert!((before..after).contains(&counted), "round {round}: {before} {counted} {after}");
        assert_eq!(text(&target, "PRAGMA integrity_check").as_deref(), Some("ok"));
    }
    stop.store(true, Ordering::Relaxed);
    for task in busy {
        task.await.unwrap();
    }
    let held = files(&house.scratch.path().join("capture"));
    assert!(!held.iter().any(|path| path.extension().is_some_and(|extension| extension == "held")), "{held:?}");
    let last = count(&db).await;
    close_and_ship(&house, &db).await;
    assert_eq!(counter_at(&house, last.2).await.unwrap(), last.0);
    let verified = backup::verify(&house.vault, "seawall", None, &Progress::silent()).await.unwrap();
    assert_eq!((verified.outcome, verified.reason), (Outcome::Ok, None));
}

/// Moves money between accounts, and counts, until told to stop.
fn transfers(db: &Db, stop: &Arc<AtomicBool>, accounts: i64) -> Vec<JoinHandle<()>> {
    let writer = |writer: i64| {
        let (db, stop) = (db.clone(), Arc::clone(stop));
        tokio::spawn(async move {
            for round in 0_i64.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                transfer(&db, (round * 7_919 + writer) % accounts, (round * 104_729 + 7) % accounts).await;
                count(&db).await;
            }
        })
    };
    (0..4).map(writer).collect()
}

/// Ships again and again, until told to stop.
fn shipping(house: &House, db: &Db, stop: &Arc<AtomicBool>) -> JoinHandle<()> {
    let (vault, db, stop) = (vault(house.scratch.path(), "backup.key"), db.clone(), Arc::clone(stop));
    tokio::spawn(async move {
        while !stop.load(Ordering::Relaxed) {
            backup::ship(&vault, "seawall", &db).await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
}

/// So some pages are read as they were before, and some as they were after.
fn each_chunk_takes_until_the_log_begins_anew(house: &House) -> Progress {
    let log = house.scratch.path().join("seawall.db-wal");
    Progress::new(move |step| {
        if step.phase == Phase::Copy {
            let salts = || fs::read(&log).unwrap().get(16..24).map(<[u8]>::to_vec);
            let before = salts();
            Handle::current().block_on(until("the log begins anew", || salts() != before));
        }
    })
}

/// Where the writer does not come to a point in time, here because no time passes for it, the backup is taken all the same.
#[tokio::test(start_paused = true)]
async fn without_such_a_point_the_store_is_copied_in_a_transaction() {
    let house = House::new();
    let db = house.captured().await;
    fill(&db, 3_000).await;
    take(&house, &db).await;
    let (counted, _, at_us) = count(&db).await;
    close_and_ship(&house, &db).await;
    assert_eq!(counter_at(&house, at_us).await.unwrap(), counted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_or_spoilt_segment_is_a_gap_that_is_said() {
    let house = House::new();
    let db = house.captured().await;
    fill(&db, 100).await;
    take(&house, &db).await;
    let mut times = Vec::new();
    for _ in 0..4 {
        times.push(count(&db).await);
        let capture = house.scratch.path().join("capture");
        until("a segment", || files(&capture).iter().any(|path| path.extension().is_some_and(|end| end == "seg")))
            .await;
        backup::ship(&house.vault, "seawall", &db).await.unwrap();
    }
    close_and_ship(&house, &db).await;
    let segments: Vec<_> = files(&house.scratch.path().join("place/seawall/segments"));
    let (manifests, objects): (Vec<_>, Vec<_>) =
        segments.iter().partition(|path| path.extension().is_some_and(|end| end == "json"));
    assert!(manifests.len() >= 4, "{segments:?}");
    let last = times.last().unwrap().2;
    assert_eq!(counter_at(&house, last).await.unwrap(), 4);

    // One whose end is missing.
    let spoilt = objects[objects.len() - 1];
    let whole = fs::read(spoilt).unwrap();
    fs::write(spoilt, &whole[..whole.len() - 20]).unwrap();
    let damaged = backup::restore(&house.vault, "seawall", &Moment::Newest, &house.target(), &Progress::silent()).await;
    assert!(matches!(damaged, Err(BackupError::Damaged { .. })), "{damaged:?}");
    fs::write(spoilt, whole).unwrap();

    // One in the middle that is gone, with all that names it.
    let gone = manifests[manifests.len() - 2];
    fs::remove_file(gone).unwrap();
    assert!(matches!(counter_at(&house, last).await, Err(BackupError::NotCovered { .. })));
    let verified = backup::verify(&house.vault, "seawall", None, &Progress::silent()).await.unwrap();
    assert_eq!(verified.outcome, Outcome::Failed);
    let restored =
        backup::restore(&house.vault, "seawall", &Moment::Newest, &house.target(), &Progress::silent()).await.unwrap();
    assert!(restored.gap.unwrap().contains("missing"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_else_wrote_meanwhile_breaks_the_generation() {
    let house = House::new();
    let db = house.captured().await;
    fill(&db, 10).await;
    let before = take(&house, &db).await.continued.unwrap();
    close_and_ship(&house, &db).await;
    let other = rusqlite::Connection::open(house.database()).unwrap();
    other.execute_batch("UPDATE counter SET value = 77").unwrap();
    drop(other);
    let db = house.captured().await;
    count(&db).await;
    let after = take(&house, &db).await.continued.unwrap();
    assert_ne!(before.generation, after.generation);
    close_and_ship(&house, &db).await;
    backup::restore(&house.vault, "seawall", &Moment::Newest, &house.target(), &Progress::silent()).await.unwrap();
    assert_eq!(number(&house.target(), "SELECT value FROM counter"), 78);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_nothing_can_be_shipped_the_generation_is_given_up_and_the_database_goes_on() {
    let house = House::new();
    let options = CaptureOptions { most_waiting_bytes: 200_000, ..quick(house.scratch.path()) };
    let db = open(&house.database(), Some(options));
    seawall_store::migration::up(&db, &[&seawall_store::LEDGER, &super::BANK], |_| {}).await.unwrap();
    fill(&db, 100).await;
    let mut counted = 0;
    while db.capture_status().unwrap().given_up.is_none() {
        count(&db).await;
        transfer(&db, 1, 2).await;
        counted += 1;
        assert!(counted < 5_000, "{:?}", db.capture_status());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(
        files(&house.scratch.path().join("capture")).iter().map(|path| fs::metadata(path).unwrap().len()).sum::<u64>()
            < 1_000_000
    );
    assert_eq!(take(&house, &db).await.continued, None);
    // Once what waits is shipped, another generation begins with the next backup.
    backup::ship(&house.vault, "seawall", &db).await.unwrap();
    assert!(backup::begin_generation(&db).await);
    assert!(take(&house, &db).await.continued.is_some());
    count(&db).await;
    close_and_ship(&house, &db).await;
    backup::restore(&house.vault, "seawall", &Moment::Newest, &house.target(), &Progress::silent()).await.unwrap();
    assert_eq!(number(&house.target(), "SELECT value FROM counter"), counted + 1);
}

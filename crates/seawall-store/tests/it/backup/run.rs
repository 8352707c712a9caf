//! The task that drives it all: unattended, and through a place that goes away.

use std::{fs, sync::Arc, time::Duration};

use seawall_core::meter::NoMeter;
use seawall_store::backup::{self, Meters, Moment, Outcome, Progress, Retention, Schedule, Source, Task};
use tokio::sync::watch;

use super::{House, count, fill, number};

fn task(house: &House, db: &seawall_store::Db) -> Task {
    Task {
        name: "seawall".to_owned(),
        source: Source::Store(db.clone()),
        vault: house.vault.clone(),
        schedule: Schedule::default(),
        retention: Retention::default(),
        meters: Arc::new(Meters::of("seawall", &NoMeter)),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn left_alone_it_takes_ships_and_verifies() {
    let house = House::new();
    let db = house.captured().await;
    fill(&db, 100).await;
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(backup_task(task(&house, &db), stopped));
    let mut records = Vec::new();
    for _ in 0..500 {
        count(&db).await;
        records = house.vault.verifications("seawall").await.unwrap();
        if !records.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(records.len(), 1, "nothing was verified in 10 s");
    let record = &records[0];
    assert_eq!((record.outcome, &record.reason), (Outcome::Ok, &None));
    assert!(record.commits > 0 && record.rpo_us.is_some_and(|rpo_us| rpo_us < 60_000_000), "{record:?}");
    stop.send(true).unwrap();
    running.await.unwrap();
    let (value, ..) = count(&db).await;
    db.close();
    backup::ship(&house.vault, "seawall", &db).await.unwrap();
    backup::restore(&house.vault, "seawall", &Moment::Newest, &house.target(), &Progress::silent()).await.unwrap();
    assert_eq!(number(&house.target(), "SELECT value FROM counter"), value);
}

async fn backup_task(task: Task, stopped: watch::Receiver<bool>) {
    backup::run(task, stopped).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_backups_and_segments_go() {
    let house = House::new();
    let db = house.captured().await;
    fill(&db, 10).await;
    let source = Source::Store(db.clone());
    let mut taken = Vec::new();
    for _ in 0..3 {
        taken.push(backup::take(&house.vault, "seawall", &source, &Progress::silent()).await.unwrap());
        count(&db).await;
    }
    db.close();
    backup::ship(&house.vault, "seawall", &db).await.unwrap();
    let first = &taken[0];
    backup::verify(&house.vault, "seawall", Some(&first.id), &Progress::silent()).await.unwrap();
    // All are of one hour: its newest stays, and the only one that is known to be sound.
    let retention = Retention { seconds_for: Duration::ZERO, ..Retention::default() };
    assert_eq!(backup::prune(&house.vault, "seawall", &retention).await.unwrap(), 1);
    let left: Vec<_> =
        house.vault.list("seawall").await.unwrap().backups.into_iter().map(|manifest| manifest.id).collect();
    assert_eq!(left, [first.id.clone(), taken[2].id.clone()]);
    let place = house.scratch.path().join("place/seawall");
    assert_eq!(fs::read_dir(place.join("objects")).unwrap().count(), 2);
    for id in left {
        let target = house.scratch.path().join(format!("{id}.db"));
        backup::restore(&house.vault, "seawall", &Moment::Backup(id), &target, &Progress::silent()).await.unwrap();
    }
}

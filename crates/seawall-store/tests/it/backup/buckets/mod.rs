//! Backups in buckets, at servers that others wrote.

mod bucket;
mod server;

use std::{sync::Arc, time::Duration};

use object_store::{ObjectStore, ObjectStoreExt as _, PutPayload, path::Path as Name};
use seawall_core::meter::NoMeter;
use seawall_store::{
    Db,
    audit::{self, Courier, Destination, Signed, SigningKey},
    backup::{self, BackupError, Keys, Moment, Outcome, Place, Progress, Retention, Source, Vault},
};
use tokio::sync::watch;

use self::bucket::Bucket;
use super::{CAUSE, House, count, fill, number};
use crate::scratch::clock;

fn vault(house: &House, url: &str, options: &[(String, String)]) -> Vault {
    let place = Place::parse(url, options).unwrap();
    let signing = Arc::new(SigningKey::open(&house.scratch.path().join("signing.key")).unwrap());
    let keys = Keys::open(&house.scratch.path().join("backup.key")).unwrap();
    Vault::new(place, keys, signing, house.scratch.path().join("scratch"), clock())
}

/// Text that does not get smaller, so that the backup has more than one part.
async fn weigh_down(db: &Db) {
    let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 11)
               INSERT INTO accounts (id, balance, filler) SELECT 100000 + i, 0, hex(randomblob(1000000)) FROM n";
    let done: Result<(), seawall_store::StoreError> = db.write(&CAUSE, move |tx| tx.execute(sql, &[]).map(drop)).await;
    done.unwrap();
}

async fn outcome(vault: &Vault) -> (Outcome, String) {
    let verified = backup::verify(vault, "seawall", None, &Progress::silent()).await.unwrap();
    (verified.outcome, verified.reason.unwrap_or_default())
}

/// All objects below the prefix whose names have this in them.
async fn objects(bucket: &Bucket, part: &str) -> Vec<Name> {
    use futures_util::TryStreamExt as _;
    let listed: Vec<_> = bucket.client.list(None).try_collect().await.unwrap();
    let names = listed.into_iter().map(|meta| meta.location);
    let mut names: Vec<Name> = names.filter(|name| name.as_ref().contains(part)).collect();
    names.sort();
    names
}

/// Backups, changes, retention and checkpoints in one bucket.
async fn everything_is_kept_and_found(bucket: Bucket) {
    let house = House::new();
    let vault = vault(&house, bucket.url, &bucket.options);
    let db = house.captured().await;
    fill(&db, 100).await;
    backup::take(&vault, "seawall", &Source::Store(db.clone()), &Progress::silent()).await.unwrap();
    let listed = vault.list("seawall").await.unwrap();
    assert_eq!((listed.backups.len(), listed.unfit.len()), (1, 0));
    let (value, ..) = count(&db).await;
    checkpoints(&house, &db, &bucket).await;
    db.close();
    assert!(backup::ship(&vault, "seawall", &db).await.unwrap() > 0);
    assert_eq!(outcome(&vault).await, (Outcome::Ok, String::new()));
    assert_eq!(vault.verifications("seawall").await.unwrap().len(), 1);
    let restored =
        backup::restore(&vault, "seawall", &Moment::Newest, &house.target(), &Progress::silent()).await.unwrap();
    assert!(restored.commits > 0, "{restored:?}");
    assert_eq!(number(&house.target(), "SELECT value FROM counter"), value);
    assert_eq!(number(&house.target(), "SELECT COUNT(*) FROM accounts"), 100);
    spoilt(&vault, &bucket).await;
}

/// What has more than one part is put together again.
async fn parts_become_one(bucket: Bucket) {
    let house = House::new();
    let vault = vault(&house, bucket.url, &bucket.options);
    let db = house.store().await;
    weigh_down(&db).await;
    let manifest = backup::take(&vault, "seawall", &Source::Store(db), &Progress::silent()).await.unwrap();
    assert!(manifest.object.stored_bytes > 8 << 20, "{manifest:?}");
    assert_eq!(outcome(&vault).await, (Outcome::Ok, String::new()));
}

/// Checkpoints stand beside the backups, each once.
async fn checkpoints(house: &House, db: &Db, bucket: &Bucket) {
    let key = Arc::new(SigningKey::open(&house.scratch.path().join("signing.key")).unwrap());
    let destination = Destination::bucket(Place::parse(bucket.url, &bucket.options).unwrap(), "node");
    let mut signed = Vec::new();
    for _ in 0..2 {
        let entry = audit::Entry::new("test.done", "test", "1");
        db.write(&CAUSE, move |tx| tx.audit(entry.clone())).await.unwrap();
        signed.push(audit::sign_head(db, &key).await.unwrap().unwrap());
        let (_tell, told) = watch::channel(Signed { count: 1, last: true });
        let courier = Courier::new(db.clone(), destination.clone(), key.id().to_owned(), clock(), &NoMeter);
        courier.run(told).await;
    }
    let held = destination.held().await.unwrap();
    assert_eq!((held.checkpoints, held.unreadable), (signed, 0));
    assert_eq!(objects(bucket, "shop/prod/checkpoints/").await.len(), 2);
}

/// What is spoilt is found, and what is too old goes.
async fn spoilt(vault: &Vault, bucket: &Bucket) {
    let [object] = objects(bucket, "seawall/objects/").await.try_into().unwrap();
    let whole = bucket.client.get(&object).await.unwrap().bytes().await.unwrap();
    let mut damaged = whole.to_vec();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0x20;
    bucket.client.put(&object, PutPayload::from(damaged)).await.unwrap();
    let (found, reason) = outcome(vault).await;
    assert!(found == Outcome::Failed && reason.contains("damaged"), "{reason}");
    bucket.client.delete(&object).await.unwrap();
    let (found, reason) = outcome(vault).await;
    assert!(found == Outcome::Failed && reason.contains("missing"), "{reason}");
    bucket.client.put(&object, PutPayload::from(whole)).await.unwrap();
    assert_eq!(outcome(vault).await.0, Outcome::Ok);
}

async fn old_ones_go(bucket: Bucket) {
    let house = House::new();
    let vault = vault(&house, bucket.url, &bucket.options);
    let db = house.captured().await;
    fill(&db, 10).await;
    for _ in 0..3 {
        backup::take(&vault, "seawall", &Source::Store(db.clone()), &Progress::silent()).await.unwrap();
        count(&db).await;
    }
    db.close();
    backup::ship(&vault, "seawall", &db).await.unwrap();
    // All are of one hour, of which the newest stays.
    let retention = Retention { seconds_for: Duration::ZERO, ..Retention::default() };
    assert_eq!(backup::prune(&vault, "seawall", &retention).await.unwrap(), 2);
    assert_eq!(vault.list("seawall").await.unwrap().backups.len(), 1);
    for folder in ["seawall/objects/", "seawall/manifests/"] {
        assert_eq!(objects(&bucket, folder).await.len(), 1, "{folder}");
    }
    assert_eq!(outcome(&vault).await, (Outcome::Ok, String::new()));
}

/// A place that refuses says which variables hold the credentials, and shows none of them.
async fn refused(bucket: &Bucket, name: &str, wrong: &str) {
    let house = House::new();
    let vault = vault(&house, bucket.url, &bucket.but(name, wrong));
    let db = house.store().await;
    let failed = backup::take(&vault, "seawall", &Source::Store(db), &Progress::silent()).await.unwrap_err();
    let said = failed.chain();
    assert!(matches!(failed, BackupError::Refused { .. }), "{said}");
    assert!(said.contains(name) && said.contains(bucket.url) && !said.contains(wrong), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s3_keeps_everything() {
    let Some(bucket) = Bucket::s3(false).await else { return };
    everything_is_kept_and_found(bucket).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s3_lets_old_backups_go() {
    let Some(bucket) = Bucket::s3(false).await else { return };
    old_ones_go(bucket).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s3_refuses_wrong_credentials_and_the_key_to_set_is_named() {
    let Some(bucket) = Bucket::s3(true).await else { return };
    refused(&bucket, "AWS_SECRET_ACCESS_KEY", "s3cret-that-is-wrong").await;
    let vault = vault(&House::new(), bucket.url, &bucket.options);
    assert!(vault.list("seawall").await.unwrap().backups.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn azure_keeps_everything() {
    let directory = tempfile::tempdir().unwrap();
    let Some(bucket) = Bucket::azure(directory.path()).await else { return };
    everything_is_kept_and_found(bucket).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn azure_lets_old_backups_go() {
    let directory = tempfile::tempdir().unwrap();
    let Some(bucket) = Bucket::azure(directory.path()).await else { return };
    old_ones_go(bucket).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn azure_refuses_wrong_credentials_and_the_key_to_set_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let Some(bucket) = Bucket::azure(directory.path()).await else { return };
    refused(&bucket, "AZURE_STORAGE_ACCOUNT_KEY", "czNjcmV0LXRoYXQtaXMtd3Jvbmc=").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn google_keeps_everything() {
    let Some(bucket) = Bucket::google().await else { return };
    everything_is_kept_and_found(bucket).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn google_lets_old_backups_go() {
    let Some(bucket) = Bucket::google().await else { return };
    old_ones_go(bucket).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s3_puts_parts_together() {
    let Some(bucket) = Bucket::s3(false).await else { return };
    parts_become_one(bucket).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn azure_puts_parts_together() {
    let directory = tempfile::tempdir().unwrap();
    let Some(bucket) = Bucket::azure(directory.path()).await else { return };
    parts_become_one(bucket).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn google_puts_parts_together() {
    let Some(bucket) = Bucket::google().await else { return };
    parts_become_one(bucket).await;
}

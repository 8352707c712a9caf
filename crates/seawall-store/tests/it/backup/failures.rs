//! What is spoilt is noticed, and said to be what it is.

use std::fs;

use seawall_store::{
    Db,
    backup::{self, BackupError, Moment, Outcome, Place, Progress, Source, Verification},
};

use super::{House, fill, vault};

async fn backed_up() -> (House, Db) {
    let house = House::new();
    let db = house.store().await;
    fill(&db, 500).await;
    backup::take(&house.vault, "seawall", &Source::Store(db.clone()), &Progress::silent()).await.unwrap();
    (house, db)
}

async fn verify(house: &House) -> Verification {
    backup::verify(&house.vault, "seawall", None, &Progress::silent()).await.unwrap()
}

async fn restore(house: &House) -> Result<(), BackupError> {
    let target = house.target();
    let restored =
        backup::restore(&house.vault, "seawall", &Moment::Newest, &target, &Progress::silent()).await.map(drop);
    assert_eq!(target.exists(), restored.is_ok(), "a failed restore leaves nothing behind");
    restored
}

#[tokio::test]
async fn a_deleted_object_is_missed() {
    let (house, _db) = backed_up().await;
    fs::remove_file(house.object("/objects/")).unwrap();
    let verified = verify(&house).await;
    assert_eq!(verified.outcome, Outcome::Failed);
    assert!(verified.reason.unwrap().contains("missing"));
    assert!(matches!(restore(&house).await, Err(BackupError::Missing { .. })));
}

#[tokio::test]
async fn any_flipped_byte_is_noticed() {
    let (house, _db) = backed_up().await;
    let object = house.object("/objects/");
    let whole = fs::read(&object).unwrap();
    for place in [0, 30, 150, whole.len() / 2, whole.len() - 1] {
        let mut spoilt = whole.clone();
        spoilt[place] ^= 0x20;
        fs::write(&object, spoilt).unwrap();
        let verified = verify(&house).await;
        // A flip in the head that names the keys looks like somebody else's key, and is no less noticed.
        assert_ne!(verified.outcome, Outcome::Ok, "byte {place}");
        assert!(restore(&house).await.is_err(), "byte {place}");
    }
    fs::write(&object, &whole[..whole.len() - 100]).unwrap();
    assert_eq!(verify(&house).await.outcome, Outcome::Failed);
    fs::write(&object, whole).unwrap();
    assert_eq!(verify(&house).await.outcome, Outcome::Ok);
}

#[tokio::test]
async fn another_key_proves_nothing() {
    let (mut house, _db) = backed_up().await;
    house.vault = vault(house.scratch.path(), "another.key");
    let verified = verify(&house).await;
    assert_eq!(verified.outcome, Outcome::Inconclusive);
    assert!(matches!(restore(&house).await, Err(BackupError::WrongKey { .. })));
}

#[tokio::test]
async fn a_forged_manifest_is_not_believed() {
    let (house, _db) = backed_up().await;
    let manifest = house.object("/manifests/");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("\"accounts\":500", "\"accounts\":499")).unwrap();
    assert!(matches!(restore(&house).await, Err(BackupError::Forged { .. })));
    let forged = backup::verify(&house.vault, "seawall", None, &Progress::silent()).await.unwrap_err();
    assert!(matches!(forged, BackupError::Forged { .. }));
    // A true one under another name is another backup's.
    fs::write(manifest.with_file_name("20991231T000000.000000Z-000000000000.json"), text).unwrap();
    assert!(matches!(restore(&house).await, Err(BackupError::Forged { .. })));
}

#[tokio::test]
async fn a_place_that_takes_nothing_is_an_error_and_no_backup() {
    let house = House::new();
    let db = house.store().await;
    let place = house.scratch.path().join("place");
    // Root may write into any directory, so a file stands where one is needed.
    fs::write(place.join("seawall"), "in the way").unwrap();
    let failed = backup::take(&house.vault, "seawall", &Source::Store(db), &Progress::silent()).await.unwrap_err();
    assert!(failed.retryable(), "{failed:?}");
    assert!(matches!(Place::parse(place.join("seawall").to_str().unwrap(), &[]), Err(BackupError::PlaceUrl { .. })));
}

#[tokio::test]
async fn a_name_stays_a_name() {
    let house = House::new();
    let db = house.store().await;
    let source = Source::Store(db);
    for name in ["", "../etc", "a/b", "A"] {
        let refused = backup::take(&house.vault, name, &source, &Progress::silent()).await;
        assert!(matches!(refused, Err(BackupError::Unfit(_))), "{name}");
    }
}

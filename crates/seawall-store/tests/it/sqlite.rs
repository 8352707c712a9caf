//! What SQLite alone promises.

use std::{fs, os::unix::fs::PermissionsExt};

use seawall_store::{DatabaseUrl, OpenError, Options, StoreError};

use crate::support::{Store, open};

#[test]
fn a_file_belongs_to_one_store() {
    let store = Store::sqlite(&Options::default());
    assert!(matches!(open(&store.url, &Options::default()), Err(OpenError::InUse(_))));
    store.db.close();
    assert!(open(&store.url, &Options::default()).is_ok());
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("letter.db");
    let letter = "Dear reader, this is no database. ".repeat(300);
    fs::write(&path, &letter).unwrap();
    let outcome = open(&DatabaseUrl::Sqlite(path.clone()), &Options::default());
    assert!(matches!(outcome, Err(OpenError::Database { source: StoreError::Corrupt(_), .. })), "{outcome:?}");
    assert_eq!(fs::read_to_string(path).unwrap(), letter, "it was left as it is");
}

#[test]
fn a_directory_that_cannot_be_written_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("sealed");
    fs::create_dir(&place).unwrap();
    fs::set_permissions(&place, fs::Permissions::from_mode(0o500)).unwrap();
    // Root may write everywhere but where there is no directory.
    let place = if fs::write(place.join("probe"), "").is_ok() { place.join("missing") } else { place };
    let outcome = open(&DatabaseUrl::Sqlite(place.join("store.db")), &Options::default());
    assert!(matches!(outcome, Err(OpenError::File { .. })), "{outcome:?}");
}

//! The restored file takes the place of the old one.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
};

use rusqlite::Connection;

use super::super::{BackupError, time, vault::random_hex};
use crate::{meta, sqlite::beside};

/// Gives the database another epoch, and folds that into its file.
pub(super) fn change_epoch(path: &Path, now_us: i64) -> Result<(), BackupError> {
    let connection = Connection::open(path).map_err(BackupError::sqlite)?;
    let sql =
        "INSERT INTO seawall_meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    for (key, value) in [(meta::EPOCH, random_hex::<16>()?), ("restored_at", now_us.to_string())] {
        connection.execute(sql, [key, &value]).map_err(BackupError::sqlite)?;
    }
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(BackupError::sqlite)?;
    connection.close().map_err(|(_, error)| BackupError::sqlite(error))
}

/// Puts `fresh` where `target` is; answers where the old file is kept.
///
/// The old file and its log get a second name first. Then the log goes, which would be read into whatever file has the name, and
/// last the fresh file takes the name in one step. Broken off in between, the old state is whole under its second name.
pub(super) fn swap(fresh: &Path, target: &Path, now_us: i64) -> Result<Option<PathBuf>, BackupError> {
    File::open(fresh).and_then(|file| file.sync_all()).map_err(BackupError::file(fresh))?;
    own_alike(fresh, target);
    let mut kept = None;
    if target.exists() {
        let old = beside(target, &format!("before-restore-{}", time::compact(now_us)));
        fs::hard_link(target, &old).map_err(BackupError::file(&old))?;
        let log = beside(target, "wal");
        if log.exists() {
            let old_log = beside(&old, "wal");
            fs::hard_link(&log, &old_log).map_err(BackupError::file(old_log))?;
        }
        flush_directory(target)?;
        kept = Some(old);
    }
    for what in ["wal", "shm"] {
        let path = beside(target, what);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(BackupError::file(path)(error)),
            _ => {}
        }
    }
    fs::rename(fresh, target).map_err(BackupError::file(target))?;
    flush_directory(target)?;
    Ok(kept)
}

/// Gives the fresh file to whoever has the old one, or the directory: a restore may be run by root, and the server is not.
fn own_alike(fresh: &Path, target: &Path) {
    let Ok(old) = fs::metadata(target).or_else(|_| fs::metadata(directory_of(target))) else { return };
    let given = chown(fresh, Some(old.uid()), Some(old.gid()));
    let mode = if old.is_file() { fs::set_permissions(fresh, old.permissions()) } else { Ok(()) };
    if let Err(error) = given.and(mode) {
        tracing::warn!(%error, path = %target.display(), "the restored file could not be given to the owner of the old one; see that the server can use it");
    }
}

/// Removes what a failed restore has built.
pub(super) fn discard(fresh: &Path) {
    for path in [fresh.to_owned(), beside(fresh, "wal"), beside(fresh, "shm")] {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, path = %path.display(), "what a failed restore left could not be removed");
            }
            _ => {}
        }
    }
}

fn flush_directory(of: &Path) -> Result<(), BackupError> {
    let directory = directory_of(of);
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(BackupError::file(directory))
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

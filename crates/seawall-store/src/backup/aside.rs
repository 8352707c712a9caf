//! A copy beside the data, made before something that may go wrong, such as a migration.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use seawall_core::clock::Clock;

use super::{BackupError, PostgresServer, Progress, blocking::blocking, postgres, snapshot, time};
use crate::sqlite::beside;

/// Copies that are kept, the one that is being made included.
const KEPT: usize = 3;

const WHY: &str = "before-migration";

/// Copies the database at `path`, page by page, to a file beside it, and removes older copies but the last few. Answers the copy.
///
/// # Errors
/// [`BackupError`]; then there is no copy.
pub async fn copy_before_migration(path: &Path, clock: &dyn Clock) -> Result<PathBuf, BackupError> {
    let (path, at_us) = (path.to_owned(), time::now_us(clock));
    blocking(move || {
        let into = beside(&path, &format!("{WHY}-{}", time::compact(at_us)));
        drop(fresh(&into)?);
        let copied = snapshot::copy(&path, &into, || (), &Progress::silent());
        kept(&into, copied.and_then(|()| snapshot::check_readable(&into)))?;
        prune(&beside(&path, WHY), &into);
        Ok(into)
    })
    .await
}

/// Dumps a PostgreSQL database into a file in `directory`, and removes older dumps but the last few. Answers the file.
///
/// # Errors
/// [`BackupError::Tool`] when `pg_dump` is not there or fails; then there is no dump.
pub async fn dump_before_migration(
    server: &PostgresServer,
    directory: &Path,
    clock: &dyn Clock,
) -> Result<PathBuf, BackupError> {
    let (server, begins) = (server.clone(), directory.join(format!("postgres-{WHY}")));
    let into = begins.with_file_name(format!("postgres-{WHY}-{}.dump", time::compact(time::now_us(clock))));
    blocking(move || {
        let mut file = fresh(&into)?;
        kept(&into, postgres::dump(&server, &mut file, &Progress::silent()).map(drop))?;
        prune(&begins, &into);
        Ok(into)
    })
    .await
}

/// A file of its owner alone, as the data are.
fn fresh(into: &Path) -> Result<File, BackupError> {
    OpenOptions::new().create_new(true).write(true).mode(0o600).open(into).map_err(BackupError::file(into))
}

/// A copy that was made is on the disk; one that failed goes.
fn kept(into: &Path, made: Result<(), BackupError>) -> Result<(), BackupError> {
    let flushed = || File::open(into).and_then(|file| file.sync_all()).map_err(BackupError::file(into));
    made.and_then(|()| flushed()).inspect_err(|_| {
        // What is left of it is told apart from a copy by nothing.
        let _gone = fs::remove_file(into);
    })
}

/// Removes copies whose names begin so, but the newest; names sort like their times. One that stays is no harm.
fn prune(begins: &Path, newest: &Path) {
    let (Some(directory), Some(begins)) = (newest.parent(), begins.file_name().and_then(|name| name.to_str())) else {
        return;
    };
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let begins = format!("{begins}-");
    let Ok(listed) = fs::read_dir(directory) else { return };
    let mut names: Vec<String> = listed
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with(&begins) && !name.ends_with("-wal") && !name.ends_with("-shm"))
        .collect();
    names.sort_unstable();
    for name in names.iter().rev().skip(KEPT) {
        if let Err(error) = fs::remove_file(directory.join(name)) {
            tracing::warn!(%error, file = name, "an old copy of the database could not be removed");
        }
    }
}

//! A copy of the store's own file while it is written to.
//!
//! A long transaction would keep SQLite's log from going into the file meanwhile, and what a busy hour adds to it has to go there
//! afterwards, while everybody's COMMIT waits for the same disk. So no transaction is open: the file is read as it is, at a time when
//! all that was committed before is in it, and whatever was committed since, which the capture wrote down page by page, is made again
//! in the copy. A page may be read half written; then it was changed since, and is among those.

use std::{
    fs::{File, OpenOptions},
    io::{BufReader, Write as _},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Weak},
    time::Duration,
};

use super::{
    BackupError, Phase, Progress,
    blocking::blocking,
    capture::{Holds, Kept, Mark, Records, open_segment},
    paced::Paced,
    restore::again,
};
use crate::{Db, StoreError};

/// How long a time is waited for at which all of the log is in the file: readers may keep a part from it.
const SETTLING: Duration = Duration::from_secs(20);

/// How long the writer may take to say how far it is: it looks twice a second when idle.
const MARKING: Duration = Duration::from_secs(20);

/// Bytes that are read at once.
const CHUNK_BYTES: usize = 1 << 20;

/// Copies the store to the new file `into`, and answers which point of the changes it is of; nothing when it cannot be done this way,
/// which the log then says.
pub(super) async fn copy(db: &Db, into: &Path, progress: &Progress) -> Result<Option<Mark>, BackupError> {
    let Some((options, shared)) = db.capturing() else { return Ok(None) };
    let directory = options.directory.clone();
    let _turn = shared.turn().await;
    let Some(begun) = shared.mark(Holds::Settled, SETTLING).await else {
        if shared.status().generation.is_some() {
            tracing::warn!(
                "readers kept the log from the database's file, so the backup reads in a transaction, and the log grows meanwhile"
            );
        }
        return Ok(None);
    };
    let kept = Kept::since(&begun, Arc::clone(shared), directory.clone());
    let (file, target, told) = (shared.file(), into.to_owned(), progress.clone());
    blocking(move || copy_file(&file, &target, &told)).await?;
    let ended = shared.mark(Holds::Captured, MARKING).await.filter(|ended| ended.generation == begun.generation);
    let Some(ended) = ended else {
        tracing::warn!(
            "changes were no longer captured while the file was copied, so it is copied anew in a transaction"
        );
        std::fs::remove_file(into).map_err(BackupError::file(into))?;
        return Ok(None);
    };
    let (until, target) = (ended.clone(), into.to_owned());
    blocking(move || {
        make_again(&directory, &begun, &until, &target)?;
        drop(kept);
        Ok(Some(ended))
    })
    .await
}

/// Copies the file as it is.
fn copy_file(file: &Weak<File>, into: &Path, progress: &Progress) -> Result<(), BackupError> {
    // Held only for a moment at a time: closing the file later than the database would let go of the locks of whoever opened it anew.
    let source = || file.upgrade().ok_or(BackupError::Store(StoreError::Closed));
    let total =
        source()?.metadata().map_err(|error| BackupError::Store(StoreError::Unavailable(error.to_string())))?.len();
    let to = OpenOptions::new().write(true).create_new(true).open(into).map_err(BackupError::file(into))?;
    let mut to = Paced::new(to);
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut done = 0;
    while done < total {
        let read = source()?.read_at(&mut chunk, done).map_err(|error| {
            BackupError::Store(StoreError::Unavailable(format!("the file cannot be read: {error}")))
        })?;
        // A commit made it smaller, and is made again below.
        let Some(bytes) = chunk.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        to.write_all(bytes).map_err(BackupError::file(into))?;
        done += read as u64;
        progress.tell(Phase::Copy, done.min(total), total);
    }
    Ok(())
}

/// Makes the commits between the two points again in the copy.
fn make_again(directory: &Path, begun: &Mark, ended: &Mark, copy: &Path) -> Result<(), BackupError> {
    let mut target = Paced::new(OpenOptions::new().write(true).open(copy).map_err(BackupError::file(copy))?);
    let mut bytes = None;
    for number in begun.segment..=ended.segment {
        let path = PathBuf::from(format!("segment {number} of {}", begun.generation));
        let fault = BackupError::file(&path);
        let Some(file) = open_segment(directory, &begun.generation, number).map_err(BackupError::file(directory))?
        else {
            return Err(BackupError::Unfit(format!(
                "more was changed while the store was copied than may wait on this machine, so {} is gone; take the backup at a quieter time",
                path.display()
            )));
        };
        let (head, mut records) = Records::open(BufReader::with_capacity(CHUNK_BYTES, file)).map_err(fault)?;
        let commits = begun.commit..ended.commit;
        let done = again::make(&head, &mut records, &commits, &mut target).map_err(BackupError::file(copy))?;
        bytes = done.or(bytes);
    }
    if let Some(bytes) = bytes {
        // A commit may have made the database smaller.
        target.set_len(bytes).map_err(BackupError::file(copy))?;
    }
    target.finish().map_err(BackupError::file(copy))
}

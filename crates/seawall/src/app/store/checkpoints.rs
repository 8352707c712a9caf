//! Signing the head of the audit log now and then, and writing it down outside the database.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::Arc,
    time::Duration,
};

use seawall_store::{
    Db, StoreError,
    audit::{self, Checkpoint, SigningKey},
};
use tokio::{sync::watch, time};

use super::StorePlace;

/// How often entries are sealed where the engine does not do so with each commit.
const SEAL_EVERY: Duration = Duration::from_millis(500);

/// Seals entries until it is told to stop.
pub(super) async fn seal(db: Db, mut stopping: watch::Receiver<bool>) {
    let mut failing = false;
    loop {
        let ended = tokio::select! {
            _ = stopping.wait_for(|stop| *stop) => true,
            () = time::sleep(SEAL_EVERY) => false,
        };
        match audit::seal_waiting(&db).await {
            Ok(_) => failing = false,
            // At a hand-over the store is given away before this process ends.
            Err(StoreError::Closed) => {}
            Err(error) if !failing => {
                tracing::error!(%error, "entries of the audit log could not be sealed; it is tried again");
                failing = true;
            }
            Err(_) => {}
        }
        if ended {
            return;
        }
    }
}

/// Signs until it is told to stop, and once more then.
pub(super) async fn sign(db: Db, key: Arc<SigningKey>, place: Arc<StorePlace>, mut stopping: watch::Receiver<bool>) {
    // What could not be written down; it goes first the next time.
    let mut unwritten = Vec::new();
    loop {
        let ended = tokio::select! {
            _ = stopping.wait_for(|stop| *stop) => true,
            () = time::sleep(place.audit.checkpoint_every) => false,
        };
        match audit::sign_head(&db, &key).await {
            Ok(signed) => unwritten.extend(signed),
            Err(StoreError::Closed) => {}
            Err(error) => tracing::error!(%error, "the audit log's head could not be signed; it is tried again"),
        }
        let (file, held) = (place.checkpoint_file.clone(), std::mem::take(&mut unwritten));
        let written = tokio::task::spawn_blocking(move || append(&file, &held).map_err(|error| (error, held))).await;
        if let Ok(Err((error, held))) = written {
            let file = place.checkpoint_file.display();
            tracing::error!(%error, %file, "a checkpoint of the audit log could not be written; it is tried again");
            unwritten = held;
        }
        if ended {
            return;
        }
    }
}

fn append(path: &Path, checkpoints: &[Checkpoint]) -> io::Result<()> {
    if checkpoints.is_empty() {
        return Ok(());
    }
    let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(path)?;
    // A crash or a full disk may have left half a line, to which nothing must be appended.
    let whole = end_of_lines(&mut file)?;
    file.set_len(whole)?;
    file.seek(SeekFrom::Start(whole))?;
    let lines: String = checkpoints.iter().map(|checkpoint| checkpoint.to_json() + "\n").collect();
    file.write_all(lines.as_bytes())?;
    file.sync_data()
}

/// Where the last whole line ends.
fn end_of_lines(file: &mut File) -> io::Result<u64> {
    // Longer than any line.
    const WINDOW: u64 = 4_096;
    let length = file.metadata()?.len();
    let from = length.saturating_sub(WINDOW);
    file.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let end = tail.iter().rposition(|&byte| byte == b'\n').map_or(0, |place| place as u64 + 1);
    Ok(from + end)
}

/// All checkpoints in a file; none when there is no file. A line that is none is left out, and counted.
pub(super) fn read(path: &Path) -> io::Result<(Vec<Checkpoint>, usize)> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), 0)),
        Err(error) => return Err(error),
    };
    let lines = text.lines().filter(|line| !line.is_empty());
    let (good, bad): (Vec<_>, Vec<_>) = lines.map(Checkpoint::from_json).partition(Option::is_some);
    Ok((good.into_iter().flatten().collect(), bad.len()))
}

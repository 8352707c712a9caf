//! Signing the head of the audit log now and then, and writing it down outside the database.

use std::{
    fs::OpenOptions,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::Arc,
    time::Duration,
};

use seawall_store::{
    Db,
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
    let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    let lines: String = checkpoints.iter().map(|checkpoint| checkpoint.to_json() + "\n").collect();
    file.write_all(lines.as_bytes())?;
    file.sync_data()
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

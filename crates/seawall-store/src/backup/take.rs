//! Taking a backup.

use std::{
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
};

use super::{
    BackupError, Continued, Manifest, Phase, PostgresServer, Progress, Source, Vault,
    blocking::blocking,
    live,
    pipeline::{self, BUFFER_BYTES},
    sentinel,
    snapshot::{self, Facts},
    time,
    vault::Scratch,
};
use crate::Db;

/// Takes a backup of `source` under `name`. Nobody who writes to it has to wait.
///
/// # Errors
/// [`BackupError`]; then there is no backup, whatever was uploaded.
pub async fn take(vault: &Vault, name: &str, source: &Source, progress: &Progress) -> Result<Manifest, BackupError> {
    check_name(name)?;
    let taken = match source {
        Source::Store(db) => store(vault, name, db, progress).await?,
        Source::Sqlite(path) => sqlite(vault, name, path.clone(), progress).await?,
        Source::Postgres(server) => postgres(vault, name, server.clone(), progress.clone()).await?,
        Source::Directory(path) => directory(vault, name, path.clone(), progress.clone()).await?,
    };
    let Taken { id, taken_at_us, object, facts, continued, remarks } = taken;
    let manifest = Manifest {
        id,
        name: name.to_owned(),
        kind: source.kind(),
        taken_at_us,
        stored_at_us: vault.now_us(),
        object,
        rows: facts.rows,
        schema: facts.schema,
        audit: facts.audit,
        sentinel: facts.sentinel,
        page_size: (facts.page_size > 0).then_some(facts.page_size),
        continued,
        remarks,
    };
    vault.write_document(&format!("{name}/manifests/{}.json", manifest.id), &manifest).await?;
    Ok(manifest)
}

/// What is at the place, without a manifest yet.
pub(super) struct Taken {
    pub(super) id: String,
    pub(super) taken_at_us: i64,
    pub(super) object: pipeline::Object,
    pub(super) facts: Facts,
    pub(super) continued: Option<Continued>,
    pub(super) remarks: Vec<String>,
}

async fn store(vault: &Vault, name: &str, db: &Db, progress: &Progress) -> Result<Taken, BackupError> {
    sentinel::write(db).await?;
    let scratch = vault.scratch("backup")?;
    let copy = scratch.file("snapshot.db");
    let taken = match live::copy(db, &copy, progress).await? {
        Some(mark) => {
            let continued = Some(Continued { generation: mark.generation, segment: mark.segment });
            let remarks = Vec::new();
            upload(vault, name, &scratch, Copied { path: copy, taken_at_us: mark.at_us, continued, remarks }, progress)
                .await?
        }
        None => store_in_transaction(vault, name, db, &scratch, copy, progress).await?,
    };
    if taken.continued.is_some() {
        // A change after the snapshot shows that the capture went on beyond it.
        sentinel::write(db).await?;
    }
    Ok(taken)
}

async fn store_in_transaction(
    vault: &Vault,
    name: &str,
    db: &Db,
    scratch: &Scratch,
    copy: PathBuf,
    progress: &Progress,
) -> Result<Taken, BackupError> {
    // Read before the snapshot begins: all that was captured into earlier segments is in it.
    let status = db.capturing().map(|(_, shared)| shared.status());
    let last_commit_at_us = status.as_ref().map_or(0, |status| status.last_commit_at_us);
    let continued =
        status.and_then(|status| Some(Continued { generation: status.generation?, segment: status.segment }));
    let file = db.file().ok_or(BackupError::NotEmbedded)?.to_owned();
    let copied = in_transaction(vault, file, copy, progress).await?;
    // Within a generation times never go back, whatever the clock did.
    let taken_at_us = copied.taken_at_us.max(last_commit_at_us);
    upload(vault, name, scratch, Copied { taken_at_us, continued, ..copied }, progress).await
}

async fn sqlite(vault: &Vault, name: &str, path: PathBuf, progress: &Progress) -> Result<Taken, BackupError> {
    let scratch = vault.scratch("backup")?;
    let copied = in_transaction(vault, path, scratch.file("snapshot.db"), progress).await?;
    upload(vault, name, &scratch, copied, progress).await
}

/// A copy of a database on this machine.
struct Copied {
    path: PathBuf,
    taken_at_us: i64,
    continued: Option<Continued>,
    remarks: Vec<String>,
}

/// Copies a database in one transaction that reads.
async fn in_transaction(
    vault: &Vault,
    path: PathBuf,
    copy: PathBuf,
    progress: &Progress,
) -> Result<Copied, BackupError> {
    let (clock, told) = (vault.clock.clone(), progress.clone());
    blocking(move || {
        let remarks = snapshot::keeps_writers_waiting(&path)?.map(str::to_owned).into_iter().collect();
        let taken_at_us = snapshot::copy(&path, &copy, || time::now_us(&*clock), &told)?;
        Ok(Copied { path: copy, taken_at_us, continued: None, remarks })
    })
    .await
}

/// Reads what is in a copy, and brings it to the place. The copy is in the scratch directory, which has to be there meanwhile.
async fn upload(
    vault: &Vault,
    name: &str,
    _scratch: &Scratch,
    copied: Copied,
    progress: &Progress,
) -> Result<Taken, BackupError> {
    let Copied { path, taken_at_us, continued, remarks } = copied;
    let looked_at = path.clone();
    let facts = blocking(move || snapshot::facts(&looked_at)).await?;
    let id = vault.fresh_id(taken_at_us)?;
    let told = progress.clone();
    let send = move |into: &mut dyn Write| send_file(&path, into, &told);
    let (object, ()) = pipeline::store(&vault.place, &vault.keys, &format!("{name}/objects/{id}"), send).await?;
    Ok(Taken { id, taken_at_us, object, facts, continued, remarks })
}

async fn postgres(vault: &Vault, name: &str, server: PostgresServer, progress: Progress) -> Result<Taken, BackupError> {
    let dump = move |into: &mut dyn Write| super::postgres::dump(&server, into, &progress);
    let (taken, rows) = stream(vault, name, dump).await?;
    Ok(Taken { facts: Facts { rows, ..Facts::default() }, ..taken })
}

async fn directory(vault: &Vault, name: &str, path: PathBuf, progress: Progress) -> Result<Taken, BackupError> {
    let pack = move |into: &mut dyn Write| super::directory::pack(&path, into, &progress);
    let (taken, packed) = stream(vault, name, pack).await?;
    Ok(Taken { facts: Facts { rows: packed.counts, ..Facts::default() }, remarks: packed.remarks, ..taken })
}

/// What goes to the place as it is read.
async fn stream<T: Send + 'static>(
    vault: &Vault,
    name: &str,
    fill: impl FnOnce(&mut dyn Write) -> Result<T, BackupError> + Send + 'static,
) -> Result<(Taken, T), BackupError> {
    let taken_at_us = vault.now_us();
    let id = vault.fresh_id(taken_at_us)?;
    let (object, value) = pipeline::store(&vault.place, &vault.keys, &format!("{name}/objects/{id}"), fill).await?;
    Ok((Taken { id, taken_at_us, object, facts: Facts::default(), continued: None, remarks: Vec::new() }, value))
}

/// Writes a file into the pipeline.
pub(super) fn send_file(path: &Path, into: &mut dyn Write, progress: &Progress) -> Result<(), BackupError> {
    let mut file = File::open(path).map_err(BackupError::file(path))?;
    let total = file.metadata().map_err(BackupError::file(path))?.len();
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut done = 0;
    loop {
        let read = file.read(&mut buffer).map_err(BackupError::file(path))?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { return Ok(()) };
        into.write_all(bytes).map_err(|error| BackupError::Abandoned(error.to_string()))?;
        done += read as u64;
        progress.tell(Phase::Upload, done, total);
    }
}

/// Names become names of objects.
pub(super) fn check_name(name: &str) -> Result<(), BackupError> {
    let fits = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte));
    if fits {
        Ok(())
    } else {
        Err(BackupError::Unfit(format!("`{name}` is no name for a backup: use a-z, 0-9, - and _")))
    }
}

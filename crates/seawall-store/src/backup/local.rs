//! Large objects in a directory of this machine.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use bytes::Bytes;
use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::{BackupError, blocking::blocking, paced::Paced};

/// What the name of an object ends with while it is written; the client that lists the directory passes such names over.
const UNFINISHED: &str = "#1";

/// An object that is being written. Dropped before [`Self::finish`], nothing of it is left.
#[derive(Debug)]
pub(super) struct Unfinished {
    target: PathBuf,
    /// Elsewhere while something is written.
    file: Option<Paced>,
}

impl Unfinished {
    /// Begins an object below the directory.
    pub(super) async fn begin(directory: &Path, name: &str) -> Result<Self, BackupError> {
        let target = directory.join(name);
        blocking(move || {
            let path = unfinished(&target);
            let made = path.parent().map_or(Ok(()), fs::create_dir_all);
            let file = made.and_then(|()| OpenOptions::new().write(true).create(true).truncate(true).open(&path));
            Ok(Self { file: Some(Paced::new(file.map_err(BackupError::file(&path))?)), target })
        })
        .await
    }

    /// Writes the next bytes.
    pub(super) async fn write(&mut self, bytes: Bytes) -> Result<(), BackupError> {
        self.with_file(move |file| file.write_all(&bytes)).await
    }

    /// Gives the object its name, unless there is one of that name.
    pub(super) async fn finish(mut self) -> Result<(), BackupError> {
        self.with_file(Paced::finish).await?;
        let target = self.target.clone();
        blocking(move || {
            let path = unfinished(&target);
            rename(&path, &target).map_err(BackupError::file(&target))?;
            let folder = target.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all());
            folder.map_err(BackupError::file(&target))
        })
        .await
    }

    async fn with_file(
        &mut self,
        work: impl FnOnce(&mut Paced) -> io::Result<()> + Send + 'static,
    ) -> Result<(), BackupError> {
        let Some(mut file) = self.file.take() else {
            return Err(BackupError::Abandoned("an earlier part was not written".to_owned()));
        };
        let path = unfinished(&self.target);
        let done = blocking(move || work(&mut file).map(|()| file).map_err(BackupError::file(path)));
        self.file = Some(done.await?);
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // After it was finished there is none. The disk may hang, and the runtime must not hang with it.
        let path = unfinished(&self.target);
        let remove = move || drop(fs::remove_file(path));
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(remove)),
            Err(_) => remove(),
        }
    }
}

/// Removes what was left unfinished before a time by processes that have ended, in a folder and those below it.
pub(super) fn sweep(folder: &Path, before: SystemTime) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sweep(&entry.path(), before)?;
            continue;
        }
        let left = entry.file_name().to_string_lossy().ends_with(UNFINISHED);
        if left && entry.metadata().and_then(|found| found.modified()).is_ok_and(|at| at < before) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn unfinished(target: &Path) -> PathBuf {
    let mut path = target.as_os_str().to_owned();
    path.push(UNFINISHED);
    path.into()
}

/// Never writes over an object. Some file systems do not know how to refuse that in one step; names are random there too.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::OPNOTSUPP) if !to.exists() => {
            fs::rename(from, to)
        }
        done => done.map_err(io::Error::from),
    }
}

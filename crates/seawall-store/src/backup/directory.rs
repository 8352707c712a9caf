//! Directories as tar streams.
//!
//! There is no snapshot of a directory: what changes while it is read is in the backup in some state, and named in the manifest.

use std::{
    collections::BTreeMap,
    fs::{self, File, Metadata},
    io::{self, Read, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::{BackupError, Phase, Progress};

/// Remarks that are kept; of the rest only the number.
const MOST_REMARKS: usize = 20;

/// What a manifest counts.
const FILES: &str = "files";
const DIRECTORIES: &str = "directories";
const LINKS: &str = "links";

/// What was written.
#[derive(Debug, Default)]
pub(super) struct Packed {
    pub(super) counts: BTreeMap<String, i64>,
    pub(super) remarks: Vec<String>,
    passed_over: usize,
    done_bytes: u64,
}

/// Writes all of a directory. Links are not followed; sockets and devices are passed over.
pub(super) fn pack(directory: &Path, into: &mut dyn Write, progress: &Progress) -> Result<Packed, BackupError> {
    let mut archive = tar::Builder::new(into);
    archive.follow_symlinks(false);
    let mut packed = Packed::default();
    let mut waiting = vec![PathBuf::new()];
    while let Some(folder) = waiting.pop() {
        let path = directory.join(&folder);
        let mut names: Vec<_> = match fs::read_dir(&path) {
            Ok(entries) => entries.filter_map(Result::ok).map(|entry| entry.file_name()).collect(),
            Err(error) if folder.as_os_str().is_empty() => return Err(BackupError::file(path)(error)),
            Err(error) => {
                packed.remark(format!("{} could not be read: {error}", folder.display()));
                continue;
            }
        };
        names.sort_unstable();
        for name in names {
            let inside = folder.join(name);
            let path = directory.join(&inside);
            // Gone since its directory was read.
            let Ok(found) = fs::symlink_metadata(&path) else { continue };
            if found.is_dir() {
                archive.append_dir(&inside, &path).map_err(broken)?;
                packed.count(DIRECTORIES);
                waiting.push(inside);
            } else if found.is_symlink() {
                archive.append_path_with_name(&path, &inside).map_err(broken)?;
                packed.count(LINKS);
            } else if found.is_file() {
                file(&mut archive, &path, &inside, &mut packed)?;
                progress.tell(Phase::Upload, packed.done_bytes, 0);
            } else {
                packed.remark(format!("{} is neither file, directory nor link and was passed over", inside.display()));
            }
        }
    }
    archive.into_inner().map_err(broken)?;
    if packed.passed_over > 0 {
        packed.remarks.push(format!("and {} more remarks", packed.passed_over));
    }
    Ok(packed)
}

fn file(
    archive: &mut tar::Builder<&mut dyn Write>,
    path: &Path,
    inside: &Path,
    packed: &mut Packed,
) -> Result<(), BackupError> {
    let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
    let (before, file) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            packed.remark(format!("{} could not be read: {error}", inside.display()));
            return Ok(());
        }
    };
    let mut header = tar::Header::new_gnu();
    header.set_metadata(&before);
    let mut exact = Exact { file, left: before.len() };
    archive.append_data(&mut header, inside, &mut exact).map_err(broken)?;
    packed.count(FILES);
    packed.done_bytes += before.len();
    let changed = |after: Metadata| {
        (after.len(), after.mtime(), after.mtime_nsec()) != (before.len(), before.mtime(), before.mtime_nsec())
    };
    if exact.file.metadata().map_or(true, changed) {
        packed.remark(format!("{} changed while it was read", inside.display()));
    }
    Ok(())
}

/// Unpacks an archive into a new directory; answers what was in it. Nothing is written outside of it.
pub(super) fn unpack(archive: &Path, into: &Path) -> Result<BTreeMap<String, i64>, BackupError> {
    fs::create_dir(into).map_err(BackupError::file(into))?;
    let file = File::open(archive).map_err(BackupError::file(archive))?;
    let mut archive = tar::Archive::new(io::BufReader::with_capacity(1 << 20, file));
    archive.set_preserve_mtime(true);
    archive.set_preserve_permissions(true);
    let mut packed = Packed::default();
    for entry in archive.entries().map_err(BackupError::file(into))? {
        let mut entry = entry.map_err(BackupError::file(into))?;
        let what = match entry.header().entry_type() {
            kind if kind.is_dir() => DIRECTORIES,
            kind if kind.is_symlink() => LINKS,
            _ => FILES,
        };
        if entry.unpack_in(into).map_err(BackupError::file(into))? {
            packed.count(what);
        }
    }
    Ok(packed.counts)
}

impl Packed {
    fn count(&mut self, what: &str) {
        *self.counts.entry(what.to_owned()).or_default() += 1;
    }

    fn remark(&mut self, remark: String) {
        if self.remarks.len() < MOST_REMARKS {
            self.remarks.push(remark);
        } else {
            self.passed_over += 1;
        }
    }
}

/// Reads exactly as much as the archive was told: a file that grows is cut off, one that shrinks is filled with zeros.
struct Exact {
    file: File,
    left: u64,
}

impl Read for Exact {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(into.len());
        let Some(into) = into.get_mut(..most).filter(|into| !into.is_empty()) else { return Ok(0) };
        let read = match self.file.read(into)? {
            0 => {
                into.fill(0);
                into.len()
            }
            read => read,
        };
        self.left -= read as u64;
        Ok(read)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn broken(error: io::Error) -> BackupError {
    BackupError::Abandoned(format!("writing the archive: {error}"))
}

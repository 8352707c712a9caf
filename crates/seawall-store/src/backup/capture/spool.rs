//! The directory of segments on this machine: `GENERATION/NUMBER.open` is being written, `GENERATION/NUMBER.seg` waits to be shipped,
//! `GENERATION/NUMBER.held` was shipped, and stays for a copy that is being made.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use super::open::Open;

const OPEN: &str = "open";
const COMPLETE: &str = "seg";
const HELD: &str = "held";

/// A segment that waits to be shipped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Waiting {
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
}

pub(super) fn open_path(directory: &Path, generation: &str, number: u64) -> PathBuf {
    directory.join(generation).join(format!("{number:010}.{OPEN}"))
}

pub(super) fn complete_path(open: &Path) -> PathBuf {
    open.with_extension(COMPLETE)
}

/// The file of a segment, complete or not; nothing when there is none.
pub(crate) fn segment_file(directory: &Path, generation: &str, number: u64) -> Option<PathBuf> {
    let open = open_path(directory, generation, number);
    [complete_path(&open), open].into_iter().find(|path| path.exists())
}

/// Opens a segment, at whatever stage it is; nothing when there is none.
pub(crate) fn open_segment(directory: &Path, generation: &str, number: u64) -> io::Result<Option<File>> {
    let open = open_path(directory, generation, number);
    // In the order in which it comes to them, so that it is found when it goes on meanwhile.
    let (complete, held) = (complete_path(&open), open.with_extension(HELD));
    for path in [open, complete, held] {
        match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened.map(Some),
        }
    }
    Ok(None)
}

/// Keeps a segment that was shipped.
pub(crate) fn hold(complete: &Path) -> io::Result<()> {
    fs::rename(complete, complete.with_extension(HELD))
}

/// The segments of a generation that are kept.
pub(super) fn held(directory: &Path, generation: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory.join(generation)) else { return Vec::new() };
    let paths = entries.flatten().map(|entry| entry.path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == HELD)).collect()
}

/// All segments that wait, in the order in which they were written.
pub(crate) fn waiting(directory: &Path) -> io::Result<Vec<Waiting>> {
    let mut waiting = Vec::new();
    for path in files(directory)? {
        if path.extension().is_some_and(|extension| extension == COMPLETE) {
            waiting.push(Waiting { bytes: fs::metadata(&path)?.len(), path });
        }
    }
    Ok(waiting)
}

/// Completes what the last run left behind, removes what is empty, and answers the newest segment, which may be gone on with.
pub(super) fn clean_up(directory: &Path) -> io::Result<Option<Open>> {
    let mut newest: Option<Open> = None;
    for generation in fs::read_dir(directory)? {
        // It fails where there are segments, which is well.
        let _kept = fs::remove_dir(generation?.path());
    }
    for path in files(directory)? {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some(OPEN) => {}
            Some(HELD) => {
                fs::remove_file(&path)?;
                continue;
            }
            _ => continue,
        }
        let Ok(open) = Open::reopen(&path) else {
            // Its head was never written whole.
            fs::remove_file(&path)?;
            continue;
        };
        if let Some(before) = newest.replace(open) {
            // It is counted with those that wait.
            before.complete(&super::Shared::default())?;
        }
    }
    Ok(newest)
}

/// The files of all generations, the oldest first.
fn files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for generation in fs::read_dir(directory)? {
        let generation = generation?;
        if !generation.file_type()?.is_dir() {
            continue;
        }
        for file in fs::read_dir(generation.path())? {
            files.push(file?.path());
        }
    }
    files.sort_unstable();
    Ok(files)
}

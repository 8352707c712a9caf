//! Large files that are written, and removed, at an even pace.
//!
//! What is written to a file stays in memory until the system writes all of it to the disk at once, and whoever flushes the database's
//! log meanwhile waits for that; so does whoever flushes while the room of a large file is given back. So each part is flushed before
//! the next one is taken.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::FileExt as _,
    path::Path,
};

/// Bytes that are flushed together.
const WRITTEN_BYTES: usize = 2 << 20;

/// Bytes whose room is given back together.
const REMOVED_BYTES: u64 = 32 << 20;

/// A file that is written at an even pace.
#[derive(Debug)]
pub(super) struct Paced {
    file: File,
    /// Bytes that were written since the last flush.
    waiting: usize,
}

impl Paced {
    /// Writes to this file.
    pub(super) const fn new(file: File) -> Self {
        Self { file, waiting: 0 }
    }

    /// Writes to a place in it.
    pub(super) fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)?;
        self.written(bytes.len())
    }

    /// Makes it this long.
    pub(super) fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }

    /// What was written is on the disk.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.waiting = 0;
        self.file.sync_all()
    }

    fn written(&mut self, bytes: usize) -> io::Result<()> {
        self.waiting += bytes;
        if self.waiting < WRITTEN_BYTES {
            return Ok(());
        }
        self.waiting = 0;
        self.file.sync_data()
    }
}

impl Write for Paced {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let part = bytes.get(..WRITTEN_BYTES).unwrap_or(bytes);
        let written = self.file.write(part)?;
        self.written(written)?;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Removes a directory with what is in it, large files a part at a time.
pub(super) fn remove_all(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            shrink(&entry.path())?;
        }
    }
    fs::remove_dir_all(directory)
}

fn shrink(path: &Path) -> io::Result<()> {
    let mut bytes = fs::metadata(path)?.len();
    if bytes <= REMOVED_BYTES {
        return Ok(());
    }
    let file = OpenOptions::new().write(true).open(path)?;
    while bytes > REMOVED_BYTES {
        bytes -= REMOVED_BYTES;
        file.set_len(bytes)?;
        file.sync_data()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_written_arrives_and_all_that_is_removed_goes() {
        let folder = std::env::temp_dir().join(format!("seawall-paced-{}", std::process::id()));
        fs::create_dir_all(folder.join("below")).unwrap();
        let path = folder.join("file");
        let mut paced = Paced::new(File::create(&path).unwrap());
        let bytes: Vec<u8> = (0..5 << 20).map(|at: u32| at.to_le_bytes()[1]).collect();
        paced.write_all(&bytes).unwrap();
        paced.write_at(b"there", 1_000).unwrap();
        paced.finish().unwrap();
        let written = fs::read(&path).unwrap();
        assert_eq!(written.len(), bytes.len());
        assert_eq!(written.get(1_000..1_005), Some(b"there".as_slice()));
        assert_eq!(written.get(1_005..), bytes.get(1_005..));
        paced.set_len(100 << 20).unwrap();
        remove_all(&folder).unwrap();
        assert!(!folder.exists());
    }
}

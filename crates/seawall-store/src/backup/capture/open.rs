//! The segment that is being written.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader, BufWriter, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use super::{
    segment::{BOOT_BYTES, HEAD_BYTES, Head, Pages, Position, Records, What},
    shared::Shared,
    spool,
};

/// Bytes that are written at once.
const BUFFER_BYTES: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct Open {
    file: BufWriter<File>,
    path: PathBuf,
    pub(super) head: Head,
    /// Bytes up to the last whole commit.
    pub(super) bytes: u64,
    /// Bytes of parts that wait for their commit.
    parts: u64,
    pub(super) position: Position,
    pub(super) next_commit: u64,
    pub(super) last_at_us: i64,
    /// When its first commit was captured, as monotonic microseconds.
    pub(super) since_us: Option<u64>,
}

impl Open {
    pub(super) fn create(
        directory: &Path,
        generation: &str,
        number: u64,
        page_size: u32,
        first_commit: u64,
        position: Position,
    ) -> io::Result<Self> {
        let head =
            Head { generation: generation.to_owned(), boot: boot_id(), number, page_size, first_commit, position };
        let path = spool::open_path(directory, generation, number);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut file = BufWriter::with_capacity(BUFFER_BYTES, File::create(&path)?);
        file.write_all(&head.encode())?;
        file.flush()?;
        let bytes = HEAD_BYTES as u64;
        Ok(Self {
            file,
            path,
            head,
            bytes,
            parts: 0,
            position,
            next_commit: first_commit,
            last_at_us: 0,
            since_us: None,
        })
    }

    /// Reads what a run before has written, and cuts off what is torn.
    pub(super) fn reopen(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).write(true).open(path)?;
        let (head, mut records) = Records::open(BufReader::new(&file))?;
        let (mut bytes, mut position, mut next_commit) = (HEAD_BYTES as u64, head.position, head.first_commit);
        let (mut last_at_us, mut read) = (0, bytes);
        while let Some(record) = records.advance()? {
            read += records.bytes();
            match record.what {
                What::Part => continue,
                What::Emptied => {}
                What::Commit { at_us, .. } => {
                    next_commit += 1;
                    last_at_us = at_us;
                }
            }
            (bytes, position) = (read, record.position);
        }
        file.set_len(bytes)?;
        file.seek(SeekFrom::Start(bytes))?;
        let file = BufWriter::with_capacity(BUFFER_BYTES, file);
        let path = path.to_owned();
        Ok(Self { file, path, head, bytes, parts: 0, position, next_commit, last_at_us, since_us: None })
    }

    /// The page size is known once there is a log.
    pub(super) fn settle_page_size(&mut self, page_size: u32) -> io::Result<()> {
        match self.head.page_size {
            known if known == page_size => Ok(()),
            0 if self.commits() == 0 => {
                self.head.page_size = page_size;
                self.write_head()
            }
            known => Err(io::Error::other(format!("the page size changed from {known} to {page_size} bytes"))),
        }
    }

    /// Whether nothing of what was written can have been lost with the power since.
    pub(super) fn of_this_boot(&self) -> bool {
        !self.head.boot.is_empty() && self.head.boot == boot_id()
    }

    /// What is written from here on is of this boot.
    pub(super) fn continue_in_this_boot(&mut self) -> io::Result<()> {
        self.head.boot = boot_id();
        self.write_head()
    }

    fn write_head(&mut self) -> io::Result<()> {
        self.file.flush()?;
        self.file.get_mut().seek(SeekFrom::Start(0))?;
        self.file.get_mut().write_all(&self.head.encode())?;
        self.file.get_mut().seek(SeekFrom::Start(self.bytes)).map(drop)
    }

    pub(super) fn commits(&self) -> u64 {
        self.next_commit - self.head.first_commit
    }

    pub(super) fn write(&mut self, pages: &mut Pages, what: What, position: Position) -> io::Result<()> {
        let written = pages.write(what, position, &mut self.file)?;
        match what {
            What::Part => {
                self.parts += written;
                return Ok(());
            }
            What::Emptied => {}
            What::Commit { at_us, .. } => {
                self.next_commit += 1;
                self.last_at_us = at_us;
            }
        }
        self.bytes += self.parts + written;
        self.parts = 0;
        self.position = position;
        Ok(())
    }

    /// Writes what is gathered. Parts without their commit are no part of the segment: their transaction was never kept.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.file.flush()?;
        if self.parts > 0 {
            self.parts = 0;
            self.file.get_mut().set_len(self.bytes)?;
            self.file.get_mut().seek(SeekFrom::Start(self.bytes))?;
        }
        Ok(())
    }

    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.flush()?;
        self.file.get_ref().sync_data()
    }

    /// Makes it one of those that wait to be shipped; answers the bytes of all of these. One without commits goes.
    pub(super) fn complete(mut self, shared: &Shared) -> io::Result<u64> {
        self.flush()?;
        if self.commits() == 0 {
            fs::remove_file(&self.path)?;
            return Ok(shared.status().waiting_bytes);
        }
        fs::rename(&self.path, spool::complete_path(&self.path))?;
        Ok(shared.completed(self.bytes))
    }
}

/// Since when the machine runs; empty when it does not say.
fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|id| id.trim().chars().take(BOOT_BYTES).collect())
        .unwrap_or_default()
}

//! A file read by lines, with places that can be gone back to: the offset in bytes and the number of the line.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

/// What one row may have; more is no row of a user.
pub(super) const MOST_BYTES: u64 = 1024 * 1024;

/// The mark that some programs put before UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// The file, and where the next line begins.
pub(super) struct TextFile {
    path: PathBuf,
    reader: BufReader<File>,
    place: Place,
}

/// Where a line begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub(super) offset: u64,
    /// From 1.
    pub(super) line: u64,
}

impl Place {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (offset, line) = text.split_once(':')?;
        Some(Self { offset: offset.parse().ok()?, line: line.parse().ok()? })
    }

    pub(super) fn text(self) -> String {
        format!("{}:{}", self.offset, self.line)
    }
}

impl TextFile {
    /// Opens it, behind the mark that may stand at its beginning.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut reader = BufReader::with_capacity(64 * 1024, File::open(path)?);
        let begin = reader.fill_buf()?;
        if begin.starts_with(b"\xff\xfe") || begin.starts_with(b"\xfe\xff") {
            let why = "it is UTF-16; make it UTF-8 first: iconv -f UTF-16 -t UTF-8 OLD > NEW";
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        let offset = if begin.starts_with(MARK) { MARK.len() } else { 0 };
        let mut file = Self { path: path.to_owned(), reader, place: Place { offset: 0, line: 1 } };
        file.go_to(Place { offset: offset as u64, line: 1 })?;
        Ok(file)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) const fn place(&self) -> Place {
        self.place
    }

    pub(super) fn go_to(&mut self, place: Place) -> io::Result<()> {
        self.reader.seek(SeekFrom::Start(place.offset))?;
        self.place = place;
        Ok(())
    }

    /// Adds the next line with its end to `line`. Answers whether there was one; of a longer one than may be only the beginning is kept.
    pub(super) fn line(&mut self, line: &mut Vec<u8>) -> io::Result<bool> {
        let before = line.len();
        let mut read = (&mut self.reader).take(MOST_BYTES).read_until(b'\n', line)?;
        if read as u64 == MOST_BYTES && line.last() != Some(&b'\n') {
            read += self.skip_line()?;
        }
        self.place.offset += read as u64;
        self.place.line += 1;
        Ok(line.len() > before)
    }

    fn skip_line(&mut self) -> io::Result<usize> {
        let mut skipped = 0;
        loop {
            let there = self.reader.fill_buf()?;
            let end = there.iter().position(|&byte| byte == b'\n').map(|place| place + 1);
            let count = end.unwrap_or(there.len());
            self.reader.consume(count);
            skipped += count;
            if end.is_some() || count == 0 {
                return Ok(skipped);
            }
        }
    }
}

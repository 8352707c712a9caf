//! The format of a segment: a head, then one record per commit with the images of the pages that it changed.
//!
//! Numbers are little-endian. A record ends with a sum over its bytes, so that a torn end is noticed: what follows the last whole
//! commit is as if it were not there.

use std::io::{self, Read, Write};

use super::wal::{Checksum, Order, fold};

/// Tells a segment from anything else, and this form from later ones.
const MAGIC: [u8; 16] = *b"seawall segment1";

/// Bytes of a generation's name: a time and a random part.
pub(super) const GENERATION_BYTES: usize = 36;

/// Bytes of a boot's id.
pub(super) const BOOT_BYTES: usize = 36;

/// Bytes of a segment's head.
pub(crate) const HEAD_BYTES: usize = 160;

/// Bytes of a record's head.
const RECORD_BYTES: usize = 64;

/// Bytes of one page's head: its number and padding, so that sums run over whole words.
const PAGE_HEAD_BYTES: usize = 8;

/// How far the log has been captured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// The log's salts.
    pub(super) salts: [u32; 2],
    /// Frames captured.
    pub(super) frames: u32,
    /// The sum in the last of them.
    pub(super) checksum: Checksum,
    /// The database's file when the log was last emptied with nothing in it left to capture.
    pub(super) emptied: Option<Identity>,
}

/// What changes when somebody writes to a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(super) inode: u64,
    pub(super) bytes: u64,
    pub(super) modified_ns: u64,
}

/// The head of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) generation: String,
    pub(crate) number: u64,
    pub(crate) page_size: u32,
    /// The number of the first commit in it, within the generation.
    pub(crate) first_commit: u64,
    /// Since when the machine runs, when that is known.
    pub(super) boot: String,
    /// How far the log had been captured when it began.
    pub(super) position: Position,
}

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// Some pages of a commit that goes on in the next record.
    Part,
    /// The last pages of a commit: when it was, and the database's size in pages after it.
    Commit { at_us: i64, pages: u32 },
    /// The log was emptied.
    Emptied,
}

/// The head of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) what: What,
    /// Pages that follow.
    pub(super) images: u32,
    /// How far the log is captured with it.
    pub(super) position: Position,
}

impl Head {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(self.generation.as_bytes());
        bytes.resize(MAGIC.len() + GENERATION_BYTES, b' ');
        bytes.extend_from_slice(self.boot.as_bytes());
        bytes.resize(MAGIC.len() + GENERATION_BYTES + BOOT_BYTES, b' ');
        bytes.extend_from_slice(&self.page_size.to_le_bytes());
        bytes.extend_from_slice(&self.number.to_le_bytes());
        bytes.extend_from_slice(&self.first_commit.to_le_bytes());
        self.position.encode(&mut bytes);
        bytes.resize(HEAD_BYTES - 8, 0);
        seal(&mut bytes, 0);
        bytes
    }

    /// Reads a head; nothing when it is none, or damaged.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let own = bytes.get(..HEAD_BYTES)?;
        let mut fields = Fields(sealed(own)?);
        if fields.take::<16>()? != MAGIC {
            return None;
        }
        let text = |bytes: &[u8]| Some(std::str::from_utf8(bytes).ok()?.trim_end().to_owned());
        let generation = text(&fields.take::<GENERATION_BYTES>()?)?;
        let boot = text(&fields.take::<BOOT_BYTES>()?)?;
        Some(Self {
            generation,
            boot,
            page_size: fields.u32()?,
            number: fields.u64()?,
            first_commit: fields.u64()?,
            position: Position::decode(&mut fields)?,
        })
    }
}

impl Position {
    fn encode(&self, bytes: &mut Vec<u8>) {
        for word in [self.salts[0], self.salts[1], self.frames, self.checksum[0], self.checksum[1]] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        let identity = self.emptied.unwrap_or_default();
        for word in [identity.inode, identity.bytes, identity.modified_ns] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
    }

    fn decode(fields: &mut Fields<'_>) -> Option<Self> {
        let salts = [fields.u32()?, fields.u32()?];
        let frames = fields.u32()?;
        let checksum = [fields.u32()?, fields.u32()?];
        let identity = Identity { inode: fields.u64()?, bytes: fields.u64()?, modified_ns: fields.u64()? };
        let emptied = (identity != Identity::default()).then_some(identity);
        Some(Self { salts, frames, checksum, emptied })
    }
}

impl Record {
    /// Appends the head of a record to `bytes`, whose pages follow before it is sealed.
    fn encode(&self, bytes: &mut Vec<u8>) {
        let (kind, at_us, pages) = match self.what {
            What::Part => (1_u32, 0, 0),
            What::Commit { at_us, pages } => (2, at_us, pages),
            What::Emptied => (3, 0, 0),
        };
        bytes.extend_from_slice(&kind.to_le_bytes());
        bytes.extend_from_slice(&self.images.to_le_bytes());
        bytes.extend_from_slice(&at_us.to_le_bytes());
        bytes.extend_from_slice(&pages.to_le_bytes());
        self.position.encode(bytes);
    }

    fn decode(bytes: &[u8; RECORD_BYTES]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let (kind, images) = (fields.u32()?, fields.u32()?);
        let at_us = i64::from_le_bytes(fields.take()?);
        let pages = fields.u32()?;
        let what = match kind {
            1 => What::Part,
            2 => What::Commit { at_us, pages },
            3 => What::Emptied,
            _ => return None,
        };
        Some(Self { what, images, position: Position::decode(&mut fields)? })
    }
}

/// Pages of a commit, gathered to be written as one record.
#[derive(Debug, Default)]
pub(super) struct Pages {
    bytes: Vec<u8>,
    count: u32,
}

impl Pages {
    pub(super) fn add(&mut self, page: u32, image: &[u8]) {
        if self.bytes.is_empty() {
            self.bytes.resize(RECORD_BYTES, 0);
        }
        self.bytes.extend_from_slice(&page.to_le_bytes());
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes.extend_from_slice(image);
        self.count += 1;
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Writes the record and forgets the pages; answers its bytes.
    pub(super) fn write(&mut self, what: What, position: Position, into: &mut impl Write) -> io::Result<u64> {
        let mut head = Vec::with_capacity(RECORD_BYTES);
        Record { what, images: self.count, position }.encode(&mut head);
        self.bytes.resize(self.bytes.len().max(RECORD_BYTES), 0);
        if let Some(place) = self.bytes.get_mut(..RECORD_BYTES) {
            place.copy_from_slice(&head);
        }
        seal(&mut self.bytes, 0);
        into.write_all(&self.bytes)?;
        let written = self.bytes.len() as u64;
        self.bytes.clear();
        self.count = 0;
        Ok(written)
    }
}

/// Reads the records of a segment, one after the other.
#[derive(Debug)]
pub(crate) struct Records<R> {
    source: R,
    page_size: usize,
    body: Vec<u8>,
}

impl<R: Read> Records<R> {
    /// Reads the head.
    pub(crate) fn open(mut source: R) -> io::Result<(Head, Self)> {
        let mut bytes = [0; HEAD_BYTES];
        source.read_exact(&mut bytes)?;
        let head = Head::decode(&bytes).ok_or_else(|| io::Error::other("it is no segment, or its head is damaged"))?;
        let page_size = head.page_size as usize;
        Ok((head, Self { source, page_size, body: Vec::new() }))
    }

    /// The next record; nothing at the end, or where it is torn.
    pub(crate) fn advance(&mut self) -> io::Result<Option<Record>> {
        let mut head = [0; RECORD_BYTES];
        if !fill(&mut self.source, &mut head)? {
            return Ok(None);
        }
        let Some(record) = Record::decode(&head) else { return Ok(None) };
        let images = record.images as usize * (PAGE_HEAD_BYTES + self.page_size);
        // No record is larger than what is gathered before one is written; more is damage, not to be believed.
        if images > 2 * super::MOST_GATHERED_BYTES {
            return Ok(None);
        }
        self.body.resize(images + 8, 0);
        if !fill(&mut self.source, &mut self.body)? {
            return Ok(None);
        }
        let Some((images, found)) = self.body.split_last_chunk::<8>() else { return Ok(None) };
        let sum = fold(Order::Little, fold(Order::Little, [0, 0], &head), images);
        Ok((encode_sum(sum) == *found).then_some(record))
    }

    /// The pages of the last record, with their numbers.
    pub(crate) fn images(&self) -> impl Iterator<Item = (u32, &[u8])> {
        let end = self.body.len().saturating_sub(8);
        let images = self.body.get(..end).unwrap_or_default().chunks_exact(PAGE_HEAD_BYTES + self.page_size);
        images.filter_map(|image| {
            let (head, image) = image.split_first_chunk::<PAGE_HEAD_BYTES>()?;
            let (page, _) = head.split_first_chunk::<4>()?;
            Some((u32::from_le_bytes(*page), image))
        })
    }

    /// Bytes of the last record.
    pub(super) fn bytes(&self) -> u64 {
        (RECORD_BYTES + self.body.len()) as u64
    }
}

/// Fills the buffer; answers whether there was enough.
fn fill(source: &mut impl Read, into: &mut [u8]) -> io::Result<bool> {
    match source.read_exact(into) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn seal(bytes: &mut Vec<u8>, from: usize) {
    let sum = fold(Order::Little, [0, 0], bytes.get(from..).unwrap_or_default());
    bytes.extend_from_slice(&encode_sum(sum));
}

fn sealed(bytes: &[u8]) -> Option<&[u8]> {
    let (body, found) = bytes.split_last_chunk::<8>()?;
    (encode_sum(fold(Order::Little, [0, 0], body)) == *found).then_some(body)
}

fn encode_sum([first, second]: Checksum) -> [u8; 8] {
    ((u64::from(second) << 32) | u64::from(first)).to_le_bytes()
}

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const BYTES: usize>(&mut self) -> Option<[u8; BYTES]> {
        let (taken, rest) = self.0.split_first_chunk::<BYTES>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }
}

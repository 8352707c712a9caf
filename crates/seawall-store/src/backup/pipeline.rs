//! The way of bytes to the place and back: source, zstd, age, object; with sizes and SHA-256 taken at both ends.
//!
//! Compression and encryption run on a thread of their own and hand parts through a channel that holds two of them, so that
//! memory is bounded whatever the size, and a slow place slows the source down.

use std::{
    fs::OpenOptions,
    io::{self, BufReader, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use aws_lc_rs::digest::{Context, SHA256};
use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::{
    BackupError, Keys,
    paced::Paced,
    place::{Chunk, PART_BYTES, Place},
    progress::{Phase, Progress},
};
use crate::hex::hex;

/// Parts that may wait for the place.
const WAITING: usize = 2;

/// zstd's own default: beyond it, time grows faster than size shrinks.
const LEVEL: i32 = 3;

/// Bytes that are read at once.
pub(super) const BUFFER_BYTES: usize = 256 << 10;

/// An object as a manifest names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Its name at the place.
    pub name: String,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// Bytes of what was backed up.
    pub plain_bytes: u64,
    /// SHA-256 of what was backed up, in hexadecimal digits.
    pub plain_sha256: String,
    /// Bytes of the object.
    pub stored_bytes: u64,
    /// SHA-256 of the object, in hexadecimal digits.
    pub stored_sha256: String,
}

/// Writes what `fill` produces as the object `name`, to which the endings of its form are added.
pub(super) async fn store<T: Send + 'static>(
    place: &Place,
    keys: &Keys,
    name: &str,
    fill: impl FnOnce(&mut dyn Write) -> Result<T, BackupError> + Send + 'static,
) -> Result<(Object, T), BackupError> {
    let encrypted = keys.encrypt();
    let name = format!("{name}.zst{}", if encrypted { ".age" } else { "" });
    let (sender, mut chunks) = mpsc::channel(WAITING);
    let (own_keys, own_name) = (keys.clone(), name.clone());
    let sealing = tokio::task::spawn_blocking(move || seal(sender, &own_keys, &own_name, fill));
    let uploaded = place.upload(&name, &mut chunks).await;
    // Whoever still produces finds nobody who takes it, and ends.
    drop(chunks);
    let sealed = sealing.await.map_err(|error| BackupError::Abandoned(error.to_string()))?;
    match (uploaded, sealed) {
        (Ok(()), Ok((plain, stored, value))) => {
            let (plain_bytes, stored_bytes) = (plain.bytes, stored.bytes);
            let (plain_sha256, stored_sha256) = (plain.hash(), stored.hash());
            Ok((Object { name, encrypted, plain_bytes, plain_sha256, stored_bytes, stored_sha256 }, value))
        }
        // The source's own fault says more than that nothing came of it.
        (Err(BackupError::Abandoned(_)) | Ok(()), Err(error)) | (Err(error), _) => Err(error),
    }
}

type Sealed<T> = (Tally, Tally, T);

fn seal<T>(
    sender: mpsc::Sender<Chunk>,
    keys: &Keys,
    name: &str,
    fill: impl FnOnce(&mut dyn Write) -> Result<T, BackupError>,
) -> Result<Sealed<T>, BackupError> {
    let broken = || |error: io::Error| BackupError::Abandoned(format!("writing {name}: {error}"));
    let parts = Parts { sender, part: BytesMut::new(), tally: Tally::new() };
    let outer = if keys.encrypt() {
        let encryptor =
            age::Encryptor::with_recipients(keys.for_writing()).map_err(|error| BackupError::Key(error.to_string()))?;
        Outer::Encrypted(encryptor.wrap_output(parts).map_err(broken())?)
    } else {
        Outer::Plain(parts)
    };
    let mut encoder = zstd::Encoder::new(outer, LEVEL).map_err(broken())?;
    encoder.include_checksum(true).map_err(broken())?;
    let mut counted = Counted { inner: encoder, tally: Tally::new() };
    let value = fill(&mut counted)?;
    let Counted { inner, tally: plain } = counted;
    let parts = match inner.finish().map_err(broken())? {
        Outer::Encrypted(writer) => writer.finish().map_err(broken())?,
        Outer::Plain(parts) => parts,
    };
    let stored = parts.finish().map_err(broken())?;
    Ok((plain, stored, value))
}

/// Reads an object back into a file, and compares it with what the manifest says of it.
pub(super) async fn fetch(
    place: &Place,
    keys: &Keys,
    object: &Object,
    into: &Path,
    progress: &Progress,
) -> Result<(), BackupError> {
    let (sender, pieces) = mpsc::channel(16);
    let (own_keys, own_object, into, progress) = (keys.clone(), object.clone(), into.to_owned(), progress.clone());
    let opening = tokio::task::spawn_blocking(move || {
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = Paced::new(options.open(&into).map_err(BackupError::file(&into))?);
        open(pieces, &own_keys, &own_object, &mut file, &progress)?;
        file.finish().map_err(BackupError::file(&into))
    });
    let downloaded = place.download(&object.name, sender).await;
    let opened = opening.await.map_err(|error| BackupError::Abandoned(error.to_string()))?;
    downloaded.and(opened)
}

fn open(
    pieces: mpsc::Receiver<Bytes>,
    keys: &Keys,
    object: &Object,
    into: &mut dyn Write,
    progress: &Progress,
) -> Result<(), BackupError> {
    let damaged = |reason: String| BackupError::Damaged { object: object.name.clone(), reason };
    let mut source = Pieces { pieces, piece: Bytes::new(), tally: Tally::new() };
    let outcome = if object.encrypted {
        age::Decryptor::new_buffered(BufReader::with_capacity(BUFFER_BYTES, &mut source))
            .and_then(|decryptor| decryptor.decrypt(keys.for_reading()))
            .map_err(|error| match error {
                age::DecryptError::NoMatchingKeys => BackupError::WrongKey { object: object.name.clone() },
                other => damaged(other.to_string()),
            })
            .and_then(|plain| unpack(BufReader::with_capacity(BUFFER_BYTES, plain), object, into, progress))
    } else {
        unpack(BufReader::with_capacity(BUFFER_BYTES, &mut source), object, into, progress)
    };
    if let Err(error @ (BackupError::WrongKey { .. } | BackupError::File { .. })) = outcome {
        return Err(error);
    }
    // Whatever follows what could be read belongs to the object too.
    io::copy(&mut source, &mut io::sink()).map_err(|error| damaged(error.to_string()))?;
    let stored = source.tally;
    if stored.bytes < object.stored_bytes {
        return Err(damaged(format!("it has {} of {} bytes", stored.bytes, object.stored_bytes)));
    }
    if stored.hash() != object.stored_sha256 {
        return Err(damaged("its SHA-256 is not the one in the manifest".to_owned()));
    }
    let plain = outcome?;
    if plain.bytes != object.plain_bytes || plain.hash() != object.plain_sha256 {
        return Err(damaged("its content is not the one in the manifest".to_owned()));
    }
    Ok(())
}

fn unpack(
    packed: impl io::BufRead,
    object: &Object,
    into: &mut dyn Write,
    progress: &Progress,
) -> Result<Tally, BackupError> {
    let damaged = |error: io::Error| BackupError::Damaged { object: object.name.clone(), reason: error.to_string() };
    let mut decoder = zstd::Decoder::with_buffer(packed).map_err(damaged)?;
    let mut tally = Tally::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = decoder.read(&mut buffer).map_err(damaged)?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { return Ok(tally) };
        tally.add(bytes);
        into.write_all(bytes).map_err(BackupError::file("the scratch directory"))?;
        progress.tell(Phase::Download, tally.bytes, object.plain_bytes);
    }
}

/// How many bytes, and their hash.
struct Tally {
    bytes: u64,
    context: Context,
}

impl Tally {
    fn new() -> Self {
        Self { bytes: 0, context: Context::new(&SHA256) }
    }

    fn add(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.context.update(bytes);
    }

    fn hash(self) -> String {
        hex(self.context.finish().as_ref())
    }
}

struct Counted<W> {
    inner: W,
    tally: Tally,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.tally.add(bytes.get(..written).unwrap_or(bytes));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

enum Outer {
    Encrypted(age::stream::StreamWriter<Parts>),
    Plain(Parts),
}

impl Write for Outer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Encrypted(writer) => writer.write(bytes),
            Self::Plain(parts) => parts.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Gathers parts and hands them over.
struct Parts {
    sender: mpsc::Sender<Chunk>,
    part: BytesMut,
    tally: Tally,
}

impl Parts {
    fn hand_over(&mut self) -> io::Result<()> {
        let part = self.part.split().freeze();
        self.send(Chunk::Bytes(part))
    }

    fn send(&self, chunk: Chunk) -> io::Result<()> {
        self.sender.blocking_send(chunk).map_err(|_| io::Error::other("the place takes no more"))
    }

    fn finish(mut self) -> io::Result<Tally> {
        if !self.part.is_empty() {
            self.hand_over()?;
        }
        self.send(Chunk::End)?;
        Ok(self.tally)
    }
}

impl Write for Parts {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tally.add(bytes);
        self.part.extend_from_slice(bytes);
        // All parts but the last are of one size: some object stores want that.
        while self.part.len() >= PART_BYTES {
            let part = self.part.split_to(PART_BYTES).freeze();
            self.send(Chunk::Bytes(part))?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads pieces as they come.
struct Pieces {
    pieces: mpsc::Receiver<Bytes>,
    piece: Bytes,
    tally: Tally,
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece,
                None => return Ok(0),
            }
        }
        let taken = self.piece.split_to(into.len().min(self.piece.len()));
        self.tally.add(&taken);
        if let Some(into) = into.get_mut(..taken.len()) {
            into.copy_from_slice(&taken);
        }
        Ok(taken.len())
    }
}

//! A TCP connection read as HTTP/1.1 octets, shared by the raw client and the test upstream.

use std::io;

use bytes::{Bytes, BytesMut};
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const READ_SIZE: usize = 64 * 1024;
const LINE_LIMIT: usize = 4 * 1024 * 1024;
const TRANSCRIPT_KEPT: usize = 2 * 1024;

/// Why a message could not be read to its end.
#[derive(Debug, Error)]
pub(crate) enum WireError {
    #[error("the peer closed the connection in the middle of a message")]
    Closed,
    #[error("the peer reset the connection")]
    Reset,
    #[error("malformed message: {0}")]
    Malformed(String),
    #[error("reading or writing the socket failed: {0}")]
    Io(io::Error),
}

impl From<io::Error> for WireError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => {
                Self::Reset
            }
            _ => Self::Io(error),
        }
    }
}

/// A connection with the bytes received but not consumed yet. Its reads may be dropped half-way without losing bytes.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    buffer: BytesMut,
    transcript: Transcript,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, buffer: BytesMut::new(), transcript: Transcript::default() }
    }

    /// Reads once and returns the number of bytes added to the buffer; 0 is the end of the stream.
    pub(crate) async fn fill(&mut self) -> Result<usize, WireError> {
        self.buffer.reserve(READ_SIZE);
        let before = self.buffer.len();
        let count = self.stream.read_buf(&mut self.buffer).await?;
        self.transcript.add(&self.buffer[before..]);
        Ok(count)
    }

    /// One line without its CR LF; `None` when the stream ended before its first byte. A bare LF is malformed.
    pub(crate) async fn line(&mut self) -> Result<Option<Bytes>, WireError> {
        let mut searched = 0;
        loop {
            if let Some(offset) = self.buffer[searched..].iter().position(|byte| *byte == b'\n') {
                let mut line = self.buffer.split_to(searched + offset + 1).freeze();
                if !line.ends_with(b"\r\n") {
                    return Err(WireError::Malformed(format!("line ended by a bare LF: \"{}\"", line.escape_ascii())));
                }
                line.truncate(line.len() - 2);
                return Ok(Some(line));
            }
            searched = self.buffer.len();
            if searched > LINE_LIMIT {
                return Err(WireError::Malformed(format!("line above {LINE_LIMIT} bytes")));
            }
            if self.fill().await? == 0 {
                return if searched == 0 { Ok(None) } else { Err(WireError::Closed) };
            }
        }
    }

    /// Between 1 and `limit` bytes, as soon as there are any; empty when the stream ended.
    pub(crate) async fn some(&mut self, limit: usize) -> Result<Bytes, WireError> {
        if self.buffer.is_empty() && self.fill().await? == 0 {
            return Ok(Bytes::new());
        }
        let count = limit.min(self.buffer.len());
        Ok(self.buffer.split_to(count).freeze())
    }

    /// Waits until the peer has closed its side or reset the connection; what it sends meanwhile stays in the buffer.
    pub(crate) async fn peer_gone(&mut self) {
        while matches!(self.fill().await, Ok(1..)) {}
    }

    /// Writes everything and reads whatever arrives meanwhile, so that a peer which answers early never blocks both sides.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        let mut rest = bytes;
        let mut reading = true;
        while !rest.is_empty() {
            self.buffer.reserve(READ_SIZE);
            let before = self.buffer.len();
            let (mut reader, mut writer) = self.stream.split();
            tokio::select! {
                biased;
                written = writer.write(rest) => rest = &rest[written?..],
                // A reset seen here is seen again by the write, which reports it.
                read = reader.read_buf(&mut self.buffer), if reading => reading = matches!(read, Ok(1..)),
            }
            self.transcript.add(&self.buffer[before..]);
        }
        Ok(())
    }

    /// Bytes received and not consumed.
    pub(crate) fn unread(&self) -> &[u8] {
        &self.buffer
    }

    /// The socket itself and the bytes already taken from it, for another protocol.
    pub(crate) fn take_over(&mut self) -> (&mut TcpStream, Bytes) {
        let leftover = self.buffer.split().freeze();
        (&mut self.stream, leftover)
    }

    /// As [`Self::take_over`], for good.
    pub(crate) fn into_parts(self) -> (TcpStream, Bytes) {
        (self.stream, self.buffer.freeze())
    }

    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Ends the connection with RST instead of FIN.
    pub(crate) fn reset(self) -> io::Result<()> {
        self.stream.set_zero_linger()
    }

    /// Starts a transcript; bytes that wait in the buffer belong to it.
    pub(crate) fn begin_transcript(&mut self) {
        self.transcript = Transcript::default();
        self.transcript.add(&self.buffer);
    }

    /// What arrived since the transcript began, for a message to people.
    pub(crate) fn transcript(&self) -> String {
        self.transcript.describe()
    }
}

#[derive(Debug, Default)]
struct Transcript {
    total: usize,
    beginning: Vec<u8>,
}

impl Transcript {
    fn add(&mut self, bytes: &[u8]) {
        self.total += bytes.len();
        let room = TRANSCRIPT_KEPT.saturating_sub(self.beginning.len());
        self.beginning.extend_from_slice(&bytes[..room.min(bytes.len())]);
    }

    fn describe(&self) -> String {
        let more = if self.total > self.beginning.len() { ", beginning with" } else { "" };
        format!("{} bytes{more} \"{}\"", self.total, self.beginning.escape_ascii())
    }
}

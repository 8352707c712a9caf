//! Where the body of a message ends (RFC 9112 section 6.3), and its bytes piece by piece.

use bytes::Bytes;

use super::head::{Headers, named, read_headers};
use super::wire::{Wire, WireError};

const PIECE: usize = 64 * 1024;

/// How the end of a body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Empty,
    Length(u64),
    Chunked,
    UntilClose,
}

impl Framing {
    /// The framing of a request; a proxy must not send anything ambiguous, so anything ambiguous is malformed.
    pub(crate) fn of_request(version: &str, headers: &Headers) -> Result<Self, WireError> {
        let framing = declared(headers)?;
        if framing == Some(Self::Chunked) && version != "HTTP/1.1" {
            return Err(WireError::Malformed(format!("Transfer-Encoding in a request of {version}")));
        }
        Ok(framing.unwrap_or(Self::Empty))
    }

    /// The framing of the answer with `status` to a request with `method`.
    pub(crate) fn of_response(method: &str, status: u16, headers: &Headers) -> Result<Self, WireError> {
        let framing = declared(headers)?;
        if method.eq_ignore_ascii_case("HEAD") || matches!(status, 100..=199 | 204 | 304) {
            return Ok(Self::Empty);
        }
        Ok(framing.unwrap_or(Self::UntilClose))
    }
}

fn declared(headers: &Headers) -> Result<Option<Framing>, WireError> {
    let encodings: Vec<&str> = named(headers, "transfer-encoding").collect();
    let lengths: Vec<&str> = named(headers, "content-length").collect();
    match (encodings.as_slice(), lengths.as_slice()) {
        ([], []) => Ok(None),
        ([encoding], []) if encoding.eq_ignore_ascii_case("chunked") => Ok(Some(Framing::Chunked)),
        ([], [length]) if !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit()) => {
            let length = length.parse().map_err(|_| WireError::Malformed(format!("Content-Length {length}")))?;
            Ok(Some(Framing::Length(length)))
        }
        _ => Err(WireError::Malformed(format!(
            "ambiguous framing: Transfer-Encoding {encodings:?}, Content-Length {lengths:?}"
        ))),
    }
}

/// Reads one body. Dropping a read half-way loses nothing.
#[derive(Debug)]
pub(crate) struct BodyReader {
    state: State,
    trailers: Headers,
}

#[derive(Debug)]
enum State {
    Length(u64),
    ChunkSize,
    ChunkData(u64),
    ChunkEnd,
    Trailers,
    UntilClose,
    Done,
}

impl BodyReader {
    pub(crate) fn new(framing: Framing) -> Self {
        let state = match framing {
            Framing::Empty | Framing::Length(0) => State::Done,
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::ChunkSize,
            Framing::UntilClose => State::UntilClose,
        };
        Self { state, trailers: Headers::new() }
    }

    pub(crate) fn done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// The trailers, known once the body is read to its end.
    pub(crate) fn trailers(&self) -> &Headers {
        &self.trailers
    }

    /// The next bytes, at most 64 KiB and never of two chunks; `None` at the end.
    pub(crate) async fn next(&mut self, wire: &mut Wire) -> Result<Option<Bytes>, WireError> {
        loop {
            match self.state {
                State::Done => return Ok(None),
                State::Length(left) => {
                    let piece = sized(wire, left).await?;
                    let left = left - piece.len() as u64;
                    self.state = if left == 0 { State::Done } else { State::Length(left) };
                    return Ok(Some(piece));
                }
                State::ChunkSize => {
                    let line = wire.line().await?.ok_or(WireError::Closed)?;
                    let size = chunk_size(&line)?;
                    self.state = if size == 0 { State::Trailers } else { State::ChunkData(size) };
                }
                State::ChunkData(left) => {
                    let piece = sized(wire, left).await?;
                    let left = left - piece.len() as u64;
                    self.state = if left == 0 { State::ChunkEnd } else { State::ChunkData(left) };
                    return Ok(Some(piece));
                }
                State::ChunkEnd => {
                    let line = wire.line().await?.ok_or(WireError::Closed)?;
                    if !line.is_empty() {
                        return Err(WireError::Malformed(format!(
                            "chunk not ended by CR LF but \"{}\"",
                            line.escape_ascii()
                        )));
                    }
                    self.state = State::ChunkSize;
                }
                State::Trailers => {
                    self.trailers = read_headers(wire, &mut Vec::new()).await?;
                    self.state = State::Done;
                }
                State::UntilClose => {
                    let piece = wire.some(PIECE).await?;
                    if piece.is_empty() {
                        self.state = State::Done;
                    } else {
                        return Ok(Some(piece));
                    }
                }
            }
        }
    }
}

async fn sized(wire: &mut Wire, left: u64) -> Result<Bytes, WireError> {
    let limit = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
    let piece = wire.some(limit).await?;
    if piece.is_empty() { Err(WireError::Closed) } else { Ok(piece) }
}

/// Hexadecimal digits, then optionally `;` and an extension.
fn chunk_size(line: &[u8]) -> Result<u64, WireError> {
    let malformed = || WireError::Malformed(format!("chunk size \"{}\"", line.escape_ascii()));
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(malformed());
    }
    let digits = std::str::from_utf8(digits).map_err(|_| malformed())?;
    u64::from_str_radix(digits, 16).map_err(|_| malformed())
}

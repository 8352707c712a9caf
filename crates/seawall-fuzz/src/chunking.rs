//! Target: bodies in chunks, of requests and of answers.
//!
//! Input: four bytes that say how the bytes are cut, one that says whose body it is and whether it is taken as it comes or put
//! together of chunks.

use arbitrary::{Arbitrary, Unstructured};
use seawall_core::http::framing::ResponseTo;

use crate::{framing, pieces::Cuts, verdict::Side};

/// Bits of the fifth byte.
const ANSWER: u8 = 1;
const OF_CHUNKS: u8 = 2;

/// Panics when something does not hold for the body.
pub fn check(input: &[u8]) {
    let Some((cuts, [kind, rest @ ..])) = Cuts::take(input) else { return };
    let (side, head) = if kind & ANSWER == 0 {
        (Side::Requests, &b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"[..])
    } else {
        (Side::Answer(ResponseTo::Other), &b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"[..])
    };
    if kind & OF_CHUNKS == 0 {
        framing::check(side, &[head, rest].concat(), cuts);
        return;
    }
    // Too few bytes to put a body together are of no interest.
    if let Ok(body) = Body::arbitrary_take_rest(Unstructured::new(rest)) {
        framing::check(side, &[head, &body.bytes()].concat(), cuts);
    }
}

/// A body in which most things are right.
#[derive(Debug, Arbitrary)]
struct Body<'a> {
    chunks: Vec<Chunk<'a>>,
    last: Size,
    trailers: Vec<Trailer<'a>>,
    after: &'a [u8],
}

#[derive(Debug, Arbitrary)]
struct Chunk<'a> {
    size: Size,
    extension: Extension<'a>,
    data: &'a [u8],
    end: End,
}

/// How the size is written.
#[derive(Debug, Arbitrary)]
enum Size {
    Lower,
    Upper,
    LeadingZeros(u8),
    Prefixed,
    Signed,
    Spaced,
    OneMore,
    Other(u64),
}

#[derive(Debug, Arbitrary)]
enum Extension<'a> {
    None,
    Name,
    Value(&'a [u8]),
    Quoted(&'a [u8]),
    Other(&'a [u8]),
}

#[derive(Debug, Arbitrary)]
enum End {
    Both,
    LineFeed,
    CarriageReturn,
    Missing,
}

#[derive(Debug, Arbitrary)]
enum Trailer<'a> {
    Plain,
    ContentLength,
    TransferEncoding,
    Other(&'a [u8]),
}

impl Body<'_> {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.chunks.iter().flat_map(Chunk::bytes).collect();
        bytes.extend(self.last.text(0).bytes().chain(*b"\r\n"));
        for trailer in &self.trailers {
            let line: &[u8] = match trailer {
                Trailer::Plain => b"x-checksum: 1\r\n",
                Trailer::ContentLength => b"Content-Length: 1\r\n",
                Trailer::TransferEncoding => b"Transfer-Encoding: chunked\r\n",
                Trailer::Other(line) => line,
            };
            bytes.extend(line);
        }
        bytes.extend(b"\r\n");
        bytes.extend(self.after);
        bytes
    }
}

impl Chunk<'_> {
    fn bytes(&self) -> Vec<u8> {
        let size = self.size.text(self.data.len() as u64);
        let (before, extension, after): (&[u8], &[u8], &[u8]) = match self.extension {
            Extension::None => (b"", b"", b"\r\n"),
            Extension::Name => (b";", b"name", b"\r\n"),
            Extension::Value(value) => (b";name=", value, b"\r\n"),
            Extension::Quoted(value) => (b";name=\"", value, b"\"\r\n"),
            Extension::Other(other) => (b"", other, b"\r\n"),
        };
        let end: &[u8] = match self.end {
            End::Both => b"\r\n",
            End::LineFeed => b"\n",
            End::CarriageReturn => b"\r",
            End::Missing => b"",
        };
        [size.as_bytes(), before, extension, after, self.data, end].concat()
    }
}

impl Size {
    fn text(&self, size: u64) -> String {
        match self {
            Self::Lower => format!("{size:x}"),
            Self::Upper => format!("{size:X}"),
            Self::LeadingZeros(width) => format!("{size:0width$x}", width = usize::from(width % 20)),
            Self::Prefixed => format!("0x{size:x}"),
            Self::Signed => format!("+{size:x}"),
            Self::Spaced => format!("{size:x} "),
            Self::OneMore => format!("{:x}", size + 1),
            Self::Other(other) => format!("{other:x}"),
        }
    }
}

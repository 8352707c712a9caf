//! A client that writes HTTP/2 frames byte by byte, also those that no client may send, and reads what comes back.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::raw::DEFAULT_LIMIT;

/// Frames by their numbers (RFC 9113 section 6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;

/// Flags.
const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct H2Frame {
    /// Its kind, by its number.
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// Its stream; 0 is the connection.
    pub stream: u32,
    /// All that follows its head.
    pub payload: Vec<u8>,
}

impl H2Frame {
    /// A frame of this kind.
    pub fn new(kind: u8, flags: u8, stream: u32, payload: impl Into<Vec<u8>>) -> Self {
        Self { kind, flags, stream, payload: payload.into() }
    }

    /// HEADERS with a whole header block.
    pub fn headers(stream: u32, block: impl Into<Vec<u8>>, ends: bool) -> Self {
        Self::new(HEADERS, END_HEADERS | u8::from(ends), stream, block)
    }

    /// A header block of any length: HEADERS, and CONTINUATION for what one frame does not hold.
    pub fn long_headers(stream: u32, block: &[u8], ends: bool) -> Vec<Self> {
        let pieces = block.chunks(16 * 1024);
        let last = pieces.len().saturating_sub(1);
        let frame = |(number, piece): (usize, &[u8])| {
            let flags = if number == last { END_HEADERS } else { 0 };
            match number {
                0 => Self::new(HEADERS, flags | u8::from(ends), stream, piece),
                _ => Self::new(9, flags, stream, piece),
            }
        };
        pieces.enumerate().map(frame).collect()
    }

    /// DATA.
    pub fn data(stream: u32, bytes: impl Into<Vec<u8>>, ends: bool) -> Self {
        Self::new(DATA, u8::from(ends), stream, bytes)
    }

    /// `RST_STREAM` with an error code.
    pub fn reset(stream: u32, code: u32) -> Self {
        Self::new(RST_STREAM, 0, stream, code.to_be_bytes())
    }

    /// SETTINGS with these values.
    pub fn settings(values: &[(u16, u32)]) -> Self {
        let one = |(id, value): &(u16, u32)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat();
        Self::new(SETTINGS, 0, 0, values.iter().flat_map(one).collect::<Vec<_>>())
    }

    /// `WINDOW_UPDATE` by so many bytes.
    pub fn window(stream: u32, bytes: u32) -> Self {
        Self::new(8, 0, stream, bytes.to_be_bytes())
    }

    /// GOAWAY: streams beyond the last one are not looked at.
    pub fn go_away(last_stream: u32, code: u32) -> Self {
        Self::new(GOAWAY, 0, 0, [last_stream.to_be_bytes(), code.to_be_bytes()].concat())
    }

    /// PING.
    pub fn ping() -> Self {
        Self::new(6, 0, 0, [7; 8])
    }

    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let length = u32::try_from(self.payload.len()).expect("a frame is smaller than that").to_be_bytes();
        [&length[1..], &[self.kind, self.flags], &self.stream.to_be_bytes(), &self.payload].concat()
    }

    fn code_at(&self, at: usize) -> u32 {
        let bytes = self.payload.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        u32::from_be_bytes(bytes.unwrap_or_else(|| panic!("an error code in {self:?}")))
    }
}

/// How a stream was answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct H2Answer {
    /// The status, when a head came.
    pub status: Option<u16>,
    /// The body, as far as it came.
    pub body: Vec<u8>,
    /// Whether the answer came to its end.
    pub complete: bool,
    /// The error code with which the stream was reset.
    pub reset: Option<u32>,
    /// How the connection ended, when it did.
    pub ending: Option<H2Ending>,
}

impl H2Answer {
    /// Whether the request was refused: by its stream, the connection or a status of 400 and more.
    pub fn refused(&self) -> bool {
        self.reset.is_some_and(|code| code != 0)
            || self.ending.is_some()
            || self.status.is_some_and(|status| status >= 400)
    }
}

/// How the server ended a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct H2Ending {
    /// The error code of its last GOAWAY.
    pub code: Option<u32>,
    /// What GOAWAY said beside it.
    pub debug: String,
    /// Frames that came before the end, by kind.
    pub frames: Vec<u8>,
}

/// One connection, frame by frame. Nothing is sent that the test does not send; pings and settings are not acknowledged.
#[derive(Debug)]
pub struct H2RawClient {
    stream: TcpStream,
    received: BytesMut,
    limit: Duration,
    go_away: Option<H2Frame>,
}

impl H2RawClient {
    /// What a client sends first (RFC 9113 section 3.4).
    pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

    /// Opens a connection and sends the preface, with these settings and without a table for the server's header compression.
    pub async fn connect(address: SocketAddr, settings: &[(u16, u32)]) -> Self {
        let mut client = Self::connect_silent(address).await;
        // Header table of 0: heads of answers can be read one by one.
        let settings = H2Frame::settings(&[&[(1, 0)], settings].concat());
        client.write(&[Self::PREFACE, &settings.encode()].concat()).await;
        client
    }

    /// The server's side of a connection that was accepted: reads the preface, and sends these settings.
    pub(crate) async fn accepted(stream: TcpStream, settings: &[(u16, u32)]) -> Self {
        stream.set_nodelay(true).expect("an open socket takes it");
        let mut server = Self { stream, received: BytesMut::new(), limit: DEFAULT_LIMIT, go_away: None };
        while server.received.len() < Self::PREFACE.len() {
            let read = timeout(DEFAULT_LIMIT, server.stream.read_buf(&mut server.received)).await;
            assert!(read.is_ok_and(|read| read.is_ok_and(|count| count > 0)), "the client sends the preface in time");
        }
        assert_eq!(server.received.split_to(Self::PREFACE.len()), Self::PREFACE, "the client speaks HTTP/2");
        server.send(&[H2Frame::settings(settings)]).await;
        server
    }

    /// Opens a connection and sends nothing.
    pub async fn connect_silent(address: SocketAddr) -> Self {
        let stream = timeout(DEFAULT_LIMIT, TcpStream::connect(address)).await;
        let stream = stream.expect("the server answers in time").expect("the server accepts connections");
        stream.set_nodelay(true).expect("an open socket takes it");
        Self { stream, received: BytesMut::new(), limit: DEFAULT_LIMIT, go_away: None }
    }

    /// Waits this long for each frame instead of [`DEFAULT_LIMIT`].
    #[must_use]
    pub fn with_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Writes these bytes.
    pub async fn write(&mut self, bytes: &[u8]) {
        assert!(self.try_write(bytes).await, "the server takes what is sent");
    }

    /// As [`Self::write`], for servers that may have closed: whether all was taken. What the server sends meanwhile is kept, so
    /// that neither side waits for the other.
    pub async fn try_write(&mut self, mut bytes: &[u8]) -> bool {
        let (mut reader, mut writer) = self.stream.split();
        let received = &mut self.received;
        let writing = async {
            let mut ended = false;
            while !bytes.is_empty() {
                tokio::select! {
                    written = writer.write(bytes) => match written {
                        Ok(count) => bytes.advance(count),
                        Err(_) => return false,
                    },
                    read = reader.read_buf(received), if !ended => match read {
                        Ok(0) => ended = true,
                        Ok(_) => {}
                        Err(_) => return false,
                    },
                }
            }
            true
        };
        timeout(self.limit, writing).await.expect("the server takes or closes in time")
    }

    /// Ends our side; the other's is still read.
    pub async fn finish(&mut self) {
        self.stream.shutdown().await.expect("the other side has not closed");
    }

    /// Sends frames in one piece.
    pub async fn send(&mut self, frames: &[H2Frame]) {
        let bytes: Vec<u8> = frames.iter().flat_map(H2Frame::encode).collect();
        self.write(&bytes).await;
    }

    /// As [`Self::send`], for servers that may have closed.
    pub async fn try_send(&mut self, frames: &[H2Frame]) -> bool {
        let bytes: Vec<u8> = frames.iter().flat_map(H2Frame::encode).collect();
        self.try_write(&bytes).await
    }

    /// Sends a request without a body.
    pub async fn get(&mut self, stream: u32, path: &str) {
        self.send(&[H2Frame::headers(stream, hpack::get(path), true)]).await;
    }

    /// The next frame; `None` when the server closed. Panics when neither comes within the limit.
    pub async fn next(&mut self) -> Option<H2Frame> {
        let limit = self.limit;
        let frame = timeout(limit, self.read()).await;
        let frame = frame.unwrap_or_else(|_| panic!("no frame and no end within {limit:?}")).ok().flatten()?;
        if frame.kind == GOAWAY {
            self.go_away = Some(frame.clone());
        }
        Some(frame)
    }

    /// The next frame that satisfies `wanted`; panics when the connection ends before.
    pub async fn until(&mut self, what: &str, wanted: impl Fn(&H2Frame) -> bool) -> H2Frame {
        loop {
            let frame = self.next().await.unwrap_or_else(|| panic!("the connection ended before {what}"));
            if wanted(&frame) {
                return frame;
            }
        }
    }

    /// Reads until a stream is answered or reset, or the connection ends.
    pub async fn answer(&mut self, stream: u32) -> H2Answer {
        let mut answer = H2Answer::default();
        loop {
            let Some(frame) = self.next().await else {
                answer.ending = Some(self.ending());
                return answer;
            };
            if frame.stream != stream {
                continue;
            }
            match frame.kind {
                HEADERS if answer.status.is_none() => answer.status = Some(hpack::status(&frame.payload)),
                DATA => answer.body.extend_from_slice(&frame.payload),
                RST_STREAM => {
                    answer.reset = Some(frame.code_at(0));
                    return answer;
                }
                _ => {}
            }
            if matches!(frame.kind, HEADERS | DATA) && frame.flags & END_STREAM != 0 {
                answer.complete = true;
                return answer;
            }
        }
    }

    /// Reads until the server closes, and says how it did; panics when it does not within the limit for each frame.
    pub async fn ended(&mut self) -> H2Ending {
        let mut kinds = Vec::new();
        while let Some(frame) = self.next().await {
            kinds.push(frame.kind);
        }
        H2Ending { frames: kinds, ..self.ending() }
    }

    fn ending(&self) -> H2Ending {
        let code = self.go_away.as_ref().map(|frame| frame.code_at(4));
        let debug = self.go_away.as_ref().and_then(|frame| frame.payload.get(8..)).unwrap_or_default();
        H2Ending { code, debug: String::from_utf8_lossy(debug).into_owned(), frames: Vec::new() }
    }

    async fn read(&mut self) -> io::Result<Option<H2Frame>> {
        loop {
            if let [high, middle, low, kind, flags, stream @ ..] = &self.received[..]
                && let Some(stream) = stream.first_chunk::<4>()
            {
                let length = usize::from(*high) << 16 | usize::from(*middle) << 8 | usize::from(*low);
                let (kind, flags, stream) = (*kind, *flags, u32::from_be_bytes(*stream));
                if self.received.len() >= 9 + length {
                    let frame = self.received.split_to(9 + length);
                    return Ok(Some(H2Frame::new(kind, flags, stream, &frame[9..])));
                }
            }
            self.received.reserve(16 * 1024);
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Ok(None);
            }
        }
    }
}

/// Header blocks: literal fields without compression, and what bombs are made of (RFC 7541).
pub mod hpack {
    /// Fields as they stand, none of them kept.
    pub fn block<N: AsRef<[u8]>, V: AsRef<[u8]>>(fields: impl IntoIterator<Item = (N, V)>) -> Vec<u8> {
        fields.into_iter().flat_map(|(name, value)| literal(0x00, name.as_ref(), value.as_ref())).collect()
    }

    /// The head of a GET request.
    pub fn get(path: &str) -> Vec<u8> {
        request("GET", path, &[])
    }

    /// The head of a request with more fields.
    pub fn request(method: &str, path: &str, fields: &[(&str, &str)]) -> Vec<u8> {
        let head = [(":method", method), (":scheme", "http"), (":authority", "a"), (":path", path)];
        block(head.into_iter().chain(fields.iter().copied()))
    }

    /// A field that is kept in the table, as its newest entry.
    pub fn kept(name: &[u8], value: &[u8]) -> Vec<u8> {
        literal(0x40, name, value)
    }

    /// The newest entry of the table so many times: one byte for each.
    pub fn newest(times: usize) -> Vec<u8> {
        vec![0x80 | 62; times]
    }

    /// The status at the begin of an answer's head, from a server without a table.
    pub(super) fn status(block: &[u8]) -> u16 {
        // Changes of the table's size come first.
        let start = block.iter().position(|byte| byte & 0xe0 != 0x20).expect("a head has fields");
        match block[start..] {
            [index @ 0x88..=0x8e, ..] => [200, 204, 206, 304, 400, 404, 500][usize::from(index - 0x88)],
            [0x08 | 0x48 | 0x18, length, ref value @ ..] if length & 0x80 != 0 => {
                digits_of_huffman(&value[..usize::from(length & 0x7f)])
            }
            [0x08 | 0x48 | 0x18, 3, ref value @ ..] => {
                value[..3].iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0'))
            }
            ref other => panic!("no status in {other:?}"),
        }
    }

    /// Three digits in HPACK's Huffman code (RFC 7541 appendix B): 0 to 2 have five bits, the others six.
    fn digits_of_huffman(bytes: &[u8]) -> u16 {
        let bits = bytes.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        let (mut left, mut number) = (bytes.len() * 8, 0);
        for _ in 0..3 {
            let five = bits >> (left - 5) & 0x1f;
            let (digit, length) = if five < 3 { (five, 5) } else { ((bits >> (left - 6) & 0x3f) - 22, 6) };
            number = number * 10 + u16::try_from(digit).expect("one digit");
            left -= length;
        }
        number
    }

    fn literal(form: u8, name: &[u8], value: &[u8]) -> Vec<u8> {
        [&[form][..], &text(name), &text(value)].concat()
    }

    /// A text with its length, which has seven bits and goes on in bytes of seven bits.
    fn text(bytes: &[u8]) -> Vec<u8> {
        let mut coded = Vec::new();
        if bytes.len() < 127 {
            coded.push(u8::try_from(bytes.len()).expect("it is small"));
        } else {
            coded.push(127);
            let mut left = bytes.len() - 127;
            while left >= 128 {
                coded.push(u8::try_from(left % 128).expect("seven bits") | 0x80);
                left /= 128;
            }
            coded.push(u8::try_from(left).expect("seven bits"));
        }
        coded.extend_from_slice(bytes);
        coded
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn lengths_and_statuses_are_coded_as_rfc_7541_says() {
            assert_eq!(block([("a", "b")]), b"\x00\x01a\x01b");
            assert_eq!(text(&[b'x'; 127 + 1_306])[..3], [127, 0x80 | 26, 10]);
            assert_eq!(status(&[0x20, 0x88]), 200);
            assert_eq!(status(b"\x48\x82\x64\x02"), 302, "appendix C.6.1");
            assert_eq!(status(b"\x48\x83\x64\x0e\xff"), 307, "appendix C.6.2");
            assert_eq!(status(b"\x08\x03431"), 431);
        }
    }
}

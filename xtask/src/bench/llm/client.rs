//! A client for calls of language models: one keep-alive connection, answers with a length, in chunks, and as streams.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::clock;
use crate::failure::Failure;

const LIMIT: Duration = Duration::from_secs(60);
const READ_BYTES: usize = 16 * 1024;

/// How a gateway is asked.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    pub(crate) port: u16,
    pub(crate) path: &'static str,
    /// Fields of each call, each with its end of line.
    pub(crate) fields: String,
}

/// An open connection.
pub(crate) struct Caller {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Door {
    /// A call of this model, as it is sent.
    pub(crate) fn call(&self, model: &str, streams: bool) -> Vec<u8> {
        let body = format!(
            r#"{{"model":"{model}","stream":{streams},"max_tokens":1000,"messages":[{{"role":"user","content":"say: the heron stands in the reeds"}}]}}"#
        );
        let Self { path, fields, .. } = self;
        let length = body.len();
        format!(
            "POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n{fields}content-length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }

    pub(crate) fn open(&self) -> Result<Caller, Failure> {
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        let stream = TcpStream::connect_timeout(&address, LIMIT).and_then(|stream| {
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(LIMIT))?;
            Ok(stream)
        });
        let stream = stream.map_err(|error| Failure::broken(format!("cannot connect to {address}: {error}")))?;
        Ok(Caller { stream, buffer: Vec::with_capacity(READ_BYTES) })
    }
}

impl Caller {
    pub(crate) fn send(&mut self, call: &[u8]) -> Result<(), Failure> {
        self.buffer.clear();
        self.stream.write_all(call).map_err(|error| Failure::broken(format!("cannot send a call: {error}")))
    }

    /// Reads an answer to its last byte; gives when that came. Only 200 is an answer here.
    pub(crate) fn answer(&mut self) -> Result<Instant, Failure> {
        loop {
            let at = self.read()?;
            if whole(&self.buffer) {
                return good(&self.buffer).map(|()| at);
            }
        }
    }

    /// Reads until the first event of a stream is here; gives when that was.
    pub(crate) fn first_event(&mut self) -> Result<Instant, Failure> {
        loop {
            let at = self.read()?;
            let body = body(&self.buffer).unwrap_or_default();
            if body.windows(5).any(|window| window == b"data:") {
                return good(&self.buffer).map(|()| at);
            }
            if whole(&self.buffer) {
                good(&self.buffer)?;
                return Err(Failure::broken("the answer is no stream"));
            }
        }
    }

    fn read(&mut self) -> Result<Instant, Failure> {
        let mut bytes = [0_u8; READ_BYTES];
        let read = self.stream.read(&mut bytes);
        let at = clock::now();
        match read {
            Ok(0) => Err(Failure::broken("the connection was closed in the middle of an answer")),
            Ok(read) => {
                self.buffer.extend(bytes.iter().take(read));
                Ok(at)
            }
            Err(error) => Err(Failure::broken(format!("cannot read an answer: {error}"))),
        }
    }
}

/// What follows the head, once that is here.
fn body(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    bytes.get(end + 4..)
}

fn whole(bytes: &[u8]) -> bool {
    let Some(body) = body(bytes) else { return false };
    let head = bytes.get(..bytes.len() - body.len()).unwrap_or_default();
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")).map(str::trim);
    match length.and_then(|length| length.parse::<usize>().ok()) {
        Some(length) => body.len() >= length,
        None => body.ends_with(b"0\r\n\r\n"),
    }
}

fn good(bytes: &[u8]) -> Result<(), Failure> {
    if bytes.starts_with(b"HTTP/1.1 200") {
        return Ok(());
    }
    let told: String = String::from_utf8_lossy(bytes).chars().take(400).collect();
    Err(Failure::broken(format!("a call was answered: {told}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_end_by_their_length_or_their_last_chunk() {
        let head = "HTTP/1.1 200 OK\r\n";
        for (answer, expected) in [
            ("Content-Length: 2\r\n\r\nok", true),
            ("Content-Length: 3\r\n\r\nok", false),
            ("Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", false),
            ("Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", true),
            ("Content-Le", false),
        ] {
            assert_eq!(whole(format!("{head}{answer}").as_bytes()), expected, "{answer}");
        }
        assert!(good(b"HTTP/1.1 500 X\r\n\r\n").is_err());
    }
}

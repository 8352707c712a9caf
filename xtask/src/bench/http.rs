//! A client for one keep-alive connection: enough of HTTP/1.1 to send the bench's request and read a whole answer.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::clock;
use crate::failure::Failure;

const LIMIT: Duration = Duration::from_secs(5);
const READ_BYTES: usize = 16 * 1024;

/// An open connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    read_at: Instant,
}

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// When the last byte came, before any of this was looked at: reading long heads takes this client longer.
    pub(crate) received_at: Instant,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Connection {
    pub(crate) fn open(port: u16) -> Result<Self, Failure> {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let stream = TcpStream::connect_timeout(&address, LIMIT).and_then(|stream| {
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(LIMIT))?;
            stream.set_write_timeout(Some(LIMIT))?;
            Ok(stream)
        });
        let stream = stream.map_err(|error| Failure::broken(format!("cannot connect to {address}: {error}")))?;
        Ok(Self { stream, buffer: Vec::with_capacity(READ_BYTES), read_at: clock::now() })
    }

    /// Sends one request and reads the answer to its last byte.
    pub(crate) fn get(&mut self, path: &str) -> Result<Answer, Failure> {
        self.ask(path)?;
        self.answer()
    }

    /// The same with another field.
    pub(crate) fn get_with(&mut self, path: &str, field: &str) -> Result<Answer, Failure> {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{field}\r\n\r\n"))?;
        self.answer()
    }

    /// Sends JSON and reads the answer to its last byte.
    pub(crate) fn post(&mut self, path: &str, json: &str) -> Result<Answer, Failure> {
        let length = json.len();
        self.send(&format!(
            "POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{json}"
        ))?;
        self.answer()
    }

    /// Sends one request.
    pub(crate) fn ask(&mut self, path: &str) -> Result<(), Failure> {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"))
    }

    /// Sends this, whatever it is.
    pub(crate) fn send(&mut self, request: &str) -> Result<(), Failure> {
        self.stream
            .write_all(request.as_bytes())
            .map_err(|error| Failure::broken(format!("cannot send a request: {error}")))
    }

    /// Reads the answer to the request that was sent, to its last byte.
    pub(crate) fn answer(&mut self) -> Result<Answer, Failure> {
        self.buffer.clear();
        loop {
            if let Some((head, length)) = head(&self.buffer) {
                let answer = parse(&head, self.read_at);
                let mut answer = answer.ok_or_else(|| Failure::broken(format!("not an HTTP answer: {head}")))?;
                let body = answer.header("content-length").and_then(|length| length.parse::<usize>().ok());
                let body = body.ok_or_else(|| Failure::broken(format!("an answer without a length: {head}")))?;
                self.fill(length + body)?;
                answer.received_at = self.read_at;
                answer.body = self.buffer.split_off(length);
                return Ok(answer);
            }
            self.fill(self.buffer.len() + 1)?;
        }
    }

    /// Reads until the buffer holds `length` bytes.
    fn fill(&mut self, length: usize) -> Result<(), Failure> {
        let mut bytes = [0_u8; READ_BYTES];
        while self.buffer.len() < length {
            let read = self
                .stream
                .read(&mut bytes)
                .map_err(|error| Failure::broken(format!("cannot read an answer: {error}")))?;
            self.read_at = clock::now();
            if read == 0 {
                return Err(Failure::broken("the connection was closed in the middle of an answer"));
            }
            self.buffer.extend(bytes.iter().take(read));
        }
        Ok(())
    }
}

/// The head with its length in bytes, once its empty line has arrived.
fn head(bytes: &[u8]) -> Option<(String, usize)> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    Some((String::from_utf8_lossy(bytes.get(..end)?).into_owned(), end))
}

fn parse(head: &str, received_at: Instant) -> Option<Answer> {
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    Some(Answer { status, headers, body: Vec::new(), received_at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Request-Id:a\r\n\r\nok";
        assert_eq!(head(&bytes[..20]), None);
        let (text, length) = head(bytes).unwrap();
        assert_eq!(length, bytes.len() - 2);
        let answer = parse(&text, clock::now()).unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("x-request-id"), Some("a"));
        assert_eq!(parse("220 mail", clock::now()), None);
    }
}

//! What a client received: an answer, its interim answers, and the pieces of a streamed body.

use std::{fmt, time::Duration};

use bytes::Bytes;
use serde_json::Value;

use super::head::{Head, named};
use super::wire::WireError;

/// One answer as it was on the wire.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RawResponse {
    /// `HTTP/1.1` or `HTTP/1.0`.
    pub version: String,
    /// The status code of the final answer; 101 is final.
    pub status: u16,
    /// The reason phrase, often empty.
    pub reason: String,
    /// Header lines in order, with their original case.
    pub headers: Vec<(String, String)>,
    /// The body without its framing; empty while it is still being streamed.
    pub body: Vec<u8>,
    /// The trailers of a chunked body.
    pub trailers: Vec<(String, String)>,
    /// The 1xx answers that came before, in order.
    pub interim: Vec<Interim>,
    /// The bytes of the final head, up to and with the empty line.
    pub raw_head: Vec<u8>,
}

impl fmt::Debug for RawResponse {
    /// For people who read why a test failed: the head and the body as text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = self.body.get(..self.body.len().min(2_000)).unwrap_or_default();
        write!(f, "{}{}", String::from_utf8_lossy(&self.raw_head), String::from_utf8_lossy(body))
    }
}

/// A 1xx answer other than 101.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interim {
    /// 100, 103 and so on.
    pub status: u16,
    /// Header lines in order, with their original case.
    pub headers: Vec<(String, String)>,
}

/// Bytes of a body that arrived together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Time since the last write of the client.
    pub after: Duration,
    /// At most 64 KiB, never of two chunks.
    pub bytes: Bytes,
}

impl RawResponse {
    pub(super) fn from_head(head: Head) -> Result<Self, WireError> {
        let malformed = || WireError::Malformed(format!("status line \"{}\"", head.start.escape_debug()));
        let mut parts = head.start.splitn(3, ' ');
        let version = parts.next().unwrap_or_default();
        let code = parts.next().unwrap_or_default();
        if !matches!(version, "HTTP/1.1" | "HTTP/1.0") || code.len() != 3 {
            return Err(malformed());
        }
        let status = code.parse().map_err(|_| malformed())?;
        let (version, reason) = (version.to_owned(), parts.next().unwrap_or_default().to_owned());
        Ok(Self { version, status, reason, headers: head.headers, raw_head: head.raw, ..Self::default() })
    }

    /// The value of the first header line with this name, compared without case.
    pub fn header(&self, name: &str) -> Option<&str> {
        named(&self.headers, name).next()
    }

    /// The values of all header lines with this name, in order.
    pub fn headers_named(&self, name: &str) -> Vec<&str> {
        named(&self.headers, name).collect()
    }

    /// The body as text; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; panics with the whole answer when it is not.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("the body is not JSON ({error}) in {}", self.describe()))
    }

    /// The answer itself when it has this status; panics with the whole answer otherwise.
    #[track_caller]
    pub fn expect_status(self, status: u16) -> Self {
        assert_eq!(self.status, status, "unexpected status of {}", self.describe());
        self
    }

    /// The body, when this is a problem of this type with this status, in JSON; panics with the whole answer otherwise.
    #[track_caller]
    pub fn expect_problem(&self, status: u16, slug: &str) -> Value {
        assert_eq!(self.status, status, "unexpected status of {}", self.describe());
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "no problem in {}", self.describe());
        let problem = self.json();
        let named = problem["type"].as_str().and_then(|kind| kind.rsplit('/').next());
        assert_eq!(named, Some(slug), "another problem in {}", self.describe());
        assert_eq!(problem["status"], status, "the body contradicts the status in {}", self.describe());
        problem
    }

    /// Whether the server lets the connection be used for another request.
    pub fn keeps_connection(&self) -> bool {
        let framed = self.header("content-length").is_some()
            || self.header("transfer-encoding").is_some()
            || matches!(self.status, 204 | 304);
        self.version == "HTTP/1.1" && framed && !super::head::lists(&self.headers, "connection", "close")
    }

    fn describe(&self) -> String {
        let shown = &self.body[..self.body.len().min(2048)];
        format!("{}{}", String::from_utf8_lossy(&self.raw_head), String::from_utf8_lossy(shown))
    }
}

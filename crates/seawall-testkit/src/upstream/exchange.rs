//! One request and its answer on a connection: reading the body into the record, writing heads and framed bodies.

use std::time::Duration;

use tokio::time::sleep;

use super::record::{Seen, SeenRequest};
use super::target::Target;
use crate::client::framing::{BodyReader, Framing};
use crate::client::head::lists;
use crate::client::wire::{Wire, WireError};

/// What becomes of the connection after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    KeepAlive,
    Close,
    Reset,
}

/// The outcome of a behaviour; an error means that the other side has gone or broke the rules.
pub(super) type Outcome = Result<Next, WireError>;

pub(super) struct Exchange<'c> {
    pub(super) wire: &'c mut Wire,
    /// The request as it was when its head was whole.
    pub(super) request: SeenRequest,
    pub(super) target: Target,
    /// Where bytes that come after the head are recorded.
    pub(super) seen: Seen<'c>,
    body: BodyReader,
    continue_owed: bool,
}

impl<'c> Exchange<'c> {
    /// Takes up a request whose head has been read and recorded.
    pub(super) fn new(
        wire: &'c mut Wire,
        seen: Seen<'c>,
        request: SeenRequest,
        framing: Framing,
        target: Target,
    ) -> Self {
        let continue_owed = lists(&request.headers, "expect", "100-continue");
        let exchange = Self { wire, request, target, seen, body: BodyReader::new(framing), continue_owed };
        exchange.note_end();
        exchange
    }

    /// Reads the request's body to its end, with flat memory, and returns the record of the request. A client that waits
    /// for 100 Continue is told first.
    pub(super) async fn read_body(&mut self) -> Result<SeenRequest, WireError> {
        if self.owes_continue() {
            self.interim(100, &[]).await?;
        }
        while let Some(piece) = self.body.next(self.wire).await? {
            self.seen.add_body(&piece);
        }
        self.note_end();
        Ok(self.seen.get())
    }

    /// Whether the client still waits for 100 Continue, so that its body may never come.
    pub(super) fn owes_continue(&self) -> bool {
        self.continue_owed && !self.body.done()
    }

    fn note_end(&self) {
        if self.body.done() {
            self.seen.complete(self.body.trailers());
        }
    }

    /// Writes an informational answer.
    pub(super) async fn interim(&mut self, status: u16, headers: &[(&str, &str)]) -> Result<(), WireError> {
        if status == 100 {
            self.continue_owed = false;
        }
        self.head(status, headers).await
    }

    /// Writes a whole answer with its Content-Length.
    pub(super) async fn answer(&mut self, status: u16, headers: &[(&str, &str)], body: &[u8]) -> Outcome {
        let length = body.len().to_string();
        let mut all = headers.to_vec();
        all.push(("Content-Length", &length));
        self.head(status, &all).await?;
        self.body(body).await?;
        Ok(Next::KeepAlive)
    }

    /// Writes a head with exactly these headers, and `Connection: close` when the request asked for it.
    pub(super) async fn head(&mut self, status: u16, headers: &[(&str, &str)]) -> Result<(), WireError> {
        let owned = headers.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
        self.raw_head(status, owned).await
    }

    /// As [`Self::head`], with header bytes that may break the rules.
    pub(super) async fn raw_head(
        &mut self,
        status: u16,
        headers: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>,
    ) -> Result<(), WireError> {
        let reason =
            http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default();
        let mut bytes = format!("HTTP/1.1 {status} {reason}\r\n").into_bytes();
        for (name, value) in headers {
            bytes.extend_from_slice(&[&name, b": ".as_slice(), &value, b"\r\n"].concat());
        }
        if status >= 200 && self.closes() {
            bytes.extend_from_slice(b"Connection: close\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        self.wire.write(&bytes).await
    }

    /// Writes bytes of the body, unless the answer is to a HEAD request.
    pub(super) async fn body(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        if self.wants_head_only() { Ok(()) } else { self.wire.write(bytes).await }
    }

    /// Writes the head of a chunked answer; to HTTP/1.0 the body goes unframed and ends with the connection.
    pub(super) async fn chunked_head(&mut self, status: u16, headers: &[(&str, &str)]) -> Result<(), WireError> {
        let mut all = headers.to_vec();
        if self.understands_chunks() {
            all.push(("Transfer-Encoding", "chunked"));
        }
        self.head(status, &all).await
    }

    /// Writes one chunk, in one write.
    pub(super) async fn chunk(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        if self.understands_chunks() {
            let size = format!("{:x}\r\n", bytes.len());
            self.body(&[size.as_bytes(), bytes, b"\r\n"].concat()).await
        } else {
            self.body(bytes).await
        }
    }

    /// Ends a chunked body.
    pub(super) async fn last_chunk(&mut self, trailers: &[(&str, &str)]) -> Outcome {
        if self.understands_chunks() {
            let lines: String = trailers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            self.body(format!("0\r\n{lines}\r\n").as_bytes()).await?;
        }
        Ok(Next::KeepAlive)
    }

    /// Waits, unless the other side goes away meanwhile (its FIN counts as going away).
    pub(super) async fn pause(&mut self, milliseconds: u64) -> Result<(), WireError> {
        tokio::select! {
            () = sleep(Duration::from_millis(milliseconds)) => Ok(()),
            () = self.wire.peer_gone() => Err(WireError::Closed),
        }
    }

    pub(super) fn wants_head_only(&self) -> bool {
        self.request.method == "HEAD"
    }

    /// Whether the connection ends with this answer, by the request's wish.
    pub(super) fn closes(&self) -> bool {
        self.request.version != "HTTP/1.1" || lists(&self.request.headers, "connection", "close")
    }

    fn understands_chunks(&self) -> bool {
        self.request.version == "HTTP/1.1"
    }
}

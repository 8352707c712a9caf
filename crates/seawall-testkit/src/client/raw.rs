//! A client that writes exact bytes on one connection and reads answers strictly; it panics, with what it received, when they do not come.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use super::failure::{FailureKind, ReadFailure};
use super::framing::{BodyReader, Framing};
use super::head::Head;
use super::request::Request;
use super::response::{Interim, Piece, RawResponse};
use super::wire::{Wire, WireError};

/// How long a client waits for an answer, a piece of a body or the end of a connection, unless told otherwise.
pub const DEFAULT_LIMIT: Duration = Duration::from_secs(10);

/// One connection to a server. Everything about it is in the hands of the test: what is sent, when, and how it ends.
#[derive(Debug)]
pub struct RawClient {
    pub(super) wire: Wire,
    peer: SocketAddr,
    limit: Duration,
    asked: String,
    sent_at: Instant,
    body: BodyReader,
}

impl RawClient {
    /// Opens a connection; panics when it is refused or not there within the default limit.
    pub async fn connect(peer: SocketAddr) -> Self {
        match Self::try_connect(peer).await {
            Ok(client) => client,
            Err(error) => panic!("no connection to {peer}: {error}"),
        }
    }

    /// As [`Self::connect`], for servers that may be down.
    pub async fn try_connect(peer: SocketAddr) -> std::io::Result<Self> {
        let stream = timeout(DEFAULT_LIMIT, TcpStream::connect(peer)).await??;
        stream.set_nodelay(true)?;
        let body = BodyReader::new(Framing::Empty);
        Ok(Self {
            wire: Wire::new(stream),
            peer,
            limit: DEFAULT_LIMIT,
            asked: "(nothing)".to_owned(),
            sent_at: Instant::now(),
            body,
        })
    }

    /// Waits this long instead of [`DEFAULT_LIMIT`].
    #[must_use]
    pub fn with_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The server's address.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Our own address: what the server sees as the client's.
    pub fn local_address(&mut self) -> SocketAddr {
        self.wire.stream().local_addr().expect("an open socket has an address")
    }

    /// Writes these bytes and nothing else; panics when the server does not take them.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        if let Err(kind) = self.try_write(bytes).await {
            self.fail(&self.failure(kind, None));
        }
    }

    /// As [`Self::write`], for servers that may stop reading.
    pub async fn try_write(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), FailureKind> {
        let bytes = bytes.as_ref();
        self.asked = first_line(bytes);
        self.wire.begin_transcript();
        let written = limited(self.limit, self.wire.write(bytes)).await;
        self.sent_at = Instant::now();
        written
    }

    /// Sends a request (Host and Content-Length are added when missing) and reads its answer.
    pub async fn send(&mut self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> RawResponse {
        let request =
            headers.iter().fold(Request::new(method, target), |request, (name, value)| request.header(*name, *value));
        self.request(&request.body(body)).await
    }

    /// Sends a request and reads its answer, also one given before the whole request was written.
    pub async fn request(&mut self, request: &Request) -> RawResponse {
        match self.try_request(request).await {
            Ok(response) => response,
            Err(failure) => self.fail(&failure),
        }
    }

    /// As [`Self::request`], for answers that may not come whole.
    pub async fn try_request(&mut self, request: &Request) -> Result<RawResponse, ReadFailure> {
        // A server may refuse a body it has not read; its answer matters, not the failed write.
        if let Err(kind) = self.try_write(request.encode(&self.peer.to_string())).await
            && kind != FailureKind::Reset
        {
            return Err(self.failure(kind, None));
        }
        self.try_read_response(request.method()).await
    }

    /// Reads one answer to a request with `method`, which the framing depends on.
    pub async fn read_response(&mut self, method: &str) -> RawResponse {
        match self.try_read_response(method).await {
            Ok(response) => response,
            Err(failure) => self.fail(&failure),
        }
    }

    /// As [`Self::read_response`], for answers that may not come whole.
    pub async fn try_read_response(&mut self, method: &str) -> Result<RawResponse, ReadFailure> {
        let deadline = Instant::now() + self.limit;
        let mut response = self.head_until(deadline, method).await?;
        loop {
            match self.piece_until(deadline).await {
                Ok(Some(piece)) => response.body.extend_from_slice(&piece),
                Ok(None) => {
                    response.trailers.clone_from(self.body.trailers());
                    return Ok(response);
                }
                Err(kind) => return Err(self.failure(kind, Some(response))),
            }
        }
    }

    /// Reads up to the end of the head; the body follows by [`Self::next_piece`] or one of its neighbours.
    pub async fn read_head(&mut self, method: &str) -> RawResponse {
        match self.head_until(Instant::now() + self.limit, method).await {
            Ok(response) => response,
            Err(failure) => self.fail(&failure),
        }
    }

    /// The next bytes of the body as soon as they are there; `None` at its end. The limit counts for each piece.
    pub async fn next_piece(&mut self) -> Option<Piece> {
        match self.try_next_piece().await {
            Ok(piece) => piece,
            Err(failure) => self.fail(&failure),
        }
    }

    /// As [`Self::next_piece`], for bodies that may break off.
    pub async fn try_next_piece(&mut self) -> Result<Option<Piece>, ReadFailure> {
        match self.piece_until(Instant::now() + self.limit).await {
            Ok(piece) => Ok(piece.map(|bytes| Piece { after: self.sent_at.elapsed(), bytes })),
            Err(kind) => Err(self.failure(kind, None)),
        }
    }

    /// All pieces of the body, each with the time it came; the limit counts for each piece.
    pub async fn read_body_streaming(&mut self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        while let Some(piece) = self.next_piece().await {
            pieces.push(piece);
        }
        pieces
    }

    /// The trailers of the last body, once it was read to its end.
    pub fn trailers(&self) -> &[(String, String)] {
        self.body.trailers()
    }

    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    /// Ends with the failure, saying which request it belongs to.
    pub(super) fn fail(&self, failure: &ReadFailure) -> ! {
        panic!("{} to {}: {failure}", self.asked, self.peer)
    }

    pub(super) fn failure(&self, kind: FailureKind, partial: Option<RawResponse>) -> ReadFailure {
        ReadFailure { kind, partial, received: self.wire.transcript() }
    }

    async fn head_until(&mut self, deadline: Instant, method: &str) -> Result<RawResponse, ReadFailure> {
        match limited_until(deadline, self.limit, receive_head(&mut self.wire, method)).await {
            Ok((response, framing)) => {
                self.body = BodyReader::new(framing);
                Ok(response)
            }
            Err(kind) => Err(self.failure(kind, None)),
        }
    }

    async fn piece_until(&mut self, deadline: Instant) -> Result<Option<Bytes>, FailureKind> {
        limited_until(deadline, self.limit, self.body.next(&mut self.wire)).await
    }
}

async fn receive_head(wire: &mut Wire, method: &str) -> Result<(RawResponse, Framing), WireError> {
    let mut interim = Vec::new();
    loop {
        let head = Head::read(wire).await?.ok_or(WireError::Closed)?;
        let mut response = RawResponse::from_head(head)?;
        if matches!(response.status, 100..=199) && response.status != 101 {
            interim.push(Interim { status: response.status, headers: response.headers });
            continue;
        }
        let framing = Framing::of_response(method, response.status, &response.headers)?;
        response.interim = interim;
        return Ok((response, framing));
    }
}

/// Runs a read or write for at most `limit`.
pub(super) async fn limited<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, WireError>>,
) -> Result<T, FailureKind> {
    limited_until(Instant::now() + limit, limit, work).await
}

async fn limited_until<T>(
    deadline: Instant,
    limit: Duration,
    work: impl Future<Output = Result<T, WireError>>,
) -> Result<T, FailureKind> {
    match timeout_at(deadline, work).await {
        Ok(done) => done.map_err(FailureKind::from),
        Err(_) => Err(FailureKind::TimedOut(limit)),
    }
}

fn first_line(bytes: &[u8]) -> String {
    let line = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
    line[..line.len().min(120)].escape_ascii().to_string()
}

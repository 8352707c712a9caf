//! The connection of a raw client beside its answers: bytes as they come, silence, and how it ends.

use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::failure::FailureKind;
use super::raw::{RawClient, limited};

impl RawClient {
    /// The next bytes whatever they mean, at least one; empty when the server closed.
    pub async fn read_some(&mut self) -> Bytes {
        match limited(self.limit(), self.wire.some(usize::MAX)).await {
            Ok(bytes) => bytes,
            Err(kind) => self.fail(&self.failure(kind, None)),
        }
    }

    /// Whether the connection ends, one way or another, within `duration`; bytes that come meanwhile are thrown away.
    pub async fn ends_within(&mut self, duration: Duration) -> bool {
        let ended = async { while self.wire.some(usize::MAX).await.is_ok_and(|bytes| !bytes.is_empty()) {} };
        timeout(duration, ended).await.is_ok()
    }

    /// Exactly `count` bytes.
    pub async fn read_exactly(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while bytes.len() < count {
            let more = limited(self.limit(), self.wire.some(count - bytes.len())).await;
            match more {
                Ok(more) if more.is_empty() => self.fail(&self.failure(FailureKind::Closed, None)),
                Ok(more) => bytes.extend_from_slice(&more),
                Err(kind) => self.fail(&self.failure(kind, None)),
            }
        }
        bytes
    }

    /// Bytes that arrived and belong to no answer read so far.
    pub fn unread(&self) -> &[u8] {
        self.wire.unread()
    }

    /// Panics when anything arrives, or the connection ends, within `duration`.
    pub async fn expect_silence(&mut self, duration: Duration) {
        if let Ok(result) = timeout(duration, self.wire.some(usize::MAX)).await {
            panic!("expected silence for {duration:?} from {}, got {result:?}", self.peer());
        }
    }

    /// Waits for the clean end (FIN) of the connection; panics on any further byte or a reset.
    pub async fn expect_closed(&mut self) {
        if let Some(kind) = self.wait_for_end("a closed connection").await {
            self.fail(&self.failure(kind, None));
        }
    }

    /// Waits for the end of the connection, clean or not; panics on any further byte.
    pub async fn expect_reset_or_closed(&mut self) {
        match self.wait_for_end("a closed or reset connection").await {
            None | Some(FailureKind::Reset) => {}
            Some(kind) => self.fail(&self.failure(kind, None)),
        }
    }

    /// Waits for RST; panics on any further byte or a clean end.
    pub async fn expect_reset(&mut self) {
        match self.wait_for_end("a reset connection").await {
            Some(FailureKind::Reset) => {}
            Some(kind) => self.fail(&self.failure(kind, None)),
            None => panic!("expected a reset from {}, but the connection was closed cleanly", self.peer()),
        }
    }

    /// Says that nothing more will be sent (FIN) and keeps reading.
    pub async fn finish_writing(&mut self) {
        self.wire.stream().shutdown().await.expect("the connection is still open");
    }

    /// Ends the connection with RST, as a client that crashed.
    pub fn reset(self) {
        self.wire.reset().expect("the connection is still open");
    }

    /// The socket and the bytes read from it that belong to no answer, for another protocol.
    pub fn into_parts(self) -> (TcpStream, Bytes) {
        self.wire.into_parts()
    }

    /// `None` when the stream ended cleanly.
    async fn wait_for_end(&mut self, expected: &str) -> Option<FailureKind> {
        match limited(self.limit(), self.wire.some(usize::MAX)).await {
            Ok(bytes) if bytes.is_empty() => None,
            Ok(bytes) => panic!("expected {expected} from {}, got \"{}\"", self.peer(), bytes.escape_ascii()),
            Err(kind) => Some(kind),
        }
    }
}

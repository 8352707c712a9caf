//! A client's socket as hyper reads it: every byte over HTTP/1 is checked first, and the watchdog is told that bytes came.
//!
//! Of a head that is refused hyper sees nothing. It is given a request of ours in its place, once all requests before it are
//! answered; the service knows that this one stands for the refusal and answers with it
//! ([decision 10](../../../../docs/decisions/0010-a-refused-head-is-replaced.md)).

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::BytesMut;
use http::Method;
use seawall_core::http::framing::{Limits, Refusal, RequestChecker};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    activity::Wire,
    gate::{Gate, Given},
    linger::Linger,
    refused::{Refused, known},
    send_queue::Ends,
    stream::ClientStream,
};

/// What stands for a refused head. The second is for a client that expects no body, whatever the answer is.
const STAND_IN: &[u8] = b"GET / HTTP/1.1\r\nHost: refused\r\nConnection: close\r\n\r\n";
const STAND_IN_FOR_HEAD: &[u8] = b"HEAD / HTTP/1.1\r\nHost: refused\r\nConnection: close\r\n\r\n";

/// What a request over HTTP/1 may have. A head may be as large as the largest that `[strict_http]` can allow with the longest
/// request line; within that the guard decides, so that its configured limits hold for every protocol. 100 fields are hyper's
/// limit too.
const LIMITS: Limits = Limits { head_bytes: 112 * 1024, ..Limits::requests() };

/// A client's socket.
#[derive(Debug)]
pub(super) struct Socket {
    stream: ClientStream,
    gate: Gate<RequestChecker>,
    wire: Arc<Wire>,
    linger: Option<Linger>,
}

/// What a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// HTTP/1.1 or HTTP/1.0.
    Http1,
    /// HTTP/2, whose frames leave no doubt where a message ends.
    Http2,
}

impl Socket {
    /// A socket of which `read_ahead` was read already.
    pub(super) fn new(stream: ClientStream, protocol: Protocol, read_ahead: BytesMut, wire: Arc<Wire>) -> Self {
        let mut gate = Gate::new(RequestChecker::new(LIMITS));
        if protocol == Protocol::Http2 {
            gate.open();
        }
        gate.bring(read_ahead);
        Self { stream, gate, wire, linger: None }
    }

    /// Ready when bytes have come, or the client has left. Over TLS bytes may have come that mean nothing to HTTP.
    pub(super) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.stream.tcp().poll_read_ready(cx).map(|_| ())
    }

    /// hyper asks for bytes, and there are none. It does so only when it has used all that it was given, or in the middle of a
    /// message; so between messages it holds none, and may be parted with once all that it wrote is on its way.
    fn starves(&mut self) {
        if self.wire.asked_to_rest() {
            let between = self.linger.is_none() && !self.wire.switched() && self.gate.checker().between_messages();
            self.wire.can_rest(between);
        }
    }

    /// Tells of bytes that were written, or wait for room.
    fn wrote<T>(&self, written: Poll<T>) -> Poll<T> {
        let blocked = written.is_pending();
        if blocked {
            self.wire.is_between(|| {
                let tcp = self.stream.tcp();
                Some(Ends { local: tcp.local_addr().ok()?, peer: tcp.peer_addr().ok()? })
            });
        }
        self.wire.wrote(blocked);
        written
    }

    /// What hyper sees in the place of refused bytes.
    fn refuse(&mut self, refusal: Refusal) -> Poll<io::Result<()>> {
        let progress = self.gate.checker().progress();
        if progress.heads > progress.messages {
            self.wire.refuse(Refused { refusal, head: None });
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, refusal)));
        }
        // Until all before it are answered, another protocol may still take over.
        if self.wire.ended() < progress.heads {
            self.wire.wait_for_end();
            return Poll::Pending;
        }
        if self.wire.refused().is_some() {
            return Poll::Pending;
        }
        let right = usize::try_from(refusal.offset.saturating_sub(progress.bytes)).unwrap_or(usize::MAX);
        let head = known(self.gate.unpassed(), right);
        let stand_in = if head.method() == Method::HEAD { STAND_IN_FOR_HEAD } else { STAND_IN };
        self.gate.substitute(stand_in);
        self.wire.refuse(Refused { refusal, head: Some(head) });
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.wire.switched() {
            this.gate.open();
        }
        loop {
            let Self { stream, gate, wire, .. } = this;
            let Poll::Ready(given) = gate.poll_read(stream, cx, buffer, || wire.came()) else {
                this.starves();
                return Poll::Pending;
            };
            wire.can_rest(false);
            match given? {
                Given::Bytes | Given::End => return Poll::Ready(Ok(())),
                Given::Refused(refusal) => ready!(this.refuse(refusal))?,
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        if flushed.is_pending() {
            self.wire.can_rest(false);
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.wire.can_rest(false);
        if this.linger.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
        }
        if this.wire.refused().is_none() {
            return Poll::Ready(Ok(()));
        }
        this.linger.get_or_insert_with(Linger::new).poll(&mut this.stream, cx).map(Ok)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.wrote(written)
    }
}

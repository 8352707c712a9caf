//! A connection to a server of the upstream as hyper reads it: every byte of an answer is checked first.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, ready},
};

use http::{Method, Request, header::UPGRADE};
use seawall_core::http::framing::{Limits, Refusal, ResponseChecker, ResponseTo};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::gate::{Gate, Given};
use crate::upstream::Link;

const NOTHING: u8 = 0;
const HEAD: u8 = 1;
const UPGRADE_ASKED: u8 = 2;
const OTHER: u8 = 3;

/// What whoever sends requests shares with the connection. The connection must be able to change threads.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// What the request is that is written next. One is on its way at a time.
    next: AtomicU8,
    refusal: OnceLock<Refusal>,
}

impl Asked {
    /// A request is about to be sent.
    pub(super) fn ask<B>(&self, request: &Request<B>) {
        let next = match request.method() {
            &Method::HEAD => HEAD,
            _ if request.headers().contains_key(UPGRADE) => UPGRADE_ASKED,
            _ => OTHER,
        };
        self.next.store(next, Ordering::Relaxed);
    }

    /// Why the connection is of no use any more.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        self.refusal.get().copied()
    }

    fn take(&self) -> Option<ResponseTo> {
        match self.next.swap(NOTHING, Ordering::Relaxed) {
            HEAD => Some(ResponseTo::Head),
            UPGRADE_ASKED => Some(ResponseTo::Upgrade),
            OTHER => Some(ResponseTo::Other),
            _ => None,
        }
    }
}

/// The bytes of one connection to a server.
#[derive(Debug)]
pub(super) struct CheckedLink {
    link: Link,
    gate: Gate<ResponseChecker>,
    asked: Arc<Asked>,
}

impl CheckedLink {
    pub(super) fn new(link: Link) -> (Self, Arc<Asked>) {
        let asked = Arc::<Asked>::default();
        let gate = Gate::new(ResponseChecker::new(Limits::responses()));
        (Self { link, gate, asked: Arc::clone(&asked) }, asked)
    }

    /// Before bytes are written. Invariant: an answer is expected from the first byte of its request on and no earlier, so
    /// that what a server sends unasked is never taken for an answer.
    fn writes(&mut self) -> io::Result<()> {
        if let Some(refusal) = self.asked.refusal() {
            return Err(refused(refusal));
        }
        if let Some(to) = self.asked.take() {
            self.gate.checker().expect(to);
        }
        Ok(())
    }
}

fn refused(refusal: Refusal) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, refusal)
}

impl AsyncRead for CheckedLink {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Self { link, gate, asked } = self.get_mut();
        let given = ready!(gate.poll_read(link, cx, buffer, || ()));
        if let Some(refusal) = gate.refusal() {
            // Known at once, even while the answer before it is still passed on.
            let _known_already = asked.refusal.set(refusal);
        }
        match given? {
            Given::Bytes | Given::End => Poll::Ready(Ok(())),
            Given::Refused(refusal) => Poll::Ready(Err(refused(refusal))),
        }
    }
}

impl AsyncWrite for CheckedLink {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.writes()?;
        Pin::new(&mut this.link).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().link).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().link).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.link.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.writes()?;
        Pin::new(&mut this.link).poll_write_vectored(cx, parts)
    }
}

//! The body stage: a body that is counted while it streams, and cut when it passes its limit.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use seawall_core::Mode;

/// What is known of a body from outside while another task streams it.
#[derive(Clone, Debug)]
pub struct Watch(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    limit: u64,
    cut: bool,
    received: AtomicU64,
    exceeded: AtomicBool,
}

impl Watch {
    /// A watch over one body. Past `limit` bytes it is cut in [`Mode::Enforce`], and only marked in [`Mode::Report`].
    #[must_use]
    pub fn new(limit: u64, mode: Mode) -> Self {
        let counts =
            Counts { limit, cut: mode == Mode::Enforce, received: AtomicU64::new(0), exceeded: AtomicBool::new(false) };
        Self(Arc::new(counts))
    }

    /// Bytes received so far.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.0.received.load(Ordering::Relaxed)
    }

    /// Whether the body passed its limit.
    #[must_use]
    pub fn exceeded(&self) -> bool {
        self.0.exceeded.load(Ordering::Relaxed)
    }

    /// Counts a chunk; whether it may still pass.
    fn count(&self, bytes: usize) -> bool {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let received = self.0.received.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if received <= self.0.limit {
            return true;
        }
        self.0.exceeded.store(true, Ordering::Relaxed);
        !self.0.cut
    }
}

pin_project! {
    /// A body under a [`Watch`], or unwatched.
    #[derive(Debug)]
    pub struct Counted<B> {
        #[pin]
        body: B,
        watch: Option<Watch>,
    }
}

/// Why a counted body ended early.
#[derive(Debug, thiserror::Error)]
pub enum CountedError<E> {
    /// It passed its limit.
    #[error("the body passed its limit")]
    TooLarge,
    /// The body itself failed.
    #[error("the body ended early")]
    Body(#[source] E),
}

impl<B> Counted<B> {
    /// Puts a body under a watch.
    #[must_use]
    pub const fn new(body: B, watch: Option<Watch>) -> Self {
        Self { body, watch }
    }

    /// The body, from wherever it was read to.
    #[must_use]
    pub fn into_inner(self) -> B {
        self.body
    }
}

impl<B: Body<Data = Bytes>> Body for Counted<B> {
    type Data = Bytes;
    type Error = CountedError<B::Error>;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.project();
        let frame = match ready!(this.body.poll_frame(cx)) {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => return Poll::Ready(Some(Err(CountedError::Body(error)))),
            None => return Poll::Ready(None),
        };
        let fits = match (frame.data_ref(), &this.watch) {
            (Some(data), Some(watch)) => watch.count(data.remaining()),
            (None, _) | (_, None) => true,
        };
        Poll::Ready(Some(if fits { Ok(frame) } else { Err(CountedError::TooLarge) }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

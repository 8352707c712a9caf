//! The request's body on its way to the application, and who is waiting for whom.

use std::{
    cell::Cell,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use seawall_guards::{Counted, CountedError, Watch};
use tokio::time::Instant;

use super::discard::discard;
use crate::edge::{self, Incoming};

/// Who is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiting {
    /// The client, for more of its body.
    Client,
    /// The application, to take more of the body or to answer.
    Upstream,
}

/// Who is waited for, and since when; read by the exchange when its timer fires.
#[derive(Debug)]
pub(super) struct Progress {
    waiting: Cell<Waiting>,
    since: Cell<Instant>,
    done: Cell<bool>,
    fault: Cell<Option<ClientFault>>,
}

/// How a client failed its own body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientFault {
    /// It left.
    Left,
    /// Its framing is broken.
    Malformed,
}

impl Progress {
    pub(super) fn new(now: Instant, done: bool) -> Rc<Self> {
        Rc::new(Self {
            waiting: Cell::new(Waiting::Upstream),
            since: Cell::new(now),
            done: Cell::new(done),
            fault: Cell::new(None),
        })
    }

    /// Who is waited for, and since when.
    pub(super) fn state(&self) -> (Waiting, Instant) {
        (self.waiting.get(), self.since.get())
    }

    /// Whether the whole body was passed on.
    pub(super) fn done(&self) -> bool {
        self.done.get()
    }

    /// How the client failed its body, when it did.
    pub(super) fn fault(&self) -> Option<ClientFault> {
        self.fault.get()
    }

    fn set(&self, waiting: Waiting) {
        self.waiting.set(waiting);
        self.since.set(Instant::now());
    }
}

/// The body of a request on its way to the application.
#[derive(Debug)]
pub(crate) struct Sending {
    body: Option<Counted<Incoming>>,
    progress: Rc<Progress>,
}

impl Sending {
    /// No body.
    pub(super) const fn nothing(progress: Rc<Progress>) -> Self {
        Self { body: None, progress }
    }

    /// The client's body, under a watch.
    pub(super) const fn streaming(body: Incoming, watch: Option<Watch>, progress: Rc<Progress>) -> Self {
        Self { body: Some(Counted::new(body, watch)), progress }
    }
}

impl Body for Sending {
    type Data = Bytes;
    type Error = CountedError<edge::ConnectionError>;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Some(body) = self.body.as_mut() else { return Poll::Ready(None) };
        let frame = Pin::new(body).poll_frame(cx);
        let progress = &self.progress;
        match &frame {
            Poll::Pending => {
                if progress.waiting.get() == Waiting::Upstream {
                    progress.set(Waiting::Client);
                }
            }
            Poll::Ready(Some(Ok(_))) => {
                progress.set(Waiting::Upstream);
                progress.done.set(self.is_end_stream());
            }
            Poll::Ready(Some(Err(_)) | None) => {
                progress.set(Waiting::Upstream);
                progress.done.set(matches!(frame, Poll::Ready(None)));
            }
        }
        if let Poll::Ready(Some(Err(CountedError::Body(error)))) = &frame {
            let fault = if edge::left(error) { ClientFault::Left } else { ClientFault::Malformed };
            progress.fault.set(Some(fault));
        }
        if let Poll::Ready(Some(Err(CountedError::TooLarge))) = frame
            && let Some(body) = self.body.take()
        {
            discard(body.into_inner());
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

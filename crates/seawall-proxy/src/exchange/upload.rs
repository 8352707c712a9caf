//! The request's body on its way to the application: who is waiting for whom, and what of it can be sent again.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use seawall_core::{http::framing::Refusal, resilience::Replay};
use seawall_guards::{Counted, CountedError, Watch};
use tokio::time::Instant;

use super::discard::discard;
use crate::{
    core::Room,
    edge::{self, Incoming},
    upstream::BodyPlace,
};

/// How much of a body is kept to be sent again; a longer one is sent once.
const KEPT_BYTES: usize = 64 * 1024;

/// Who is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiting {
    /// The client, for more of its body.
    Client,
    /// The application, to take more of the body or to answer.
    Upstream,
}

/// How a client failed its own body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientFault {
    /// It left.
    Left,
    /// Its framing is broken, by the rule that its connection was refused for.
    Malformed(Option<Refusal>),
}

impl ClientFault {
    /// What an error of its connection says of it.
    pub(super) fn of(error: &edge::ConnectionError) -> Self {
        if edge::left(error) { Self::Left } else { Self::Malformed(edge::refusal(error)) }
    }
}

/// Whether a body is kept while it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// It is, as far as there is room: the request may be sent again.
    ToSendAgain,
    /// It is not.
    Nothing,
}

/// The body of one request, over all attempts to send it.
#[derive(Debug)]
pub(super) struct Upload {
    live: RefCell<Option<Counted<Incoming>>>,
    /// What was taken from the client so far, while it can still be sent again, or was not sent yet.
    kept: RefCell<VecDeque<Bytes>>,
    /// Which of the kept parts the present attempt sends next.
    next: Cell<usize>,
    /// How much more may be kept.
    room: Cell<usize>,
    /// What the kept parts take of the memory for bodies that guards look at.
    memory: RefCell<Option<Room>>,
    replay: Cell<Replay>,
    /// Which attempt may read; earlier ones are over.
    attempt: Cell<u32>,
    waiting: Cell<Waiting>,
    since: Cell<Instant>,
    /// How long the client was waited for, all waits but the present one together.
    waited: Cell<Duration>,
    received: Cell<u64>,
    done: Cell<bool>,
    fault: Cell<Option<ClientFault>>,
}

impl Upload {
    /// A request without a body.
    pub(super) fn nothing(now: Instant) -> Rc<Self> {
        Self::new(None, Keep::ToSendAgain, now)
    }

    /// The client's body, under a watch.
    pub(super) fn streaming(body: Incoming, watch: Option<Watch>, keep: Keep, now: Instant) -> Rc<Self> {
        Self::new(Some(Counted::new(body, watch)), keep, now)
    }

    fn new(live: Option<Counted<Incoming>>, keep: Keep, now: Instant) -> Rc<Self> {
        Rc::new(Self {
            done: Cell::new(live.is_none()),
            live: RefCell::new(live),
            kept: RefCell::default(),
            next: Cell::new(0),
            memory: RefCell::default(),
            room: Cell::new(if keep == Keep::ToSendAgain { KEPT_BYTES } else { 0 }),
            replay: Cell::new(Replay::Possible),
            attempt: Cell::new(0),
            waiting: Cell::new(Waiting::Upstream),
            since: Cell::new(now),
            waited: Cell::default(),
            received: Cell::new(0),
            fault: Cell::new(None),
        })
    }

    /// The body begins with what was looked at; all of it was, when the client has sent it all.
    pub(super) fn begin_with(&self, parts: Vec<Bytes>, memory: Room) {
        self.kept.replace(parts.into());
        self.memory.replace(Some(memory));
    }

    /// This is sent instead of the client's body.
    pub(super) fn replace(&self, body: Bytes) {
        self.live.take();
        self.done.set(true);
        self.kept.replace(if body.is_empty() { VecDeque::new() } else { [body].into() });
    }

    /// The request goes no further. A client that asked first (`Expect`) and was not told to go on has nothing to send.
    pub(super) fn give_up(&self, asks_first: bool) {
        let live = self.live.take();
        if let Some(body) = live.filter(|_| !asks_first || self.received.get() > 0) {
            discard(body.into_inner());
        }
    }

    /// How long the body is said to be; nothing when it comes in parts of unknown number.
    pub(super) fn length(&self) -> Option<u64> {
        self.live.borrow().as_ref().map_or(Some(0), |body| body.size_hint().exact())
    }

    /// The body from its start, for another attempt; whoever sent it before cannot go on.
    pub(super) fn begin(self: &Rc<Self>, now: Instant) -> Sending {
        let attempt = self.attempt.get() + 1;
        self.attempt.set(attempt);
        self.set(Waiting::Upstream, now);
        self.next.set(0);
        Sending { upload: Rc::clone(self), attempt, over: None }
    }

    /// Keeps the body while the server may still say that it has not looked at it, whatever the request is.
    pub(super) fn hold(&self) {
        if self.replay.get() == Replay::Possible && self.received.get() == 0 {
            self.room.set(KEPT_BYTES);
        }
    }

    /// Whether the body can be sent from its start.
    pub(super) const fn replay(&self) -> Replay {
        self.replay.get()
    }

    /// There will be no further attempt. What was not sent yet goes on being sent.
    pub(super) fn settle(&self) {
        self.room.set(0);
        if !self.kept.borrow().is_empty() {
            self.forget();
        }
    }

    /// Who is waited for, and since when.
    pub(super) fn state(&self) -> (Waiting, Instant) {
        (self.waiting.get(), self.since.get())
    }

    /// Whether the client has sent the whole body.
    pub(super) const fn all_here(&self) -> bool {
        self.done.get()
    }

    /// Whether the whole body was passed on.
    pub(super) fn done(&self) -> bool {
        self.done.get() && self.kept.borrow().len() <= self.next.get()
    }

    /// How the client failed its body, when it did.
    pub(super) const fn fault(&self) -> Option<ClientFault> {
        self.fault.get()
    }

    /// When the client, from whom more is expected, will have been waited for longer than its bytes are worth.
    pub(super) fn too_slow_at(&self, bytes_per_second: u64, grace: Duration) -> Option<Instant> {
        if self.waiting.get() != Waiting::Client {
            return None;
        }
        let worth_ms = self.received.get().saturating_mul(1_000) / bytes_per_second.max(1);
        let allowed = grace + Duration::from_millis(worth_ms);
        Some(self.since.get() + allowed.saturating_sub(self.waited.get()))
    }

    fn set(&self, waiting: Waiting, now: Instant) {
        let since = self.since.replace(now);
        if self.waiting.replace(waiting) == Waiting::Client {
            self.waited.set(self.waited.get() + now.saturating_duration_since(since));
        }
    }

    /// Keeps a part of the body, or gives up keeping it.
    fn keep(&self, part: &Bytes) {
        match self.room.get().checked_sub(part.len()) {
            Some(room) if self.replay.get() == Replay::Possible => {
                self.room.set(room);
                self.kept.borrow_mut().push_back(part.clone());
                self.next.set(self.next.get() + 1);
            }
            _ => self.forget(),
        }
    }

    /// Keeps nothing of what was sent.
    fn forget(&self) {
        self.replay.set(Replay::Impossible);
        let mut kept = self.kept.borrow_mut();
        kept.drain(..self.next.take());
        if kept.is_empty() {
            *kept = VecDeque::new();
            self.memory.take();
        }
    }

    /// The next of the kept parts.
    fn take_kept(&self) -> Option<Bytes> {
        if self.kept.borrow().len() <= self.next.get() {
            return None;
        }
        // It is taken as it is sent, so the application is there.
        self.set(Waiting::Upstream, Instant::now());
        if self.replay.get() == Replay::Impossible {
            let part = self.kept.borrow_mut().pop_front()?;
            if self.kept.borrow().is_empty() {
                self.forget();
            }
            return Some(part);
        }
        let part = self.kept.borrow().get(self.next.get()).cloned()?;
        self.next.set(self.next.get() + 1);
        Some(part)
    }

    /// The next part from the client, kept as far as there is room.
    fn poll_live(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, SendingError>>> {
        let frame = self.poll_client(cx);
        match &frame {
            Poll::Ready(Some(Ok(frame))) => match frame.data_ref() {
                Some(part) => self.keep(part),
                None => self.forget(),
            },
            Poll::Ready(Some(Err(_))) => self.forget(),
            Poll::Ready(None) | Poll::Pending => {}
        }
        frame
    }

    /// The next part from the client, for whoever looks at it before it is sent.
    pub(super) fn poll_client(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, SendingError>>> {
        let mut live = self.live.borrow_mut();
        let Some(body) = live.as_mut() else { return Poll::Ready(None) };
        let frame = Pin::new(&mut *body).poll_frame(cx);
        match &frame {
            Poll::Pending => {
                if self.waiting.get() == Waiting::Upstream {
                    self.set(Waiting::Client, Instant::now());
                }
            }
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(part) = frame.data_ref() {
                    self.received.set(self.received.get() + part.len() as u64);
                }
                self.set(Waiting::Upstream, Instant::now());
                self.done.set(body.is_end_stream());
            }
            Poll::Ready(Some(Err(error))) => {
                self.set(Waiting::Upstream, Instant::now());
                if let CountedError::Body(error) = error {
                    self.fault.set(Some(ClientFault::of(error)));
                }
            }
            Poll::Ready(None) => {
                self.set(Waiting::Upstream, Instant::now());
                self.done.set(true);
            }
        }
        if let Poll::Ready(Some(Err(CountedError::TooLarge))) = frame
            && let Some(body) = live.take()
        {
            discard(body.into_inner());
        }
        frame.map(|frame| frame.map(|frame| frame.map_err(SendingError::Client)))
    }
}

/// Why a body that is being sent ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendingError {
    /// The client failed it, or it was too large.
    #[error(transparent)]
    Client(CountedError<edge::ConnectionError>),
    /// Another attempt sends it, or nobody wants it.
    #[error("the request is not sent over this connection any more")]
    Superseded(#[source] edge::Cancelled),
}

/// The body of a request in one attempt to send it.
#[derive(Debug)]
pub(crate) struct Sending {
    upload: Rc<Upload>,
    attempt: u32,
    /// The place on a shared connection that it takes.
    over: Option<BodyPlace>,
}

impl Sending {
    /// It goes over a connection that others share, and takes its place there until it is dropped.
    pub(crate) fn goes_over(&mut self, place: BodyPlace) {
        self.over = Some(place);
    }

    fn superseded(&self) -> bool {
        self.attempt != self.upload.attempt.get() || self.over.as_ref().is_some_and(BodyPlace::ended)
    }

    /// What is left of the part that was sent last.
    fn rest_bytes(&self) -> usize {
        self.over.as_ref().map_or(0, BodyPlace::rest_bytes)
    }

    /// The next part: one that was kept, or else the client's next.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, SendingError>>> {
        if let Some(part) = self.upload.take_kept() {
            return Poll::Ready(Some(Ok(Frame::data(part))));
        }
        self.upload.poll_live(cx).map(|frame| frame.map(|frame| frame.map(edge::without_own_fields)))
    }
}

impl Body for Sending {
    type Data = Bytes;
    type Error = SendingError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, SendingError>>> {
        if self.superseded() {
            return Poll::Ready(Some(Err(SendingError::Superseded(edge::cancelled()))));
        }
        if let Some(rest) = self.over.as_mut().and_then(BodyPlace::asked) {
            return Poll::Ready(Some(Ok(rest)));
        }
        let frame = ready!(self.poll_next(cx));
        let Some(place) = &mut self.over else { return Poll::Ready(frame) };
        Poll::Ready(frame.map(|frame| frame.map(|frame| place.carry(frame))))
    }

    fn is_end_stream(&self) -> bool {
        self.attempt == self.upload.attempt.get()
            && self.rest_bytes() == 0
            && self.upload.kept.borrow().len() <= self.upload.next.get()
            && self.upload.live.borrow().as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let kept: usize = self.upload.kept.borrow().iter().skip(self.upload.next.get()).map(Bytes::len).sum();
        let kept = kept + self.rest_bytes();
        let live = self.upload.live.borrow();
        let live = live.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint);
        let mut hint = SizeHint::new();
        hint.set_lower(live.lower().saturating_add(kept as u64));
        if let Some(upper) = live.upper() {
            hint.set_upper(upper.saturating_add(kept as u64));
        }
        hint
    }
}

//! One HTTP/2 connection to a server of the upstream. It carries many requests at once; cancelling one resets its stream only.

use std::{
    cell::{Cell, RefCell},
    error::Error,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use http::{Request, uri::Scheme};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioIo, TokioTimer};
use seawall_core::http::framing::Limits;
use seawall_resilience::Permit;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::Notify,
    time::Instant,
};

use super::{
    Answered, BodyTask, SendFailure, Unprocessed,
    body::Tasks,
    heads,
    settings::{Said, Settings},
};
use crate::{
    exchange::Sending,
    upstream::{Link, Sharing},
};

/// What a server may send on one stream before it is taken.
const STREAM_WINDOW_BYTES: u32 = 256 * 1024;

/// What a server takes of a stream when it has not said how much (RFC 9113 section 6.9.2).
const DEFAULT_WINDOW_BYTES: u32 = 65_535;

/// What is taken of a request's body before the server takes it.
const SEND_BUFFER_BYTES: usize = 64 * 1024;

/// Streams that were reset and of which more may still come, remembered so that it is not taken for a mistake.
const RESET_STREAMS: usize = 1_000;

/// How often the end of a connection is put off after its server said that it leaves, so that whose request it did not look at
/// hears of that first: the connection's task, the stream's and the exchange's take their turns.
const TURNS_BEFORE_END: u8 = 4;

/// A connection that many requests share.
#[derive(Debug)]
pub(crate) struct Multiplexed {
    sender: RefCell<SendRequest<Sending>>,
    tasks: Tasks,
    peer: Rc<Peer>,
    scheme: Scheme,
    most_streams: u32,
    streams: Cell<u32>,
    retired: Cell<bool>,
    idle_since: Cell<Instant>,
    /// Its place among the open connections to that server.
    _place: Permit,
}

impl Multiplexed {
    /// Speaks HTTP/2 over a link that holds a place. Waits until the server has said how many streams it allows, which it does
    /// first of all; one that says something else speaks another protocol. The caller bounds the time.
    pub(crate) async fn open(link: Link, place: Permit, sharing: Sharing) -> io::Result<Rc<Self>> {
        let scheme = if link.encrypted() { Scheme::HTTPS } else { Scheme::HTTP };
        let peer = Rc::new(Peer::default());
        let watched = WatchedLink { link, peer: Rc::clone(&peer), settings: Settings::default(), turns: 0 };
        let tasks = Tasks::default();
        let (sender, connection) =
            builder(sharing, tasks.clone()).handshake(TokioIo::new(watched)).await.map_err(io::Error::other)?;
        tokio::task::spawn_local(async move {
            // The connection's own end is seen by whoever holds the sender.
            let _ended = connection.await;
        });
        peer.settled().await?;
        Ok(Rc::new(Self {
            sender: RefCell::new(sender),
            tasks,
            peer,
            scheme,
            most_streams: sharing.max_streams,
            streams: Cell::new(0),
            retired: Cell::new(false),
            idle_since: Cell::new(Instant::now()),
            _place: place,
        }))
    }

    /// Whether it takes further requests at all.
    pub(crate) fn is_open(&self) -> bool {
        !self.retired.get() && self.peer.state.get() == State::Settled && !self.sender.borrow().is_closed()
    }

    /// How many requests it may carry at once.
    pub(crate) fn most_streams(&self) -> u32 {
        self.most_streams.min(self.peer.most_streams.get())
    }

    /// Whether it takes one more request.
    pub(crate) fn has_room(&self) -> bool {
        self.streams.get() < self.most_streams() && self.is_open()
    }

    /// Takes a place on it.
    pub(crate) fn enter(&self) {
        self.streams.set(self.streams.get() + 1);
    }

    /// Gives a place back.
    pub(crate) fn leave(&self) {
        let streams = self.streams.get().saturating_sub(1);
        self.streams.set(streams);
        if streams == 0 {
            self.idle_since.set(Instant::now());
        }
    }

    /// Whether it carries nothing, and since when.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        (self.streams.get() == 0).then(|| self.idle_since.get())
    }

    /// Takes no further requests; those on it go on.
    pub(crate) fn retire(&self) {
        self.retired.set(true);
    }

    /// How much of a request's body the server takes unasked.
    pub(crate) fn stream_window(&self) -> usize {
        self.peer.stream_window.get() as usize
    }

    /// A request's body is asked for more.
    pub(crate) fn asks(&self, body: &Rc<BodyTask>) {
        self.tasks.asked(body);
    }

    /// Sends a request and waits for the head of its answer.
    pub(crate) fn send(&self, mut request: Request<Sending>) -> impl Future<Output = Answered> + use<> {
        let peer = Rc::clone(&self.peer);
        let sent = heads::to_http2(&mut request, &self.scheme)
            .map(|()| self.sender.borrow_mut().try_send_request(request))
            .map_err(SendFailure::Invalid);
        async move {
            let answer = match sent?.await {
                Ok(answer) => answer,
                Err(mut failure) => {
                    return Err(match failure.take_message() {
                        Some(request) => SendFailure::NothingSent(Box::new(heads::from_http2(request))),
                        None => failed(failure.into_error(), &peer),
                    });
                }
            };
            match heads::check(&answer) {
                Ok(()) => Ok(Box::new(answer)),
                Err(why) => Err(SendFailure::Invalid(why)),
            }
        }
    }
}

/// HTTP/2 with the limits of a client.
fn builder(sharing: Sharing, tasks: Tasks) -> Builder<Tasks> {
    let limits = Limits::responses();
    let mut builder = Builder::new(tasks);
    builder
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        // Invariant: what is not taken of some answers holds no other answer up.
        .initial_connection_window_size(STREAM_WINDOW_BYTES.saturating_mul(sharing.max_streams.max(4)))
        .max_send_buf_size(SEND_BUFFER_BYTES)
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .max_concurrent_reset_streams(RESET_STREAMS)
        // Streams are opened here alone, and the server's answers to those given up are no offence.
        .max_local_error_reset_streams(None)
        .keep_alive_interval(sharing.ping_interval)
        .keep_alive_timeout(sharing.ping_timeout);
    builder
}

/// What a failure says of the request.
fn failed(error: hyper::Error, peer: &Peer) -> SendFailure {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<h2::Error>());
    match cause {
        Some(cause) if cause.is_reset() && cause.is_remote() && cause.reason() == Some(h2::Reason::REFUSED_STREAM) => {
            SendFailure::Unprocessed(Unprocessed::Refused)
        }
        // Streams up to the last that the server looks at fail only when the connection ends, and then with the same error.
        Some(cause) if cause.is_go_away() && cause.is_remote() && peer.state.get() == State::Leaving => {
            SendFailure::Unprocessed(Unprocessed::Leaving)
        }
        Some(cause) if cause.is_reset() => SendFailure::Reset(error),
        _ => SendFailure::Broken(error),
    }
}

/// What tells HTTP/2 that a request is given up.
pub(crate) type Cancelled = h2::Error;

/// Why a request's body ends early, in the words of HTTP/2: it is not wanted any more.
pub(crate) fn cancelled() -> Cancelled {
    h2::Reason::CANCEL.into()
}

/// What is known of the other side.
#[derive(Debug)]
struct Peer {
    state: Cell<State>,
    most_streams: Cell<u32>,
    stream_window: Cell<u32>,
    changed: Notify,
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The server has not said yet what it allows.
    Begun,
    /// It takes requests.
    Settled,
    /// It takes no further ones.
    Leaving,
    /// It broke off.
    Ended,
}

impl Default for Peer {
    fn default() -> Self {
        // RFC 9113 section 6.5.2: without a word there is no limit.
        let (most_streams, stream_window) = (Cell::new(u32::MAX), Cell::new(DEFAULT_WINDOW_BYTES));
        Self { state: Cell::new(State::Begun), most_streams, stream_window, changed: Notify::new() }
    }
}

impl Peer {
    fn hear(&self, said: Said) {
        match (said, self.state.get()) {
            (Said::MaxStreams(most), _) => self.most_streams.set(most),
            (Said::StreamWindow(bytes), _) => self.stream_window.set(bytes),
            (Said::Settled, State::Begun) => self.become_state(State::Settled),
            (Said::Leaves, State::Begun | State::Settled) => self.become_state(State::Leaving),
            (Said::Settled | Said::Leaves, _) => {}
        }
    }

    fn become_state(&self, state: State) {
        self.state.set(state);
        self.changed.notify_one();
    }

    async fn settled(&self) -> io::Result<()> {
        loop {
            match self.state.get() {
                State::Settled => return Ok(()),
                State::Begun => self.changed.notified().await,
                State::Leaving => return Err(io::Error::other("the server ended the connection at once (GOAWAY)")),
                State::Ended => {
                    let what = "the server does not speak HTTP/2: it ended the connection before its settings";
                    return Err(io::Error::new(io::ErrorKind::Unsupported, what));
                }
            }
        }
    }
}

/// The bytes of a connection whose server is listened to.
#[derive(Debug)]
struct WatchedLink {
    link: Link,
    peer: Rc<Peer>,
    settings: Settings,
    /// How often the end was put off.
    turns: u8,
}

impl WatchedLink {
    /// What was written, or that the connection broke off.
    fn wrote<T>(&mut self, cx: &Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if matches!(written, Poll::Ready(Err(_))) {
            if self.puts_off_end(cx) {
                return Poll::Pending;
            }
            self.peer.become_state(State::Ended);
        }
        written
    }

    /// Whether the end of the connection is still kept back.
    fn puts_off_end(&mut self, cx: &Context<'_>) -> bool {
        if self.peer.state.get() != State::Leaving || self.turns >= TURNS_BEFORE_END {
            return false;
        }
        self.turns += 1;
        cx.waker().wake_by_ref();
        true
    }
}

impl AsyncRead for WatchedLink {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.link).poll_read(cx, buffer);
        let bytes = buffer.filled().get(before..).unwrap_or_default();
        let peer = &this.peer;
        this.settings.walk(bytes, |said| peer.hear(said));
        match read {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(())) if !bytes.is_empty() => {}
            Poll::Ready(_) if this.puts_off_end(cx) => return Poll::Pending,
            Poll::Ready(_) => this.peer.become_state(State::Ended),
        }
        read
    }
}

impl Drop for WatchedLink {
    fn drop(&mut self) {
        // Once the server has said that it leaves, we end the connection when all is answered: nothing was cut off.
        if self.peer.state.get() != State::Leaving {
            self.peer.become_state(State::Ended);
        }
    }
}

impl AsyncWrite for WatchedLink {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.link).poll_write(cx, bytes);
        this.wrote(cx, written)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.link).poll_flush(cx);
        this.wrote(cx, flushed)
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
        let written = Pin::new(&mut this.link).poll_write_vectored(cx, parts);
        this.wrote(cx, written)
    }
}

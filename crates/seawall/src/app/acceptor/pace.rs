//! What a connection waits for, and since when: seen where its bytes pass, and where its requests begin and end.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

use super::Limits;

/// How long one that has just connected may be silent once this process serves no more: it is about to ask, and closing before
/// the question comes would reset it.
const JUST_CONNECTED: Duration = Duration::from_secs(1);

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waits {
    FirstByte,
    Head,
    Answer,
    NextRequest,
}

/// Why a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expiry {
    /// No byte ever came.
    Silent,
    /// A head began and was not completed.
    SlowHead,
    /// No further request came.
    Idle,
    /// An answer waits, and nothing of it is taken.
    SlowReader,
}

/// The pace of one connection.
#[derive(Debug)]
pub(super) struct Pace(Mutex<State>);

#[derive(Debug)]
struct State {
    waits: Waits,
    since: Instant,
    /// Since when bytes wait for room.
    blocked: Option<Instant>,
}

impl Pace {
    pub(super) fn new() -> Arc<Self> {
        let state = State { waits: Waits::FirstByte, since: Instant::now(), blocked: None };
        Arc::new(Self(Mutex::new(state)))
    }

    /// A request's head is complete.
    pub(super) fn began(self: &Arc<Self>) -> Answering {
        self.state().waits = Waits::Answer;
        Answering(Arc::clone(self))
    }

    /// When the connection is closed if nothing happens until then, and why; nothing while an answer is made.
    pub(super) fn deadline(&self, limits: &Limits, given_up: Option<Instant>) -> Option<(Instant, Expiry)> {
        let State { waits, since, blocked } = *self.state();
        let waited = match waits {
            Waits::FirstByte => {
                let hurried = given_up.map(|given_up| given_up.max(since) + JUST_CONNECTED);
                let deadline = since + limits.first_byte;
                Some((hurried.map_or(deadline, |hurried| hurried.min(deadline)), Expiry::Silent))
            }
            Waits::Head => Some((since + limits.head, Expiry::SlowHead)),
            Waits::Answer => None,
            // What is left of an answer is on its way: that is no idleness.
            Waits::NextRequest if blocked.is_some() => None,
            Waits::NextRequest => Some((since + limits.idle, Expiry::Idle)),
        };
        let blocked = blocked.map(|since| (since + limits.send, Expiry::SlowReader));
        waited.into_iter().chain(blocked).min_by_key(|(deadline, _)| *deadline)
    }

    /// Whether the connection can be told to close after the answer: a head that has begun, or is about to, is read to its end.
    pub(super) fn can_close(&self) -> bool {
        matches!(self.state().waits, Waits::Answer | Waits::NextRequest)
    }

    fn came(&self) {
        let mut state = self.state();
        if matches!(state.waits, Waits::FirstByte | Waits::NextRequest) {
            (state.waits, state.since) = (Waits::Head, Instant::now());
        }
    }

    fn wrote(&self, blocked: bool) {
        let mut state = self.state();
        if !blocked {
            state.blocked = None;
            if state.waits == Waits::NextRequest {
                state.since = Instant::now();
            }
        } else if state.blocked.is_none() {
            state.blocked = Some(Instant::now());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request is being answered until this is dropped.
#[derive(Debug)]
pub(super) struct Answering(Arc<Pace>);

impl Drop for Answering {
    fn drop(&mut self) {
        let mut state = self.0.state();
        (state.waits, state.since) = (Waits::NextRequest, Instant::now());
    }
}

/// A stream that tells the pace of what passes.
#[derive(Debug)]
pub(super) struct Paced<T> {
    stream: T,
    pace: Arc<Pace>,
}

impl<T> Paced<T> {
    pub(super) const fn new(stream: T, pace: Arc<Pace>) -> Self {
        Self { stream, pace }
    }

    fn wrote<R>(&self, written: Poll<R>) -> Poll<R> {
        self.pace.wrote(written.is_pending());
        written
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Paced<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.pace.came();
        }
        read
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Paced<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.wrote(written)
    }
}

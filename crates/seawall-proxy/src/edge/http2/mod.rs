//! What HTTP/2 is allowed to cost: the limits that are announced, and a budget for each connection.
//!
//! A client can make a server work for nothing by opening streams and giving them up, by provoking errors, or by frames without
//! content. Most of it is bounded by h2 (empty and tiny DATA, CONTINUATION, header lists beyond four times the limit, streams reset
//! before they were looked at). What h2 does not bound, or only over the life of a connection, is counted here, on the bytes
//! before h2 sees them: a client beyond its budget gets GOAWAY with `ENHANCE_YOUR_CALM`, and its connection ends.

mod conduct;
mod frames;

use std::{
    future::Future,
    io,
    mem::MaybeUninit,
    pin::{Pin, pin},
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use http::{HeaderMap, HeaderValue, Request, header::COOKIE};
use hyper::{
    body::Incoming,
    rt::{Read, ReadBuf, ReadBufCursor, Write},
    server::conn::http2::{self, Connection},
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use seawall_guards::Peer;
use tokio::time::Instant;

use super::{Activity, server, socket::Socket, watchdog::watched};
use crate::{ServerSettings, core::Core};
use conduct::{Abuse, Conduct};
use frames::{Frames, kind};

/// What a client may send on one stream before it is read. Half of the connection's, so that one upload the application does not
/// take leaves room for others.
const STREAM_WINDOW_BYTES: u32 = 512 * 1024;

/// What a client may send on all streams before it is read, and so what a connection holds of bodies at most. Not adaptive: a
/// client could make it grow.
const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;

/// What is taken of an answer before the client takes it.
const SEND_BUFFER_BYTES: usize = 64 * 1024;

/// How long a client may be silent while it is connected, before it is asked whether it is there.
const ASK_AFTER: Duration = Duration::from_secs(30);

/// The most that `max_headers` in `[strict_http]` can allow.
const MOST_FIELDS: usize = 100;

/// Read at once.
const READ_BYTES: usize = 16 * 1024;

/// `ENHANCE_YOUR_CALM` (RFC 9113 section 7).
const ENHANCE_YOUR_CALM: u8 = 0xb;

/// Serves a connection until it ends.
pub(super) async fn serve(core: Rc<Core>, socket: Box<Socket>, peer: Arc<Peer>, activity: Rc<Activity>) {
    activity.multiplex();
    let service = service_fn(|mut request: Request<Incoming>| {
        // At once, not when its turn comes: many heads may wait.
        compact(&mut request);
        server::answer(&core, &activity, &peer, request)
    });
    let counted = Counted::new(TokioIo::new(socket), Rc::clone(&core), Rc::clone(&activity));
    let connection = pin!(builder(&core.settings()).serve_connection(counted, service));
    watched(&core, &activity, connection, Connection::graceful_shutdown).await;
}

/// Runs HTTP/2 streams on the core that has the connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct LocalExecutor;

impl<F: Future<Output: 'static> + 'static> hyper::rt::Executor<F> for LocalExecutor {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}

/// HTTP/2 with the limits of a server.
fn builder(settings: &ServerSettings) -> http2::Builder<LocalExecutor> {
    let mut builder = http2::Builder::new(LocalExecutor);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(settings.max_streams)
        .max_header_list_size(settings.max_header_list_bytes)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(SEND_BUFFER_BYTES)
        // The answer to a ping may wait behind all that a slow reader has still to take; that is bounded by its own limit first.
        .keep_alive_interval(ASK_AFTER.min(settings.idle))
        .keep_alive_timeout(settings.send * 2);
    builder
}

/// Makes a head as small as it can be before it waits for its turn: a field of one byte on the wire takes seventy in memory
/// (CVE-2026-49975). Cookies become one field, and of too many fields one more is kept than any request may have, so that the
/// request is refused for their number as it would be with all of them.
fn compact(request: &mut Request<Incoming>) {
    let headers = request.headers_mut();
    let joined = join_cookies(headers);
    if joined || headers.len() > MOST_FIELDS {
        let mut kept = HeaderMap::with_capacity(headers.len().min(MOST_FIELDS));
        for (name, value) in headers.iter().take(MOST_FIELDS + 1) {
            kept.append(name, value.clone());
        }
        *headers = kept;
    }
}

/// HTTP/2 may divide cookies into many fields; the application gets one (RFC 9113 section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) -> bool {
    let divided = headers.get_all(COOKIE).iter().nth(1).is_some();
    if divided {
        let crumbs = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect::<Vec<_>>().join(&b"; "[..]);
        if let Ok(cookie) = HeaderValue::from_bytes(&crumbs) {
            headers.insert(COOKIE, cookie);
        }
    }
    divided
}

/// A client's socket whose frames are counted on their way.
#[derive(Debug)]
struct Counted<S> {
    socket: S,
    core: Rc<Core>,
    activity: Rc<Activity>,
    from_client: Frames,
    to_client: Frames,
    conduct: Conduct,
    counted_as_abusive: bool,
}

impl<S: Read + Write + Unpin> Counted<S> {
    fn new(socket: S, core: Rc<Core>, activity: Rc<Activity>) -> Self {
        let conduct = Conduct::new(core.settings().max_streams, Instant::now());
        Self {
            socket,
            core,
            activity,
            from_client: Frames::of_client(),
            to_client: Frames::default(),
            conduct,
            counted_as_abusive: false,
        }
    }

    /// Ends a connection whose client went beyond its budget.
    fn end(&mut self, abuse: Abuse, cx: &mut Context<'_>) -> io::Error {
        self.count_abuse();
        if self.to_client.at_boundary() {
            // Whoever takes nothing is not told why.
            let _unheard = Pin::new(&mut self.socket).poll_write(cx, &go_away(self.conduct.last_stream(), abuse));
            let _unheard = Pin::new(&mut self.socket).poll_flush(cx);
        }
        io::Error::new(io::ErrorKind::ConnectionAborted, reason(abuse))
    }

    fn count_abuse(&mut self) {
        if !self.counted_as_abusive {
            self.counted_as_abusive = true;
            self.core.meters.abusive.increment();
        }
    }

    /// Looks at what was written. What the server refuses counts too, and a client may have nothing more to send after it.
    fn wrote<'a>(
        &mut self,
        slices: impl IntoIterator<Item = &'a [u8]>,
        length: usize,
        cx: &mut Context<'_>,
    ) -> io::Result<usize> {
        let (conduct, mut left, mut broken) = (&mut self.conduct, length, false);
        for slice in slices {
            let written = slice.get(..left.min(slice.len())).unwrap_or_default();
            self.to_client.walk(written, |frame| {
                broken |= frame.kind == kind::GOAWAY && frame.code != 0;
                conduct.sent(frame);
            });
            left -= written.len();
        }
        if broken {
            self.count_abuse();
        }
        match self.conduct.judge(Instant::now()) {
            Some(abuse) if !broken => Err(self.end(abuse, cx)),
            _ => Ok(length),
        }
    }
}

impl<S: Read + Write + Unpin> Read for Counted<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, mut out: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let mut bytes = [const { MaybeUninit::uninit() }; READ_BYTES];
        let room = bytes.get_mut(..READ_BYTES.min(out.remaining())).unwrap_or_default();
        let mut read = ReadBuf::uninit(room);
        ready!(Pin::new(&mut this.socket).poll_read(cx, read.unfilled()))?;
        this.from_client.walk(read.filled(), |frame| this.conduct.received(frame));
        // Before h2 sees any of it.
        if let Some(abuse) = this.conduct.judge(Instant::now()) {
            return Poll::Ready(Err(this.end(abuse, cx)));
        }
        this.activity.reads_block(this.from_client.open_block());
        out.put_slice(read.filled());
        Poll::Ready(Ok(()))
    }
}

impl<S: Read + Write + Unpin> Write for Counted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let length = ready!(Pin::new(&mut self.socket).poll_write(cx, bytes))?;
        Poll::Ready(self.wrote([bytes], length, cx))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = ready!(Pin::new(&mut self.socket).poll_write_vectored(cx, parts))?;
        Poll::Ready(self.wrote(parts.iter().map(|part| &**part), length, cx))
    }
}

const fn reason(abuse: Abuse) -> &'static str {
    match abuse {
        Abuse::Resets => "too_many_resets",
        Abuse::Control => "too_many_control_frames",
    }
}

/// A GOAWAY frame (RFC 9113 section 6.8).
fn go_away(last_stream: u32, abuse: Abuse) -> Vec<u8> {
    let reason = reason(abuse).as_bytes();
    let length = u8::try_from(8 + reason.len()).unwrap_or(u8::MAX);
    let head = [0, 0, length, kind::GOAWAY, 0, 0, 0, 0, 0];
    [&head[..], &last_stream.to_be_bytes(), &[0, 0, 0, ENHANCE_YOUR_CALM], reason].concat()
}

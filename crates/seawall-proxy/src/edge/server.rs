//! One client connection: which protocol it speaks, its requests, its watchdog.

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    mem::MaybeUninit,
    net::SocketAddr,
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll, ready},
};

use bytes::BytesMut;
use http::Request;
use hyper::{
    body::Incoming,
    server::conn::{http1, http2::Connection},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::{io::AsyncReadExt, net::TcpStream, time::Instant};

use super::{
    Activity,
    activity::Expiry,
    announced, handshake, http2,
    refused::Refused,
    socket::{Protocol, Socket},
    stream::ClientStream,
};
use crate::{
    core::Core,
    exchange::{self, Begun},
    timer::Timer,
};
use seawall_guards::Peer;

/// Enough to see which protocol a client speaks, and most heads whole.
const READ_AHEAD_BYTES: usize = 2_048;

/// The start of the HTTP/2 preface; no other request begins with it (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0";

/// What hyper keeps of one direction of an HTTP/1 connection: more than any head may have, and little enough that heads without
/// an end fill no memory.
const MOST_BUFFERED_BYTES: usize = 128 * 1024;

/// Serves a connection until it ends.
pub(crate) async fn serve(core: Rc<Core>, stream: TcpStream, peer: SocketAddr, activity: Rc<Activity>) {
    let Some(client) = announced::client(&core, &stream, peer, &activity).await else { return };
    let (stream, agreed) = match &core.tls {
        None => (ClientStream::Plain(stream), None),
        Some(tls) => match Box::pin(handshake::encrypt(&core, tls, stream, &activity)).await {
            Some((stream, protocol)) => (stream, Some(protocol)),
            None => return,
        },
    };
    let peer = Peer::new(client, agreed.is_some());
    let Some((stream, read_ahead)) = look_ahead(&core, stream, agreed, &activity).await else { return };
    let seen = || if read_ahead.starts_with(PREFACE) { Protocol::Http2 } else { Protocol::Http1 };
    let protocol = agreed.unwrap_or_else(seen);
    // Apart, so that a connection on which nothing was said yet costs little memory.
    Box::pin(converse(core, stream, read_ahead, protocol, peer, activity)).await;
}

/// Answers requests over a connection whose protocol is known.
async fn converse(
    core: Rc<Core>,
    stream: ClientStream,
    read_ahead: BytesMut,
    protocol: Protocol,
    peer: Peer,
    activity: Rc<Activity>,
) {
    let socket = TokioIo::new(Socket::new(stream, protocol, read_ahead, activity.wire()));
    let service = {
        let (core, activity) = (Rc::clone(&core), Rc::clone(&activity));
        service_fn(move |mut request: Request<Incoming>| {
            // At once, not when its turn comes: many heads may wait.
            http2::compact(&mut request);
            let (core, activity) = (Rc::clone(&core), Rc::clone(&activity));
            // Whatever the socket gave hyper after a refusal stands for what was refused.
            let begun = match activity.refused() {
                Some(Refused { refusal, head: Some(head) }) => {
                    Err(Box::new(exchange::refuse(core, &activity, &peer, *refusal, head)))
                }
                _ => Ok(Begun::new(core, activity, &peer, request)),
            };
            // A block, not a chain of adapters, because those would move the whole future of an exchange.
            async move {
                Ok::<_, Infallible>(match begun {
                    Ok(begun) => begun.answer().await,
                    Err(refused) => *refused,
                })
            }
        })
    };
    if protocol == Protocol::Http2 {
        activity.multiplex();
        let socket = http2::Counted::new(socket, Rc::clone(&core), Rc::clone(&activity));
        let connection = http2::builder(LocalExecutor, &core.settings()).serve_connection(socket, service);
        watched(&core, &activity, connection, Connection::graceful_shutdown).await;
    } else {
        let mut builder = http1::Builder::new();
        // The watchdog bounds heads; hyper's own timer would also end idle connections early.
        builder.header_read_timeout(None).max_buf_size(MOST_BUFFERED_BYTES);
        let connection = builder.serve_connection(socket, service).with_upgrades();
        watched(&core, &activity, connection, http1::UpgradeableConnection::graceful_shutdown).await;
    }
}

/// Reads the first bytes. Nothing when none came in time, or the client left.
async fn look_ahead(
    core: &Core,
    mut stream: ClientStream,
    agreed: Option<Protocol>,
    activity: &Activity,
) -> Option<(ClientStream, BytesMut)> {
    let mut bytes = BytesMut::new();
    let came = unless_silent(core, activity, |cx| {
        let came = poll_first_bytes(&mut stream, agreed, &mut bytes, cx);
        if came.is_pending() && !bytes.is_empty() {
            activity.wire().came();
            activity.observe();
        }
        came
    });
    let came = came.await.unwrap_or_else(|_| waits_in_kernel(stream.tcp()));
    if came {
        activity.wire().came();
        // A head has begun: a server that drains reads it to its end, which hyper would not do for a connection it has not read.
        activity.observe();
    }
    came.then_some((stream, bytes))
}

/// Polls until ready, or until a connection that has yet to begin was silent for too long. While the server drains it has less
/// time.
pub(super) async fn unless_silent<T>(
    core: &Core,
    activity: &Activity,
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> Result<T, Expiry> {
    // From the beginning of the connection, whatever has come before.
    let limit = activity.deadline(&core.settings()).map_or_else(Instant::now, |(deadline, _)| deadline);
    let mut timer = core.timers.at(limit);
    let mut hurried = false;
    poll_fn(|cx| {
        activity.watch(cx.waker());
        if let Poll::Ready(came) = poll(cx) {
            return Poll::Ready(Ok(came));
        }
        if activity.draining() && !hurried {
            hurried = true;
            if let Some((deadline, _)) = activity.deadline(&core.settings()) {
                timer.reset(deadline);
            }
        }
        expired(core, activity, &mut timer, cx).map(Err)
    })
    .await
}

/// Whether enough came to know the protocol. Over TLS it was agreed on before. In clear, a client that sends the HTTP/2 preface
/// byte by byte is waited for; any other is known by its first bytes.
fn poll_first_bytes(
    stream: &mut ClientStream,
    agreed: Option<Protocol>,
    bytes: &mut BytesMut,
    cx: &mut Context<'_>,
) -> Poll<bool> {
    if bytes.capacity() == 0 {
        // Room only once there is something to read.
        if let ClientStream::Plain(stream) = &*stream
            && ready!(stream.poll_read_ready(cx)).is_err()
        {
            return Poll::Ready(false);
        }
        bytes.reserve(READ_AHEAD_BYTES);
    }
    loop {
        match ready!(pin!(stream.read_buf(bytes)).poll(cx)) {
            Ok(0) | Err(_) => return Poll::Ready(false),
            Ok(_) if agreed.is_some() || bytes.len() >= PREFACE.len() || !PREFACE.starts_with(bytes) => {
                return Poll::Ready(true);
            }
            Ok(_) => {}
        }
    }
}

/// Whether bytes have come that the runtime has not told us of: closing now would reset a client that has asked.
pub(super) fn waits_in_kernel(stream: &TcpStream) -> bool {
    SockRef::from(stream).peek(&mut [MaybeUninit::uninit()]).is_ok_and(|length| length > 0)
}

/// Runs a connection under its watchdog: closes it when it expires, lets it finish when the server drains.
async fn watched<C: Future>(core: &Core, activity: &Activity, connection: C, shut_down: fn(Pin<&mut C>)) {
    let mut connection = std::pin::pin!(connection);
    let settings = core.settings();
    let mut timer = core.timers.at(Instant::now() + settings.header.min(settings.idle));
    let (mut told, mut counted) = (false, false);
    poll_fn(|cx| {
        activity.watch(cx.waker());
        // A head that has begun is read to its end and answered; only then is the connection told.
        if activity.draining() && !activity.reading_head() && !told {
            told = true;
            shut_down(connection.as_mut());
        }
        let polled = connection.as_mut().poll(cx);
        if !counted && let Some(refused) = activity.refused() {
            counted = true;
            core.meters.refusals.count(refused.refusal);
        }
        // An error here is the client's end of the connection; the exchange has logged what it cost.
        if polled.is_ready() {
            return Poll::Ready(());
        }
        activity.observe();
        match expired(core, activity, &mut timer, cx) {
            Poll::Ready(Expiry::Idle) if !told => {
                // HTTP/2 says goodbye first.
                told = true;
                shut_down(connection.as_mut());
                connection.as_mut().poll(cx).map(|_| ())
            }
            expired => expired.map(|_| ()),
        }
    })
    .await;
}

/// Ready when the connection waited for too long. The timer is moved only when it fires, or when a head begins: a
/// connection that serves request after request never touches it.
fn expired(core: &Core, activity: &Activity, timer: &mut Timer, cx: &mut Context<'_>) -> Poll<Expiry> {
    let settings = &*core.settings();
    if let Some((deadline, Expiry::SlowHead)) = activity.deadline(settings)
        && activity.arm_head()
    {
        timer.reset(deadline);
    }
    while Pin::new(&mut *timer).poll(cx).is_ready() {
        let now = Instant::now();
        match activity.deadline(settings) {
            Some((deadline, expiry)) if deadline <= now => {
                match expiry {
                    Expiry::Silent => core.meters.silent.increment(),
                    Expiry::SlowHead => core.meters.slow_head.increment(),
                    Expiry::Idle => core.meters.idle.increment(),
                    Expiry::SlowReader => core.meters.slow_reader.increment(),
                }
                // A connection that was told to close and does not is cut at the next look.
                timer.reset(now + settings.header);
                return Poll::Ready(expiry);
            }
            Some((deadline, _)) => timer.reset(deadline),
            None if activity.stalled() || activity.refuses_answer(settings.send) => {
                activity.cut();
                core.meters.slow_reader.increment();
                return Poll::Ready(Expiry::SlowReader);
            }
            None => timer.reset(now + settings.idle.min(settings.send)),
        }
    }
    Poll::Pending
}

/// Runs HTTP/2 streams on the core that has the connection.
#[derive(Clone, Copy, Debug)]
struct LocalExecutor;

impl<F: Future<Output: 'static> + 'static> hyper::rt::Executor<F> for LocalExecutor {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}

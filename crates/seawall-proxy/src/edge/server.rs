//! One client connection: which protocol it speaks, its requests, its watchdog.

use std::{
    future::{Future, poll_fn},
    io,
    mem::MaybeUninit,
    pin::Pin,
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
use socket2::SockRef;
use tokio::{net::TcpStream, time::Instant};

use super::{Activity, activity::Expiry, http2, socket::Socket};
use crate::{core::Core, exchange, timer::Timer};
use seawall_guards::Peer;

/// Enough to see which protocol a client speaks, and most heads whole.
const READ_AHEAD_BYTES: usize = 2_048;

/// The start of the HTTP/2 preface; no other request begins with it (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0";

/// What hyper keeps of one direction of an HTTP/1 connection: more than any head may have, and little enough that heads without
/// an end fill no memory.
const MOST_BUFFERED_BYTES: usize = 128 * 1024;

/// Serves a connection until it ends.
pub(crate) async fn serve(core: Rc<Core>, stream: TcpStream, peer: Peer, activity: Rc<Activity>) {
    let Some((stream, read_ahead)) = look_ahead(&core, stream, &activity).await else { return };
    let http2 = read_ahead.starts_with(PREFACE);
    let socket = Socket::new(stream, read_ahead.freeze(), activity.wire());
    let peer = Rc::new(peer);
    let service = {
        let (core, activity) = (Rc::clone(&core), Rc::clone(&activity));
        service_fn(move |request: Request<Incoming>| {
            let (core, activity, peer) = (Rc::clone(&core), Rc::clone(&activity), Rc::clone(&peer));
            let request = http2::compact(request);
            async move { Ok::<_, std::convert::Infallible>(exchange::handle(core, activity, &peer, request).await) }
        })
    };
    if http2 {
        activity.multiplex();
        let socket = http2::Counted::new(socket, Rc::clone(&core), Rc::clone(&activity));
        let connection = http2::builder(LocalExecutor, &core.settings).serve_connection(socket, service);
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
async fn look_ahead(core: &Core, stream: TcpStream, activity: &Activity) -> Option<(TcpStream, BytesMut)> {
    let mut bytes = BytesMut::with_capacity(READ_AHEAD_BYTES);
    let mut timer = core.timers.at(Instant::now() + core.settings.first_byte);
    let mut hurried = false;
    let came = poll_fn(|cx| {
        activity.watch(cx.waker());
        if let Poll::Ready(came) = poll_first_bytes(&stream, &mut bytes, cx) {
            return Poll::Ready(came);
        }
        if !bytes.is_empty() {
            activity.wire().came();
            activity.observe();
        }
        if activity.draining() && !hurried {
            hurried = true;
            if let Some((deadline, _)) = activity.deadline(&core.settings) {
                timer.reset(deadline);
            }
        }
        expired(core, activity, &mut timer, cx).map(|_| waits_in_kernel(&stream))
    })
    .await;
    if came {
        activity.wire().came();
    }
    came.then_some((stream, bytes))
}

/// Whether enough came to know the protocol. A client that sends the HTTP/2 preface byte by byte is waited for; any other is
/// known by its first bytes.
fn poll_first_bytes(stream: &TcpStream, bytes: &mut BytesMut, cx: &mut Context<'_>) -> Poll<bool> {
    loop {
        match stream.try_read_buf(bytes) {
            Ok(0) => return Poll::Ready(false),
            Ok(_) if bytes.len() >= PREFACE.len() || !PREFACE.starts_with(bytes) => return Poll::Ready(true),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => match ready!(stream.poll_read_ready(cx)) {
                Ok(()) => {}
                Err(_) => return Poll::Ready(false),
            },
            Err(_) => return Poll::Ready(false),
        }
    }
}

/// Whether bytes have come that the runtime has not told us of: closing now would reset a client that has asked.
fn waits_in_kernel(stream: &TcpStream) -> bool {
    SockRef::from(stream).peek(&mut [MaybeUninit::uninit()]).is_ok_and(|length| length > 0)
}

/// Runs a connection under its watchdog: closes it when it expires, lets it finish when the server drains.
async fn watched<C: Future>(core: &Core, activity: &Activity, connection: C, shut_down: fn(Pin<&mut C>)) {
    let mut connection = std::pin::pin!(connection);
    let mut timer = core.timers.at(Instant::now() + core.settings.header.min(core.settings.idle));
    let mut told = false;
    poll_fn(|cx| {
        activity.watch(cx.waker());
        // A head that has begun is read to its end and answered; only then is the connection told.
        if activity.draining() && !activity.reading_head() && !told {
            told = true;
            shut_down(connection.as_mut());
        }
        // An error here is the client's end of the connection; the exchange has logged what it cost.
        if connection.as_mut().poll(cx).is_ready() {
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
    let settings = &core.settings;
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

//! A client's connection over HTTP/1: it answers requests, and rests while nobody asks.
//!
//! hyper holds some 20 KB for a connection from its first request to its end, and most kept connections wait for a request that
//! comes late or never. So when a client has been quiet for a moment hyper's connection is taken apart, and the socket waits
//! alone; another one is made around it when bytes come. What the socket knows of the bytes before, it keeps.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::Poll,
};

use http::Request;
use hyper::{
    body::Incoming,
    server::conn::http1::{Builder, UpgradeableConnection},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use seawall_guards::Peer;
use tokio::time::Instant;

use super::{
    Activity, server,
    socket::Socket,
    watchdog::{Left, watched},
};
use crate::core::Core;

/// What hyper keeps of one direction of an HTTP/1 connection: more than any head may have, and little enough that heads without
/// an end fill no memory.
const MOST_BUFFERED_BYTES: usize = 128 * 1024;

/// Serves a connection until it ends.
pub(super) async fn serve(core: Rc<Core>, mut socket: Box<Socket>, peer: Arc<Peer>, activity: Rc<Activity>) {
    // Apart, so that a connection that rests costs little memory.
    while let Some(quiet) = Box::pin(converse(&core, socket, &peer, &activity)).await {
        socket = quiet;
        rest(&core, &socket, &activity).await;
        activity.rested();
    }
}

/// Answers requests until the connection ends, or rests: then here is its socket again.
async fn converse(
    core: &Rc<Core>,
    socket: Box<Socket>,
    peer: &Arc<Peer>,
    activity: &Rc<Activity>,
) -> Option<Box<Socket>> {
    let service = service_fn(|request: Request<Incoming>| server::answer(core, activity, peer, request));
    let mut builder = Builder::new();
    // The watchdog bounds heads; hyper's own timer would also end idle connections early.
    builder.header_read_timeout(None).max_buf_size(MOST_BUFFERED_BYTES);
    let mut connection = builder.serve_connection(TokioIo::new(socket), service).with_upgrades();
    let talking = core.talkers.enter(activity);
    let left = watched(core, activity, Pin::new(&mut connection), UpgradeableConnection::graceful_shutdown).await;
    drop(talking);
    if left == Left::Ended {
        return None;
    }
    let parts = connection.into_parts()?;
    // Invariant: hyper has used all that it read (`Socket::poll_read`). Whatever it had left nobody could place.
    debug_assert!(parts.read_buf.is_empty(), "a connection with bytes to read does not rest");
    parts.read_buf.is_empty().then(|| parts.io.into_inner())
}

/// Waits until the client sends something or leaves, its time is over, or the server drains. What that means is for the watchdog
/// to say, which looks in the same poll.
async fn rest(core: &Core, socket: &Socket, activity: &Activity) {
    let deadline = activity.deadline(&core.settings()).map_or_else(Instant::now, |(deadline, _)| deadline);
    let mut timer = core.timers.at(deadline);
    poll_fn(|cx| {
        activity.watch(cx.waker());
        if activity.draining() || socket.poll_readable(cx).is_ready() {
            return Poll::Ready(());
        }
        Pin::new(&mut timer).poll(cx)
    })
    .await;
}

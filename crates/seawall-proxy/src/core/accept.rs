//! Accepting connections, and ending it so that no client is reset.

use std::{io, net::SocketAddr, rc::Rc, time::Duration};

use socket2::{SockAddr, SockFilter, SockRef, Socket};
use tokio::{net::TcpListener, net::TcpStream, time::Instant};

use super::{Command, Core, thread::Arrived};
use crate::edge::{self, Activity};

/// How long accepting rests after the system refused it, most often for want of file descriptors.
const REST: Duration = Duration::from_millis(100);

/// How often it is said that accepting fails: for as long as descriptors are missing it does so ten times a second.
const SAYING: Duration = Duration::from_secs(10);

/// How long a handshake that has begun may take while the listener closes: one round trip of a client that is not far away.
const HANDSHAKE: Duration = Duration::from_millis(100);

/// Accepts connections until the future is dropped.
pub(super) async fn accept(core: &Rc<Core>, listener: &TcpListener) {
    let (mut said_at, mut failures) = (None::<Instant>, 0_u64);
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => arrive(core, stream, peer),
            Err(error) if transient(&error) => {}
            Err(error) => {
                failures += 1;
                if said_at.is_none_or(|at| at.elapsed() >= SAYING) {
                    tracing::error!(error = %error, failures, "accepting connections failed; accepting rests for a moment each time");
                    (said_at, failures) = (Some(Instant::now()), 0);
                }
                tokio::time::sleep(REST).await;
            }
        }
    }
}

/// Closes the listener without resetting anyone. From now on the kernel drops what would open a connection: a client that tries
/// meanwhile tries again a second later, as TCP does, and is then refused. Handshakes that have begun may finish, whoever is
/// through is accepted, and only then the listener goes.
pub(super) async fn close(core: &Rc<Core>, listener: &TcpListener) {
    if let Err(error) = SockRef::from(listener).attach_filter(&drop_syn()) {
        tracing::warn!(error = %error, "new connections cannot be held back while the listener closes; some may be reset");
    }
    accept_waiting(core, listener);
    tokio::time::sleep(HANDSHAKE).await;
    accept_waiting(core, listener);
}

/// A filter program over a TCP segment: byte 13 holds the flags; a segment with SYN (bit 1) is dropped, any other kept.
const fn drop_syn() -> [SockFilter; 4] {
    [
        SockFilter::new(0x30, 0, 0, 13),
        SockFilter::new(0x45, 0, 1, 0x02),
        SockFilter::new(0x06, 0, 0, 0),
        SockFilter::new(0x06, 0, 0, u32::MAX),
    ]
}

/// Accepts all that waits, asked directly: the runtime may not have heard of it yet.
fn accept_waiting(core: &Rc<Core>, listener: &TcpListener) {
    let socket = SockRef::from(listener);
    loop {
        match socket.accept() {
            Ok((accepted, peer)) => take_over(core, accepted, &peer),
            Err(error) if transient(&error) => {}
            Err(_) => return,
        }
    }
}

/// Begins a connection that was accepted past the runtime.
fn take_over(core: &Rc<Core>, accepted: Socket, peer: &SockAddr) {
    let stream = accepted.set_nonblocking(true).and_then(|()| TcpStream::from_std(accepted.into()));
    if let (Ok(stream), Some(peer)) = (stream, peer.as_socket()) {
        begin(core, stream, peer);
    }
}

/// Serves a connection here, or leaves it to a core that has fewer.
fn arrive(core: &Rc<Core>, stream: TcpStream, peer: SocketAddr) {
    let Some(lighter) = core.elsewhere() else { return begin(core, stream, peer) };
    let Ok(stream) = stream.into_std() else { return };
    if let Err(refused) = lighter.try_send(Command::Take(Arrived { stream, peer }))
        && let Command::Take(arrived) = refused.into_inner()
    {
        take(core, arrived);
    }
}

/// Serves a connection that another core accepted.
pub(super) fn take(core: &Rc<Core>, arrived: Arrived) {
    if let Ok(stream) = TcpStream::from_std(arrived.stream) {
        begin(core, stream, arrived.peer);
    }
}

fn begin(core: &Rc<Core>, stream: TcpStream, peer: SocketAddr) {
    let activity = Rc::new(Activity::new(Instant::now()));
    let Some(admission) = core.admit(peer.ip(), Rc::clone(&activity)) else { return };
    // Without it small answers wait for the client's acknowledgement; a socket that refuses it still works.
    let _slower = stream.set_nodelay(true);
    let core = Rc::clone(core);
    tokio::task::spawn_local(async move {
        edge::serve(core, stream, peer, activity).await;
        drop(admission);
    });
}

/// A client that left before it was accepted.
fn transient(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}

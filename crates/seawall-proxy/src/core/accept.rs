//! Accepting connections, and ending it so that no client is reset.

use std::{io, net::SocketAddr, rc::Rc, time::Duration};

use seawall_guards::Peer;
use socket2::{SockFilter, SockRef};
use tokio::{net::TcpListener, net::TcpStream, time::Instant};

use super::Core;
use crate::edge::{self, Activity};

/// How long accepting rests after the system refused it, most often for want of file descriptors.
const REST: Duration = Duration::from_millis(100);

/// Accepts connections until the future is dropped.
pub(super) async fn accept(core: &Rc<Core>, listener: &TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => begin(core, stream, peer),
            Err(error) if transient(&error) => {}
            Err(error) => {
                tracing::error!(error = %error, "accepting a connection failed; accepting rests for a moment");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

/// Closes the listener without resetting anyone: from now on the kernel drops what would open a connection, those that are
/// open already are accepted, and only then the listener goes. A client that tries meanwhile tries again a second later, as
/// TCP does, and is then refused.
pub(super) async fn close(core: &Rc<Core>, listener: TcpListener) {
    // A filter program of one instruction: keep zero bytes of each packet.
    let drop_all = [SockFilter::new(0x06, 0, 0, 0)];
    if let Err(error) = SockRef::from(&listener).attach_filter(&drop_all) {
        tracing::warn!(error = %error, "new connections cannot be held back while the listener closes; some may be reset");
    }
    // The driver is asked once more what has come in, so that nothing that is there is missed.
    tokio::task::yield_now().await;
    loop {
        tokio::select! {
            biased;
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => begin(core, stream, peer),
                Err(error) if transient(&error) => {}
                Err(_) => return,
            },
            () = std::future::ready(()) => return,
        }
    }
}

fn begin(core: &Rc<Core>, stream: TcpStream, peer: SocketAddr) {
    let activity = Rc::new(Activity::new(Instant::now()));
    let Some(admission) = core.admit(Rc::clone(&activity)) else { return };
    // Without it small answers wait for the client's acknowledgement; a socket that refuses it still works.
    let _slower = stream.set_nodelay(true);
    let core = Rc::clone(core);
    tokio::task::spawn_local(async move {
        edge::serve(core, stream, Peer::new(peer.ip(), false), activity).await;
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

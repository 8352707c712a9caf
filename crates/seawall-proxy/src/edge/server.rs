//! One client connection: who it is from, whether it is encrypted, which protocol it speaks.

use std::{
    convert::Infallible,
    future::Future,
    mem::MaybeUninit,
    net::SocketAddr,
    pin::pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::BytesMut;
use http::{Request, Response};
use hyper::body::Incoming;
use socket2::SockRef;
use tokio::{io::AsyncReadExt, net::TcpStream};

use super::{
    Activity, announced, handshake, http1, http2,
    refused::Refused,
    socket::{Protocol, Socket},
    stream::ClientStream,
    watchdog::unless_silent,
};
use crate::{
    core::Core,
    exchange::{self, Begun, Outbound},
};
use seawall_guards::Peer;

/// Enough to see which protocol a client speaks, and most heads whole.
const READ_AHEAD_BYTES: usize = 2_048;

/// The start of the HTTP/2 preface; no other request begins with it (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0";

/// Serves a connection until it ends.
pub(crate) async fn serve(core: Rc<Core>, stream: TcpStream, peer: SocketAddr, activity: Rc<Activity>) {
    let Some(client) = announced::client(&core, &stream, peer, &activity).await else { return };
    let (mut stream, agreed, certificate) = match &core.tls {
        None => (ClientStream::Plain(stream), None, None),
        Some(tls) => match Box::pin(handshake::encrypt(&core, tls, stream, &activity)).await {
            Some(encrypted) => (encrypted.stream, Some(encrypted.protocol), encrypted.certificate),
            None => return,
        },
    };
    let Some(read_ahead) = look_ahead(&core, &mut stream, agreed, &activity).await else { return };
    let seen = || if read_ahead.starts_with(PREFACE) { Protocol::Http2 } else { Protocol::Http1 };
    let protocol = agreed.unwrap_or_else(seen);
    // What follows is apart, so that a connection on which nothing was said yet costs little memory.
    let peer = Arc::new(Peer::new(client.address, agreed.is_some()).showing(certificate));
    let socket = Box::new(Socket::new(stream, protocol, read_ahead, activity.wire()));
    match protocol {
        Protocol::Http1 => http1::serve(core, socket, peer, activity).await,
        Protocol::Http2 => Box::pin(http2::serve(core, socket, peer, activity)).await,
    }
}

/// Answers one request, of either protocol.
pub(super) fn answer(
    core: &Rc<Core>,
    activity: &Rc<Activity>,
    peer: &Arc<Peer>,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response<Outbound>, Infallible>> + use<> {
    let core = Rc::clone(core);
    // Whatever the socket gave hyper after a refusal stands for what was refused.
    let begun = match activity.refused() {
        Some(Refused { refusal, head: Some(head) }) => {
            Err(Box::new(exchange::refuse(core, activity, peer, *refusal, head)))
        }
        _ => Ok(Begun::new(core, Rc::clone(activity), peer, request)),
    };
    // A block, not a chain of adapters, because those would move the whole future of an exchange.
    async move {
        Ok(match begun {
            Ok(begun) => begun.answer().await,
            Err(refused) => *refused,
        })
    }
}

/// Reads the first bytes. Nothing when none came in time, or the client left.
async fn look_ahead(
    core: &Core,
    stream: &mut ClientStream,
    agreed: Option<Protocol>,
    activity: &Activity,
) -> Option<BytesMut> {
    let mut bytes = BytesMut::new();
    let came = unless_silent(core, activity, |cx| {
        let came = poll_first_bytes(stream, agreed, &mut bytes, cx);
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
    came.then_some(bytes)
}

/// Whether enough came to know the protocol. Over TLS it was agreed on before. In clear, a client that sends the HTTP/2 preface
/// byte by byte is waited for; any other is known by its first bytes.
fn poll_first_bytes(
    stream: &mut ClientStream,
    agreed: Option<Protocol>,
    bytes: &mut BytesMut,
    cx: &mut Context<'_>,
) -> Poll<bool> {
    loop {
        if bytes.capacity() == 0 {
            bytes.reserve(READ_AHEAD_BYTES);
        }
        match pin!(stream.read_buf(bytes)).poll(cx) {
            Poll::Pending if bytes.is_empty() => {
                // Room only while there is something to read: a connection on which nothing was said yet costs little memory.
                *bytes = BytesMut::new();
                return Poll::Pending;
            }
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(false),
            Poll::Ready(Ok(_)) if agreed.is_some() || bytes.len() >= PREFACE.len() || !PREFACE.starts_with(bytes) => {
                return Poll::Ready(true);
            }
            Poll::Ready(Ok(_)) => {}
        }
    }
}

/// Whether bytes have come that the runtime has not told us of: closing now would reset a client that has asked.
pub(super) fn waits_in_kernel(stream: &TcpStream) -> bool {
    SockRef::from(stream).peek(&mut [MaybeUninit::uninit()]).is_ok_and(|length| length > 0)
}

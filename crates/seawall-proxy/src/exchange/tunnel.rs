//! WebSockets and other upgraded connections: opened only after the application's 101, then bytes both ways until one side
//! ends, both are silent, or the server drains.

use std::{cell::Cell, io, rc::Rc, time::Duration};

use bytes::BytesMut;
use http::{
    HeaderValue, Response, StatusCode,
    header::{CONNECTION, UPGRADE},
    response,
};
use seawall_core::problem::Problem;
use seawall_guards::Policy;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::Instant,
};

use super::{Exchange, answer::Payload, request::is};
use crate::{
    core::Core,
    edge::{self, OnUpgrade, UpstreamConnection},
    problems::BAD_GATEWAY,
};

/// How long a client may stay once the application has ended its side: nothing more can come from it.
const GOODBYE: Duration = Duration::from_secs(2);

const BUFFER_BYTES: usize = 16 * 1024;

/// Answers 101 and lets both sides talk. The application must have changed to what the client asked for.
pub(super) fn open(
    exchange: &Exchange,
    policy: &Policy,
    mut head: response::Parts,
    client: OnUpgrade,
    connection: UpstreamConnection,
) -> Result<Response<Payload>, Box<Problem>> {
    let refuse = |inside: &'static str| Box::new(Problem::new(&BAD_GATEWAY).inside(inside));
    let Some(upstream) = edge::on_upgrade(&mut head.extensions) else {
        return Err(refuse("the application changed the protocol without a connection to it"));
    };
    let Some(protocol) = head.headers.get(UPGRADE).cloned().filter(|protocol| !is(Some(protocol), "h2c")) else {
        return Err(refuse("the application changed the protocol without naming a new one"));
    };
    seawall_core::http::hop::strip(&mut head.headers)
        .map_err(|_| refuse("the application's answer has a malformed Connection header"))?;
    head.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    head.headers.insert(UPGRADE, protocol);
    head.status = StatusCode::SWITCHING_PROTOCOLS;
    let (core, idle) = (Rc::clone(&exchange.core), policy.deadlines().tunnel_idle);
    let place = core.keep_place();
    tokio::task::spawn_local(async move {
        core.meters.tunnels.increment();
        if let (Ok(client), Ok(upstream)) = tokio::join!(client, upstream) {
            // However it ends, both sides see the end of their connection.
            let _ended = run(&core, edge::raw(client), edge::raw(upstream), idle).await;
        }
        core.meters.tunnels.add(-1);
        // Held until here: a tunnel is one of the connections to its server.
        drop((place, connection));
    });
    Ok(Response::from_parts(head, Payload::Switched))
}

async fn run<A, B>(core: &Core, client: A, upstream: B, idle: Duration) -> io::Result<()>
where
    A: AsyncRead + AsyncWrite,
    B: AsyncRead + AsyncWrite,
{
    let (client_reads, client_writes) = tokio::io::split(client);
    let (upstream_reads, upstream_writes) = tokio::io::split(upstream);
    let moved_at = Cell::new(Instant::now());
    let up = copy(client_reads, upstream_writes, &moved_at);
    let down = copy(upstream_reads, client_writes, &moved_at);
    let both = async {
        let (mut up, mut down) = (std::pin::pin!(up), std::pin::pin!(down));
        tokio::select! {
            ended = &mut up => {
                ended?;
                down.await
            }
            ended = &mut down => {
                ended?;
                tokio::time::timeout(GOODBYE, up).await.unwrap_or(Ok(()))
            }
        }
    };
    tokio::select! {
        ended = both => ended,
        () = silence(&moved_at, idle) => Err(io::ErrorKind::TimedOut.into()),
        () = core.closed() => Ok(()),
    }
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    moved_at: &Cell<Instant>,
) -> io::Result<()> {
    let mut buffer = BytesMut::with_capacity(BUFFER_BYTES);
    while from.read_buf(&mut buffer).await? > 0 {
        moved_at.set(Instant::now());
        to.write_all_buf(&mut buffer).await?;
        to.flush().await?;
        buffer.reserve(BUFFER_BYTES);
    }
    to.shutdown().await
}

/// Ends when nothing has moved for so long.
async fn silence(moved_at: &Cell<Instant>, idle: Duration) {
    loop {
        let due = moved_at.get() + idle;
        if due <= Instant::now() {
            return;
        }
        tokio::time::sleep_until(due).await;
    }
}

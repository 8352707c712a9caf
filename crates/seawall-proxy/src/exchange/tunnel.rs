//! Connections that change their protocol: opened only after the application's 101. A WebSocket is guarded frame by frame
//! (`socket/`); any other protocol passes as bytes, until one side ends, both are silent, whoever opened it may not have it any more, or
//! the server drains.

use std::{cell::Cell, io, rc::Rc, sync::Arc, time::Duration};

use bytes::BytesMut;
use http::{
    HeaderValue, Response, StatusCode,
    header::{CONNECTION, UPGRADE},
    response,
};
use seawall_core::{
    Mode,
    http::ClientKey,
    limit::{Per, RateKey},
    problem::Problem,
    websocket::handshake::Handshake,
};
use seawall_guards::Policy;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::Instant,
};

use super::{
    Exchange,
    answer::Payload,
    forward::strip_answer,
    request::is,
    socket::{self, Opened, Reported},
};
use crate::{
    core::{Core, Gate},
    edge::{self, OnUpgrade, UpstreamConnection},
    problems::BAD_GATEWAY,
};

/// How long a client may stay once the application has ended its side: nothing more can come from it.
const GOODBYE: Duration = Duration::from_secs(2);

const BUFFER_BYTES: usize = 16 * 1024;

/// A connection that is about to change its protocol, and what is known of it.
#[derive(Debug)]
pub(super) struct Opening {
    /// The client's side.
    pub(super) client: OnUpgrade,
    /// What it asked for, one or more.
    pub(super) protocol: HeaderValue,
    /// The client's handshake, when it opens a WebSocket and somebody looks at its frames.
    pub(super) handshake: Option<Handshake>,
}

/// Answers 101 and lets both sides talk. The application must have changed to what the client asked for.
pub(super) fn open(
    exchange: &Exchange,
    policy: &Policy,
    mut head: response::Parts,
    opening: Opening,
    connection: UpstreamConnection,
) -> Result<Response<Payload>, Box<Problem>> {
    let refuse = |inside: String| Box::new(Problem::new(&BAD_GATEWAY).inside(inside));
    let Some(upstream) = edge::on_upgrade(&mut head.extensions) else {
        return Err(refuse("the application changed the protocol without a connection to it".to_owned()));
    };
    let Some(protocol) = head.headers.get(UPGRADE).cloned().filter(|protocol| !is(Some(protocol), "h2c")) else {
        return Err(refuse("the application changed the protocol without naming a new one".to_owned()));
    };
    // Guards have looked at what was asked for; a WebSocket that was not would run past those that look at its frames.
    if !members(&protocol).all(|chosen| members(&opening.protocol).any(|asked| asked.eq_ignore_ascii_case(chosen))) {
        return Err(refuse("the application changed to a protocol that the client did not ask for".to_owned()));
    }
    let socket = opened(exchange, policy, &opening, &head)?;
    strip_answer(&mut head).map_err(refuse)?;
    head.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    head.headers.insert(UPGRADE, protocol);
    head.status = StatusCode::SWITCHING_PROTOCOLS;
    let (core, idle) = (Rc::clone(&exchange.core), policy.deadlines().tunnel_idle);
    let place = core.keep_place(exchange.context.peer.address);
    let gate = core.sockets.enter(exchange.context.principal.clone(), exchange.context.now.monotonic_us);
    tokio::task::spawn_local(async move {
        core.meters.tunnels.increment();
        if let (Ok(client), Ok(upstream)) = tokio::join!(opening.client, upstream) {
            let (client, upstream) = (edge::raw(client), edge::raw(upstream));
            match &socket {
                Some(opened) => socket::run(&core, opened, &gate, client, upstream).await,
                // However it ends, both sides see the end of their connection.
                None => run(&core, &gate, client, upstream, idle).await.unwrap_or_default(),
            }
        }
        core.meters.tunnels.add(-1);
        // Held until here: a tunnel is one of the connections to its server.
        drop((gate, place, connection));
    });
    Ok(Response::from_parts(head, Payload::Switched))
}

/// The protocols that an `Upgrade` field lists.
fn members(protocols: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    protocols.as_bytes().split(|&byte| byte == b',').map(<[u8]>::trim_ascii)
}

/// What holds for the frames, when it is a WebSocket that somebody looks at; the application must have answered as one.
fn opened(
    exchange: &Exchange,
    policy: &Policy,
    opening: &Opening,
    answer: &response::Parts,
) -> Result<Option<Opened>, Box<Problem>> {
    let (Some(rules), Some(handshake)) = (policy.sockets(), &opening.handshake) else { return Ok(None) };
    let (context, core) = (&exchange.context, &exchange.core);
    let reported =
        (rules.mode == Mode::Report).then(|| Reported::new(context.request_id, policy.socket_report(context)));
    match (handshake.check_answer(&answer.headers), reported) {
        (Ok(()), reported) => Ok(Some(Opened {
            rules: Arc::clone(rules),
            reported: reported.map(Rc::new),
            owner: owner(exchange),
            request_id: context.request_id,
            idle: policy.deadlines().tunnel_idle,
        })),
        (Err(fault), Some(reported)) => {
            reported.tell(core, BAD_GATEWAY.status.as_u16(), &fault.to_string());
            Ok(None)
        }
        (Err(fault), None) => Err(Box::new(Problem::new(&BAD_GATEWAY).inside(fault.to_string()))),
    }
}

/// Whose sockets are counted together: a person's, whatever it showed and wherever it is; of a stranger only the address is known.
fn owner(exchange: &Exchange) -> RateKey {
    match &exchange.context.principal {
        Some(principal) => principal.rate_keys.of(Per::User),
        None => RateKey::address(ClientKey::of(exchange.context.client)),
    }
}

async fn run<A, B>(core: &Core, gate: &Gate, client: A, upstream: B, idle: Duration) -> io::Result<()>
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
        () = gate.revoked() => Ok(()),
        () = socket::expired(core, gate) => Ok(()),
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

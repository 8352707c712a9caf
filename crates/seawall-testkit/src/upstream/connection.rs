//! One connection of the upstream: requests in order, each recorded before it is answered, until either side ends it.

use std::sync::Arc;

use serde_json::json;
use tokio::net::TcpStream;

use super::behaviour;
use super::exchange::{Exchange, Next, Outcome};
use super::kind::Kind;
use super::record::{Record, Seen, SeenRequest};
use super::target::Target;
use crate::client::framing::Framing;
use crate::client::head::{Head, named};
use crate::client::wire::{Wire, WireError};

/// Serves a connection to its end. Dropping this closes the socket.
pub(super) async fn serve(stream: TcpStream, record: Arc<Record>) {
    let open = Open::count(&record);
    // Without Nagle's algorithm every write is seen when it happens; a socket that is gone shows at the next read.
    let _set = stream.set_nodelay(true);
    let mut wire = Wire::new(stream);
    let kind = record.read(|state| state.kind.clone());
    let next = match kind {
        Kind::ByPath | Kind::Always(_) | Kind::DiesWhenReused => serve_requests(&mut wire, &record, open.number).await,
        Kind::ClosesOnAccept => Next::Close,
        Kind::ResetsOnAccept => Next::Reset,
        Kind::NeverReads => std::future::pending().await,
    };
    if next == Next::Reset {
        // Fails only when the connection has ended already.
        let _reset = wire.reset();
    }
}

async fn serve_requests(wire: &mut Wire, record: &Record, connection: usize) -> Next {
    loop {
        match serve_one(wire, record, connection).await {
            Ok(Next::KeepAlive) => {}
            Ok(next) => return next,
            Err(WireError::Malformed(problem)) => {
                record.change(|state| state.violations.push(problem.clone()));
                refuse(wire, &problem).await;
                return Next::Close;
            }
            Err(WireError::Closed | WireError::Reset | WireError::Io(_)) => return Next::Close,
        }
    }
}

async fn serve_one(wire: &mut Wire, record: &Record, connection: usize) -> Outcome {
    let Some(head) = Head::read(wire).await? else { return Ok(Next::Close) };
    let request = SeenRequest::new(connection, &head);
    let (index, kind) = record.change(|state| {
        state.requests.push(request.clone());
        (state.requests.len() - 1, state.kind.clone())
    });
    let framing = check(&request)?;
    let target = match &kind {
        Kind::Always(path) => Target::parse(path),
        _ => Target::parse(&request.target),
    };
    let dies = kind == Kind::DiesWhenReused && record.read(|state| state.carried_before(index));
    let mut exchange = Exchange::new(wire, Seen { record, index }, request, framing, target);
    if dies {
        exchange.read_body().await?;
        return Ok(Next::Close);
    }
    let next = behaviour::answer(&mut exchange).await?;
    Ok(if next == Next::KeepAlive && exchange.closes() { Next::Close } else { next })
}

/// What RFC 9112 asks of a client and the parser has not seen to.
fn check(request: &SeenRequest) -> Result<Framing, WireError> {
    let head = || String::from_utf8_lossy(&request.raw_head).into_owned();
    if request.method.is_empty()
        || request.target.is_empty()
        || !matches!(request.version.as_str(), "HTTP/1.1" | "HTTP/1.0")
    {
        return Err(WireError::Malformed(format!("request line of {:?}", head())));
    }
    let hosts = named(&request.headers, "host").count();
    if hosts > 1 || (hosts == 0 && request.version == "HTTP/1.1") {
        return Err(WireError::Malformed(format!("{hosts} Host lines in {:?}", head())));
    }
    Framing::of_request(&request.version, &request.headers)
}

async fn refuse(wire: &mut Wire, problem: &str) {
    let body = json!({ "violation": problem }).to_string();
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    // The record has the violation, whether or not the other side still reads.
    let _written = wire.write(answer.as_bytes()).await;
}

/// Counts a connection as open until it is dropped.
struct Open<'r> {
    record: &'r Record,
    number: usize,
}

impl<'r> Open<'r> {
    fn count(record: &'r Record) -> Self {
        let number = record.change(|state| {
            state.opened += 1;
            state.open += 1;
            state.opened
        });
        Self { record, number }
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.record.change(|state| state.open -= 1);
    }
}

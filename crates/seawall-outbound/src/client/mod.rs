//! Asking other services over HTTP/1.1: one attempt, within its clocks, over connections that are kept.

mod connect;
mod retry_after;

use std::{error::Error, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{self, Client as Pool},
    rt::{TokioExecutor, TokioTimer},
};
use seawall_core::resilience::Failure;
use seawall_resilience::{Clocks, Late};

use connect::{ConnectError, Connector};
pub use connect::{Reach, Trust};
pub(crate) use retry_after::retry_after;

/// How long a connection that nobody uses is kept. Services close theirs after a minute or so; a request that meets a closed one is
/// sent again over another, but costs a connection.
const KEPT: Duration = Duration::from_secs(30);

/// The connections that nobody uses, at most, to one service.
const MOST_IDLE: usize = 64;

/// Why an attempt brought no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// No connection, so nothing was sent.
    #[error("{0}")]
    Connect(String),
    /// A clock ran out.
    #[error(transparent)]
    Late(#[from] Late),
    /// The connection ended before an answer, or what came was none.
    #[error("{0}")]
    Broken(String),
}

impl Fault {
    /// What it means for another attempt.
    #[must_use]
    pub(crate) const fn failure(&self) -> Failure {
        match self {
            Self::Connect(_) | Self::Late(Late::Connect) => Failure::NothingSent,
            Self::Late(Late::FirstByte | Late::Idle) | Self::Broken(_) => Failure::Broken,
            Self::Late(Late::Total) => Failure::TimedOut,
        }
    }
}

/// Connections to one service.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pool: Pool<Connector, Full<Bytes>>,
    first_byte: Duration,
}

impl Client {
    pub(crate) fn new(trust: Trust, reach: Reach, clocks: &Clocks) -> Self {
        let mut builder = Pool::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new()).pool_idle_timeout(KEPT).pool_max_idle_per_host(MOST_IDLE);
        let pool = builder.build(Connector { trust, reach, limit: clocks.connect });
        Self { pool, first_byte: clocks.first_byte }
    }

    /// One attempt, whose answer begins within its clock, unless the caller is patient. Dropping it, or the answer before its end, ends it for the service too: the connection is closed.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>, patient: bool) -> Result<Response<Incoming>, Fault> {
        let first_byte = if patient { Duration::MAX } else { self.first_byte };
        match tokio::time::timeout(first_byte, self.pool.request(request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(told(&error)),
            Err(_) => Err(Late::FirstByte.into()),
        }
    }
}

fn told(error: &legacy::Error) -> Fault {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(ConnectError::Late { .. }) = inner.downcast_ref() {
            return Late::Connect.into();
        }
        cause = inner.source();
    }
    let sentence = chain(error.source().unwrap_or(error));
    if error.is_connect() { Fault::Connect(sentence) } else { Fault::Broken(sentence) }
}

/// An error with its causes.
fn chain(error: &dyn Error) -> String {
    let mut sentence = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_words = inner.to_string();
        if !sentence.ends_with(&inner_words) {
            sentence = format!("{sentence}: {inner_words}");
        }
        cause = inner.source();
    }
    sentence
}

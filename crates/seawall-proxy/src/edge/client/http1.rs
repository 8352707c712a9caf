//! One HTTP/1.1 connection to a server of the upstream.

use std::{io, sync::Arc};

use http::Request;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use seawall_resilience::Permit;

use super::{
    super::checked_link::{Asked, CheckedLink},
    Answered, SendFailure,
};
use crate::{exchange::Sending, meters::Refusals, upstream::Link};

/// A connection to a server, ready for one request after another.
#[derive(Debug)]
pub(crate) struct Http1Connection {
    sender: SendRequest<Sending>,
    asked: Arc<Asked>,
    /// Its place among the open connections to that server.
    _place: Permit,
}

impl Http1Connection {
    /// Speaks HTTP over a link that holds a place.
    pub(crate) async fn open(link: Link, place: Permit, refusals: Refusals) -> io::Result<Self> {
        let (link, asked) = CheckedLink::new(link);
        let (sender, connection) =
            http1::Builder::new().handshake(TokioIo::new(link)).await.map_err(io::Error::other)?;
        let seen = Arc::clone(&asked);
        tokio::task::spawn_local(async move {
            // The connection's own end is seen by whoever holds the sender.
            let _ended = connection.with_upgrades().await;
            if let Some(refusal) = seen.refusal() {
                refusals.count(refusal);
            }
        });
        Ok(Self { sender, asked, _place: place })
    }

    /// Whether the server has left it open.
    pub(crate) fn is_open(&self) -> bool {
        !self.sender.is_closed() && self.asked.refusal().is_none()
    }

    /// Whether it takes the next request at once. It does not while the last one is still being written, to a server that answered
    /// before it had read it.
    pub(crate) fn is_free(&self) -> bool {
        self.is_open() && self.sender.is_ready()
    }

    /// Sends a request and waits for the head of its answer. It is sent at once, before the future is polled, when the
    /// connection is ready, as it nearly always is.
    pub(crate) fn send(&mut self, request: Request<Sending>) -> impl Future<Output = Answered> {
        let sent = if self.sender.is_ready() { Ok(self.start(request)) } else { Err(Box::new(request)) };
        async move {
            match sent {
                Ok(answer) => answer.await,
                Err(request) if self.sender.ready().await.is_err() => Err(SendFailure::NothingSent(request)),
                Err(request) => self.start(*request).await,
            }
        }
    }

    fn start(&mut self, request: Request<Sending>) -> impl Future<Output = Answered> + use<> {
        self.asked.ask(&request);
        let answer = self.sender.try_send_request(request);
        async move {
            answer.await.map(Box::new).map_err(|mut failure| match failure.take_message() {
                Some(request) => SendFailure::NothingSent(Box::new(request)),
                None => SendFailure::Broken(failure.into_error()),
            })
        }
    }
}

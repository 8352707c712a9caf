//! One connection to the application.

use std::{io, time::Duration};

use http::{Request, Response};
use hyper::{
    body::Incoming,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::{exchange::Sending, upstream::UpstreamAddress};

/// A connection to the application, ready for one request after another.
#[derive(Debug)]
pub(crate) struct UpstreamConnection {
    sender: SendRequest<Sending>,
}

/// Why no answer came.
#[derive(Debug)]
pub(crate) enum SendFailure {
    /// Not a byte was sent; here is the request again.
    NothingSent(Box<Request<Sending>>),
    /// The connection ended, or the answer is not HTTP.
    Broken(hyper::Error),
}

impl UpstreamConnection {
    /// Connects within `limit`.
    pub(crate) async fn open(address: &UpstreamAddress, limit: Duration) -> io::Result<Self> {
        let connect = TcpStream::connect(address.host_and_port());
        let stream = tokio::time::timeout(limit, connect).await.map_err(|_| io::ErrorKind::TimedOut)??;
        // Only slower without it; a socket that the application has reset already says so when it is used.
        let _slower = stream.set_nodelay(true);
        let (sender, connection) =
            http1::Builder::new().handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        // The connection's own end is seen by whoever holds the sender.
        tokio::task::spawn_local(connection.with_upgrades());
        Ok(Self { sender })
    }

    /// Whether the application has left it open.
    pub(crate) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// Sends a request and waits for the head of its answer.
    pub(crate) async fn send(&mut self, request: Request<Sending>) -> Result<Response<Incoming>, SendFailure> {
        if !self.sender.is_ready() && self.sender.ready().await.is_err() {
            return Err(SendFailure::NothingSent(Box::new(request)));
        }
        self.sender.try_send_request(request).await.map_err(|mut failure| match failure.take_message() {
            Some(request) => SendFailure::NothingSent(Box::new(request)),
            None => SendFailure::Broken(failure.into_error()),
        })
    }
}

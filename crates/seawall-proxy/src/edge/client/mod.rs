//! Connections to the servers of the upstream: HTTP/1.1, which carries one request at a time, and HTTP/2, which carries many.

mod ask;
mod body;
mod heads;
mod http1;
mod http2;
mod settings;

use futures_util::future::Either;
use http::{Request, Response};
use hyper::body::Incoming;

pub(crate) use ask::{ask, fetch};
pub(crate) use body::{BodyTask, Parts};
pub(crate) use heads::{clean_trailers, without_own_fields};
pub(crate) use http1::Http1Connection;
pub(crate) use http2::{Cancelled, Multiplexed, cancelled};

use crate::{exchange::Sending, upstream::Stream};

/// What a request goes over.
#[derive(Debug)]
pub(crate) enum UpstreamConnection {
    /// A connection of its own.
    Http1(Http1Connection),
    /// A place on one that many share.
    Http2(Stream),
}

/// Why no answer came.
#[derive(Debug)]
pub(crate) enum SendFailure {
    /// Not a byte was sent; here is the request again.
    NothingSent(Box<Request<Sending>>),
    /// The server says that it has not looked at the request (RFC 9113 section 8.7).
    Unprocessed(Unprocessed),
    /// The server gave up on this request alone (RST_STREAM); the connection goes on.
    Reset(hyper::Error),
    /// The connection ended, or the answer is not HTTP.
    Broken(hyper::Error),
    /// The answer breaks a rule of HTTP that its protocol's implementation lets pass.
    Invalid(&'static str),
}

/// How a server says that it has not looked at a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unprocessed {
    /// It refused this one.
    Refused,
    /// It ends the connection, and the request came too late for it.
    Leaving,
}

/// The head of an answer, and its body that streams; boxed, because it goes from hand to hand.
pub(crate) type Answered = Result<Box<Response<Incoming>>, SendFailure>;

impl UpstreamConnection {
    /// Sends a request and waits for the head of its answer. It is sent at once, before the future is polled, when the
    /// connection is ready, as it nearly always is.
    pub(crate) fn send(&mut self, request: Request<Sending>) -> impl Future<Output = Answered> {
        match self {
            Self::Http1(connection) => Either::Left(connection.send(request)),
            Self::Http2(stream) => Either::Right(stream.send(request)),
        }
    }

    /// Whether other requests go over the same connection.
    pub(crate) const fn shared(&self) -> bool {
        matches!(self, Self::Http2(_))
    }
}

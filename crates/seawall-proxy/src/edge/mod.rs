//! The HTTP edge: the only place that names hyper's connection types, so that what reads and writes bytes can change without
//! the exchange noticing.

mod activity;
mod announced;
mod checked_link;
mod client;
mod gate;
mod handshake;
mod http1;
mod http2;
mod linger;
mod refused;
mod send_queue;
mod server;
mod socket;
mod stream;
mod watchdog;

use std::{error::Error, io};

use seawall_core::http::framing::Refusal;

pub(crate) use activity::{Activity, AnswerClock};
pub(crate) use client::{
    Answered, BodyTask, Cancelled, Http1Connection, Multiplexed, Parts, SendFailure, Unprocessed, UpstreamConnection,
    ask, cancelled, clean_trailers, fetch, without_own_fields,
};
pub(crate) use send_queue::SendQueues;
pub(crate) use server::serve;

/// Why a connection, or a body on it, failed.
pub(crate) use hyper::Error as ConnectionError;

/// A body that streams in from a connection.
pub(crate) use hyper::body::Incoming;

/// What is known when a connection changes its protocol.
pub(crate) use hyper::upgrade::{OnUpgrade, Upgraded};

/// Takes the way to the raw connection out of a request's or an answer's extensions.
pub(crate) fn on_upgrade(extensions: &mut http::Extensions) -> Option<OnUpgrade> {
    extensions.remove::<OnUpgrade>()
}

/// Why a connection failed, or a body on it, when what the other side sent was refused.
pub(crate) fn refusal(error: &hyper::Error) -> Option<Refusal> {
    let cause = error.source()?.downcast_ref::<io::Error>()?.get_ref()?;
    cause.downcast_ref().copied()
}

/// Whether a body ended because the other side left, rather than because what it sent makes no sense.
pub(crate) fn left(error: &hyper::Error) -> bool {
    let io = error.source().and_then(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    !matches!(io, Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData)) && !error.is_parse()
}

/// Reads and writes a raw connection with tokio's traits.
pub(crate) fn raw(upgraded: Upgraded) -> hyper_util::rt::TokioIo<Upgraded> {
    hyper_util::rt::TokioIo::new(upgraded)
}

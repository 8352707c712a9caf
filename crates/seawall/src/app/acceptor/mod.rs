//! Listeners of the control plane: where operators ask, and where the application's calls come in.
//!
//! Whoever connects here is on this machine, but a program that hangs there holds memory and descriptors that clients need, so
//! these connections are bounded as those of the public listener are: how many there may be, how long each may say nothing, how
//! long a head may take, and how long an answer may wait for its reader. Whoever finds no place is told so.

mod connection;
mod full;
mod meters;
mod pace;

use std::{
    convert::Infallible, error::Error, io, net::TcpListener as StdTcpListener,
    os::unix::net::UnixListener as StdUnixListener, sync::Arc, time::Duration,
};

use axum::serve::{Listener, ListenerExt};
use bytes::Bytes;
use http::{Request, Response};
use hyper::{
    body::{Body, Incoming},
    service::Service,
};
use seawall_core::meter::Meter;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
    sync::{Semaphore, watch},
};

use super::hand_over::Phase;
pub(super) use full::PROBLEM;
pub(super) use meters::CLOSED;
use meters::Meters;

/// Those who are told at a time that there is no place; more are only closed.
const MOST_TOLD: usize = 32;

/// What connections may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// How many there may be at once.
    pub(super) connections: usize,
    /// How long one may be silent before its first byte.
    pub(super) first_byte: Duration,
    /// How long a head may take from its first byte.
    pub(super) head: Duration,
    /// How long nothing may be asked between two requests.
    pub(super) idle: Duration,
    /// How long nothing of an answer may be taken that waits to be.
    pub(super) send: Duration,
}

/// Operators: scrapes, health checks, the command line. The times are those of the public listener unless it is told others.
pub(super) const OPERATORS: Limits = Limits {
    connections: 256,
    first_byte: Duration::from_secs(10),
    head: Duration::from_secs(10),
    idle: Duration::from_secs(75),
    send: Duration::from_secs(120),
};

/// The application's calls. Its libraries keep connections, open some ahead of need, and may put off to read an answer.
pub(super) const CALLS: Limits = Limits {
    connections: 8_192,
    first_byte: Duration::from_secs(75),
    head: Duration::from_secs(10),
    idle: Duration::from_secs(75),
    send: Duration::from_secs(600),
};

/// Accepts connections and serves them within limits. Clones share their places.
#[derive(Clone, Debug)]
pub(super) struct Acceptor(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limits: Limits,
    places: Arc<Semaphore>,
    told: Arc<Semaphore>,
    meters: Meters,
    /// What is said where no place is left.
    full: String,
}

impl Acceptor {
    /// One for the listener that metrics call `name`; the pages behind its problems are below `pages`.
    pub(super) fn new(name: &str, limits: Limits, pages: &str, meter: &dyn Meter) -> Self {
        Self(Arc::new(Inner {
            limits,
            places: Arc::new(Semaphore::new(limits.connections)),
            told: Arc::new(Semaphore::new(MOST_TOLD)),
            meters: Meters::new(name, meter),
            full: full::answer(pages),
        }))
    }

    /// Serves a TCP listener as long as this process is the one that serves. Requests that are under way then are answered;
    /// their connections end with the answer, so that whoever asks again asks the other process.
    ///
    /// # Errors
    /// The listener cannot be used.
    pub(super) async fn serve_tcp<S, B>(
        self,
        listener: StdTcpListener,
        service: S,
        mut phase: watch::Receiver<Phase>,
    ) -> io::Result<()>
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible, Future: Send>
            + Clone
            + Send
            + 'static,
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin + Send + 'static,
    {
        while let Ok(Phase::Serving) = phase.wait_for(|phase| *phase != Phase::Resting).await.map(|phase| *phase) {
            let listener = TcpListener::from_std(listener.try_clone()?)?.tap_io(|stream| {
                // What cannot be set is only slower.
                let _slower = stream.set_nodelay(true);
            });
            tokio::select! {
                never = self.accept(listener, service.clone(), &phase) => match never {},
                () = given_up(phase.clone()) => {}
            }
        }
        // Another process accepts from now on, and this one has nothing to do here but to be there until the end.
        drop(listener);
        std::future::pending().await
    }

    /// Serves a Unix socket until the future is dropped.
    ///
    /// # Errors
    /// The listener cannot be used.
    pub(super) async fn serve_unix<S, B>(self, listener: StdUnixListener, service: S) -> io::Result<()>
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible, Future: Send>
            + Clone
            + Send
            + 'static,
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin + Send + 'static,
    {
        // Nobody else has this socket.
        let (_, phase) = watch::channel(Phase::Serving);
        match self.accept(UnixListener::from_std(listener)?, service, &phase).await {}
    }

    async fn accept<L, S, B>(&self, mut listener: L, service: S, phase: &watch::Receiver<Phase>) -> Infallible
    where
        L: Listener,
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible, Future: Send>
            + Clone
            + Send
            + 'static,
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin + Send + 'static,
    {
        loop {
            let (stream, _) = listener.accept().await;
            let Ok(place) = Arc::clone(&self.0.places).try_acquire_owned() else {
                self.turn_away(stream);
                continue;
            };
            let (inner, service, given_up) = (Arc::clone(&self.0), service.clone(), given_up(phase.clone()));
            tokio::spawn(async move {
                if let Some(expiry) = connection::serve(stream, service, inner.limits, given_up).await {
                    inner.meters.expired(expiry);
                }
                drop(place);
            });
        }
    }

    /// Tells whoever finds no place, as far as few others are being told.
    fn turn_away(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        self.0.meters.full();
        let Ok(told) = Arc::clone(&self.0.told).try_acquire_owned() else { return };
        let inner = Arc::clone(&self.0);
        tokio::spawn(async move {
            full::say(stream, &inner.full).await;
            drop(told);
        });
    }
}

/// Ends when this process does not serve any more.
async fn given_up(mut phase: watch::Receiver<Phase>) {
    if phase.wait_for(|phase| *phase != Phase::Serving).await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests;

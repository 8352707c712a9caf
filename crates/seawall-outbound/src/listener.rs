//! The listener for the application's calls, on the control plane.

use std::{io, net::TcpListener as StdTcpListener, sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
};

use crate::Outbound;

/// Connections of the application at once.
const CONNECTIONS: usize = 8_192;

/// How long the head of a call may take to come, and how long a connection may say nothing between calls.
const HEAD: Duration = Duration::from_secs(60);

/// How long to wait after the system refused to accept: it has no more files, which passes when a connection ends.
const PAUSE: Duration = Duration::from_millis(100);

/// Opens the listener.
///
/// # Errors
/// The address cannot be had.
pub fn bind(address: std::net::SocketAddr) -> io::Result<StdTcpListener> {
    let listener = StdTcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

impl Outbound {
    /// Answers calls until the future is dropped; those that are under way then end by themselves. Accepts only while `accepting` says so,
    /// because another process may have the same listener.
    ///
    /// # Errors
    /// The listener cannot be used.
    pub async fn serve(self, listener: StdTcpListener, mut accepting: watch::Receiver<bool>) -> io::Result<()> {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        while accepting.wait_for(|accepting| *accepting).await.is_ok() {
            let listener = TcpListener::from_std(listener.try_clone()?)?;
            tokio::select! {
                () = self.clone().accept(listener, Arc::clone(&places)) => {}
                ended = accepting.wait_for(|accepting| !*accepting) => if ended.is_err() { break },
            }
        }
        std::future::pending().await
    }

    async fn accept(self, listener: TcpListener, places: Arc<Semaphore>) {
        while let Ok(place) = Arc::clone(&places).acquire_owned().await {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let outbound = self.clone();
                    tokio::spawn(async move {
                        outbound.connection(stream).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "a call could not be accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn connection(self, stream: TcpStream) {
        // What cannot be set is only slower.
        let _slower = stream.set_nodelay(true);
        let answer = service_fn(move |request| {
            let outbound = self.clone();
            outbound.answer(request)
        });
        let mut server = http1::Builder::new();
        server.timer(TokioTimer::new()).header_read_timeout(HEAD);
        // A client that leaves, and a body that broke off, end the connection; whoever asked sees that.
        if let Err(error) = server.serve_connection(TokioIo::new(stream), answer).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "a connection of the application ended early");
        }
    }
}

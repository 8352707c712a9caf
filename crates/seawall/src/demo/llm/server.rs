//! The fake as a server, and the handle to it.

use std::{convert::Infallible, io, net::TcpListener, sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpStream, task::JoinSet};

use super::{
    answer::answer,
    behaviour::{Behaviour, UnknownModel},
    call::Call,
    state::{Open, Shared},
};

/// Connections at a time; the next one waits.
const MOST_CONNECTIONS: usize = 1_024;

/// How long nobody is accepted after the system refused to.
const AFTER_FAULT: Duration = Duration::from_millis(50);

/// The fake. Clones are handles to the same one.
#[derive(Clone, Debug, Default)]
pub struct Llm {
    shared: Arc<Shared>,
}

impl Llm {
    /// Serves until the future is dropped, and with it all connections.
    ///
    /// # Errors
    /// The system's error when the listener, which must not block, cannot be used.
    pub async fn serve(&self, listener: TcpListener) -> io::Result<()> {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept(), if connections.len() < MOST_CONNECTIONS => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(connection(stream, Arc::clone(&self.shared)));
                    }
                    Err(error) => {
                        tracing::warn!(error = %error, "a connection could not be accepted");
                        tokio::time::sleep(AFTER_FAULT).await;
                    }
                },
                Some(_ended) = connections.join_next() => {}
            }
        }
    }

    /// The last 1024 calls, oldest first, the one that is being answered among them.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.shared.calls()
    }

    /// Does this with all calls from the next one on, whatever their model is called.
    pub fn always(&self, behaviour: Behaviour) {
        self.shared.set_always(Some(behaviour));
    }

    /// Lets the model's name choose again.
    pub fn by_name(&self) {
        self.shared.set_always(None);
    }

    /// Does these, each with one of the next calls, before anything else is looked at.
    ///
    /// # Errors
    /// [`UnknownModel`] for a name that cannot be read; nothing is done then.
    pub fn script(&self, names: &[&str]) -> Result<(), UnknownModel> {
        let behaviours = names.iter().map(|name| Behaviour::parse(name)).collect::<Result<Vec<_>, _>>()?;
        self.shared.add_next(behaviours);
        Ok(())
    }

    /// How many connections are open.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.shared.open_connections()
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    let _open = Open::count(&shared);
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(error = %error, "frames of this connection may be sent together");
    }
    let service = service_fn(|request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(answer(shared, request).await) }
    });
    let served = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await;
    if let Err(error) = served {
        // A client that leaves and an answer that is cut are both what this server is for.
        tracing::debug!(error = %error, "a connection ended early");
    }
}

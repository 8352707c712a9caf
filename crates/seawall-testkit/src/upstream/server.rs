//! The upstream's listener: starting, accepting, stopping and coming back on the same port.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use super::connection;
use super::kind::Kind;
use super::record::{Record, SeenRequest};

const BACKLOG: u32 = 1024;
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);
const WAIT_LIMIT: Duration = Duration::from_secs(10);

/// An HTTP/1.1 server on a free port of 127.0.0.1, recording everything it sees. It ends when this is dropped.
#[derive(Debug)]
pub struct Upstream {
    /// Where it listens; kept over stop and restart.
    pub address: SocketAddr,
    record: Arc<Record>,
    running: Option<Running>,
    /// Holds the port while stopped.
    reserved: Option<TcpSocket>,
}

#[derive(Debug)]
struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Upstream {
    /// Starts an upstream.
    pub async fn start(kind: Kind) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port on 127.0.0.1");
        let address = listener.local_addr().expect("a listener has an address");
        let record = Arc::new(Record::new(kind));
        let running = Some(Running::start(listener, &record));
        Self { address, record, running, reserved: None }
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All requests whose head arrived, in that order, since the start.
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.record.read(|state| state.requests.clone())
    }

    /// What the other side did against HTTP/1.1: malformed or ambiguous heads and bodies, requests without Host and so on.
    pub fn violations(&self) -> Vec<String> {
        self.record.read(|state| state.violations.clone())
    }

    /// Connections accepted since the start.
    pub fn connections_opened(&self) -> usize {
        self.record.read(|state| state.opened)
    }

    /// Connections open at the moment.
    pub fn open_connections(&self) -> usize {
        self.record.read(|state| state.open)
    }

    /// Changes the behaviour for connections and requests from this moment on.
    pub fn become_kind(&self, kind: Kind) {
        self.record.change(|state| state.kind = kind);
    }

    /// Waits until `holds`, looked at after every change the upstream sees; panics after 10 s, naming `what`.
    pub async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let mut changes = self.record.changes();
        let waiting = async {
            while !holds(self) {
                changes.changed().await.expect("the record lives as long as the upstream");
            }
        };
        if timeout(WAIT_LIMIT, waiting).await.is_err() {
            panic!("waited {WAIT_LIMIT:?} in vain for {what}; the upstream saw: {:?}", self.record);
        }
    }

    /// Closes the listener and every connection, and returns when they are closed. Connecting is refused until the restart.
    pub async fn stop(&mut self) {
        if let Some(Running { stop, task }) = self.running.take() {
            // Nobody listens only if the task panicked, which awaiting it shows.
            let _sent = stop.send(());
            task.await.expect("the upstream accepts until it is told to stop");
            self.reserved = Some(reserve(self.address));
        }
    }

    /// Stops if running, then listens again on the same port, with the same behaviour and the record of before.
    pub async fn restart_on_same_port(&mut self) {
        self.stop().await;
        let socket = self.reserved.take().unwrap_or_else(|| reserve(self.address));
        let listener = socket.listen(BACKLOG).expect("the port was kept");
        self.running = Some(Running::start(listener, &self.record));
    }
}

impl Running {
    fn start(listener: TcpListener, record: &Arc<Record>) -> Self {
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(accept(listener, Arc::clone(record), stopped));
        Self { stop, task }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.task.abort();
        }
    }
}

/// Binds without listening: connections are refused, and nobody else gets the port.
fn reserve(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("an option of every socket");
    socket.bind(address).expect("the port was ours until this moment");
    socket
}

async fn accept(listener: TcpListener, record: Arc<Record>, mut stopped: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection::serve(stream, Arc::clone(&record)));
                }
                // Out of file descriptors, most likely: some may be free again in a moment.
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
            Some(ended) = connections.join_next() => {
                if let Err(panic) = ended {
                    record.change(|state| state.violations.push(format!("a connection of the upstream failed: {panic}")));
                }
            }
        }
    }
    drop(listener);
    connections.shutdown().await;
}

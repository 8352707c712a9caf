//! One server of the upstream, as all cores see it: whether it may be asked, and how to reach it.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering},
    },
    time::Duration,
};

use rustls::pki_types::ServerName;
use seawall_core::{
    clock::Clock,
    meter::{Handle, Meter},
    resilience::{BreakerState, Change},
};
use seawall_resilience::{Bulkhead, CircuitBreaker};
use tokio::{
    net::{TcpStream, UnixStream},
    sync::Notify,
};

use super::{
    EncryptionError, Protocol, Tuning, UpstreamAddress, WeighedServer,
    encryption::{Encryption, speaks_http2},
    link::Link,
    names::Names,
    protocol::Spoken,
};
use crate::meters::{BREAKER_OPENED, BREAKER_STATE, SERVER_UP};

/// How long to wait before a full queue is tried again.
const QUEUE_PAUSE: Duration = Duration::from_millis(5);

/// What a server takes from the process.
#[derive(Clone, Debug)]
pub(super) struct Means {
    pub(super) cores: usize,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) meter: Arc<dyn Meter>,
}

/// One server of the upstream.
#[derive(Debug)]
pub(crate) struct Server {
    address: UpstreamAddress,
    weight: AtomicU32,
    /// Whether it fails.
    pub(super) breaker: CircuitBreaker,
    /// Places for connections, over all cores.
    pub(super) connections: Bulkhead,
    /// Tells cores that another one waits for a place that an idle connection holds.
    pub(super) wanted: Notify,
    /// What the last checks said.
    up: AtomicBool,
    up_gauge: Handle,
    /// Whether no connection could be made the last time, so that one made again says that the server is back.
    unreachable: AtomicBool,
    in_flight: Box<[OwnCount]>,
    way: Way,
}

/// What an attempt to reach a server says beside the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    Again,
    NoLonger,
    AsBefore,
}

/// A count that one core writes and others read; alone on its cache line, so that counting disturbs nobody.
#[derive(Debug, Default)]
#[repr(align(128))]
struct OwnCount(AtomicU32);

/// How a server is reached.
#[derive(Debug)]
enum Way {
    Network(Names),
    Encrypted(Names, Encryption, ServerName<'static>),
    Unix(PathBuf),
}

impl Server {
    pub(super) fn new(
        weighed: &WeighedServer,
        tuning: &Tuning,
        encryption: Option<&Encryption>,
        means: &Means,
    ) -> Result<Self, EncryptionError> {
        let address = weighed.address.clone();
        let label = address.to_string();
        let way = match (&address, encryption) {
            (UpstreamAddress::Unix(path), _) => Way::Unix(path.clone()),
            (UpstreamAddress::Network { host, port, encrypted: true }, Some(encryption)) => {
                Way::Encrypted(Names::new(host, *port), encryption.clone(), ServerName::try_from(host.clone())?)
            }
            (UpstreamAddress::Network { host, port, .. }, _) => Way::Network(Names::new(host, *port)),
        };
        let up_gauge = means.meter.series(&SERVER_UP, &[&label]);
        up_gauge.increment();
        let breaker = CircuitBreaker::new(tuning.breaker, Arc::clone(&means.clock), observer(label, &*means.meter));
        Ok(Self {
            weight: AtomicU32::new(weighed.weight),
            breaker,
            connections: Bulkhead::new(tuning.max_connections, tuning.max_waiting),
            wanted: Notify::new(),
            up: AtomicBool::new(true),
            up_gauge,
            unreachable: AtomicBool::new(false),
            in_flight: (0..means.cores).map(|_| OwnCount::default()).collect(),
            way,
            address,
        })
    }

    /// Where it is.
    pub(crate) const fn address(&self) -> &UpstreamAddress {
        &self.address
    }

    /// Its share beside the others' weights.
    pub(super) fn weight(&self) -> u32 {
        self.weight.load(Ordering::Relaxed)
    }

    /// Takes over changed numbers; the state stays.
    pub(super) fn configure(&self, weight: u32, tuning: &Tuning) {
        self.weight.store(weight, Ordering::Relaxed);
        self.breaker.configure(tuning.breaker);
        self.connections.resize(tuning.max_connections);
        self.connections.let_wait(tuning.max_waiting);
    }

    /// What the last checks said.
    pub(super) fn up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    /// Notes what checks say.
    pub(super) fn set_up(&self, up: bool) {
        if self.up.swap(up, Ordering::Relaxed) != up {
            self.up_gauge.add(if up { 1 } else { -1 });
        }
    }

    /// Notes whether the server could be reached.
    pub(super) fn reached(&self, reached: bool) -> Reached {
        // Looked at before it is written: it almost never changes, and all cores read it.
        if self.unreachable.load(Ordering::Relaxed) == reached {
            self.unreachable.store(!reached, Ordering::Relaxed);
            if reached { Reached::Again } else { Reached::NoLonger }
        } else {
            Reached::AsBefore
        }
    }

    /// Whether it gets no requests because it failed.
    pub(super) fn held_back(&self) -> bool {
        self.breaker.state() == BreakerState::Open
    }

    /// Sets one core's count of requests in flight. Only that core writes it.
    pub(super) fn count_in_flight(&self, core: usize, count: u32) {
        if let Some(own) = self.in_flight.get(core) {
            own.0.store(count, Ordering::Relaxed);
        }
    }

    /// Requests in flight on all cores.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.iter().map(|own| own.0.load(Ordering::Relaxed) as usize).sum()
    }

    /// Looks its name up again.
    pub(super) async fn refresh_names(&self) {
        if let Way::Network(names) | Way::Encrypted(names, ..) = &self.way {
            names.refresh().await;
        }
    }

    /// What is known of its name, when it has one.
    #[cfg(test)]
    pub(super) const fn names(&self) -> Option<&Names> {
        match &self.way {
            Way::Network(names) | Way::Encrypted(names, ..) => Some(names),
            Way::Unix(_) => None,
        }
    }

    /// Whether what is spoken on a connection depends on what the server chooses.
    pub(super) const fn negotiates(&self) -> bool {
        matches!(self.way, Way::Encrypted(..))
    }

    /// Connects within `limit`, to speak what `protocol` allows.
    ///
    /// # Errors
    /// The system's error; `TimedOut` after the limit.
    pub(crate) async fn connect(&self, limit: Duration, protocol: Protocol) -> io::Result<(Link, Spoken)> {
        let in_clear = if protocol == Protocol::Http2 { Spoken::Http2 } else { Spoken::Http1 };
        let connecting = async {
            Ok(match &self.way {
                Way::Network(names) => (Link::Tcp(connect(names, limit).await?), in_clear),
                Way::Unix(path) => (Link::Unix(connect_unix(path).await?), in_clear),
                Way::Encrypted(names, encryption, host) => {
                    let stream = encryption.encrypt(connect(names, limit).await?, host, protocol).await?;
                    let spoken = if speaks_http2(&stream) { Spoken::Http2 } else { Spoken::Http1 };
                    (Link::Tls(Box::new(stream)), spoken)
                }
            })
        };
        tokio::time::timeout(limit, connecting).await.map_err(|_| io::ErrorKind::TimedOut)?
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.up() {
            self.up_gauge.add(-1);
        }
    }
}

/// Tries one address after another; a silent one takes its share of the time only.
async fn connect(names: &Names, limit: Duration) -> io::Result<TcpStream> {
    let addresses = names.addresses().await?;
    let share = limit / u32::try_from(addresses.len()).unwrap_or(1).max(1);
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in addresses {
        match tokio::time::timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Only slower without it; a socket that was reset already says so when it is used.
                let _slower = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

/// What a breaker's gauge shows; gone with its server, so that one of the same address begins with a clean one.
struct StateGauge {
    gauge: Handle,
    shown: AtomicI64,
}

impl StateGauge {
    fn show(&self, number: i64) {
        self.gauge.add(number - self.shown.swap(number, Ordering::Relaxed));
    }
}

impl Drop for StateGauge {
    fn drop(&mut self) {
        self.show(0);
    }
}

/// Connects to a socket in the file system. When its queue is full the system refuses at once, where with TCP it would let us
/// wait; so that a burst does not look like a server that is gone, this waits. The caller bounds the time.
async fn connect_unix(path: &Path) -> io::Result<UnixStream> {
    loop {
        match UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => tokio::time::sleep(QUEUE_PAUSE).await,
            connected => return connected,
        }
    }
}

/// Says in the log and the metrics that a server begins or ends to fail.
fn observer(label: String, meter: &dyn Meter) -> impl Fn(Change) + Send + Sync + 'static {
    let state = StateGauge { gauge: meter.series(&BREAKER_STATE, &[&label]), shown: AtomicI64::new(0) };
    let opened = meter.series(&BREAKER_OPENED, &[&label]);
    let number = |state| match state {
        BreakerState::Closed => 0,
        BreakerState::HalfOpen => 1,
        BreakerState::Open => 2,
    };
    move |change| {
        state.show(number(change.to));
        let server = label.as_str();
        match change.to {
            BreakerState::Open => {
                opened.increment();
                tracing::error!(
                    server.address = server,
                    "a server of the upstream fails; it gets no requests for a while"
                );
            }
            BreakerState::HalfOpen => tracing::info!(server.address = server, "a failing server is tried again"),
            BreakerState::Closed => tracing::info!(server.address = server, "a failing server is well again"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_that_refuses_is_passed_over() {
        let listens = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let refuses = tokio::net::TcpSocket::new_v4().unwrap();
        refuses.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let addresses = [refuses.local_addr().unwrap(), listens.local_addr().unwrap()];
        let names = Names::new("app.test", 80);
        names.learn(Arc::new(addresses));
        // Each of the two comes first in its turn.
        for _ in 0..4 {
            let stream = connect(&names, Duration::from_secs(5)).await.unwrap();
            assert_eq!(stream.peer_addr().unwrap(), addresses[1]);
        }
        names.learn(Arc::new([addresses[0]]));
        let error = connect(&names, Duration::from_secs(5)).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}

//! The application behind: its servers, which of them a request goes to, and the connections to them.
//!
//! What belongs to the whole process is an [`Upstream`]: which servers there are, whether they fail, how many connections are
//! open. Each core has a view of it, with connections of its own, and reads the rest without a lock.

mod address;
mod checks;
mod choice;
mod config;
mod encryption;
mod given;
mod link;
mod names;
mod protocol;
mod server;
mod slot;
mod streams;
mod view;

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use seawall_core::{
    clock::Clock,
    meter::Meter,
    resilience::{BreakerState, BudgetSettings},
};

pub use address::{UpstreamAddress, WeighedServer};
pub(crate) use choice::Places;
pub use config::{SECTION, Sharing, Tuning, UpstreamSettings};
pub use encryption::EncryptionError;
pub use given::Given;
pub(crate) use link::Link;
pub use protocol::Protocol;
pub(crate) use protocol::{Over, Spoken};
pub(crate) use slot::{Connected, Lease, NoConnection};
pub(crate) use streams::{BodyPlace, Stream};
pub(crate) use view::{AllFail, View};

use encryption::Encryption;
use server::{Means, Server};

/// Retries a second that are allowed beyond the share, over all cores.
const RESERVE_PER_SECOND: u32 = 10;

/// The upstream, for the whole process; cheap to clone.
#[derive(Clone, Debug)]
pub struct Upstream(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    means: Means,
    /// By whose certificates https:// servers are verified.
    ca_file: Option<PathBuf>,
    current: Mutex<Current>,
    /// Changes with the list or the tuning, so that a core looks at them only then.
    generation: AtomicU64,
}

#[derive(Debug)]
struct Current {
    servers: Arc<[Arc<Server>]>,
    tuning: Arc<Tuning>,
    /// Made with the first server that is to be encrypted.
    encryption: Option<Encryption>,
    /// Servers that were replaced; gone with their last request.
    retired: Vec<Weak<Server>>,
}

/// What an operator wants to know of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerReport {
    /// Where it is.
    pub address: String,
    /// Whether it gets requests.
    pub breaker: BreakerState,
    /// Whether its checks pass.
    pub up: bool,
    /// Requests in flight.
    pub in_flight: usize,
    /// Open connections.
    pub connections: usize,
}

impl Upstream {
    /// An upstream for this many cores.
    ///
    /// # Errors
    /// [`EncryptionError`] when a server is to be encrypted and cannot be.
    pub fn new(
        settings: &UpstreamSettings,
        cores: usize,
        clock: Arc<dyn Clock>,
        meter: Arc<dyn Meter>,
    ) -> Result<Self, EncryptionError> {
        let current = Current {
            servers: Arc::new([]),
            tuning: Arc::new(settings.tuning.clone()),
            encryption: None,
            retired: Vec::new(),
        };
        let upstream = Self(Arc::new(Inner {
            means: Means { cores, clock, meter },
            ca_file: settings.ca_file.clone(),
            current: Mutex::new(current),
            generation: AtomicU64::new(1),
        }));
        upstream.configure(&settings.servers, &settings.tuning)?;
        Ok(upstream)
    }

    /// Takes over other servers and numbers. Servers that stay keep their state and their connections; those that go finish
    /// the requests they have.
    ///
    /// # Errors
    /// [`EncryptionError`] when a server is to be encrypted and cannot be; then nothing has changed.
    pub fn configure(&self, servers: &[WeighedServer], tuning: &Tuning) -> Result<(), EncryptionError> {
        let mut current = self.0.current.lock().unwrap_or_else(PoisonError::into_inner);
        self.replace(&mut current, servers, tuning)
    }

    /// Takes over other numbers; the servers stay.
    pub fn tune(&self, tuning: &Tuning) {
        let mut current = self.0.current.lock().unwrap_or_else(PoisonError::into_inner);
        for server in &*current.servers {
            server.configure(server.weight(), tuning);
        }
        current.tuning = Arc::new(tuning.clone());
        self.announce();
    }

    /// Sends requests to this one server from now on.
    ///
    /// # Errors
    /// [`EncryptionError`] when it is to be encrypted and cannot be; then nothing has changed.
    pub fn place(&self, address: UpstreamAddress) -> Result<(), EncryptionError> {
        let mut current = self.0.current.lock().unwrap_or_else(PoisonError::into_inner);
        let tuning = Arc::clone(&current.tuning);
        self.replace(&mut current, &[WeighedServer::new(address)], &tuning)
    }

    fn replace(
        &self,
        current: &mut Current,
        servers: &[WeighedServer],
        tuning: &Tuning,
    ) -> Result<(), EncryptionError> {
        let inner = &*self.0;
        let encrypted =
            |server: &WeighedServer| matches!(server.address, UpstreamAddress::Network { encrypted: true, .. });
        if current.encryption.is_none() && servers.iter().any(encrypted) {
            current.encryption = Some(Encryption::new(inner.ca_file.as_ref())?);
        }
        let known = |address| current.servers.iter().find(|server| server.address() == address);
        let chosen = servers.iter().map(|wanted| match known(&wanted.address) {
            Some(server) => Ok(Arc::clone(server)),
            None => Server::new(wanted, tuning, current.encryption.as_ref(), &inner.means).map(Arc::new),
        });
        let chosen: Arc<[Arc<Server>]> = chosen.collect::<Result<_, _>>()?;
        for (server, wanted) in chosen.iter().zip(servers) {
            server.configure(wanted.weight, tuning);
        }
        let old = std::mem::replace(&mut current.servers, chosen);
        let gone = old.iter().filter(|server| !current.servers.iter().any(|kept| Arc::ptr_eq(kept, server)));
        let gone: Vec<_> = gone.map(Arc::downgrade).collect();
        current.retired.retain(|server| server.strong_count() > 0);
        current.retired.extend(gone);
        current.tuning = Arc::new(tuning.clone());
        self.announce();
        Ok(())
    }

    /// Tells the cores to look. Release: a core that sees the number sees the list, or waits for its lock.
    fn announce(&self) {
        self.0.generation.fetch_add(1, Ordering::Release);
    }

    /// Requests in flight to a server, also to one that was replaced.
    #[must_use]
    pub fn in_flight(&self, address: &UpstreamAddress) -> usize {
        let current = self.0.current.lock().unwrap_or_else(PoisonError::into_inner);
        let retired = current.retired.iter().filter_map(Weak::upgrade);
        let all = retired.chain(current.servers.iter().cloned());
        all.filter(|server| server.address() == address).map(|server| server.in_flight()).sum()
    }

    /// The state of every server.
    #[must_use]
    pub fn report(&self) -> Vec<ServerReport> {
        let (servers, _) = self.current();
        let report = |server: &Arc<Server>| ServerReport {
            address: server.address().to_string(),
            breaker: server.breaker.state(),
            up: server.up(),
            in_flight: server.in_flight(),
            connections: server.connections.in_use(),
        };
        servers.iter().map(report).collect()
    }

    /// Whether a server accepts a connection now; of several, whether one does.
    ///
    /// # Errors
    /// Why not, in words.
    pub async fn accepts(&self, limit: Duration) -> Result<(), String> {
        let (servers, tuning) = self.current();
        let protocol = tuning.protocol;
        let mut tries = tokio::task::JoinSet::new();
        for server in &*servers {
            let server = Arc::clone(server);
            tries.spawn(async move {
                let connected = server.connect(limit, protocol).await;
                connected.map(drop).map_err(|error| format!("{}: {error}", server.address()))
            });
        }
        let mut reasons = Vec::new();
        while let Some(tried) = tries.join_next().await {
            match tried {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(reason)) => reasons.push(reason),
                Err(_) => reasons.push("the attempt died".to_owned()),
            }
        }
        reasons.sort();
        Err(reasons.join("; "))
    }

    /// Checks the servers and looks up their names for as long as the upstream is in use. Run it on the control plane.
    pub fn watch(&self) -> impl Future<Output = ()> + Send + use<> {
        checks::run(Arc::downgrade(&self.0))
    }

    fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::Acquire)
    }

    fn current(&self) -> (Arc<[Arc<Server>]>, Arc<Tuning>) {
        let current = self.0.current.lock().unwrap_or_else(PoisonError::into_inner);
        (Arc::clone(&current.servers), Arc::clone(&current.tuning))
    }

    /// Each core keeps a budget of its own, so that counting is free of contention.
    fn budget(&self) -> BudgetSettings {
        let (_, tuning) = self.current();
        let cores = u32::try_from(self.0.means.cores).unwrap_or(u32::MAX).max(1);
        let per_second = if tuning.retry_percent == 0 { 0 } else { RESERVE_PER_SECOND.div_ceil(cores) };
        BudgetSettings { percent: tuning.retry_percent, per_second }
    }
}

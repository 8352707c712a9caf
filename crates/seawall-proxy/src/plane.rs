//! The data plane as the rest of the process sees it: start it, give it other policies, let it finish.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use seawall_core::{clock::Clock, meter::Meter, principal::Revocations};
use seawall_telemetry::{LogHandle, trace::Spans};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::sync::{mpsc, oneshot};

use crate::{
    ServerSettings, Site, Terminator, Upstream,
    core::{self, COMMANDS, Command, CoreParts, Crowd, Serving},
};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4_096;

/// What a plane is made of.
#[derive(Debug)]
pub struct PlaneParts {
    /// The public listener, from [`Plane::bind`]. Bound once, shared by all cores.
    pub listener: TcpListener,
    /// What is served: one site for each core, so that cores share nothing. As many threads are started.
    pub sites: Vec<Site>,
    /// How the listener behaves.
    pub settings: ServerSettings,
    /// The application.
    pub upstream: Upstream,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The metrics.
    pub meter: Arc<dyn Meter>,
    /// The request log; nothing when it is off.
    pub log: Option<LogHandle>,
    /// Where the spans of sampled requests go.
    pub spans: Spans,
    /// Randomness for request ids; each core derives its own.
    pub seed: u64,
    /// How client connections are encrypted; nothing when they are in clear.
    pub tls: Option<Terminator>,
}

/// The data plane, running.
#[derive(Debug)]
pub struct Plane {
    commands: Vec<mpsc::Sender<Command>>,
    /// Whether a core's commands had no room for a revocation.
    missed: Vec<Arc<AtomicBool>>,
    ended: Vec<oneshot::Receiver<()>>,
    threads: Vec<thread::JoinHandle<()>>,
}

/// Where a running plane takes over what it serves from now on; cheap to clone.
#[derive(Clone, Debug)]
pub struct Stage {
    commands: Vec<mpsc::WeakSender<Command>>,
}

impl Stage {
    /// How many sites are needed: one for each core.
    #[must_use]
    pub const fn cores(&self) -> usize {
        self.commands.len()
    }

    /// Lets every core tell its connections to close, each by its next answer, while it goes on accepting.
    pub async fn announce(&self) {
        for commands in self.commands.iter().filter_map(mpsc::WeakSender::upgrade) {
            let _ended = commands.send(Command::Announce).await;
        }
    }

    /// Lets every core accept nothing for a while, and waits until none does. Whoever connects waits in the kernel's queue. When the
    /// end of connections was announced before, they are closed as soon as nothing is due on them.
    pub async fn rest(&self) {
        let mut waiting = Vec::new();
        for commands in self.commands.iter().filter_map(mpsc::WeakSender::upgrade) {
            let (done, rests) = oneshot::channel();
            if commands.send(Command::Rest(done)).await.is_ok() {
                waiting.push(rests);
            }
        }
        for rests in waiting {
            // A core that is ending accepts nothing either.
            let _ending = rests.await;
        }
    }

    /// Lets every core accept again, and keep connections.
    pub async fn resume(&self) {
        for commands in self.commands.iter().filter_map(mpsc::WeakSender::upgrade) {
            let _ended = commands.send(Command::Resume).await;
        }
    }

    /// Serves other sites with other settings; requests in flight keep their sites. The request log is on when there is a way
    /// to it. Whatever begins after this ends finds the new ones, on every core.
    pub async fn replace(&self, sites: Vec<Site>, settings: &ServerSettings, log: Option<&LogHandle>) {
        let mut waiting = Vec::new();
        for (commands, site) in self.commands.iter().zip(sites) {
            let serving = Serving { site, settings: settings.clone(), log: log.cloned() };
            let (done, taken_over) = oneshot::channel();
            if let Some(commands) = commands.upgrade()
                && commands.send(Command::Replace(Box::new(serving), done)).await.is_ok()
            {
                waiting.push(taken_over);
            }
        }
        for taken_over in waiting {
            // A core that is ending serves nothing new, and says nothing.
            let _ending = taken_over.await;
        }
    }
}

/// What can go wrong with the plane itself.
#[derive(Debug, thiserror::Error)]
pub enum PlaneError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A thread could not be started.
    #[error("a core could not be started")]
    Start(#[source] io::Error),
    /// A core ended by a fault of its own.
    #[error("a core died; the log says where")]
    Died,
}

impl Plane {
    /// Listens on an address.
    ///
    /// # Errors
    /// [`PlaneError::Listen`], among others when the address is in use.
    pub fn bind(address: SocketAddr) -> Result<TcpListener, PlaneError> {
        let listen = || -> io::Result<TcpListener> {
            let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
            socket.set_reuse_address(true)?;
            socket.bind(&address.into())?;
            socket.listen(BACKLOG)?;
            socket.set_nonblocking(true)?;
            Ok(socket.into())
        };
        listen().map_err(|source| PlaneError::Listen { address, source })
    }

    /// Starts a thread for each site.
    ///
    /// # Errors
    /// [`PlaneError::Start`] when the system gives no thread.
    pub fn start(parts: PlaneParts) -> Result<Self, PlaneError> {
        let crowd = Crowd::new(parts.sites.len());
        let body_memory = Arc::default();
        let turns = Arc::default();
        let flights = Arc::default();
        let (commands, received): (Vec<_>, Vec<_>) = parts.sites.iter().map(|_| mpsc::channel(COMMANDS)).unzip();
        let missed = commands.iter().map(|_| Arc::default()).collect();
        let mut plane = Self { commands, missed, ended: Vec::new(), threads: Vec::new() };
        let cores = parts.sites.into_iter().zip(received).zip(plane.missed.clone());
        for (index, ((site, received), missed)) in cores.enumerate() {
            let listener = parts.listener.try_clone().map_err(PlaneError::Start)?;
            let core = CoreParts {
                missed,
                index,
                site,
                settings: parts.settings.clone(),
                upstream: parts.upstream.clone(),
                clock: Arc::clone(&parts.clock),
                meter: Arc::clone(&parts.meter),
                log: parts.log.as_ref().map(LogHandle::request_log),
                spans: parts.spans.clone(),
                seed: parts.seed.wrapping_add(index as u64),
                tls: parts.tls.clone(),
                crowd: Arc::clone(&crowd),
                body_memory: Arc::clone(&body_memory),
                turns: Arc::clone(&turns),
                flights: Arc::clone(&flights),
                cores: plane.commands.iter().map(mpsc::Sender::downgrade).collect(),
            };
            let running = core::start(core, listener, received).map_err(PlaneError::Start)?;
            plane.ended.push(running.ended);
            plane.threads.push(running.thread);
        }
        Ok(plane)
    }

    /// A way to give the cores something else to serve. It does not keep them running.
    #[must_use]
    pub fn stage(&self) -> Stage {
        Stage { commands: self.commands.iter().map(mpsc::Sender::downgrade).collect() }
    }

    /// Closes sockets as soon as what they were opened with is revoked.
    pub fn follow(&self, revocations: &dyn Revocations) {
        let cores: Vec<_> = self.commands.iter().cloned().zip(self.missed.iter().cloned()).collect();
        revocations.listen(Arc::new(move |revoked| {
            for (commands, missed) in &cores {
                if commands.try_send(Command::Revoked(revoked.clone())).is_err() {
                    // No room: the core then ends every socket that could be meant, rather than leave one open.
                    missed.store(true, Ordering::Release);
                }
            }
        }));
    }

    /// Lets every core finish and end.
    pub async fn drain(&self) {
        self.tell(|| Command::Drain).await;
    }

    /// Lets every core finish and end, and leaves the listening socket to another process that accepts from it: it is closed here
    /// at once, and nothing is done to it that the other would feel.
    pub async fn leave(&self) {
        self.tell(|| Command::Leave).await;
    }

    /// Ends every core at once.
    pub async fn force(&self) {
        self.tell(|| Command::Force).await;
    }

    async fn tell(&self, command: fn() -> Command) {
        for commands in &self.commands {
            let _ended = commands.send(command()).await;
        }
    }

    /// Ends when every core has; at the first that died, at once.
    ///
    /// # Errors
    /// [`PlaneError::Died`] when a core ended by a fault of its own.
    pub async fn ended(&mut self) -> Result<(), PlaneError> {
        while let Some(ended) = self.ended.last_mut() {
            ended.await.map_err(|_| PlaneError::Died)?;
            self.ended.pop();
        }
        let threads = std::mem::take(&mut self.threads);
        let joined = tokio::task::spawn_blocking(|| threads.into_iter().try_for_each(thread::JoinHandle::join));
        joined.await.is_ok_and(|joined| joined.is_ok()).then_some(()).ok_or(PlaneError::Died)
    }
}

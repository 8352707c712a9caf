//! A server that runs: where it listens, how it ends.

use std::{
    fs, io,
    net::{SocketAddr, TcpListener},
    os::{fd::OwnedFd, unix::net::UnixListener},
    sync::Arc,
    time::Duration,
};

use axum::Router;
use hyper::service::service_fn;
use seawall_core::settings::Secret;
use seawall_outbound::Outbound;
use seawall_proxy::{Builtins, Plane, spelled};
use seawall_store::Db;
use seawall_telemetry::{LogWriter, Registry};
use tokio::{
    sync::watch,
    task::{JoinError, JoinHandle},
};

use super::{
    AppError, DataDirectory,
    acceptor::{Acceptor, CALLS, OPERATORS},
    admin,
    hand_over::{HandOver, Phase},
    health::Health,
    notify::Notifier,
    reload::{self, Reloader},
    store::Store,
    supervised::Supervisor,
    traces::Traces,
};

/// How long log lines may take to be written at the end.
const LOG_LIMIT: Duration = Duration::from_secs(2);

/// Where a server listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// For the world.
    pub public: SocketAddr,
    /// For operators on this machine.
    pub admin: SocketAddr,
    /// Whether the public listener speaks https.
    pub secure: bool,
    /// Where requests in clear are redirected, when they are.
    pub redirect: Option<SocketAddr>,
    /// Where the application's calls to other services come in, when there is something to call.
    pub outbound: Option<SocketAddr>,
}

/// A server that runs. Dropping it ends it at once; [`Running::drain`] lets it finish.
#[derive(Debug)]
pub struct Running {
    addresses: Addresses,
    plane: Plane,
    /// Held so that the built-in targets end by a fault only, not because the cores have gone.
    _builtins: Builtins,
    writer: Option<LogWriter>,
    traces: Traces,
    health: Health,
    reloader: Reloader,
    registry: Registry,
    data: Arc<DataDirectory>,
    store: Store,
    token: Arc<Secret>,
    hand_over: Option<HandOver>,
    /// Listens for a successor.
    heir: Option<JoinHandle<()>>,
    standard_error: Option<OwnedFd>,
    builtin: JoinHandle<()>,
    checks: JoinHandle<()>,
    watch: JoinHandle<()>,
    /// The watch over certificates, and the redirects, when there are any.
    encryption: Vec<JoinHandle<()>>,
    admin_tcp: JoinHandle<io::Result<()>>,
    admin_unix: JoinHandle<io::Result<()>>,
    /// Answers the application's calls, when there is something to call.
    outbound: Option<JoinHandle<io::Result<()>>>,
    /// What has to be recorded before the store is closed.
    calls: Option<Outbound>,
    supervisor: Option<Supervisor>,
}

/// Who accepts connections beside the data plane.
#[derive(Debug)]
pub(super) struct Acceptors {
    pub(super) admin: Acceptor,
    pub(super) socket: Acceptor,
    pub(super) calls: Acceptor,
}

impl Acceptors {
    /// Those of a server whose own paths begin with `prefix`.
    pub(super) fn new(prefix: &str, registry: &Registry) -> Self {
        let operators = |name| Acceptor::new(name, OPERATORS, "/problems/", registry);
        let calls = Acceptor::new("calls", CALLS, &format!("{}/problems/", spelled(prefix)), registry);
        Self { admin: operators("admin"), socket: operators("socket"), calls }
    }
}

/// What a running server is made of.
#[derive(Debug)]
pub(super) struct Parts<B, C> {
    pub(super) addresses: Addresses,
    pub(super) plane: Plane,
    pub(super) builtins: Builtins,
    pub(super) writer: LogWriter,
    pub(super) traces: Traces,
    pub(super) health: Health,
    pub(super) reloader: Reloader,
    pub(super) registry: Registry,
    pub(super) builtin: B,
    pub(super) checks: C,
    pub(super) encryption: Vec<JoinHandle<()>>,
    pub(super) admin: (Acceptors, Router),
    pub(super) admin_listener: TcpListener,
    pub(super) admin_socket: UnixListener,
    pub(super) token: Arc<Secret>,
    pub(super) admin_key: Option<Arc<admin::AdminKey>>,
    pub(super) data: Arc<DataDirectory>,
    pub(super) store: Store,
    pub(super) outbound: Option<(Outbound, TcpListener)>,
    pub(super) supervisor: Option<Supervisor>,
    pub(super) hand_over: Option<HandOver>,
    pub(super) heir: Option<JoinHandle<()>>,
    pub(super) phase: watch::Receiver<Phase>,
    pub(super) standard_error: Option<OwnedFd>,
}

impl Running {
    pub(super) fn begin<B, C>(parts: Parts<B, C>) -> Self
    where
        B: Future<Output = ()> + Send + 'static,
        C: Future<Output = ()> + Send + 'static,
    {
        let ((acceptors, admin), phase) = (parts.admin, parts.phase.clone());
        let unix = admin.clone();
        let calls = parts.outbound.as_ref().map(|(outbound, _)| outbound.clone());
        let outbound = parts.outbound.map(|(outbound, listener)| {
            let answer = service_fn(move |request| outbound.clone().answer(request));
            tokio::spawn(acceptors.calls.serve_tcp(listener, answer, phase))
        });
        Self {
            addresses: parts.addresses,
            plane: parts.plane,
            _builtins: parts.builtins,
            writer: Some(parts.writer),
            traces: parts.traces,
            health: parts.health,
            watch: tokio::spawn(reload::watch(parts.reloader.clone())),
            reloader: parts.reloader,
            registry: parts.registry,
            builtin: tokio::spawn(parts.builtin),
            checks: tokio::spawn(parts.checks),
            encryption: parts.encryption,
            admin_tcp: tokio::spawn(admin::serve_tcp(
                acceptors.admin,
                parts.admin_listener,
                admin,
                (Arc::clone(&parts.token), parts.admin_key),
                parts.phase,
            )),
            admin_unix: tokio::spawn(admin::serve_unix(acceptors.socket, parts.admin_socket, unix)),
            data: parts.data,
            store: parts.store,
            token: parts.token,
            hand_over: parts.hand_over,
            heir: parts.heir,
            standard_error: parts.standard_error,
            outbound,
            calls,
            supervisor: parts.supervisor,
        }
    }

    /// Where it listens.
    #[must_use]
    pub const fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// The address for the world, as clients write it.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.addresses.secure { "https" } else { "http" };
        format!("{scheme}://{}", self.addresses.public)
    }

    /// The metrics.
    #[must_use]
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Takes over a changed configuration while serving.
    #[must_use]
    pub const fn reloader(&self) -> &Reloader {
        &self.reloader
    }

    /// The application that Seawall started, when it did.
    #[must_use]
    pub const fn supervisor(&self) -> Option<&Supervisor> {
        self.supervisor.as_ref()
    }

    /// The directory with its own files.
    #[must_use]
    pub fn data(&self) -> &DataDirectory {
        &self.data
    }

    /// A way to hand over to another process, when this one knows how it was started.
    #[must_use]
    pub const fn hand_over(&self) -> Option<&HandOver> {
        self.hand_over.as_ref()
    }

    /// The standard error of the process that started this one to take over. Ours is a pipe to that one, and ends with it.
    pub const fn take_standard_error(&mut self) -> Option<OwnedFd> {
        self.standard_error.take()
    }

    /// Tells the service manager how the server is.
    #[must_use]
    pub fn notifier(&self) -> &Notifier {
        self.reloader.notifier()
    }

    /// The token of the admin interface.
    #[must_use]
    pub fn admin_token(&self) -> &Secret {
        &self.token
    }

    /// Begins to finish: readiness fails first, then connections are told to close, then no more are accepted. A hand-over that
    /// can be stopped is; when another process serves already, this one only leaves.
    pub async fn drain(&self) {
        let phase = match &self.hand_over {
            Some(hand_over) => hand_over.end().await,
            None => Phase::Serving,
        };
        if phase == Phase::Left {
            return self.leave().await;
        }
        self.notifier().stopping();
        self.reloader.end();
        self.health.drain();
        self.plane.drain().await;
    }

    /// Finishes what is in flight, while another process serves.
    pub async fn leave(&self) {
        self.reloader.end();
        self.health.drain();
        self.plane.leave().await;
    }

    /// Ends at once.
    pub async fn force(&self) {
        self.reloader.end();
        self.health.drain();
        self.plane.force().await;
    }

    /// Ends when the server has finished, or when a part of it died.
    ///
    /// # Errors
    /// [`AppError`] when a part ended by a fault of its own.
    pub async fn ended(&mut self) -> Result<(), AppError> {
        tokio::select! {
            ended = self.plane.ended() => Ok(ended?),
            _ = &mut self.builtin => Err(AppError::Died("control plane")),
            result = &mut self.admin_tcp => Err(died(result, "admin listener")),
            result = &mut self.admin_unix => Err(died(result, "admin socket")),
            result = calls(&mut self.outbound) => Err(died(result, "listener for calls")),
        }
    }

    /// Tells the application that Seawall started to end, and waits until it has. Call it when the server has ended, so that
    /// no request is left to it.
    pub async fn stop_application(&mut self) {
        if let Some(supervisor) = &mut self.supervisor {
            supervisor.stop().await;
        }
    }

    /// Waits until every call of a language model that has ended is recorded.
    pub async fn flush_calls(&self) {
        if let Some(calls) = &self.calls {
            calls.flush().await;
        }
    }

    /// Records calls of language models, and gives back what budgets have left. Call it when no more calls are answered.
    pub async fn close_calls(&self) {
        if let Some(calls) = &self.calls {
            calls.close().await;
        }
    }

    /// Gives Seawall's own database back, after all that waits for it. Call it when the server has ended.
    pub async fn close_store(&mut self) {
        self.close_calls().await;
        self.store.close().await;
    }

    /// Seawall's own database.
    #[must_use]
    pub const fn db(&self) -> &Db {
        self.store.db()
    }

    /// Ends the application that Seawall started at once.
    pub async fn kill_application(&mut self) {
        if let Some(supervisor) = &mut self.supervisor {
            supervisor.kill().await;
        }
    }

    /// Writes what is left of the log and removes the socket. Call it last.
    ///
    /// # Errors
    /// [`AppError`] when the log could not be written to its end.
    pub fn finish(mut self) -> Result<(), AppError> {
        let written = self.writer.take().map_or(Ok(()), |writer| writer.finish(LOG_LIMIT));
        let traced = std::mem::take(&mut self.traces).finish(LOG_LIMIT);
        written?;
        traced
    }
}

/// Ends when the listener for calls does; never when there is none.
async fn calls(task: &mut Option<JoinHandle<io::Result<()>>>) -> Result<io::Result<()>, JoinError> {
    match task {
        Some(task) => task.await,
        None => std::future::pending().await,
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for task in [&self.admin_tcp, &self.admin_unix] {
            task.abort();
        }
        for task in [&self.builtin, &self.checks, &self.watch].into_iter().chain(&self.encryption).chain(&self.heir) {
            task.abort();
        }
        // Others may still hold it for a moment. Whoever starts next in this place finds it given back.
        self.store.db().close();
        if self.data.held() {
            // A socket that stays behind is replaced at the next start.
            for path in [self.data.socket_path(), self.data.hand_over_path()] {
                let _stays = fs::remove_file(path);
            }
        }
    }
}

fn died(result: Result<io::Result<()>, JoinError>, part: &'static str) -> AppError {
    if let Ok(Err(error)) = result {
        tracing::error!(error = %error, part, "a part of the control plane failed");
    }
    AppError::Died(part)
}

//! Building and starting: from a configuration and its surroundings to a server that listens.

use std::{
    net::{SocketAddr, TcpListener},
    os::unix::net::UnixListener,
    sync::Arc,
    thread,
    time::Duration,
};

use seawall_config::Config;
use seawall_core::meter::Meter;
use seawall_guards::{
    Shared,
    load_shed::Permits,
    rate_limit::{self, MemoryRates},
};
use seawall_proxy::{Plane, PlaneParts, SERVER_SECTION, Upstream, UpstreamAddress, server};
use seawall_telemetry::{LogSettings, LogWriter, Output, Registry, log::LevelHandle};
use tokio::sync::watch;

use super::{
    Addresses, AppError, ConfigSource, DataDirectory, Running, Surroundings, admin, builtin,
    catalogue::{DATA, TOP},
    encryption::Encryption,
    health::Health,
    reload::{Lasting, ReloadMeters, Reloader},
    running::Parts,
    settings::Settings,
    supervised::{Placement, Supervisor, Surrounding},
    traces::Traces,
};

/// The way of a supervised application's requests: the servers of the upstream.
#[derive(Debug)]
struct Placed(Upstream);

impl Placement for Placed {
    fn place(&self, address: SocketAddr) {
        if let Err(error) = self.0.place(server(address)) {
            tracing::error!(error = &error as &dyn std::error::Error, "requests cannot be led to the application");
        }
    }

    fn in_flight(&self, address: SocketAddr) -> usize {
        self.0.in_flight(&server(address))
    }
}

/// A supervised application speaks HTTP in clear on this machine.
fn server(address: SocketAddr) -> UpstreamAddress {
    UpstreamAddress::Network { host: address.ip().to_string(), port: address.port(), encrypted: false }
}

/// An application that can be started: its settings are read and its routes were built once, so that starting it can only
/// fail for want of something outside.
#[derive(Debug)]
pub struct App {
    settings: Settings,
    surroundings: Surroundings,
    source: Option<ConfigSource>,
    level: Option<LevelHandle>,
}

impl App {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`AppError`] when no application is named, or two are, or settings that loading should have refused.
    pub fn build(config: Config, surroundings: Surroundings) -> Result<Self, AppError> {
        let settings = Settings::read(config, &surroundings.directory, surroundings.open_files)?;
        Ok(Self { settings, surroundings, source: None, level: None })
    }

    /// Where its configuration came from; without it, the configuration cannot be reloaded.
    #[must_use]
    pub fn with_source(mut self, source: ConfigSource) -> Self {
        self.source = Some(source);
        self
    }

    /// Where the process log's level is changed when a reload does; without it, the level stays.
    #[must_use]
    pub fn with_level(mut self, level: LevelHandle) -> Self {
        self.level = Some(level);
        self
    }

    /// How the process log is written, for whoever installs a subscriber.
    #[must_use]
    pub fn output(&self) -> Output {
        let log = &self.settings.log;
        let style = log.format.style(self.surroundings.terminal);
        let clock = Arc::clone(&self.surroundings.clock);
        Output { sink: self.surroundings.sink.clone(), style, service: Arc::clone(&log.service), clock }
    }

    /// How much the process log says.
    #[must_use]
    pub const fn log_settings(&self) -> &LogSettings {
        &self.settings.log
    }

    /// Where the application is, or the command that starts it.
    #[must_use]
    pub fn upstream(&self) -> String {
        if let Some(supervised) = &self.settings.supervised {
            return supervised.title();
        }
        self.settings.upstream.servers.iter().map(|server| server.address.to_string()).collect::<Vec<_>>().join(", ")
    }

    /// Where relative paths begin.
    #[must_use]
    pub fn directory(&self) -> &std::path::Path {
        &self.surroundings.directory
    }

    /// The configuration.
    #[must_use]
    pub const fn config(&self) -> &Arc<Config> {
        &self.settings.config
    }

    /// Says so when the system's limit of open files lets fewer clients connect than are configured.
    fn tell_open_files(&self) -> Result<(), AppError> {
        let configured = self.settings.config.values(&SERVER_SECTION).get(&server::MAX_CONNECTIONS)?;
        let max_connections = self.settings.server.max_connections as u64;
        if let Some(open_files) = self.surroundings.open_files.filter(|_| max_connections < configured) {
            tracing::info!(
                open_files,
                max_connections,
                "the system allows fewer open files than `max_connections` needs, so fewer clients may connect"
            );
        }
        Ok(())
    }

    /// Listens, starts the application when that is Seawall's task, and serves once it is ready. The control plane runs on
    /// the runtime this is called on. Dropped before it is done, it leaves no application behind.
    ///
    /// # Errors
    /// [`AppError`] when an address is in use, the data directory cannot be used, the application does not start, or the
    /// system gives no threads.
    pub async fn start(self) -> Result<Running, AppError> {
        let settings = &self.settings;
        let cores = settings.server.workers.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
        let data_path = self.surroundings.directory.join(settings.config.values(&TOP).get(&DATA)?);
        let data = DataDirectory::open(&data_path)?;
        let registry = Registry::new(cores);
        let encryption = Encryption::new(settings.tls.clone(), &self.surroundings.clock, &registry)?;
        let Listeners { public, admin_listener, admin_socket, addresses } =
            Listeners::bind(settings, &encryption, &data)?;
        // Listening before that means that an address in use is told at once, not after the application has started.
        let Lasts { lasting, supervisor, writer } = self.lasting(cores, &registry).await?;
        let (upstream, health) = (lasting.upstream.clone(), lasting.health.clone());
        let (builtins, requests) = builtin::channel();
        let sites = settings.sites(cores, &lasting.shared, &builtins)?;

        let token = settings.admin.token.clone().map_or_else(|| data.admin_token(), Ok)?;
        let (traces, spans) = Traces::start(&settings.config, &settings.log.service, &lasting.clock, &registry)?;
        let plane = Plane::start(PlaneParts {
            listener: public,
            sites,
            settings: settings.server.clone(),
            upstream: upstream.clone(),
            clock: Arc::clone(&lasting.clock),
            meter: Arc::new(registry.clone()),
            log: settings.log.requests.then(|| lasting.log.clone()),
            spans,
            seed: self.surroundings.seed,
            tls: encryption.terminator(),
        })?;
        self.tell_open_files()?;
        let reloader = Reloader::new(lasting, Arc::clone(&settings.config), plane.stage());
        let state = admin::State {
            health: health.clone(),
            registry: registry.clone(),
            reloader: reloader.clone(),
            addresses,
            upstream: upstream.clone(),
            supervised: supervisor.as_ref().map(|supervisor| supervisor.handle().clone()),
        };
        Ok(Running::begin(Parts {
            addresses,
            plane,
            builtins,
            writer,
            traces,
            checks: upstream.watch(),
            encryption: encryption.begin(addresses.public.port()),
            registry,
            builtin: builtin::serve(builtin::router(&settings.server.prefix, &settings.health, &health), requests),
            health,
            reloader,
            admin: admin::router(state),
            admin_listener,
            admin_socket,
            token: Arc::new(token),
            data,
            supervisor,
        }))
    }

    /// Makes what outlives configurations, and starts the application when that is Seawall's task.
    async fn lasting(&self, cores: usize, registry: &Registry) -> Result<Lasts, AppError> {
        let settings = &self.settings;
        let clock = Arc::clone(&self.surroundings.clock);
        let upstream = Upstream::new(&settings.upstream, cores, Arc::clone(&clock), Arc::new(registry.clone()))?;
        let (drain_timeout, drain_timeout_seen) = watch::channel(settings.server.drain_timeout);
        let supervisor = self.supervise(&upstream, drain_timeout_seen).await?;
        let (writer, log) = LogWriter::start(self.output(), registry)?;
        let lasting = Lasting {
            source: self.source.clone(),
            directory: self.surroundings.directory.clone(),
            open_files: self.surroundings.open_files,
            shared: shared(settings, registry)?,
            health: Health::new(settings.health.clone(), upstream.clone(), Arc::clone(&clock)),
            upstream,
            log,
            level: self.level.clone(),
            drain_timeout,
            clock,
            meters: ReloadMeters::new(registry),
            supervised: supervisor.is_some(),
        };
        Ok(Lasts { lasting, supervisor, writer })
    }

    /// The application that Seawall starts, once it is ready and requests are led to it.
    async fn supervise(
        &self,
        upstream: &Upstream,
        drain_timeout: watch::Receiver<Duration>,
    ) -> Result<Option<Supervisor>, AppError> {
        let Some(settings) = self.settings.supervised.clone() else { return Ok(None) };
        let placed = Arc::new(Placed(upstream.clone()));
        let surrounding = Surrounding {
            directory: self.surroundings.directory.clone(),
            variables: self.surroundings.variables.clone(),
            clock: Arc::clone(&self.surroundings.clock),
            placement: Some(Arc::clone(&placed) as _),
            drain_timeout,
        };
        let supervisor = Supervisor::start(settings, surrounding).await?;
        placed.place(supervisor.handle().status().address);
        Ok(Some(supervisor))
    }
}

/// What outlives configurations, and what it came with.
struct Lasts {
    lasting: Lasting,
    supervisor: Option<Supervisor>,
    writer: LogWriter,
}

/// Everything that is listened on.
struct Listeners {
    public: TcpListener,
    admin_listener: TcpListener,
    admin_socket: UnixListener,
    addresses: Addresses,
}

impl Listeners {
    fn bind(settings: &Settings, encryption: &Encryption, data: &DataDirectory) -> Result<Self, AppError> {
        let public = Plane::bind(settings.server.listen)?;
        let admin_listener = admin::bind(settings.admin.listen)?;
        let admin_socket = admin::bind_unix(&data.socket_path())?;
        let address = |listener: &TcpListener, asked| listener.local_addr().unwrap_or(asked);
        let addresses = Addresses {
            public: address(&public, settings.server.listen),
            admin: address(&admin_listener, settings.admin.listen),
            secure: encryption.terminator().is_some(),
            redirect: encryption.redirects(),
        };
        Ok(Self { public, admin_listener, admin_socket, addresses })
    }
}

/// What outlives policies: made once, so that no reload forgets what was counted.
fn shared(settings: &Settings, registry: &Registry) -> Result<Shared, AppError> {
    let capacity = settings.config.values(&rate_limit::SECTION).get(&rate_limit::CAPACITY)?;
    let meter: Arc<dyn Meter> = Arc::new(registry.clone());
    Ok(Shared { rates: MemoryRates::new(capacity, &*meter), meter, permits: Permits::default() })
}

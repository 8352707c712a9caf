//! Building and starting: from a configuration and its surroundings to a server that listens.

use std::{net::SocketAddr, sync::Arc, thread};

use seawall_config::Config;
use seawall_core::meter::Meter;
use seawall_guards::{
    Shared, client_address,
    load_shed::Permits,
    rate_limit::{self, MemoryRates},
    strict_http,
};
use seawall_proxy::{
    Builtins, Plane, PlaneParts, SERVER_SECTION, ServerSettings, Site, UPSTREAM_SECTION, Upstream, UpstreamAddress,
    UpstreamSettings,
};
use seawall_telemetry::{LOG_SECTION, LogSettings, LogWriter, Output, Registry};

use super::{
    Addresses, AppError, DataDirectory, Running, Surroundings,
    admin::{self, AdminSettings},
    builtin,
    catalogue::DATA,
    catalogue::TOP,
    health::{self, Health, HealthSettings},
    running::Parts,
    sites::SiteParts,
    supervised::{self, Placement, SupervisedSettings, Supervisor, Surrounding},
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

/// Files, pipes, listeners and logs that are open beside connections.
const OTHER_FILES: u64 = 128;

/// Requests for built-in targets that may wait for the control plane.
const BUILTIN_QUEUE: usize = 1_024;

/// An application that can be started: its settings are read and its routes were built once, so that starting it can only
/// fail for want of something outside.
#[derive(Debug)]
pub struct App {
    config: Arc<Config>,
    surroundings: Surroundings,
    server: ServerSettings,
    upstream: UpstreamSettings,
    supervised: Option<SupervisedSettings>,
    admin: AdminSettings,
    health: HealthSettings,
    log: LogSettings,
}

impl App {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`AppError`] when no application is named, or two are, or settings that loading should have refused.
    pub fn build(config: Config, surroundings: Surroundings) -> Result<Self, AppError> {
        let largest_field_list = strict_http::largest_field_list(config.values(&strict_http::SECTION))?;
        let mut app = Self {
            server: ServerSettings::read(config.values(&SERVER_SECTION))?.with_largest_field_list(largest_field_list),
            upstream: UpstreamSettings::read(config.values(&UPSTREAM_SECTION))?,
            supervised: SupervisedSettings::read(&config)?,
            admin: AdminSettings::read(config.values(&admin::SECTION))?,
            health: HealthSettings::read(config.values(&health::SECTION), config.entries(&health::SECTION))?,
            log: LogSettings::read(config.values(&LOG_SECTION))?,
            config: Arc::new(config),
            surroundings,
        };
        let directory = app.surroundings.directory.clone();
        app.upstream.ca_file = app.upstream.ca_file.take().map(|file| directory.join(file));
        if supervised::both_named(&app.config)? {
            return Err(AppError::TwoUpstreams);
        }
        if app.upstream.servers.is_empty() && app.supervised.is_none() {
            return Err(AppError::NoUpstream);
        }
        Ok(app)
    }

    /// How the process log is written, for whoever installs a subscriber.
    #[must_use]
    pub fn output(&self) -> Output {
        let style = self.log.format.style(self.surroundings.terminal);
        let clock = Arc::clone(&self.surroundings.clock);
        Output { sink: self.surroundings.sink.clone(), style, service: Arc::clone(&self.log.service), clock }
    }

    /// How much the process log says.
    #[must_use]
    pub const fn log_settings(&self) -> &LogSettings {
        &self.log
    }

    /// Where the application is, or the command that starts it.
    #[must_use]
    pub fn upstream(&self) -> String {
        if let Some(supervised) = &self.supervised {
            return supervised.title();
        }
        self.upstream.servers.iter().map(|server| server.address.to_string()).collect::<Vec<_>>().join(", ")
    }

    /// Lets no more clients connect than so many open files serve, so that accepting never fails for want of one: a client
    /// needs two, one of them to the application. Gives the number when it is lower than what is configured.
    pub fn fit(&mut self, open_files: u64) -> Option<usize> {
        let fit = usize::try_from(open_files.saturating_sub(OTHER_FILES) / 2).unwrap_or(usize::MAX).max(1);
        let lowered = fit < self.server.max_connections;
        self.server.max_connections = self.server.max_connections.min(fit);
        lowered.then_some(fit)
    }

    /// Where relative paths begin.
    #[must_use]
    pub fn directory(&self) -> &std::path::Path {
        &self.surroundings.directory
    }

    /// The configuration.
    #[must_use]
    pub const fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// Listens, starts the application when that is Seawall's task, and serves once it is ready. The control plane runs on
    /// the runtime this is called on. Dropped before it is done, it leaves no application behind.
    ///
    /// # Errors
    /// [`AppError`] when an address is in use, the data directory cannot be used, the application does not start, or the
    /// system gives no threads.
    pub async fn start(self) -> Result<Running, AppError> {
        let cores = self.server.workers.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
        let data_path = self.surroundings.directory.join(self.config.values(&TOP).get(&DATA)?);
        let data = DataDirectory::open(&data_path)?;
        let public = Plane::bind(self.server.listen)?;
        let admin_listener = admin::bind(self.admin.listen)?;
        let admin_socket = admin::bind_unix(&data.socket_path())?;
        let address = |listener: &std::net::TcpListener, asked| listener.local_addr().unwrap_or(asked);
        let addresses = Addresses {
            public: address(&public, self.server.listen),
            admin: address(&admin_listener, self.admin.listen),
        };

        let registry = Registry::new(cores);
        let clock = Arc::clone(&self.surroundings.clock);
        let upstream = Upstream::new(&self.upstream, cores, Arc::clone(&clock), Arc::new(registry.clone()))?;
        // Listening before that means that an address in use is told at once, not after the application has started.
        let supervisor = self.supervise(&upstream).await?;
        let health = Health::new(self.health.clone(), upstream.clone(), Arc::clone(&clock));
        let (builtins, requests) = Builtins::new(BUILTIN_QUEUE);
        let sites = self.sites(cores, &registry, builtins.clone())?;

        let token = self.admin.token.clone().map_or_else(|| data.admin_token(), Ok)?;
        let (writer, log) = LogWriter::start(self.output(), &registry)?;
        let (traces, spans) = Traces::start(&self.config, &self.log.service, &clock, &registry)?;
        let plane = Plane::start(PlaneParts {
            listener: public,
            sites,
            settings: self.server.clone(),
            trusted: client_address::trusted(self.config.values(&client_address::SECTION))?,
            upstream: upstream.clone(),
            clock,
            meter: Arc::new(registry.clone()),
            log: self.log.requests.then_some(log),
            spans,
            seed: self.surroundings.seed,
        })?;
        let state = admin::State {
            health: health.clone(),
            registry: registry.clone(),
            config: Arc::clone(&self.config),
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
            health: health.clone(),
            checks: upstream.watch(),
            registry,
            builtin: builtin::serve(builtin::router(&self.server.prefix, &health), requests),
            admin: admin::router(state),
            admin_listener,
            admin_socket,
            token: Arc::new(token),
            data,
            supervisor,
        }))
    }

    /// The application that Seawall starts, once it is ready and requests are led to it.
    async fn supervise(&self, upstream: &Upstream) -> Result<Option<Supervisor>, AppError> {
        let Some(settings) = self.supervised.clone() else { return Ok(None) };
        let placed = Arc::new(Placed(upstream.clone()));
        let surrounding = Surrounding {
            directory: self.surroundings.directory.clone(),
            variables: self.surroundings.variables.clone(),
            clock: Arc::clone(&self.surroundings.clock),
            placement: Some(Arc::clone(&placed) as _),
            drain_timeout: self.server.drain_timeout,
        };
        let supervisor = Supervisor::start(settings, surrounding).await?;
        placed.place(supervisor.handle().status().address);
        Ok(Some(supervisor))
    }

    /// One site for each core, over the same counters.
    fn sites(&self, cores: usize, registry: &Registry, builtins: Builtins) -> Result<Vec<Site>, AppError> {
        let capacity = self.config.values(&rate_limit::SECTION).get(&rate_limit::CAPACITY)?;
        let meter: Arc<dyn Meter> = Arc::new(registry.clone());
        let shared = Shared { rates: MemoryRates::new(capacity, &*meter), meter, permits: Permits::default() };
        let parts = SiteParts {
            config: &self.config,
            shared: &shared,
            builtins,
            prefix: self.server.prefix.clone(),
            aliases: self.health.live_paths.iter().chain(&self.health.ready_paths).cloned().collect(),
        };
        (0..cores).map(|_| parts.build()).collect()
    }
}

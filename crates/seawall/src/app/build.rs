//! Building and starting: from a configuration and its surroundings to a server that listens.

use std::{
    net::{SocketAddr, TcpListener},
    path::Path,
    sync::Arc,
    thread,
    time::Duration,
};

use axum::Router;
use seawall_config::Config;
use seawall_core::{clock::Clock, limit::RateStore, meter::Meter, settings::Secret};
use seawall_guards::{
    Shared,
    load_shed::Permits,
    rate_limit::{self, CAPACITY, MemoryRates},
    report::Reports,
    schema::Drift,
    signatures::Seen,
    versions::Callers,
};
use seawall_outbound::Outbound;
use seawall_proxy::{BuiltinRequest, Builtins, Plane, PlaneParts, SERVER_SECTION, Site, Upstream, server};
use seawall_telemetry::{LogSettings, LogWriter, Output, Registry, log::LevelHandle, trace::Spans};
use tokio::sync::{mpsc, watch};

use super::{
    AppError, ConfigSource, DataDirectory, Running, Surroundings, admin,
    attempts::KeptAttempts,
    builtin,
    catalogue::{DATA, TOP},
    counters::SharedCounters,
    documents::Patience,
    encryption::Encryption,
    hand_over::{self, Entry, Ground, HandOverMeters, Held, Predecessor, Program, Step},
    health::Health,
    identity::Identity,
    mail::{self, MailDesk},
    notify::Notifier,
    outbound,
    reload::{Lasting, ReloadMeters, Reloader},
    running::{Acceptors, Parts},
    settings::Settings,
    store::{self, Store},
    supervised::{Placed, Placement, Supervisor, Surrounding},
    traces::Traces,
};

/// An application that can be started: its settings are read and its routes were built once, so that starting it can only
/// fail for want of something outside.
#[derive(Debug)]
pub struct App {
    settings: Settings,
    surroundings: Surroundings,
    source: Option<ConfigSource>,
    level: Option<LevelHandle>,
    program: Option<Program>,
    entry: Entry,
    notifier: Notifier,
}

impl App {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`AppError`] when no application is named, or two are, or settings that loading should have refused.
    pub fn build(config: Config, surroundings: Surroundings) -> Result<Self, AppError> {
        let settings = Settings::read(config, &surroundings.directory, surroundings.open_files)?;
        Ok(Self {
            settings,
            surroundings,
            source: None,
            level: None,
            program: None,
            entry: Entry::Fresh,
            notifier: Notifier::default(),
        })
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

    /// How its process was started, so that it can start a successor; without it, it hands over to none.
    #[must_use]
    pub fn with_program(mut self, program: Option<Program>) -> Self {
        self.program = program;
        self
    }

    /// How it comes to its listeners.
    #[must_use]
    pub const fn entering(mut self, entry: Entry) -> Self {
        self.entry = entry;
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
    pub fn directory(&self) -> &Path {
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
    /// the runtime this is called on. Dropped before it is done, it leaves no application behind. One that takes over changes nothing
    /// for the process that serves until everything that can fail is done.
    ///
    /// # Errors
    /// [`AppError`] when an address is in use, the data directory cannot be used, the application does not start, or the
    /// system gives no threads.
    pub async fn start(mut self) -> Result<Running, AppError> {
        self.notifier = Notifier::of(&self.surroundings.variables);
        let settings = &self.settings;
        let cores = settings.server.workers.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
        let data_path = self.surroundings.directory.join(settings.config.values(&TOP).get(&DATA)?);
        let ground = Ground::find(&data_path, settings, self.entry).await?;
        let registry = Registry::new(cores);
        let encryption = Encryption::new(settings.tls.clone(), &self.surroundings.clock, &registry)?;
        // Listening before that means that an address in use is told at once, not after the application has started.
        let key = self.outbound_key(&data_path)?;
        let lasts = self.lasting(cores, &registry, (key, ground.addresses.outbound)).await?;
        settings.fetch(&lasts.lasting.upstream, Patience::AsConfigured).await?;
        let (builtins, requests) = builtin::channel();
        let sites = settings.sites(cores, &lasts.lasting.shared, &lasts.lasting.reports, &builtins)?;
        let (traces, spans) = Traces::start(&settings.config, &settings.log.service, &lasts.lasting.clock, &registry)?;
        self.tell_open_files()?;
        if ground.promised() {
            store::overlap(&settings.store, Arc::clone(&lasts.lasting.clock)).await?;
        }
        let mut held = ground.hold().await?;
        let clock = Arc::clone(&lasts.lasting.clock);
        let meter = Arc::new(registry.clone());
        let store = Store::open(settings.store.clone(), clock, meter, &self.surroundings.variables).await?;
        lasts.lasting.health.look_at_store(store.db().clone());
        lasts.attempts.open(store.attempts());
        if let Some(outbound) = &lasts.lasting.outbound {
            outbound.open(store.db(), Arc::new(spans.clone())).await;
            lasts.lasting.health.look_at_prices(outbound.clone());
        }
        let (clock, meter) = (Arc::clone(&lasts.lasting.clock), Arc::new(registry.clone()));
        lasts.lasting.identity.open(store.place(), store.db(), store.caches(), clock, meter)?;
        lasts.lasting.identity.ready().await?;
        if let Some(status) = settings.post.status() {
            lasts.lasting.health.look_at_mail(status);
        }
        let letters = lasts.lasting.identity.postman(&settings.post).map(mail::letters);
        let posts = lasts.lasting.outbound.iter().flat_map(Outbound::deliveries);
        store.deliver(letters.into_iter().chain(posts).collect());
        lasts.lasting.identity.tell_of_people(&settings.server.prefix).await;
        let last_word = held.last_word.take();
        let meters = HandOverMeters::new(&registry);
        let running =
            self.run(Built { held, store, encryption, lasts, sites, registry, builtins, requests, traces, spans })?;
        if let Some(last_word) = last_word {
            meters.taken.increment();
            last_word.say().await;
        }
        Ok(running)
    }

    /// Serves, first clients and then operators.
    fn run(
        &self,
        Built { held, store, encryption, lasts, sites, registry, builtins, requests, traces, spans }: Built,
    ) -> Result<Running, AppError> {
        let (Lasts { lasting, supervisor, writer, .. }, listeners) = (lasts, held.listeners(&self.settings)?);
        let Held { public, admin: admin_listener, redirect, outbound, addresses, sockets, standard_error, .. } = held;
        let (token, admin_key) = self.admin_credentials(&sockets.data, &lasting.clock, &registry)?;
        let (data, openapi) = (Arc::new(sockets.data), self.settings.openapi(&sites, &lasting.identity)?);
        let plane = self.plane(public, sites, spans, &encryption, &lasting, &registry)?;
        let (upstream, health) = (lasting.upstream.clone(), lasting.health.clone());
        let (identity, services) = (lasting.identity.clone(), lasting.outbound.clone());
        let reloader = Reloader::new(lasting, store.db().clone(), Arc::clone(&self.settings.config), plane.stage());
        let (hand_over, phase, wishes) = hand_over::channel();
        let (phases, program) = (phase.subscribe(), self.program.clone().filter(|_| sockets.hand_over.is_some()));
        let (hand_over, acceptors) =
            (program.is_some().then_some(hand_over), Acceptors::new(&self.settings.server.prefix, &registry));
        let admin = admin::router(admin::State {
            store: self.kept(&store, &identity, services.clone()),
            db: Some(store.db().clone()),
            health: health.clone(),
            registry: registry.clone(),
            reloader: reloader.clone(),
            addresses,
            upstream: upstream.clone(),
            supervised: supervisor.as_ref().map(|supervisor| supervisor.handle().clone()),
            hand_over: hand_over.clone(),
        });
        let predecessor = program.map(|program| Predecessor {
            listeners,
            steps: Step::in_order(plane.stage(), reloader.finishing(), phase.clone(), store.lent(), &data),
            phase,
            data: Arc::clone(&data),
            program,
            admin: (acceptors.socket.clone(), admin.clone()),
            meters: HandOverMeters::new(&registry),
            notifier: self.notifier.clone(),
        });
        let heir = predecessor.zip(sockets.hand_over).map(|(predecessor, socket)| predecessor.listen(socket, wishes));
        Ok(Running::begin(Parts {
            addresses,
            plane,
            builtins,
            writer,
            traces,
            checks: upstream.watch(),
            encryption: encryption.begin(redirect, addresses.public.port()),
            registry,
            builtin: self.settings.builtin(&health, &identity, openapi, services.clone()).serve(requests),
            health,
            reloader,
            admin: (acceptors, admin),
            admin_listener,
            admin_socket: sockets.admin,
            token,
            admin_key,
            data,
            store,
            outbound: services.zip(outbound),
            supervisor,
            hand_over,
            heir: heir.transpose()?,
            phase: phases,
            standard_error,
        }))
    }

    /// What operators may ask of what is kept.
    fn kept(&self, store: &Store, identity: &Identity, services: Option<Outbound>) -> Router {
        let desk = MailDesk {
            post: self.settings.post.clone(),
            db: Some(store.db().clone()),
            application: identity.application().into(),
        };
        let calls = outbound::router(store.db().clone(), Arc::clone(&self.surroundings.clock), services);
        store.router().merge(identity.operator_router()).merge(mail::router(desk)).merge(calls)
    }

    /// What opens the admin interface: the token, and the key for scripts.
    fn admin_credentials(
        &self,
        data: &DataDirectory,
        clock: &Arc<dyn Clock>,
        registry: &Registry,
    ) -> Result<(Arc<Secret>, Option<Arc<admin::AdminKey>>), AppError> {
        let settings = &self.settings.admin;
        let token = settings.token.clone().map_or_else(|| data.admin_token(), Ok)?;
        let key = settings.key.as_ref().map(|key| Arc::new(admin::AdminKey::new(key, Arc::clone(clock), registry)));
        Ok((Arc::new(token), key))
    }

    /// Serves clients.
    fn plane(
        &self,
        listener: TcpListener,
        sites: Vec<Site>,
        spans: Spans,
        encryption: &Encryption,
        lasting: &Lasting,
        registry: &Registry,
    ) -> Result<Plane, AppError> {
        let plane = Plane::start(PlaneParts {
            listener,
            sites,
            settings: self.settings.server.clone(),
            upstream: lasting.upstream.clone(),
            clock: Arc::clone(&lasting.clock),
            meter: Arc::new(registry.clone()),
            log: self.settings.log.requests.then(|| lasting.log.clone()),
            spans,
            seed: self.surroundings.seed,
            tls: encryption.terminator(),
        })?;
        lasting.identity.followed_by(&plane);
        Ok(plane)
    }

    /// Makes what outlives configurations, and starts the application when that is Seawall's task.
    async fn lasting(
        &self,
        cores: usize,
        registry: &Registry,
        (key, outbound): (Option<Secret>, Option<SocketAddr>),
    ) -> Result<Lasts, AppError> {
        let settings = &self.settings;
        let clock = Arc::clone(&self.surroundings.clock);
        let upstream = Upstream::new(&settings.upstream, cores, Arc::clone(&clock), Arc::new(registry.clone()))?;
        let (drain_timeout, drain_timeout_seen) = watch::channel(settings.server.drain_timeout);
        let given = key.as_ref().zip(outbound).map(|(key, address)| outbound::given(key, address));
        let supervisor = self.supervise(&upstream, drain_timeout_seen, given.into_iter().flatten()).await?;
        let (writer, log) = LogWriter::start(self.output(), registry)?;
        let counters = SharedCounters::connect(&settings.store.store, Arc::clone(&clock), registry).await?;
        let health = Health::new(settings.health.clone(), upstream.clone(), Arc::clone(&clock));
        if let Some(counters) = &counters {
            health.look_at_counters(counters.clone());
        }
        let identity = Identity::new(&settings.config, &self.surroundings.directory)?;
        let attempts = KeptAttempts::default();
        let shared = shared(settings, registry, counters, &identity, attempts.clone())?;
        let calls = settings.calls.as_ref().zip(key);
        let outbound = calls.map(|(calls, key)| calls.outbound(key, &identity, &shared.rates, &clock, registry));
        let outbound = outbound.transpose()?;
        let lasting = Lasting {
            source: self.source.clone(),
            directory: self.surroundings.directory.clone(),
            open_files: self.surroundings.open_files,
            reports: Reports::new(Arc::clone(&clock), settings.config.values(&rate_limit::SECTION).get(&CAPACITY)?),
            shared,
            identity,
            outbound,
            health,
            upstream,
            log,
            level: self.level.clone(),
            drain_timeout,
            clock,
            meters: ReloadMeters::new(registry),
            supervised: supervisor.is_some(),
            notifier: self.notifier.clone(),
        };
        Ok(Lasts { lasting, attempts, supervisor, writer })
    }

    /// What the application's calls show, when there is something to call.
    fn outbound_key(&self, data: &Path) -> Result<Option<Secret>, AppError> {
        let Some(calls) = &self.settings.calls else { return Ok(None) };
        calls.shared.key.clone().map_or_else(|| DataDirectory::outbound_key_in(data), Ok).map(Some)
    }

    /// The application that Seawall starts, once it is ready and requests are led to it.
    async fn supervise(
        &self,
        upstream: &Upstream,
        drain_timeout: watch::Receiver<Duration>,
        given: impl Iterator<Item = (String, String)>,
    ) -> Result<Option<Supervisor>, AppError> {
        let Some(settings) = self.settings.supervised.clone() else { return Ok(None) };
        let placed = Arc::new(Placed::new(upstream.clone()));
        let surrounding = Surrounding {
            directory: self.surroundings.directory.clone(),
            variables: self.surroundings.variables.iter().cloned().chain(given).collect(),
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
    attempts: KeptAttempts,
    supervisor: Option<Supervisor>,
    writer: LogWriter,
}

/// Everything built, nothing served.
struct Built {
    held: Held,
    store: Store,
    encryption: Encryption,
    lasts: Lasts,
    sites: Vec<Site>,
    registry: Registry,
    builtins: Builtins,
    requests: mpsc::Receiver<BuiltinRequest>,
    traces: Traces,
    spans: Spans,
}

/// What outlives policies: made once, so that no reload forgets what was counted.
fn shared(
    settings: &Settings,
    registry: &Registry,
    counters: Option<SharedCounters>,
    identity: &Identity,
    attempts: KeptAttempts,
) -> Result<Shared, AppError> {
    let capacity = settings.config.values(&rate_limit::SECTION).get(&CAPACITY)?;
    let meter: Arc<dyn Meter> = Arc::new(registry.clone());
    let memory = MemoryRates::new(capacity, &*meter);
    let (rates, local_rates): (Arc<dyn RateStore>, _) = match counters {
        Some(counters) => (Arc::new(counters), Some(memory as _)),
        None => (memory, None),
    };
    Ok(Shared {
        rates,
        local_rates,
        meter,
        permits: Permits::default(),
        callers: Callers::default(),
        attempts: Arc::new(attempts),
        rehearsed: Arc::default(),
        signatures: Seen::default(),
        drift: Drift::default(),
        credentials: identity.credentials(),
    })
}

//! Reading the configuration once more, and switching to it.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use seawall_config::Config;
use seawall_core::{clock::Clock, meter::NoMeter};
use seawall_guards::{Shared, report::Reports, schema::Drift, versions::Callers};
use seawall_outbound::{Outbound, Prepared};
use seawall_proxy::{BuiltinRequest, Site, Stage, Upstream};
use seawall_store::{Db, hands::Hands};
use seawall_telemetry::{LogHandle, log::LevelHandle};
use tokio::{
    runtime::Handle,
    sync::{mpsc, watch},
};

use super::{Difference, Refusal, ReloadMeters, record::record};
use crate::app::{
    AppError, ConfigSource, builtin,
    catalogue::{TOP, WATCH},
    documents::Patience,
    health::Health,
    identity::Identity,
    notify::Notifier,
    settings::Settings,
    source::Texts,
};

/// What lasts as long as the server, over all configurations.
#[derive(Debug)]
pub(in crate::app) struct Lasting {
    pub(in crate::app) source: Option<ConfigSource>,
    pub(in crate::app) directory: PathBuf,
    /// How many files the process may have open.
    pub(in crate::app) open_files: Option<u64>,
    pub(in crate::app) shared: Shared,
    pub(in crate::app) reports: Reports,
    pub(in crate::app) upstream: Upstream,
    pub(in crate::app) health: Health,
    pub(in crate::app) identity: Identity,
    /// What answers the application's calls, when there was something to call at the start.
    pub(in crate::app) outbound: Option<Outbound>,
    pub(in crate::app) log: LogHandle,
    pub(in crate::app) level: Option<LevelHandle>,
    pub(in crate::app) drain_timeout: watch::Sender<Duration>,
    pub(in crate::app) clock: Arc<dyn Clock>,
    pub(in crate::app) meters: ReloadMeters,
    /// Whether Seawall started the application, so that it says where requests go.
    pub(in crate::app) supervised: bool,
    /// Whom a reload is told.
    pub(in crate::app) notifier: Notifier,
}

/// Takes over a changed configuration while serving; cheap to clone.
#[derive(Clone, Debug)]
pub struct Reloader(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    lasting: Lasting,
    /// Where a reload is recorded.
    db: Db,
    stage: Stage,
    /// What holds now: what was read last, but for what needs a restart.
    running: Mutex<Arc<Config>>,
    /// Held for a whole reload, so that one follows the other.
    turn: tokio::sync::Mutex<()>,
    /// Of the texts that were tried last, taken over or not.
    tried: AtomicU64,
    ending: AtomicBool,
}

/// Who wanted a reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// SIGHUP.
    Signal,
    /// The admin interface.
    Admin,
    /// A file that changed.
    File,
}

impl Trigger {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Signal => "signal",
            Self::Admin => "admin",
            Self::File => "file",
        }
    }
}

/// A configuration that was read, and what it changes.
struct Read {
    /// As it can hold in this process.
    config: Config,
    difference: Difference,
}

/// Everything built, nothing switched.
struct Draft {
    settings: Settings,
    sites: Vec<Site>,
    builtin: builtin::Targets,
    requests: mpsc::Receiver<BuiltinRequest>,
    outbound: Option<Prepared>,
    difference: Difference,
}

impl Reloader {
    pub(in crate::app) fn new(lasting: Lasting, db: Db, running: Arc<Config>, stage: Stage) -> Self {
        // What was read, and not what is there by now: a start takes its time, and so does taking over.
        let texts =
            || lasting.source.as_ref().and_then(|source| source.texts().ok()).map_or(0, |texts| texts.fingerprint());
        let tried = lasting.source.as_ref().and_then(|source| source.started_with).unwrap_or_else(texts);
        Self(Arc::new(Inner {
            running: Mutex::new(running),
            turn: tokio::sync::Mutex::new(()),
            tried: AtomicU64::new(tried),
            ending: AtomicBool::new(false),
            lasting,
            db,
            stage,
        }))
    }

    /// The configuration that holds.
    #[must_use]
    pub fn config(&self) -> Arc<Config> {
        Arc::clone(&self.0.running.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What a hand-over waits for: how long requests in flight may take, requests to Seawall itself, and calls of models.
    pub(in crate::app) fn finishing(&self) -> (watch::Receiver<Duration>, Hands, Option<Outbound>) {
        let Lasting { drain_timeout, identity, outbound, .. } = &self.0.lasting;
        (drain_timeout.subscribe(), identity.ongoing(), outbound.clone())
    }

    /// What guards would have refused, over all configurations.
    pub(in crate::app) fn reports(&self) -> Reports {
        self.0.lasting.reports.clone()
    }

    /// In what answers differ from the application's document; no reload forgets it.
    pub(in crate::app) fn drift(&self) -> Drift {
        self.0.lasting.shared.drift.clone()
    }

    /// Who uses versions of the API that end; no reload forgets them.
    pub(in crate::app) fn callers(&self) -> Callers {
        self.0.lasting.shared.callers.clone()
    }

    /// What a reload would change now.
    ///
    /// # Errors
    /// [`Refusal`] when it would be refused.
    pub async fn difference(&self) -> Result<Difference, Refusal> {
        let _turn = self.0.turn.lock().await;
        let texts = self.texts().await?;
        Ok(self.draft(texts).await?.difference)
    }

    /// Reads the configuration again and switches to it; or changes nothing. One reload follows the other.
    ///
    /// # Errors
    /// [`Refusal`], after which everything is as before.
    pub async fn reload(&self, trigger: Trigger) -> Result<Difference, Refusal> {
        let _turn = self.0.turn.lock().await;
        self.0.lasting.notifier.reloading();
        let outcome = self.take_over().await;
        self.tell(trigger, &outcome);
        // Whatever came of it, the server serves.
        match &outcome {
            Ok(_) => self.0.lasting.notifier.ready("serving with the configuration that was reloaded"),
            Err(_) => self.0.lasting.notifier.ready("serving; the last reload was refused, and the log says why"),
        }
        if let Ok(difference) = &outcome {
            record(&self.0.db, trigger, difference).await;
        }
        outcome
    }

    async fn take_over(&self) -> Result<Difference, Refusal> {
        let texts = self.texts().await;
        let fingerprint = texts.as_ref().map_or(0, Texts::fingerprint);
        self.0.tried.store(fingerprint, Ordering::Relaxed);
        let draft = self.draft(texts?).await?;
        self.switch(draft).await
    }

    /// Whom a reload is told.
    pub(in crate::app) fn notifier(&self) -> &Notifier {
        &self.0.lasting.notifier
    }

    /// From now on nothing is reloaded: the server finishes.
    pub(in crate::app) fn end(&self) {
        self.0.ending.store(true, Ordering::Relaxed);
    }

    /// Whether the files are to be watched.
    pub(super) fn watches(&self) -> bool {
        self.config().values(&TOP).get(&WATCH).unwrap_or_default()
    }

    /// The files of the configuration; none when it was not read from files.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        self.0.lasting.source.as_ref().map(|source| source.files().to_vec()).unwrap_or_default()
    }

    /// Whether the files say something else than when they were tried last.
    pub(super) fn untried(&self) -> bool {
        let texts = self.0.lasting.source.as_ref().and_then(|source| source.texts().ok());
        texts.map_or(0, |texts| texts.fingerprint()) != self.0.tried.load(Ordering::Relaxed)
    }

    /// Reads the files, on a thread that may wait for them.
    async fn texts(&self) -> Result<Texts, Refusal> {
        if self.0.ending.load(Ordering::Relaxed) {
            return Err(Refusal::Ending);
        }
        let source = self.0.lasting.source.clone().ok_or(Refusal::Fixed)?;
        Ok(tokio::task::spawn_blocking(move || source.texts()).await.map_err(|_| Refusal::Died)??)
    }

    /// Builds everything, on a thread that may wait for secrets in files.
    async fn draft(&self, texts: Texts) -> Result<Draft, Refusal> {
        let reloader = self.clone();
        tokio::task::spawn_blocking(move || reloader.build(&texts)).await.map_err(|_| Refusal::Died)?
    }

    fn build(&self, texts: &Texts) -> Result<Draft, Refusal> {
        let lasting = &self.0.lasting;
        let Read { config, difference } = self.read(texts)?;
        let settings = Settings::read(config, &lasting.directory, lasting.open_files)?;
        self.fetch(&settings)?;
        let (builtins, requests) = builtin::channel();
        let sites = settings.sites(self.0.stage.cores(), &lasting.shared, &lasting.reports, &builtins)?;
        let openapi = settings.openapi(&sites, &lasting.identity)?;
        let builtin = settings.builtin(&lasting.health, &lasting.identity, openapi, lasting.outbound.clone());
        let services = settings.calls.as_ref().map(|calls| calls.services.clone()).unwrap_or_default();
        let outbound = lasting.outbound.as_ref().map(|outbound| outbound.prepare(services)).transpose();
        let outbound = outbound.map_err(AppError::Outbound)?;
        Ok(Draft { settings, sites, builtin, requests, outbound, difference })
    }

    /// Fetches the documents that the application gives itself, from the servers that requests will be led to. It is asked once: what holds
    /// on meanwhile loses nothing.
    fn fetch(&self, settings: &Settings) -> Result<(), AppError> {
        let lasting = &self.0.lasting;
        if !settings.fetches()? {
            return Ok(());
        }
        let upstream = if lasting.supervised {
            lasting.upstream.clone()
        } else {
            Upstream::new(&settings.upstream, 1, Arc::clone(&lasting.clock), Arc::new(NoMeter))?
        };
        Handle::current().block_on(settings.fetch(&upstream, Patience::None))
    }

    fn read(&self, texts: &Texts) -> Result<Read, Refusal> {
        let source = self.0.lasting.source.as_ref().ok_or(Refusal::Fixed)?;
        let running = self.config();
        let read = source.load(texts, None)?.config;
        let difference = Difference::of(read.changes_since(&running));
        let asked = Settings::read(read, &self.0.lasting.directory, self.0.lasting.open_files)?;
        if asked.supervised.is_some() != self.0.lasting.supervised {
            return Err(Refusal::OtherKind);
        }
        let mut config = Arc::into_inner(asked.config).ok_or(Refusal::Died)?;
        if config.environment() != running.environment() {
            // Until the restart the other environment's demands hold.
            config = source.load(texts, Some(running.environment()))?.config;
        }
        Ok(Read { config: config.within(&running), difference })
    }

    /// Switches. Only its first step can fail, and then has changed nothing.
    async fn switch(&self, draft: Draft) -> Result<Difference, Refusal> {
        let Draft { settings, sites, builtin, requests, outbound, difference } = draft;
        let lasting = &self.0.lasting;
        if lasting.supervised {
            lasting.upstream.tune(&settings.upstream.tuning);
        } else {
            let configured = lasting.upstream.configure(&settings.upstream.servers, &settings.upstream.tuning);
            configured.map_err(AppError::Encryption)?;
        }
        tokio::spawn(builtin.serve(requests));
        match (&lasting.outbound, outbound) {
            (Some(running), Some(prepared)) => running.switch(prepared),
            _ if settings.calls.is_some() => {
                tracing::warn!(
                    "the first service of [outbound] can be called after a restart, which opens the listener"
                );
            }
            _ => {}
        }
        lasting.health.configure(settings.health);
        lasting.drain_timeout.send_replace(settings.server.drain_timeout);
        if let Some(level) = &lasting.level {
            level.set(&settings.log.level);
        }
        let log = settings.log.requests.then_some(&lasting.log);
        self.0.stage.replace(sites, &settings.server, log).await;
        *self.0.running.lock().unwrap_or_else(PoisonError::into_inner) = settings.config;
        Ok(difference)
    }

    /// Says in the log and the metrics what came of it.
    fn tell(&self, trigger: Trigger, outcome: &Result<Difference, Refusal>) {
        let meters = &self.0.lasting.meters;
        match outcome {
            Ok(difference) => {
                meters.applied(self.0.lasting.clock.now());
                let changes = difference.changed.len();
                tracing::info!(reload.by = trigger.word(), reload.changes = changes, "the configuration was reloaded");
                if !difference.needs_restart.is_empty() {
                    let keys = difference.restart_keys();
                    tracing::warn!(reload.keys = keys.as_str(), "changed, but taken over by a restart only");
                }
            }
            Err(refusal) => {
                meters.refused();
                let (first, mistakes) = refusal.first();
                tracing::error!(
                    reload.by = trigger.word(),
                    error = first.as_str(),
                    reload.mistakes = mistakes,
                    "the configuration was not reloaded; the one before holds on"
                );
            }
        }
    }
}

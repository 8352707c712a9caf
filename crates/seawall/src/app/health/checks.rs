//! Running the checks, at most once a second however often they are asked for.

use std::{
    sync::{
        Arc, OnceLock, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use seawall_core::{
    clock::{Clock, Now},
    resilience::BreakerState,
};
use seawall_outbound::Outbound;
use seawall_proxy::Upstream;
use seawall_store::{Db, Lane, StoreError};
use serde_json::Map;
use tokio::sync::Mutex;

use super::{
    HealthSettings, Outcome, Report,
    config::{Check, Probe},
    report::server,
};
use crate::app::{counters::SharedCounters, mail::MailStatus, outbound::prices_file, tiny_http};

/// How long results are kept, in microseconds.
const KEPT_US: u64 = 1_000_000;

/// How long connecting to the application may take.
const UPSTREAM_LIMIT: Duration = Duration::from_secs(1);

/// How long the store may take (checklist WK-6).
const STORE_LIMIT: Duration = Duration::from_secs(3);

/// The health of the server; cheap to clone.
#[derive(Clone, Debug)]
pub struct Health(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: RwLock<Arc<HealthSettings>>,
    upstream: Upstream,
    clock: Arc<dyn Clock>,
    started: Now,
    draining: AtomicBool,
    /// Seawall's own database, once it is open.
    store: OnceLock<Db>,
    /// Counters that are shared with others, when there are any.
    counters: OnceLock<SharedCounters>,
    /// The mail server, when there is one.
    mail: OnceLock<MailStatus>,
    /// Who knows what language models cost, when there is anything to call.
    prices: OnceLock<Outbound>,
    /// Held while checks run, so that those who ask meanwhile wait for the same results.
    kept: Mutex<Option<Kept>>,
}

/// The results of the last checks.
#[derive(Debug)]
struct Kept {
    at: Now,
    /// What was checked; after a reload the results are of other checks.
    settings: Arc<HealthSettings>,
    outcomes: Vec<Outcome>,
}

impl Health {
    /// The health of a server that starts now.
    #[must_use]
    pub fn new(settings: HealthSettings, upstream: Upstream, clock: Arc<dyn Clock>) -> Self {
        let started = clock.now();
        Self(Arc::new(Inner {
            settings: RwLock::new(Arc::new(settings)),
            upstream,
            clock,
            started,
            draining: AtomicBool::new(false),
            store: OnceLock::new(),
            counters: OnceLock::new(),
            mail: OnceLock::new(),
            prices: OnceLock::new(),
            kept: Mutex::new(None),
        }))
    }

    /// From now on the server is not ready.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
    }

    /// From now on the store is looked at too.
    pub(in crate::app) fn look_at_store(&self, db: Db) {
        // Set once, when the server starts.
        let _set = self.0.store.set(db);
    }

    /// From now on shared counters are looked at too.
    pub(in crate::app) fn look_at_counters(&self, counters: SharedCounters) {
        // Set once, when the server starts.
        let _set = self.0.counters.set(counters);
    }

    /// From now on it is told how the mail server took the last letter.
    pub(in crate::app) fn look_at_mail(&self, status: MailStatus) {
        // Set once, when the server starts.
        let _set = self.0.mail.set(status);
    }

    /// From now on it is told how old the file of prices is.
    pub(in crate::app) fn look_at_prices(&self, outbound: Outbound) {
        // Set once, when the server starts.
        let _set = self.0.prices.set(outbound);
    }

    /// Takes over other settings.
    pub fn configure(&self, settings: HealthSettings) {
        *self.0.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
    }

    fn settings(&self) -> Arc<HealthSettings> {
        Arc::clone(&self.0.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The state of everything.
    pub async fn report(&self) -> Report {
        let inner = &self.0;
        let checks = {
            let mut kept = inner.kept.lock().await;
            let now = inner.clock.now();
            let settings = self.settings();
            match &*kept {
                Some(kept) if now.since_us(kept.at) < KEPT_US && Arc::ptr_eq(&kept.settings, &settings) => {
                    kept.outcomes.clone()
                }
                _ => {
                    let outcomes = self.run_checks(&settings).await;
                    *kept = Some(Kept { at: inner.clock.now(), settings, outcomes: outcomes.clone() });
                    outcomes
                }
            }
        };
        Report {
            draining: inner.draining.load(Ordering::Relaxed),
            checks,
            uptime_s: inner.clock.now().since_us(inner.started) / 1_000_000,
            memory_bytes: memory_bytes(),
        }
    }

    /// All checks side by side, so that the slowest sets the time.
    async fn run_checks(&self, settings: &HealthSettings) -> Vec<Outcome> {
        let mut running = tokio::task::JoinSet::new();
        if settings.upstream {
            let (upstream, clock) = (self.0.upstream.clone(), Arc::clone(&self.0.clock));
            running.spawn(async move { application(&upstream, &*clock).await });
        }
        if let Some(db) = self.0.store.get().cloned() {
            let clock = Arc::clone(&self.0.clock);
            running.spawn(async move { store(db, &*clock).await });
        }
        for check in settings.checks.iter().cloned() {
            let clock = Arc::clone(&self.0.clock);
            running.spawn(async move { run(check, &*clock).await });
        }
        let mut outcomes = running.join_all().await;
        outcomes.extend(self.0.counters.get().map(|shared| counters(shared, settings.counters_required)));
        outcomes.extend(self.0.mail.get().map(mail));
        outcomes.extend(self.0.prices.get().and_then(|outbound| prices(outbound, self.0.clock.now())));
        outcomes.sort_by(|one, other| one.name.cmp(&other.name));
        outcomes
    }
}

/// Whether requests would reach the application: it accepts connections, and one of its servers is not held back for failing.
async fn application(upstream: &Upstream, clock: &dyn Clock) -> Outcome {
    let started = clock.now();
    let accepts = upstream.accepts(UPSTREAM_LIMIT).await;
    let servers = upstream.report();
    let held_back = servers.iter().all(|server| server.breaker == BreakerState::Open);
    let failing = || "its circuit breaker is open after failures in a row".to_owned();
    let error = accepts.err().or_else(|| held_back.then(failing));
    let took_ms = clock.now().since_us(started) / 1_000;
    let details = Map::from_iter([("servers".to_owned(), servers.iter().map(server).collect())]);
    Outcome { name: "upstream".to_owned(), error, took_ms, required: true, details }
}

/// Whether the store answers. It is required: whoever is refused for want of it would be refused by every process of this kind.
async fn store(db: Db, clock: &dyn Clock) -> Outcome {
    let started = clock.now();
    let answered = db.within(STORE_LIMIT).read(Lane::Interactive, |tx| tx.one::<(i64,)>("SELECT 1", &[])).await;
    let error = answered.err().map(|error: StoreError| error.to_string());
    let took_ms = clock.now().since_us(started) / 1_000;
    let details = Map::from_iter([("durability".to_owned(), seawall_store::DURABILITY.into())]);
    Outcome { name: "store".to_owned(), error, took_ms, required: true, details }
}

/// Whether shared counters work: the tasks that use them know, so nothing is asked. Readiness depends on them only where requests
/// are refused without.
fn counters(counters: &SharedCounters, required: bool) -> Outcome {
    let details = Map::from_iter([("url".to_owned(), counters.url().into())]);
    Outcome { name: "redis".to_owned(), error: counters.fault(), took_ms: 0, required, details }
}

/// Whether the mail server took the last letter. Nothing is asked, and readiness does not depend on it: letters wait.
fn mail(status: &MailStatus) -> Outcome {
    let details = Map::from_iter([("server".to_owned(), status.server().into())]);
    Outcome { name: "mail".to_owned(), error: status.fault(), took_ms: 0, required: false, details }
}

/// How old the file of prices is, where there is one. It is for people to judge: nothing is asked, and nothing depends on it.
fn prices(outbound: &Outbound, now: Now) -> Option<Outcome> {
    let told = prices_file(&outbound.prices_file()?, now);
    let details = told.as_object().cloned().unwrap_or_default();
    Some(Outcome { name: "llm_prices".to_owned(), error: None, took_ms: 0, required: false, details })
}

async fn run(check: Check, clock: &dyn Clock) -> Outcome {
    let started = clock.now();
    let error = match &check.probe {
        Probe::Tcp(host, port) => {
            tiny_http::connects(host, *port, check.timeout).await.err().map(|error| error.to_string())
        }
        Probe::Database(url) => seawall_store::ping(url, check.timeout).await.err(),
        Probe::Http(url) => match url.get(check.timeout).await {
            Ok(answer) if (200..400).contains(&answer.status) => None,
            Ok(answer) => Some(format!("answered with status {}", answer.status)),
            Err(error) => Some(error.to_string()),
        },
    };
    Outcome {
        took_ms: clock.now().since_us(started) / 1_000,
        name: check.name,
        error,
        required: check.required,
        details: Map::new(),
    }
}

/// Resident memory of this process, where the system tells it (Linux).
fn memory_bytes() -> Option<u64> {
    let statistics = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statistics.split(' ').nth(1)?.parse().ok()?;
    pages.checked_mul(rustix::param::page_size() as u64)
}

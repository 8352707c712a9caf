//! What a guard tells the catalogue about itself, and what it is built from.

use std::{fmt, sync::Arc};

use seawall_core::{
    Environment, Mode,
    authenticator::Credentials,
    idempotency::IdempotencyStore,
    limit::RateStore,
    meter::{Meter, Metric, NoMeter},
    problem::ProblemType,
    settings::{BadSetting, Field, Literal, Section, Values},
};

use super::Guard;
use crate::{
    idempotency::MemoryAttempts,
    load_shed::Permits,
    rate_limit::MemoryRates,
    schema::{Aside, Document, DocumentSource, Drift, Operation},
    signatures::Seen,
    versions::Callers,
};

/// The key that every guard with a report-only mode has in its section; unset, the route's or the global mode holds.
pub(crate) const MODE: Field<Mode> = Field::new(
    "mode",
    Literal::Unset,
    "What the guard does with a request it would refuse: `enforce` refuses it, `report` lets it through and records it, `off` does not look.",
);

/// A guard's entry in the catalogue: everything that is generated about it comes from here.
#[derive(Clone, Copy)]
pub struct GuardEntry {
    /// Its name in logs, metrics and `explain`; also the name of its section.
    pub name: &'static str,
    /// One sentence on what it does, for tables.
    pub summary: &'static str,
    /// Its section.
    pub section: &'static Section,
    /// The problems it answers with.
    pub problems: &'static [&'static ProblemType],
    /// The metrics it keeps besides the decisions that are counted for every guard.
    pub metrics: &'static [&'static Metric],
    /// Whether it can be set to report only.
    pub report_only: ReportOnly,
    /// Builds it for one policy; nothing when its settings turn it off.
    pub build: BuildGuard,
}

/// Builds a guard for one policy.
pub type BuildGuard = fn(&Build<'_>) -> Result<Option<Arc<dyn Guard>>, BadSetting>;

impl fmt::Debug for GuardEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GuardEntry({})", self.name)
    }
}

/// Whether a guard can be set to report only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportOnly {
    /// It can: a section key `mode` says so.
    Yes,
    /// It refuses nothing, or is always enforced, for this reason.
    No(&'static str),
}

/// What a guard is built from.
#[derive(Clone, Copy, Debug)]
pub struct Build<'a> {
    /// The policy's name: the route's pattern, or `*` for the default.
    pub policy: &'a str,
    /// Names the counters of the policy whose settings the guard got: a route without settings of its own for this guard
    /// shares those of the default.
    pub scope: &'a str,
    /// Whether the policy is for Seawall's own paths.
    pub own_path: bool,
    /// The guard's own section.
    pub values: &'a Values,
    /// The section of another guard, for settings that two guards read.
    pub other: &'a dyn SectionSource,
    /// Where the application runs.
    pub environment: Environment,
    /// What the policy does with a request this guard would refuse.
    pub mode: Mode,
    /// Runs work that may take long, where it holds no core.
    pub aside: Aside,
    /// State that outlives policies.
    pub shared: &'a Shared,
}

/// Gives the values of any section, and the documents that settings name.
pub trait SectionSource: fmt::Debug {
    /// The effective values of a section, for the policy being built.
    fn section(&self, name: &str) -> Values;

    /// The named entries of a section, which are the same for all policies.
    fn entries(&self, name: &str) -> Vec<(String, Values)>;

    /// The mode of a guard, for the policy being built.
    fn mode(&self, guard: &str) -> Mode;

    /// A JSON Schema in a file, compiled as what a route's body must be.
    ///
    /// # Errors
    /// What is wrong with the file or the schema, for the person who named it.
    fn body_schema(&self, path: &str) -> Result<Arc<Operation>, String>;

    /// The application's document, compiled.
    ///
    /// # Errors
    /// What is wrong with where it is or with the document, for the person who named it.
    fn document(&self, source: &DocumentSource) -> Result<Arc<Document>, String>;
}

/// Counters of requests in [`Shared::in_memory`].
const COUNTERS: u64 = 1_024;

/// State that outlives policies: a reload resets none of it.
#[derive(Clone, Debug)]
pub struct Shared {
    /// Counts requests.
    pub rates: Arc<dyn RateStore>,
    /// Counts them in this process when `rates` are shared with others; nothing when `rates` are in this process.
    pub local_rates: Option<Arc<dyn RateStore>>,
    /// Counts what happens.
    pub meter: Arc<dyn Meter>,
    /// Counts requests in flight.
    pub permits: Permits,
    /// Who uses versions of the API that end.
    pub callers: Callers,
    /// Keeps what became of requests with an idempotency key.
    pub attempts: Arc<dyn IdempotencyStore>,
    /// Notes requests with an idempotency key while they are only reported on.
    pub rehearsed: Arc<MemoryAttempts>,
    /// Which signatures of requests were taken.
    pub signatures: Seen,
    /// In what answers differ from the application's document.
    pub drift: Drift,
    /// Credentials of this installation, when people can sign in.
    pub credentials: Option<Credentials>,
}

impl Shared {
    /// State in the memory of this process, which counts nothing and knows no credentials: for an application that builds its guards
    /// itself, and to change from.
    #[must_use]
    pub fn in_memory() -> Self {
        Self {
            rates: MemoryRates::new(COUNTERS, &NoMeter),
            local_rates: None,
            meter: Arc::new(NoMeter),
            permits: Permits::default(),
            callers: Callers::default(),
            attempts: Arc::new(MemoryAttempts::default()),
            rehearsed: Arc::default(),
            signatures: Seen::default(),
            drift: Drift::default(),
            credentials: None,
        }
    }

    /// The same, but with counters of this process alone, for what must not wait for others.
    #[must_use]
    pub fn of_this_process(&self) -> Self {
        let rates = Arc::clone(self.local_rates.as_ref().unwrap_or(&self.rates));
        Self { rates, local_rates: None, ..self.clone() }
    }
}

/// A policy that could not be built.
#[derive(Debug, thiserror::Error)]
#[error("guard {guard} of route {policy} cannot be built")]
pub struct BuildError {
    /// The guard.
    pub guard: &'static str,
    /// The policy.
    pub policy: String,
    /// Why.
    #[source]
    pub source: BadSetting,
}

//! Sites: the routes of a configuration with their guards, built once for each core.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::Path,
    sync::Arc,
};

use seawall_config::{Config, Route as ConfigRoute};
use seawall_core::{
    Environment, Mode,
    http::RoutePattern,
    reply::BoxFuture,
    settings::{Setting, Values},
};
use seawall_guards::{
    Build, BuildError, Guard, GuardEntry, Policy, ReportOnly, SectionSource, Settle, Shared, Step, csrf,
    problem::Pages,
    rate_limit,
    report::Reports,
    schema::{Document, DocumentSource, Operation},
};
use seawall_proxy::{Builtins, Route, Router, SERVER_SECTION, ServerSettings, Site, Target};

use super::{
    AppError,
    attempts::KeptAttempts,
    catalogue::{self, ORDER, TOP},
    documents::Documents,
    identity::Identity,
    own::{self, OwnRoutes},
};

/// What sites are built from.
#[derive(Debug)]
pub(super) struct SiteParts<'a> {
    pub(super) config: &'a Config,
    pub(super) shared: &'a Shared,
    /// Where guards that only report remember it.
    pub(super) reports: Option<&'a Reports>,
    pub(super) documents: &'a Documents,
    pub(super) builtins: Builtins,
    pub(super) prefix: &'a str,
}

impl SiteParts<'_> {
    /// The site of one core.
    pub(super) fn build(&self) -> Result<Site, AppError> {
        let own = OwnRoutes::of(self.config)?;
        let mut routes = Vec::new();
        for (patterns, kind) in own.families() {
            routes.extend(self.own(&own, patterns, &kind)?);
        }
        for route in self.config.routes() {
            let name = route.pattern().to_string();
            routes.push((route.pattern().clone(), self.route(&name, &Kind::Configured(route))?));
        }
        let default = self.route("*", &Kind::Default)?;
        let detail = self.config.environment() == Environment::Development;
        Ok(Site {
            router: Router::new(default, routes),
            pages: Arc::new(Pages::new(self.prefix, detail)),
            builtins: self.builtins.clone(),
        })
    }

    /// Routes of our own of one kind. Their guards differ in nothing but what is counted by route, so one of each serves all.
    fn own(
        &self,
        own: &OwnRoutes,
        patterns: &[String],
        kind: &Kind<'_>,
    ) -> Result<Vec<(RoutePattern, Route)>, AppError> {
        let Some(first) = patterns.first() else { return Ok(Vec::new()) };
        let guards = self.guards(own.name(first, kind), kind)?;
        let route =
            |pattern: &String| Ok((own::parsed(pattern)?, self.route_of(own.name(pattern, kind), kind, &guards)?));
        patterns.iter().map(route).collect()
    }

    fn route(&self, name: &str, kind: &Kind<'_>) -> Result<Route, AppError> {
        self.route_of(name, kind, &self.guards(name, kind)?)
    }

    fn route_of(&self, name: &str, kind: &Kind<'_>, guards: &[Prepared]) -> Result<Route, AppError> {
        let entry_steps = guards.iter().filter(|prepared| prepared.before_route).count();
        let steps = guards.iter().map(|prepared| {
            let Prepared { entry, guard, mode, settings, .. } = prepared;
            let step = Step::new(entry, Arc::clone(guard), *mode, name, &*self.shared.meter);
            match self.reports {
                Some(reports) => step.remembered_by(reports, name, *settings),
                None => step,
            }
        });
        let steps = steps.collect();
        let policy = Policy::new(name.into(), steps, entry_steps).ok_or(AppError::TooManyGuards)?;
        Ok(Route { policy, target: kind.target() })
    }

    /// The guards of a route, in their order.
    fn guards(&self, name: &str, kind: &Kind<'_>) -> Result<Vec<Prepared>, AppError> {
        let prepared = ORDER.iter().map(|step| {
            let guard = self.guard(step.guard, kind, name)?;
            let mode = kind.mode(self.config, step.guard);
            let settings = fingerprint(step.guard, kind.values(self.config, step.guard));
            Ok(guard.map(|guard| Prepared {
                entry: step.guard,
                guard,
                mode,
                settings,
                before_route: step.before_route,
            }))
        });
        prepared.filter_map(Result::transpose).collect()
    }

    fn guard(
        &self,
        guard: &'static GuardEntry,
        kind: &Kind<'_>,
        name: &str,
    ) -> Result<Option<Arc<dyn Guard>>, AppError> {
        let mode = kind.mode(self.config, guard);
        if mode == Mode::Off {
            return Ok(None);
        }
        let source = Source { config: self.config, kind, documents: self.documents };
        let shared = kind.shared(self.shared);
        let build = Build {
            policy: name,
            own_path: kind.own_path_for(guard),
            scope: kind.scope(guard, name),
            values: kind.values(self.config, guard),
            other: &source,
            environment: self.config.environment(),
            mode,
            aside,
            shared: &shared,
        };
        let failed = |source| BuildError { guard: guard.name, policy: name.to_owned(), source };
        Ok((guard.build)(&build).map_err(failed)?)
    }
}

/// A guard as its settings say, before a route counts what it does.
struct Prepared {
    entry: &'static GuardEntry,
    guard: Arc<dyn Guard>,
    mode: Mode,
    /// A fingerprint of its settings.
    settings: u64,
    before_route: bool,
}

/// Work that may take long, on a thread of its own: the core goes on with others.
fn aside(work: Box<dyn FnOnce() -> Settle + Send>) -> BoxFuture<'static, Settle> {
    Box::pin(async {
        match tokio::task::spawn_blocking(work).await {
            Ok(settle) => settle,
            // Whoever waits ends as the work did.
            Err(died) => match died.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => std::future::pending().await,
            },
        }
    })
}

/// The same for the same values, but for the mode: a guard that enforced for a while goes on where it was.
fn fingerprint(guard: &GuardEntry, values: &Values) -> u64 {
    let mut hasher = DefaultHasher::new();
    for field in guard.section.fields.iter().filter(|field| field.key != "mode") {
        (field.key, format!("{:?}", values.raw(field.key))).hash(&mut hasher);
    }
    hasher.finish()
}

/// Builds everything that a configuration asks for and throws it away: what loading cannot see is wrong fails here. Relative paths begin
/// in `directory`. The application is not asked for anything: documents that it gives itself are taken as describing nothing.
///
/// # Errors
/// [`AppError`] when a policy cannot be built.
pub fn verify(config: &Config, directory: &Path) -> Result<(), AppError> {
    let (builtins, _nobody) = Builtins::new(1);
    let shared = Shared {
        attempts: Arc::new(KeptAttempts::default()),
        credentials: Identity::new(config, directory)?.credentials(),
        ..Shared::in_memory()
    };
    let prefix = ServerSettings::read(config.values(&SERVER_SECTION))?.prefix;
    let documents = Documents::of_files(directory);
    SiteParts { config, shared: &shared, reports: None, documents: &documents, builtins, prefix: &prefix }
        .build()
        .map(|_| ())
}

/// Which route is built.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind<'a> {
    /// For requests that match no pattern.
    Default,
    /// One of the configuration.
    Configured(&'a ConfigRoute),
    /// Seawall's own paths.
    Builtin,
    /// One of them where passwords are tried, and how often that may be.
    SignIn(&'a Values),
    /// One of them where keys are made.
    Keys,
    /// One of them that leads to language models.
    Exposed,
}

impl<'k> Kind<'k> {
    const fn target(&self) -> Target {
        match self {
            Self::Default | Self::Configured(_) => Target::Upstream,
            Self::Builtin => Target::Builtin { body: false },
            Self::SignIn(_) | Self::Keys => Target::Builtin { body: true },
            Self::Exposed => Target::AtLength,
        }
    }

    const fn own_path(&self) -> bool {
        matches!(self, Self::Builtin | Self::SignIn(_) | Self::Keys | Self::Exposed)
    }

    /// The same, as a guard is told. Our other paths look by themselves which pages ask, and take none of another origin; of language models,
    /// pages of all origins ask that the application's routes take.
    fn own_path_for(&self, guard: &GuardEntry) -> bool {
        self.own_path() && !(matches!(self, Self::Exposed) && guard.name == csrf::ENTRY.name)
    }

    /// Counters are shared by all routes with the same settings; our own paths have counters of their own.
    fn scope<'a>(&self, guard: &GuardEntry, name: &'a str) -> &'a str {
        match self {
            Self::Configured(route) if route.written(guard.section) => name,
            Self::Configured(_) | Self::Default => "*",
            Self::Builtin | Self::Keys => "builtin",
            Self::SignIn(_) => "sign-in",
            Self::Exposed => "llm",
        }
    }

    /// Our own paths are counted by each process: health is asked for by others, and answers while Redis does not. Where passwords
    /// are tried or calls cost money, all count together.
    fn shared(&self, shared: &Shared) -> Shared {
        match self {
            Self::Configured(_) | Self::Default | Self::SignIn(_) | Self::Exposed => shared.clone(),
            Self::Builtin | Self::Keys => shared.of_this_process(),
        }
    }

    /// What a guard is set to there.
    pub(crate) fn values<'a>(&self, config: &'a Config, guard: &GuardEntry) -> &'a Values
    where
        'k: 'a,
    {
        match self {
            Self::Configured(route) => route.values(guard.section),
            Self::SignIn(values) if guard.section.name == rate_limit::SECTION.name => values,
            Self::Default | Self::Builtin | Self::SignIn(_) | Self::Keys | Self::Exposed => {
                config.values(guard.section)
            }
        }
    }

    /// The mode of a guard: the route's for this guard, the route's, the guard's, the global one. Our own paths are always
    /// enforced.
    pub(crate) fn mode(&self, config: &Config, guard: &GuardEntry) -> Mode {
        if guard.report_only != ReportOnly::Yes || self.own_path() {
            return Mode::Enforce;
        }
        let read = |values: &Values| values.raw("mode").and_then(|raw| Mode::read(raw).ok());
        let global = read(config.values(guard.section)).or_else(|| read(config.values(&TOP))).unwrap_or_default();
        let Self::Configured(route) = self else { return global };
        let pattern = Some(route.pattern());
        let own = config.source(guard.section, "mode", pattern) != config.source(guard.section, "mode", None);
        let own = if own { read(route.values(guard.section)) } else { None };
        own.or_else(|| route.mode()).unwrap_or(global)
    }
}

/// Gives a guard the section of another.
#[derive(Debug)]
struct Source<'a> {
    config: &'a Config,
    kind: &'a Kind<'a>,
    documents: &'a Documents,
}

impl SectionSource for Source<'_> {
    fn section(&self, name: &str) -> Values {
        let Some(section) = catalogue::schema().section(name) else { return Values::default() };
        match self.kind {
            Kind::Configured(route) => route.values(section).clone(),
            Kind::Default | Kind::Builtin | Kind::SignIn(_) | Kind::Keys | Kind::Exposed => {
                self.config.values(section).clone()
            }
        }
    }

    fn entries(&self, name: &str) -> Vec<(String, Values)> {
        catalogue::schema().section(name).map(|section| self.config.entries(section).to_vec()).unwrap_or_default()
    }

    fn mode(&self, guard: &str) -> Mode {
        let entry = ORDER.iter().map(|step| step.guard).find(|entry| entry.name == guard);
        entry.map_or(Mode::Off, |entry| self.kind.mode(self.config, entry))
    }

    fn document(&self, source: &DocumentSource) -> Result<Arc<Document>, String> {
        self.documents.get(source)
    }

    fn body_schema(&self, path: &str) -> Result<Arc<Operation>, String> {
        self.documents.body_schema(path)
    }
}

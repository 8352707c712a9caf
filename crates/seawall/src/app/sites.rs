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
    Build, BuildError, GuardEntry, Policy, ReportOnly, SectionSource, Settle, Shared, Step, csrf,
    problem::Pages,
    rate_limit,
    report::Reports,
    schema::{Document, DocumentSource, Operation},
};
use seawall_proxy::{Builtins, Route, Router, SERVER_SECTION, ServerSettings, Site, Target, spelled};

use super::{
    AppError,
    attempts::KeptAttempts,
    catalogue::{self, ORDER, TOP},
    documents::Documents,
    health::{self, HealthSettings},
    identity::{Identity, Limited, key_paths},
    outbound::exposed,
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
    pub(super) prefix: String,
    /// Paths of the application's own at which a built-in target answers.
    pub(super) aliases: Vec<String>,
}

impl SiteParts<'_> {
    /// The site of one core.
    pub(super) fn build(&self) -> Result<Site, AppError> {
        let mut routes = Vec::new();
        let limited = Limited::of(self.config, &self.prefix);
        let (refresh, refresh_limits) = &limited.refresh;
        let tried = limited.routes.iter().map(|path| (path, &limited.rate_limit));
        for (path, rate_limit) in tried.chain([(refresh, refresh_limits)]) {
            let pattern = RoutePattern::parse(path).map_err(AppError::BuiltinPath)?;
            routes.push((pattern, self.route(&Kind::SignIn(path, rate_limit))?));
        }
        for path in key_paths(&self.prefix) {
            let pattern = RoutePattern::parse(&path).map_err(AppError::BuiltinPath)?;
            routes.push((pattern, self.route(&Kind::Keys(&path))?));
        }
        for path in exposed::paths(self.config, &self.prefix)? {
            let pattern = RoutePattern::parse(&path).map_err(AppError::BuiltinPath)?;
            routes.push((pattern, self.route(&Kind::Exposed(&path))?));
        }
        for path in self.aliases.iter().cloned().chain([format!("{}/*", self.prefix)]) {
            let pattern = RoutePattern::parse(&path).map_err(AppError::BuiltinPath)?;
            if !pattern.below() && under(&path, &self.prefix) {
                return Err(AppError::BuiltinPath(format!("{path} is one of Seawall's own already")));
            }
            routes.push((pattern, self.route(&Kind::Builtin)?));
        }
        for route in self.config.routes() {
            routes.push((route.pattern().clone(), self.route(&Kind::Configured(route))?));
        }
        let default = self.route(&Kind::Default)?;
        let detail = self.config.environment() == Environment::Development;
        Ok(Site {
            router: Router::new(default, routes),
            pages: Arc::new(Pages::new(&self.prefix, detail)),
            builtins: self.builtins.clone(),
        })
    }

    fn route(&self, kind: &Kind<'_>) -> Result<Route, AppError> {
        let name = kind.name(&self.prefix);
        let mut steps = Vec::new();
        let mut entry_steps = 0;
        for step in &ORDER {
            let Some(built) = self.step(step.guard, kind, &name)? else { continue };
            steps.push(built);
            entry_steps += usize::from(step.before_route);
        }
        let policy = Policy::new(name.into(), steps, entry_steps).ok_or(AppError::TooManyGuards)?;
        Ok(Route { policy, target: kind.target() })
    }

    fn step(&self, guard: &'static GuardEntry, kind: &Kind<'_>, name: &str) -> Result<Option<Step>, AppError> {
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
        let built = (guard.build)(&build).map_err(|source| BuildError {
            guard: guard.name,
            policy: name.to_owned(),
            source,
        })?;
        let settings = fingerprint(guard, build.values);
        Ok(built.map(|built| {
            let step = Step::new(guard, built, mode, name, &*self.shared.meter);
            match self.reports {
                Some(reports) => step.remembered_by(reports, name, settings),
                None => step,
            }
        }))
    }
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

/// Whether a path lies under another.
fn under(path: &str, prefix: &str) -> bool {
    spelled(path).strip_prefix(&*spelled(prefix)).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The route of Seawall's own that answers a path, when one does.
///
/// # Errors
/// [`AppError`] when the settings are not checked ones.
pub fn built_in(config: &Config, path: &str) -> Result<Option<String>, AppError> {
    let health = HealthSettings::read(config.values(&health::SECTION), config.entries(&health::SECTION))?;
    let server = ServerSettings::read(config.values(&SERVER_SECTION))?;
    let alias = health.live_paths.iter().chain(&health.ready_paths).any(|alias| spelled(alias) == spelled(path));
    Ok((alias || under(path, &server.prefix)).then(|| format!("{}/*", server.prefix)))
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
    let health = HealthSettings::read(config.values(&health::SECTION), config.entries(&health::SECTION))?;
    let server = ServerSettings::read(config.values(&SERVER_SECTION))?;
    let aliases = health.live_paths.into_iter().chain(health.ready_paths).collect();
    let documents = Documents::of_files(directory);
    SiteParts {
        config,
        shared: &shared,
        reports: None,
        documents: &documents,
        builtins,
        prefix: server.prefix,
        aliases,
    }
    .build()
    .map(|_| ())
}

/// Which route is built.
#[derive(Debug)]
pub(crate) enum Kind<'a> {
    /// For requests that match no pattern.
    Default,
    /// One of the configuration.
    Configured(&'a ConfigRoute),
    /// Seawall's own paths.
    Builtin,
    /// One of them where passwords are tried, and how often that may be.
    SignIn(&'a str, &'a Values),
    /// One of them where keys are made.
    Keys(&'a str),
    /// One of them that leads to language models.
    Exposed(&'a str),
}

impl Kind<'_> {
    fn name(&self, prefix: &str) -> String {
        match self {
            Self::Default => "*".to_owned(),
            Self::Configured(route) => route.pattern().to_string(),
            Self::Builtin => format!("{prefix}/*"),
            Self::SignIn(path, _) | Self::Keys(path) | Self::Exposed(path) => (*path).to_owned(),
        }
    }

    const fn target(&self) -> Target {
        match self {
            Self::Default | Self::Configured(_) => Target::Upstream,
            Self::Builtin => Target::Builtin { body: false },
            Self::SignIn(..) | Self::Keys(_) => Target::Builtin { body: true },
            Self::Exposed(_) => Target::AtLength,
        }
    }

    const fn own_path(&self) -> bool {
        matches!(self, Self::Builtin | Self::SignIn(..) | Self::Keys(_) | Self::Exposed(_))
    }

    /// The same, as a guard is told. Our other paths look by themselves which pages ask, and take none of another origin; of language models,
    /// pages of all origins ask that the application's routes take.
    fn own_path_for(&self, guard: &GuardEntry) -> bool {
        self.own_path() && !(matches!(self, Self::Exposed(_)) && guard.name == csrf::ENTRY.name)
    }

    /// Counters are shared by all routes with the same settings; our own paths have counters of their own.
    fn scope<'a>(&self, guard: &GuardEntry, name: &'a str) -> &'a str {
        match self {
            Self::Configured(route) if route.written(guard.section) => name,
            Self::Configured(_) | Self::Default => "*",
            Self::Builtin | Self::Keys(_) => "builtin",
            Self::SignIn(..) => "sign-in",
            Self::Exposed(_) => "llm",
        }
    }

    /// Our own paths are counted by each process: health is asked for by others, and answers while Redis does not. Where passwords
    /// are tried or calls cost money, all count together.
    fn shared(&self, shared: &Shared) -> Shared {
        match self {
            Self::Configured(_) | Self::Default | Self::SignIn(..) | Self::Exposed(_) => shared.clone(),
            Self::Builtin | Self::Keys(_) => shared.of_this_process(),
        }
    }

    fn values<'a>(&'a self, config: &'a Config, guard: &GuardEntry) -> &'a Values {
        match self {
            Self::Configured(route) => route.values(guard.section),
            Self::SignIn(_, values) if guard.section.name == rate_limit::SECTION.name => values,
            Self::Default | Self::Builtin | Self::SignIn(..) | Self::Keys(_) | Self::Exposed(_) => {
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
            Kind::Default | Kind::Builtin | Kind::SignIn(..) | Kind::Keys(_) | Kind::Exposed(_) => {
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

//! Seawall's own routes: where they are, and what is done there.

use std::slice;

use http::Method;
use seawall_config::Config;
use seawall_core::http::{RoutePattern, Routes};
use seawall_proxy::{SERVER_SECTION, ServerSettings, spelled};

use super::{
    AppError,
    health::{self, HealthSettings},
    identity::{Limited, key_paths},
    outbound::exposed,
    sites::Kind,
};

/// The routes that a configuration makes beside those it names.
#[derive(Debug)]
pub(crate) struct OwnRoutes {
    limited: Limited,
    keys: Vec<String>,
    exposed: Vec<String>,
    /// Paths of the application's own at which a built-in target answers, and everything below the prefix.
    builtin: Vec<String>,
    /// What is below the prefix and nowhere else.
    rest: String,
}

impl OwnRoutes {
    /// Those of a configuration.
    ///
    /// # Errors
    /// [`AppError`] when one of them cannot be, such as an alias that is one of them already.
    pub(crate) fn of(config: &Config) -> Result<Self, AppError> {
        let prefix = ServerSettings::read(config.values(&SERVER_SECTION))?.prefix;
        let health = HealthSettings::read(config.values(&health::SECTION), config.entries(&health::SECTION))?;
        let rest = format!("{prefix}/*");
        let mut builtin: Vec<String> = health.live_paths.into_iter().chain(health.ready_paths).collect();
        if let Some(alias) = builtin.iter().find(|alias| under(alias, &prefix)) {
            return Err(AppError::BuiltinPath(format!("{alias} is one of Seawall's own already")));
        }
        builtin.push(rest.clone());
        Ok(Self {
            limited: Limited::of(config, &prefix),
            keys: key_paths(&prefix).collect(),
            exposed: exposed::paths(config, &prefix)?,
            builtin,
            rest,
        })
    }

    /// Their patterns, by what is done there.
    pub(super) fn families(&self) -> [(&[String], Kind<'_>); 5] {
        let (refresh, refresh_limits) = &self.limited.refresh;
        [
            (&self.limited.routes, Kind::SignIn(&self.limited.rate_limit)),
            (slice::from_ref(refresh), Kind::SignIn(refresh_limits)),
            (&self.keys, Kind::Keys),
            (&self.exposed, Kind::Exposed),
            (&self.builtin, Kind::Builtin),
        ]
    }

    /// What a route is called where requests are counted: the built-in targets are one.
    pub(super) fn name<'a>(&'a self, pattern: &'a str, kind: &Kind<'_>) -> &'a str {
        if matches!(kind, Kind::Builtin) { &self.rest } else { pattern }
    }

    /// The route that answers a request, when it is one of these.
    ///
    /// # Errors
    /// As [`OwnRoutes::of`].
    pub(crate) fn find(&self, method: &Method, path: &str) -> Result<Option<(&str, Kind<'_>)>, AppError> {
        let all = self.families().into_iter().flat_map(|(patterns, kind)| patterns.iter().map(move |one| (one, kind)));
        let all: Vec<_> = all.collect();
        let patterns = all.iter().map(|(pattern, _)| parsed(pattern)).collect::<Result<Vec<_>, _>>()?;
        let place = Routes::new(&patterns.iter().collect::<Vec<_>>()).find(method, path);
        let found = place.and_then(|place| all.get(place));
        Ok(found.map(|(pattern, kind)| (self.name(pattern, kind), *kind)))
    }
}

/// A pattern of our own.
pub(super) fn parsed(pattern: &str) -> Result<RoutePattern, AppError> {
    RoutePattern::parse(pattern).map_err(AppError::BuiltinPath)
}

/// Whether a path lies under another.
fn under(path: &str, prefix: &str) -> bool {
    spelled(path).strip_prefix(&*spelled(prefix)).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

//! The settings of a configuration, read once for a start and again for each reload.

use std::{path::Path, sync::Arc};

use seawall_config::Config;
use seawall_guards::Shared;
use seawall_proxy::{Builtins, SERVER_SECTION, ServerSettings, Site, UPSTREAM_SECTION, UpstreamSettings};
use seawall_telemetry::{LOG_SECTION, LogSettings};

use super::{
    AppError,
    admin::{self, AdminSettings},
    health::{self, HealthSettings},
    sites::SiteParts,
    supervised::{self, SupervisedSettings},
};

/// Everything that a configuration says, read.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) config: Arc<Config>,
    pub(super) server: ServerSettings,
    pub(super) upstream: UpstreamSettings,
    pub(super) supervised: Option<SupervisedSettings>,
    pub(super) admin: AdminSettings,
    pub(super) health: HealthSettings,
    pub(super) log: LogSettings,
}

impl Settings {
    /// Reads them. Relative paths begin in `directory`.
    ///
    /// # Errors
    /// [`AppError`] when no application is named, or two are, or settings that loading should have refused.
    pub(super) fn read(config: Config, directory: &Path) -> Result<Self, AppError> {
        let mut settings = Self {
            server: ServerSettings::read(config.values(&SERVER_SECTION))?,
            upstream: UpstreamSettings::read(config.values(&UPSTREAM_SECTION))?,
            supervised: SupervisedSettings::read(&config)?,
            admin: AdminSettings::read(config.values(&admin::SECTION))?,
            health: HealthSettings::read(config.values(&health::SECTION), config.entries(&health::SECTION))?,
            log: LogSettings::read(config.values(&LOG_SECTION))?,
            config: Arc::new(config),
        };
        settings.upstream.ca_file = settings.upstream.ca_file.take().map(|file| directory.join(file));
        if supervised::both_named(&settings.config)? {
            return Err(AppError::TwoUpstreams);
        }
        if settings.upstream.servers.is_empty() && settings.supervised.is_none() {
            return Err(AppError::NoUpstream);
        }
        Ok(settings)
    }

    /// One site for each core, over the same counters.
    pub(super) fn sites(&self, cores: usize, shared: &Shared, builtins: &Builtins) -> Result<Vec<Site>, AppError> {
        let parts = SiteParts {
            config: &self.config,
            shared,
            builtins: builtins.clone(),
            prefix: self.server.prefix.clone(),
            aliases: self.health.live_paths.iter().chain(&self.health.ready_paths).cloned().collect(),
        };
        (0..cores).map(|_| parts.build()).collect()
    }
}

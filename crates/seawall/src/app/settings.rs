//! The settings of a configuration, read once for a start and again for each reload.

use std::{path::Path, sync::Arc};

use seawall_config::Config;
use seawall_guards::{Shared, client_address, rate_limit, strict_http};
use seawall_proxy::{Builtins, SERVER_SECTION, ServerSettings, Site, TlsSettings, UPSTREAM_SECTION, UpstreamSettings};
use seawall_telemetry::{LOG_SECTION, LogSettings};

use super::{
    AppError,
    admin::{self, AdminSettings},
    encryption,
    health::{self, HealthSettings},
    mail::Post,
    sites::SiteParts,
    store::StorePlace,
    supervised::{self, SupervisedSettings},
};

/// Files, pipes, listeners and logs that are open beside connections.
const OTHER_FILES: u64 = 128;

/// Everything that a configuration says, read.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) config: Arc<Config>,
    pub(super) server: ServerSettings,
    pub(super) tls: Option<TlsSettings>,
    pub(super) upstream: UpstreamSettings,
    pub(super) supervised: Option<SupervisedSettings>,
    pub(super) admin: AdminSettings,
    pub(super) health: HealthSettings,
    pub(super) log: LogSettings,
    pub(super) store: StorePlace,
    pub(super) post: Post,
}

impl Settings {
    /// Reads them. Relative paths begin in `directory`; no more clients may connect than so many open files serve.
    ///
    /// # Errors
    /// [`AppError`] when no application is named, or two are, or settings that loading should have refused.
    pub(super) fn read(config: Config, directory: &Path, open_files: Option<u64>) -> Result<Self, AppError> {
        let largest_field_list = strict_http::largest_field_list(config.values(&strict_http::SECTION))?;
        let mut server =
            ServerSettings::read(config.values(&SERVER_SECTION))?.with_largest_field_list(largest_field_list);
        server.trusted = client_address::trusted(config.values(&client_address::SECTION))?;
        fit(&mut server, open_files);
        encryption::check_announcers(&server)?;
        let mut settings = Self {
            server,
            tls: encryption::settings(&config, directory)?,
            upstream: UpstreamSettings::read(config.values(&UPSTREAM_SECTION))?,
            supervised: SupervisedSettings::read(&config)?,
            admin: AdminSettings::read(config.values(&admin::SECTION))?,
            health: HealthSettings::read(config.values(&health::SECTION), config.entries(&health::SECTION))?
                .within(directory)
                .with_counters_required(rate_limit::needs_counters(config.values(&rate_limit::SECTION))?),
            log: LogSettings::read(config.values(&LOG_SECTION))?,
            store: StorePlace::read(&config, directory)?,
            post: Post::read(&config, directory)?,
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

/// Lets no more clients connect than the open files serve, so that accepting never fails for want of one: a client needs two,
/// one of them to the application.
fn fit(server: &mut ServerSettings, open_files: Option<u64>) {
    let Some(open_files) = open_files else { return };
    let most = usize::try_from(open_files.saturating_sub(OTHER_FILES) / 2).unwrap_or(usize::MAX).max(1);
    server.max_connections = server.max_connections.min(most);
}

//! The settings of a configuration, read once for a start and again for each reload.

use std::{path::Path, sync::Arc};

use bytes::Bytes;
use seawall_config::Config;
use seawall_guards::{Shared, client_address, rate_limit, report::Reports, strict_http};
use seawall_outbound::Outbound;
use seawall_proxy::{
    Builtins, SERVER_SECTION, ServerSettings, Site, TlsSettings, UPSTREAM_SECTION, Upstream, UpstreamSettings,
};
use seawall_telemetry::{LOG_SECTION, LogSettings};

use super::{
    AppError,
    admin::{self, AdminSettings},
    builtin,
    documents::{self, Documents, Patience},
    encryption,
    health::{self, Health, HealthSettings},
    identity::Identity,
    mail::Post,
    openapi,
    outbound::CallSettings,
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
    pub(super) documents: Arc<Documents>,
    /// Calls of the application, when there is something to call.
    pub(super) calls: Option<CallSettings>,
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
            tls: encryption::settings(&config, directory)?,
            upstream: UpstreamSettings::read(config.values(&UPSTREAM_SECTION))?,
            supervised: SupervisedSettings::read(&config)?,
            admin: AdminSettings::read(config.values(&admin::SECTION))?,
            health: HealthSettings::read(config.values(&health::SECTION), config.entries(&health::SECTION))?
                .within(directory)
                .with_counters_required(rate_limit::needs_counters(config.values(&rate_limit::SECTION))?),
            log: LogSettings::read(config.values(&LOG_SECTION))?,
            calls: CallSettings::read(&config, &server.prefix, directory)?,
            store: StorePlace::read(&config, directory)?,
            post: Post::read(&config, directory)?,
            documents: Arc::new(Documents::new(directory)),
            config: Arc::new(config),
            server,
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

    /// Whether the application gives a document itself.
    ///
    /// # Errors
    /// [`AppError`] when the settings are not checked ones.
    pub(super) fn fetches(&self) -> Result<bool, AppError> {
        Ok(!documents::fetched(&self.config)?.is_empty())
    }

    /// Fetches the documents that the application gives itself: what is built next needs them.
    ///
    /// # Errors
    /// [`AppError`] when it does not give one in time.
    pub(super) async fn fetch(&self, upstream: &Upstream, patience: Patience) -> Result<(), AppError> {
        let paths = documents::fetched(&self.config)?;
        Ok(documents::fetch(paths, &self.documents, upstream, patience).await?)
    }

    /// One site for each core, over the same counters and the same memory of reports.
    pub(super) fn sites(
        &self,
        cores: usize,
        shared: &Shared,
        reports: &Reports,
        builtins: &Builtins,
    ) -> Result<Vec<Site>, AppError> {
        let parts = SiteParts {
            config: &self.config,
            shared,
            reports: Some(reports),
            documents: &self.documents,
            builtins: builtins.clone(),
            prefix: &self.server.prefix,
        };
        (0..cores).map(|_| parts.build()).collect()
    }

    /// Seawall's own targets; `models` are those that may be called from outside.
    pub(super) fn builtin(
        &self,
        health: &Health,
        identity: &Identity,
        openapi: Option<Arc<Bytes>>,
        models: Option<Outbound>,
    ) -> builtin::Targets {
        let prefix = &self.server.prefix;
        builtin::Targets::new(prefix, &self.health, health, identity, openapi).with_models(prefix, models)
    }

    /// The document that is published of one of the sites.
    pub(super) fn openapi(&self, sites: &[Site], identity: &Identity) -> Result<Option<Arc<Bytes>>, AppError> {
        let Some(site) = sites.first() else { return Ok(None) };
        openapi::document(&openapi::Parts {
            config: &self.config,
            documents: &self.documents,
            router: &site.router,
            prefix: &self.server.prefix,
            credentials: identity.credentials(),
        })
    }
}

/// Lets no more clients connect than the open files serve, so that accepting never fails for want of one: a client needs two,
/// one of them to the application.
fn fit(server: &mut ServerSettings, open_files: Option<u64>) {
    let Some(open_files) = open_files else { return };
    let most = usize::try_from(open_files.saturating_sub(OTHER_FILES) / 2).unwrap_or(usize::MAX).max(1);
    server.max_connections = server.max_connections.min(most);
}

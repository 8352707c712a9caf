//! The application's calls to other services, wired: who may call, and where they come in.

mod callers;
pub(super) mod exposed;
mod routes;

use std::{
    net::{SocketAddr, TcpListener},
    path::Path,
    sync::Arc,
};

use seawall_config::Config;
use seawall_core::{Environment, clock::Clock, limit::RateStore, settings::Secret};
use seawall_outbound::{
    CALLERS, CallerSettings, ExternalSettings, LlmSettings, Outbound, OutboundSettings, ProblemStyle, SECTION,
    ServiceSettings, Surroundings, Trust,
    llm::{self, LlmEntries},
};
use seawall_proxy::spelled;
use seawall_telemetry::Registry;

use super::{AppError, identity::Identity};
use callers::KnownCallers;
pub(super) use exposed::Exposed;
pub(super) use routes::{prices_file, router};

/// What is configured of calls, when there is something to call.
#[derive(Clone, Debug)]
pub(super) struct CallSettings {
    pub(super) shared: OutboundSettings,
    pub(super) services: ServiceSettings,
    problems: ProblemStyle,
}

impl CallSettings {
    /// Reads them; nothing when there is no service to call.
    /// Relative paths begin in `directory`.
    pub(super) fn read(config: &Config, prefix: &str, directory: &Path) -> Result<Option<Self>, AppError> {
        let externals = ExternalSettings::read(config.entries(&SECTION))?;
        let entries = LlmEntries {
            providers: config.entries(&llm::PROVIDERS),
            models: config.entries(&llm::MODELS),
            budgets: config.entries(&llm::BUDGETS),
            routes: config.entries(&llm::ROUTES),
            cache: config.values(&llm::CACHE),
        };
        let models = LlmSettings::read(config.values(&llm::SECTION), entries)?.map(|models| models.within(directory));
        if externals.is_empty() && models.is_none() {
            return Ok(None);
        }
        let callers = CallerSettings::read(config.entries(&CALLERS))?;
        let services = ServiceSettings { externals, models, callers };
        let problems = ProblemStyle {
            base: format!("{}/problems/", spelled(prefix)),
            inside: config.environment() == Environment::Development,
        };
        Ok(Some(Self { shared: OutboundSettings::read(config.values(&SECTION))?, services, problems }))
    }

    /// Everything that answers calls.
    pub(super) fn outbound(
        &self,
        key: Secret,
        identity: &Identity,
        rates: &Arc<dyn RateStore>,
        clock: &Arc<dyn Clock>,
        registry: &Registry,
    ) -> Result<Outbound, AppError> {
        let callers = Arc::new(KnownCallers::new(key, identity.clone(), Arc::clone(rates), Arc::clone(clock)));
        let around = Surroundings {
            clock: Arc::clone(clock),
            meter: Arc::new(registry.clone()),
            trust: Trust::of_system().map_err(AppError::Outbound)?,
        };
        Outbound::new(&self.shared, self.services.clone(), callers, around, self.problems.clone())
            .map_err(AppError::Outbound)
    }
}

/// Listens for calls.
pub(super) fn bind(address: SocketAddr) -> Result<TcpListener, AppError> {
    let listen = || {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    listen().map_err(|source| AppError::OutboundListen { address, source })
}

/// What an application that Seawall starts is told: where to call, and what to show.
pub(super) fn given(key: &Secret, address: SocketAddr) -> [(String, String); 2] {
    [("SEAWALL_KEY", key.expose().to_owned()), ("SEAWALL_OUTBOUND", format!("http://{address}"))]
        .map(|(name, value)| (name.to_owned(), value))
}

//! The application's calls to other services, wired: who may call, and where they come in.

mod callers;
mod routes;

use std::{net::SocketAddr, net::TcpListener, sync::Arc};

use seawall_config::Config;
use seawall_core::{Environment, clock::Clock, settings::Secret};
use seawall_outbound::{
    ExternalSettings, LlmSettings, Outbound, OutboundSettings, ProblemStyle, SECTION, ServiceSettings, Surroundings,
    Trust,
    llm::{self, LlmEntries},
};
use seawall_proxy::spelled;
use seawall_telemetry::Registry;
use tokio::sync::watch;

use super::{AppError, hand_over::Phase, identity::Identity};
use callers::KnownCallers;
pub(super) use routes::router;

/// What is configured of calls, when there is something to call.
#[derive(Clone, Debug)]
pub(super) struct CallSettings {
    pub(super) shared: OutboundSettings,
    pub(super) services: ServiceSettings,
    problems: ProblemStyle,
}

impl CallSettings {
    /// Reads them; nothing when there is no service to call.
    pub(super) fn read(config: &Config, prefix: &str) -> Result<Option<Self>, AppError> {
        let externals = ExternalSettings::read(config.entries(&SECTION))?;
        let entries = LlmEntries {
            providers: config.entries(&llm::PROVIDERS),
            models: config.entries(&llm::MODELS),
            budgets: config.entries(&llm::BUDGETS),
        };
        let models = LlmSettings::read(config.values(&llm::SECTION), entries)?;
        if externals.is_empty() && models.is_none() {
            return Ok(None);
        }
        let services = ServiceSettings { externals, models };
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
        clock: &Arc<dyn Clock>,
        registry: &Registry,
    ) -> Result<Outbound, AppError> {
        let callers = Arc::new(KnownCallers::new(key, identity.clone()));
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
    seawall_outbound::bind(address).map_err(|source| AppError::OutboundListen { address, source })
}

/// What an application that Seawall starts is told: where to call, and what to show.
pub(super) fn given(key: &Secret, address: SocketAddr) -> [(String, String); 2] {
    [("SEAWALL_KEY", key.expose().to_owned()), ("SEAWALL_OUTBOUND", format!("http://{address}"))]
        .map(|(name, value)| (name.to_owned(), value))
}

/// Whether this process is the one that accepts.
pub(super) fn accepting(mut phase: watch::Receiver<Phase>) -> watch::Receiver<bool> {
    let (tell, accepting) = watch::channel(*phase.borrow_and_update() == Phase::Serving);
    tokio::spawn(async move {
        while phase.changed().await.is_ok() {
            let serving = *phase.borrow_and_update() == Phase::Serving;
            tell.send_if_modified(|told| std::mem::replace(told, serving) != serving);
        }
        // Whoever serves to the end tells nothing more; the receiver must not take that for a no.
        tell.closed().await;
    });
    accepting
}

//! Encryption of client connections as the application wires it: its settings, its watch, its redirects.

use std::{net::TcpListener, path::Path, sync::Arc};

use seawall_config::Config;
use seawall_core::clock::Clock;
use seawall_guards::client_address;
use seawall_proxy::{SERVER_SECTION, ServerSettings, TLS_SECTION, Terminator, TlsSettings, verify_tls};
use seawall_telemetry::Registry;
use tokio::task::JoinHandle;

use super::{AppError, SystemClock, redirect};

/// Encryption that is ready to begin; of nothing, when connections are in clear.
#[derive(Debug)]
pub(super) struct Encryption {
    terminator: Option<Terminator>,
}

impl Encryption {
    /// Reads the certificates.
    pub(super) fn new(
        settings: Option<TlsSettings>,
        clock: &Arc<dyn Clock>,
        registry: &Registry,
    ) -> Result<Self, AppError> {
        let Some(settings) = settings else { return Ok(Self { terminator: None }) };
        let terminator = Terminator::new(settings, Arc::clone(clock), Arc::new(registry.clone()))?;
        Ok(Self { terminator: Some(terminator) })
    }

    /// What encrypts connections.
    pub(super) fn terminator(&self) -> Option<Terminator> {
        self.terminator.clone()
    }

    /// Begins to watch the certificates' files and to redirect, on the runtime this is called on.
    pub(super) fn begin(self, redirects: Option<TcpListener>, public_port: u16) -> Vec<JoinHandle<()>> {
        let mut tasks = Vec::new();
        if let Some(terminator) = self.terminator {
            if let Some(listener) = redirects {
                let port = terminator.settings().redirect_port.unwrap_or(public_port);
                tasks.push(tokio::spawn(redirect::serve(listener, port)));
            }
            tasks.push(tokio::spawn(terminator.watch()));
        }
        tasks
    }
}

/// How client connections are encrypted; nothing when they are in clear.
///
/// # Errors
/// [`AppError`] when the settings ask for what has no certificate.
pub fn settings(config: &Config, directory: &Path) -> Result<Option<TlsSettings>, AppError> {
    Ok(TlsSettings::read(config.values(&TLS_SECTION), config.entries(&TLS_SECTION), directory)?)
}

/// Whether client connections are to be encrypted here.
///
/// # Errors
/// [`AppError`] as for [`settings`].
pub fn configured(config: &Config) -> Result<bool, AppError> {
    Ok(settings(config, Path::new(""))?.is_some())
}

/// Where proxies announce their clients, there must be some, or nobody could connect.
///
/// # Errors
/// [`AppError::NoAnnouncer`] when there are none.
pub(super) fn check_announcers(server: &ServerSettings) -> Result<(), AppError> {
    if server.proxy_protocol && server.trusted.is_empty() { Err(AppError::NoAnnouncer) } else { Ok(()) }
}

/// Reads everything that encryption needs and throws it away; gives what an operator should know besides.
///
/// # Errors
/// [`AppError`] when starting would fail for it.
pub fn verify(config: &Config, directory: &Path) -> Result<Vec<String>, AppError> {
    let mut server = ServerSettings::read(config.values(&SERVER_SECTION))?;
    server.trusted = client_address::trusted(config.values(&client_address::SECTION))?;
    check_announcers(&server)?;
    let Some(settings) = settings(config, directory)? else { return Ok(Vec::new()) };
    Ok(verify_tls(&settings, SystemClock::new().now().unix_us / 1_000_000)?)
}

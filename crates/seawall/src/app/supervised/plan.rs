//! How one process after the other is started: what never changes between them.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use tokio::time::{Instant, timeout};

use super::{
    SupervisedError, SupervisedSettings,
    environment::{self, HOST},
    output::Relay,
    port,
    process::{Process, Recipe},
    ready::{self, Probe},
};

/// How the application is prepared and started.
#[derive(Debug)]
pub(super) struct Plan {
    settings: SupervisedSettings,
    directory: PathBuf,
    /// The application's environment, its address aside.
    variables: Vec<(String, String)>,
    relay: Relay,
}

impl Plan {
    /// A plan whose required variables are all there.
    pub(super) fn new(
        settings: SupervisedSettings,
        directory: &Path,
        inherited: &[(String, String)],
        relay: Relay,
    ) -> Result<Self, SupervisedError> {
        let missing = environment::missing(&settings, inherited);
        if !missing.is_empty() {
            return Err(SupervisedError::MissingVariables(missing));
        }
        let variables = environment::given(&settings, inherited);
        Ok(Self { directory: directory.join(&settings.directory), settings, variables, relay })
    }

    pub(super) const fn settings(&self) -> &SupervisedSettings {
        &self.settings
    }

    /// Where the application shall listen: its fixed port, or a free one.
    pub(super) fn address(&self) -> Result<SocketAddr, SupervisedError> {
        match self.settings.port {
            Some(port) => Ok((Ipv4Addr::LOCALHOST, port).into()),
            None => port::free().map_err(SupervisedError::Port),
        }
    }

    /// Runs what comes before a start to its end.
    pub(super) async fn prepare(&self) -> Result<(), SupervisedError> {
        let Some(script) = &self.settings.before_start else { return Ok(()) };
        tracing::info!(command = seawall_core::redact::text(script), "before_start runs");
        let command = ["sh", "-c", script].map(str::to_owned);
        let mut process = self.spawn("before_start", &command, &self.variables)?;
        let limit = self.settings.before_start_timeout;
        let what = match timeout(limit, process.ended()).await {
            Ok(ended) if ended.success => None,
            Ok(ended) => Some(format!("failed with {}", ended.words)),
            Err(_) => Some(format!("took longer than {limit:?}")),
        };
        process.stop(self.settings.stop_timeout).await;
        match what {
            None => Ok(()),
            Some(what) => Err(SupervisedError::BeforeStart { what, said: process.last_lines() }),
        }
    }

    /// Starts the application, which shall listen here.
    pub(super) fn start(&self, address: SocketAddr) -> Result<Process, SupervisedError> {
        let mut variables = self.variables.clone();
        variables.push((HOST.to_owned(), address.ip().to_string()));
        variables.push((self.settings.port_variable.clone(), address.port().to_string()));
        let process = self.spawn("application", &self.settings.command, &variables)?;
        tracing::info!(app.pid = process.id(), app.address = %address, "the application was started");
        Ok(process)
    }

    /// By when a process has to be ready that is started now.
    pub(super) fn ready_until(&self) -> Instant {
        Instant::now() + self.settings.ready_timeout
    }

    /// Waits until it is ready. May be given up and asked again.
    pub(super) async fn ready(
        &self,
        process: &mut Process,
        address: SocketAddr,
        until: Instant,
    ) -> Result<(), SupervisedError> {
        let probe = Probe { address, path: self.settings.ready_path.as_deref() };
        ready::wait(process, &probe, until, self.settings.ready_timeout).await?;
        tracing::info!(app.pid = process.id(), app.address = %address, "the application is ready");
        Ok(())
    }

    /// Starts the application and waits until it is ready; one that is not is stopped.
    pub(super) async fn start_ready(&self, address: SocketAddr) -> Result<Process, SupervisedError> {
        let mut process = self.start(address)?;
        match self.ready(&mut process, address, self.ready_until()).await {
            Ok(()) => Ok(process),
            Err(error) => {
                process.stop(self.settings.stop_timeout).await;
                Err(error)
            }
        }
    }

    fn spawn(
        &self,
        name: &'static str,
        command: &[String],
        variables: &[(String, String)],
    ) -> Result<Process, SupervisedError> {
        let recipe = Recipe { name, command, directory: &self.directory, variables, grace: self.settings.stop_timeout };
        let fault = |source: io::Error| {
            let program = command.first().cloned().unwrap_or_default();
            SupervisedError::Spawn { program, source }
        };
        Process::start(&recipe, &self.relay).map_err(fault)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::app::supervised::lifecycle::Backoff;

    /// Settings for a shell script as the application, with short limits.
    pub(in crate::app::supervised) fn settings(script: &str) -> SupervisedSettings {
        SupervisedSettings {
            command: ["sh", "-c", script].map(str::to_owned).to_vec(),
            before_start: None,
            before_start_timeout: Duration::from_secs(10),
            directory: ".".to_owned(),
            port: None,
            port_variable: "PORT".to_owned(),
            ready_path: None,
            ready_timeout: Duration::from_secs(10),
            stop_timeout: Duration::from_secs(5),
            backoff: Backoff { first: Duration::from_millis(20), most: Duration::from_millis(100) },
            required: Vec::new(),
            set: Vec::new(),
        }
    }
}

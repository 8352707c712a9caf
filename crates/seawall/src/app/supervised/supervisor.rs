//! The owner's side of a running application: starting it, asking for it, and stopping it. The task is in `care.rs`.

use std::{fmt, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use seawall_core::clock::Clock;
use serde_json::json;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::timeout,
};

use super::{
    Placement, State, SupervisedError, SupervisedSettings,
    care::{self, Care, Wish},
    lifecycle::Lifecycle,
    output::{Relay, Written},
    plan::Plan,
    process::Process,
    seat::{Doing, Seat},
};

/// Wishes that may wait.
const WISHES: usize = 8;

/// How long the last lines may take into the log.
const LOG_LIMIT: Duration = Duration::from_secs(2);

/// What a supervisor depends on besides its settings.
#[derive(Debug)]
pub struct Surrounding {
    /// Where relative paths begin.
    pub directory: PathBuf,
    /// Seawall's own environment.
    pub variables: Vec<(String, String)>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The way to the proxy; without one the application cannot be replaced.
    pub placement: Option<Arc<dyn Placement>>,
    /// How long requests to a replaced application may take before it is stopped; a reload may change it.
    pub drain_timeout: watch::Receiver<Duration>,
}

/// What is known of the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The command in one line.
    pub command: String,
    /// What it does.
    pub state: State,
    /// Its process, or the last it had.
    pub pid: u32,
    /// Where it listens.
    pub address: SocketAddr,
    /// How often it was started again because it had ended.
    pub restarts: u64,
    /// How often it was replaced.
    pub replacements: u64,
    /// How it ended last, when it did by itself.
    pub last_end: Option<String>,
}

impl Status {
    /// As JSON.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        json!({
            "command": self.command,
            "state": self.state.word(),
            "pid": self.pid,
            "address": self.address.to_string(),
            "restarts": self.restarts,
            "replacements": self.replacements,
            "last_end": self.last_end,
        })
    }
}

/// The owner of a running application. Dropped, the application is stopped.
#[derive(Debug)]
pub struct Supervisor {
    handle: Handle,
    written: Option<Written>,
}

/// A way to ask for and about the application; cheap to clone.
#[derive(Clone)]
pub struct Handle {
    wishes: mpsc::Sender<Wish>,
    status: watch::Receiver<Status>,
    replaceable: bool,
}

impl Supervisor {
    /// Checks the environment, runs what comes before, starts the application, and waits until it is ready.
    ///
    /// # Errors
    /// [`SupervisedError`] when it does not come to that; then nothing of it is left.
    pub async fn start(settings: SupervisedSettings, around: Surrounding) -> Result<Self, SupervisedError> {
        let (relay, written) = Relay::start().map_err(SupervisedError::Output)?;
        let plan = Plan::new(settings, &around.directory, &around.variables, relay)?;
        let (current, address) = match first(&plan).await {
            Ok(started) => started,
            Err(error) => {
                drop(plan);
                let _late = timeout(LOG_LIMIT, written).await;
                return Err(error);
            }
        };
        let mut lifecycle = Lifecycle::new(plan.settings().backoff);
        lifecycle.ready(around.clock.now());
        let (wishes, wished) = mpsc::channel(WISHES);
        let (status, seen) = watch::channel(Status {
            command: plan.settings().title(),
            state: lifecycle.state(),
            pid: current.id(),
            address,
            restarts: 0,
            replacements: 0,
            last_end: None,
        });
        let replaceable = around.placement.is_some();
        let care = Care {
            plan: Arc::new(plan),
            clock: around.clock,
            placement: around.placement,
            drain_timeout: around.drain_timeout,
            status,
            lifecycle,
            seat: Seat { process: current, address, doing: Doing::Serving },
            replacement: None,
        };
        tokio::spawn(care::run(care, wished));
        Ok(Self { handle: Handle { wishes, status: seen, replaceable }, written: Some(written) })
    }

    /// A way to ask for and about the application.
    #[must_use]
    pub const fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Tells the application to end, and waits until nothing of it is left.
    pub async fn stop(&mut self) {
        self.end(Wish::Stop).await;
    }

    /// Ends the application at once.
    pub async fn kill(&mut self) {
        self.end(Wish::Kill).await;
    }

    async fn end(&mut self, wish: Wish) {
        // A task that has ended has nothing left to stop.
        let _ended = self.handle.wishes.send(wish).await;
        let mut status = self.handle.status.clone();
        while status.changed().await.is_ok() {}
        if let Some(written) = self.written.take() {
            let _late = timeout(LOG_LIMIT, written).await;
        }
    }
}

impl Handle {
    /// What is known of the application.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Whether requests can be led to another process, so that it can be replaced.
    #[must_use]
    pub const fn replaceable(&self) -> bool {
        self.replaceable
    }

    /// Starts the application anew beside the one that runs, leads requests there, and stops the old one when its requests
    /// are finished.
    ///
    /// # Errors
    /// [`SupervisedError`] when the new one does not become ready; then the old one goes on.
    pub async fn replace(&self) -> Result<Status, SupervisedError> {
        let (reply, answer) = oneshot::channel();
        self.wishes.try_send(Wish::Replace(reply)).map_err(|_| SupervisedError::Busy("replaced or stopped"))?;
        answer.await.unwrap_or(Err(SupervisedError::Busy("stopped")))
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(&*self.status.borrow()).finish()
    }
}

async fn first(plan: &Plan) -> Result<(Process, SocketAddr), SupervisedError> {
    plan.prepare().await?;
    let address = plan.address()?;
    Ok((plan.start_ready(address).await?, address))
}

#[cfg(test)]
pub(in crate::app) mod tests;

//! The task that watches the application: starts it again when it ends, replaces it when asked, and stops it when told.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use seawall_core::clock::Clock;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{sleep, timeout},
};

use super::{Placement, Status, SupervisedError, lifecycle::Lifecycle, plan::Plan, process::Process};

/// How often requests in flight to a replaced application are counted.
const COUNT_AGAIN: Duration = Duration::from_millis(20);

/// What is wished of the task.
pub(super) enum Wish {
    Replace(oneshot::Sender<Result<Status, SupervisedError>>),
    Stop,
    Kill,
}

/// How the application is ended.
#[derive(Clone, Copy, Debug)]
enum End {
    Stop,
    Kill,
}

/// Everything the task cares for.
pub(super) struct Care {
    pub(super) plan: Plan,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) placement: Option<Arc<dyn Placement>>,
    pub(super) drain_timeout: watch::Receiver<Duration>,
    pub(super) status: watch::Sender<Status>,
    pub(super) lifecycle: Lifecycle,
    pub(super) address: SocketAddr,
    pub(super) current: Process,
    /// While it is replaced: first the one that is to come, then the one that is to go.
    pub(super) other: Option<Process>,
}

/// Cares for the application until it shall end.
pub(super) async fn run(mut care: Care, mut wishes: mpsc::Receiver<Wish>) {
    let end = loop {
        let told = tokio::select! {
            ended = care.current.ended() => {
                tokio::select! {
                    () = care.revive(ended.words) => continue,
                    end = told_to_end(&mut wishes, "started again") => end,
                }
            }
            wish = wishes.recv() => match wish {
                Some(Wish::Replace(reply)) => {
                    let outcome = tokio::select! {
                        outcome = care.replace() => outcome,
                        end = told_to_end(&mut wishes, "replaced") => break end,
                    };
                    // Whoever asked may have left.
                    let _left = reply.send(outcome);
                    continue;
                }
                Some(Wish::Kill) => End::Kill,
                Some(Wish::Stop) | None => End::Stop,
            },
        };
        break told;
    };
    care.finish(end, &mut wishes).await;
}

/// Waits until the application shall end; refuses meanwhile what else is wished.
async fn told_to_end(wishes: &mut mpsc::Receiver<Wish>, busy: &'static str) -> End {
    loop {
        match wishes.recv().await {
            Some(Wish::Replace(reply)) => {
                let _left = reply.send(Err(SupervisedError::Busy(busy)));
            }
            Some(Wish::Kill) => return End::Kill,
            Some(Wish::Stop) | None => return End::Stop,
        }
    }
}

impl Care {
    /// Starts the application again, however often it takes. Its address stays.
    async fn revive(&mut self, mut ended: String) {
        loop {
            // What it started and left behind would hold its port.
            self.current.kill().await;
            let wait = self.lifecycle.ended(self.clock.now());
            let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            tracing::error!(
                app.pid = self.current.id(),
                status = ended,
                wait_ms,
                "the application ended by itself; it is started again"
            );
            self.tell(|status| status.last_end = Some(ended.clone()));
            sleep(wait).await;
            let started = match self.plan.start(self.address) {
                Ok(process) => {
                    self.current = process;
                    self.tell(|status| status.restarts += 1);
                    self.plan.ready(&mut self.current, self.address).await
                }
                Err(error) => Err(error),
            };
            match started {
                Ok(()) => break,
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "the application could not be started again"
                    );
                    self.current.stop(self.plan.settings().stop_timeout).await;
                    ended = "a failed start".to_owned();
                }
            }
        }
        self.lifecycle.ready(self.clock.now());
        self.tell(|_| {});
    }

    async fn replace(&mut self) -> Result<Status, SupervisedError> {
        let placement = self.placement.clone().ok_or(SupervisedError::NoPlacement)?;
        if self.plan.settings().port.is_some() {
            return Err(SupervisedError::FixedPort);
        }
        let stop_timeout = self.plan.settings().stop_timeout;
        self.plan.prepare().await?;
        let address = self.plan.address()?;
        let fresh = self.other.insert(self.plan.start(address)?);
        if let Err(error) = self.plan.ready(fresh, address).await {
            fresh.stop(stop_timeout).await;
            self.other = None;
            return Err(error);
        }
        placement.place(address);
        std::mem::swap(&mut self.current, fresh);
        let old_address = std::mem::replace(&mut self.address, address);
        self.lifecycle.ready(self.clock.now());
        self.tell(|status| status.replacements += 1);
        let finished = async {
            while placement.in_flight(old_address) > 0 {
                sleep(COUNT_AGAIN).await;
            }
        };
        let limit = *self.drain_timeout.borrow();
        if timeout(limit, finished).await.is_err() {
            tracing::warn!("requests to the replaced application took too long; it is stopped without them");
        }
        if let Some(old) = &mut self.other {
            old.stop(stop_timeout).await;
        }
        self.other = None;
        tracing::info!(app.pid = self.current.id(), app.address = %self.address, "the application was replaced");
        Ok(self.status.borrow().clone())
    }

    /// Ends all that runs. Being told to kill shortens it.
    async fn finish(mut self, end: End, wishes: &mut mpsc::Receiver<Wish>) {
        self.lifecycle.stopping();
        self.tell(|_| {});
        let limit = self.plan.settings().stop_timeout;
        if matches!(end, End::Stop) {
            let stop = async {
                self.current.stop(limit).await;
                if let Some(other) = &mut self.other {
                    other.stop(limit).await;
                }
            };
            tokio::select! {
                () = stop => {}
                () = told_to_kill(wishes) => {}
            }
        }
        self.current.kill().await;
        if let Some(other) = &mut self.other {
            other.kill().await;
        }
        tracing::info!("the application has ended");
    }

    /// Makes a change known, and with it what else has changed.
    fn tell(&self, change: impl FnOnce(&mut Status)) {
        self.status.send_modify(|status| {
            change(status);
            status.state = self.lifecycle.state();
            status.pid = self.current.id();
            status.address = self.address;
        });
    }
}

async fn told_to_kill(wishes: &mut mpsc::Receiver<Wish>) {
    loop {
        match wishes.recv().await {
            Some(Wish::Kill) => return,
            Some(Wish::Replace(reply)) => {
                let _left = reply.send(Err(SupervisedError::Busy("stopped")));
            }
            Some(Wish::Stop) => {}
            // Nobody is left who could tell.
            None => std::future::pending().await,
        }
    }
}

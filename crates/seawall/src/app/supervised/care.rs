//! The task that watches the application: starts it again when it ends, replaces it when asked, and stops it when told.

use std::{sync::Arc, time::Duration};

use seawall_core::clock::Clock;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};

use super::{
    Placement, Status, SupervisedError,
    lifecycle::Lifecycle,
    plan::Plan,
    replacement::{self, Replacement, Stage, Step},
    seat::{Doing, Seat, Turn},
};

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
    pub(super) plan: Arc<Plan>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) placement: Option<Arc<dyn Placement>>,
    pub(super) drain_timeout: watch::Receiver<Duration>,
    pub(super) status: watch::Sender<Status>,
    pub(super) lifecycle: Lifecycle,
    pub(super) seat: Seat,
    pub(super) replacement: Option<Replacement>,
}

/// Cares for the application until it shall end. What is waited for in either place holds nothing up in the other, but for the end of
/// a process that did not become ready.
pub(super) async fn run(mut care: Care, mut wishes: mpsc::Receiver<Wish>) {
    let end = loop {
        tokio::select! {
            turn = care.seat.next(&care.plan) => tokio::select! {
                () = care.seated(turn) => {}
                end = told_to_end(&mut wishes, "started again") => break end,
            },
            step = replacement::next(&mut care.replacement, &care.plan) => tokio::select! {
                () = care.replaced(step) => {}
                end = told_to_end(&mut wishes, "replaced") => break end,
            },
            wish = wishes.recv() => match wish {
                Some(Wish::Replace(reply)) => care.begin_replacing(reply),
                Some(Wish::Kill) => break End::Kill,
                Some(Wish::Stop) | None => break End::Stop,
            },
        }
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
    /// Takes the next turn of the process that serves: it is started again, however often it takes. Its address stays.
    async fn seated(&mut self, turn: Turn) {
        match turn {
            Turn::Ended(words) => self.ended(words).await,
            Turn::Waited => match self.plan.start(self.seat.address) {
                Ok(process) => {
                    self.seat.process = process;
                    self.seat.doing = Doing::Starting { until: self.plan.ready_until() };
                    self.tell(|status| status.restarts += 1);
                }
                Err(error) => self.not_started(&error).await,
            },
            Turn::Started(Ok(())) => {
                self.seat.doing = Doing::Serving;
                self.lifecycle.ready(self.clock.now());
                self.tell(|_| {});
            }
            Turn::Started(Err(error)) => self.not_started(&error).await,
        }
    }

    async fn not_started(&mut self, error: &SupervisedError) {
        tracing::error!(error = error as &dyn std::error::Error, "the application could not be started again");
        self.seat.process.stop(self.plan.settings().stop_timeout).await;
        self.ended("a failed start".to_owned()).await;
    }

    async fn ended(&mut self, words: String) {
        // What it started and left behind would hold its port.
        self.seat.process.kill().await;
        let wait = self.lifecycle.ended(self.clock.now());
        self.seat.doing = Doing::Waiting { until: Instant::now() + wait };
        tracing::error!(
            app.pid = self.seat.process.id(),
            status = words,
            wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            "the application ended by itself; it is started again"
        );
        self.tell(|status| status.last_end = Some(words));
    }

    fn begin_replacing(&mut self, reply: oneshot::Sender<Result<Status, SupervisedError>>) {
        let refusal = match &self.placement {
            _ if self.replacement.is_some() => SupervisedError::Busy("replaced"),
            _ if !matches!(self.seat.doing, Doing::Serving) => SupervisedError::Busy("started again"),
            None => SupervisedError::NoPlacement,
            Some(_) if self.plan.settings().port.is_some() => SupervisedError::FixedPort,
            Some(placement) => {
                self.replacement = Some(Replacement::begin(&self.plan, Arc::clone(placement), reply));
                return;
            }
        };
        // Whoever asked may have left.
        let _left = reply.send(Err(refusal));
    }

    /// Goes on with a replacement.
    async fn replaced(&mut self, step: Step) {
        let came = match step {
            Step::Prepared(prepared) => prepared.and_then(|()| self.come()),
            Step::Came(Ok(())) => {
                self.place();
                Ok(())
            }
            Step::Came(Err(error)) => {
                if let Some(process) = self.replacement.as_mut().and_then(Replacement::process) {
                    process.stop(self.plan.settings().stop_timeout).await;
                }
                Err(error)
            }
            Step::Left { in_time } => {
                if !in_time {
                    tracing::warn!("requests to the replaced application took too long; it is stopped without them");
                }
                let until = Instant::now() + self.plan.settings().stop_timeout;
                self.turn_replacement(|stage| match stage {
                    Stage::Leaving { process, .. } => {
                        process.terminate();
                        Stage::Stopping { process, until }
                    }
                    other => other,
                });
                Ok(())
            }
            Step::Stopped => {
                tracing::info!(
                    app.pid = self.seat.process.id(),
                    app.address = %self.seat.address,
                    "the application was replaced"
                );
                let status = self.status.borrow().clone();
                if let Some(replacement) = self.replacement.take() {
                    replacement.answer(Ok(status));
                }
                Ok(())
            }
        };
        if let Err(error) = came
            && let Some(replacement) = self.replacement.take()
        {
            replacement.answer(Err(error));
        }
    }

    /// Starts the new process.
    fn come(&mut self) -> Result<(), SupervisedError> {
        let address = self.plan.address()?;
        let process = self.plan.start(address)?;
        let until = self.plan.ready_until();
        self.turn_replacement(|_| Stage::Coming { process, address, until });
        Ok(())
    }

    /// Leads requests to the new process; the old one finishes those that it has.
    fn place(&mut self) {
        let Some(mut replacement) = self.replacement.take() else { return };
        let until = Instant::now() + *self.drain_timeout.borrow();
        if let Stage::Coming { process, address, .. } = replacement.stage {
            replacement.placement.place(address);
            let seat = Seat { process, address, doing: Doing::Serving };
            let Seat { process, address, .. } = std::mem::replace(&mut self.seat, seat);
            replacement.stage = Stage::Leaving { process, address, until };
        }
        self.replacement = Some(replacement);
        self.lifecycle.ready(self.clock.now());
        self.tell(|status| status.replacements += 1);
    }

    fn turn_replacement(&mut self, turn: impl FnOnce(Stage) -> Stage) {
        if let Some(replacement) = self.replacement.take() {
            self.replacement = Some(Replacement { stage: turn(replacement.stage), ..replacement });
        }
    }

    /// Ends all that runs. Being told to kill shortens it.
    async fn finish(mut self, end: End, wishes: &mut mpsc::Receiver<Wish>) {
        self.lifecycle.stopping();
        self.tell(|_| {});
        let limit = self.plan.settings().stop_timeout;
        // What comes before a start ends with whoever waits for it.
        self.replacement.take_if(|replacement| matches!(replacement.stage, Stage::Preparing(_)));
        let mut other = self.replacement.as_mut().and_then(Replacement::process);
        if matches!(end, End::Stop) {
            let stop = async {
                self.seat.process.stop(limit).await;
                if let Some(other) = &mut other {
                    other.stop(limit).await;
                }
            };
            tokio::select! {
                () = stop => {}
                () = told_to_kill(wishes) => {}
            }
        }
        self.seat.process.kill().await;
        if let Some(other) = other {
            other.kill().await;
        }
        tracing::info!("the application has ended");
    }

    /// Makes a change known, and with it what else has changed.
    fn tell(&self, change: impl FnOnce(&mut Status)) {
        self.status.send_modify(|status| {
            change(status);
            status.state = self.lifecycle.state();
            status.pid = self.seat.process.id();
            status.address = self.seat.address;
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

//! A process that is to take the application's place, and the one that leaves it. Whoever serves is cared for meanwhile as ever.

use std::{future::Future, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use tokio::{
    sync::oneshot,
    time::{Instant, sleep, timeout_at},
};

use super::{Placement, Status, SupervisedError, plan::Plan, process::Process};

/// How often requests in flight to a replaced application are counted.
const COUNT_AGAIN: Duration = Duration::from_millis(20);

/// A replacement that was asked for.
pub(super) struct Replacement {
    pub(super) stage: Stage,
    pub(super) reply: oneshot::Sender<Result<Status, SupervisedError>>,
    pub(super) placement: Arc<dyn Placement>,
}

/// How far it is.
pub(super) enum Stage {
    /// What comes before a start runs.
    Preparing(Pin<Box<dyn Future<Output = Result<(), SupervisedError>> + Send>>),
    /// The new process has to be ready by then.
    Coming { process: Process, address: SocketAddr, until: Instant },
    /// The old process finishes its requests, until then at most.
    Leaving { process: Process, address: SocketAddr, until: Instant },
    /// It was told to end, and is killed then.
    Stopping { process: Process, until: Instant },
}

/// What has come of a stage.
pub(super) enum Step {
    Prepared(Result<(), SupervisedError>),
    Came(Result<(), SupervisedError>),
    /// The old process has no requests any more, or some in spite of all the time it had.
    Left {
        in_time: bool,
    },
    Stopped,
}

impl Replacement {
    pub(super) fn begin(
        plan: &Arc<Plan>,
        placement: Arc<dyn Placement>,
        reply: oneshot::Sender<Result<Status, SupervisedError>>,
    ) -> Self {
        let plan = Arc::clone(plan);
        Self { stage: Stage::Preparing(Box::pin(async move { plan.prepare().await })), reply, placement }
    }

    /// Waits for the end of the stage. May be given up and asked again at any moment.
    pub(super) async fn next(&mut self, plan: &Plan) -> Step {
        match &mut self.stage {
            Stage::Preparing(preparing) => Step::Prepared(preparing.as_mut().await),
            Stage::Coming { process, address, until } => Step::Came(plan.ready(process, *address, *until).await),
            Stage::Leaving { address, until, .. } => {
                let finished = async {
                    while self.placement.in_flight(*address) > 0 {
                        sleep(COUNT_AGAIN).await;
                    }
                };
                Step::Left { in_time: timeout_at(*until, finished).await.is_ok() }
            }
            Stage::Stopping { process, until } => {
                process.end_by(*until).await;
                Step::Stopped
            }
        }
    }

    /// The process that does not serve, when there is one.
    pub(super) const fn process(&mut self) -> Option<&mut Process> {
        match &mut self.stage {
            Stage::Preparing(_) => None,
            Stage::Coming { process, .. } | Stage::Leaving { process, .. } | Stage::Stopping { process, .. } => {
                Some(process)
            }
        }
    }

    /// Tells whoever asked; they may have left.
    pub(super) fn answer(self, outcome: Result<Status, SupervisedError>) {
        let _left = self.reply.send(outcome);
    }
}

/// The same, when there is one.
pub(super) async fn next(replacement: &mut Option<Replacement>, plan: &Plan) -> Step {
    match replacement {
        Some(replacement) => replacement.next(plan).await,
        None => std::future::pending().await,
    }
}

//! The place of the application: the process that serves there, and what comes next for it.

use std::net::SocketAddr;

use tokio::time::{Instant, sleep_until};

use super::{SupervisedError, plan::Plan, process::Process};

/// The process at the application's address.
pub(super) struct Seat {
    pub(super) process: Process,
    pub(super) address: SocketAddr,
    pub(super) doing: Doing,
}

/// What the process does.
#[derive(Clone, Copy)]
pub(super) enum Doing {
    /// It takes requests.
    Serving,
    /// It has ended, and is started again then.
    Waiting { until: Instant },
    /// It was started, and has to be ready by then.
    Starting { until: Instant },
}

/// What comes next.
pub(super) enum Turn {
    /// It ended by itself; how, for people.
    Ended(String),
    /// It has waited.
    Waited,
    /// It was started again, or could not be.
    Started(Result<(), SupervisedError>),
}

impl Seat {
    /// Waits for what comes next. May be given up and asked again at any moment.
    pub(super) async fn next(&mut self, plan: &Plan) -> Turn {
        match self.doing {
            Doing::Serving => Turn::Ended(self.process.ended().await.words),
            Doing::Waiting { until } => {
                sleep_until(until).await;
                Turn::Waited
            }
            Doing::Starting { until } => Turn::Started(plan.ready(&mut self.process, self.address, until).await),
        }
    }
}

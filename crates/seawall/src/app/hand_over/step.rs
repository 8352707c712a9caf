//! What is handed over, in order: what each step lets go of, and how it takes that back when the hand-over fails.
//!
//! The store comes between the last request and the lock. A successor whose migrations take away what this process needs has refused
//! before.

use std::{io, sync::Arc, time::Duration};

use seawall_outbound::Outbound;
use seawall_proxy::Stage;
use seawall_store::hands::Hands;
use tokio::{sync::watch, time::sleep};

use super::{Phase, work::Work};
use crate::app::{AppError, DataDirectory, store::Lent};

/// How long kept connections are told to close by their next answer before they are closed. Whoever talks meanwhile goes on over another
/// connection, so that few are closed in the very moment in which their client sends a request.
const ANNOUNCED: Duration = Duration::from_secs(1);

/// One step.
#[derive(Debug)]
pub(in crate::app) enum Step {
    /// Accepting clients: the socket is the successor's too, and what waits in its queue will be accepted there. When the store is given
    /// away, kept connections are closed and its requests have settled what they hold of it.
    Public(Stage, Work),
    /// Accepting operators; what they asked before is still answered.
    Admin(watch::Sender<Phase>),
    /// The store: what waits for it is run, then it is closed.
    Store(Lent),
    /// The lock of the data directory, and with it all that is in there.
    Data(Arc<DataDirectory>),
}

impl Step {
    /// All of them, in the order in which they are given. Work that is in the way may take as long as the limit, `drain_timeout`.
    pub(in crate::app) fn in_order(
        stage: Stage,
        (limit, ongoing, calls): (watch::Receiver<Duration>, Hands, Option<Outbound>),
        phase: watch::Sender<Phase>,
        store: Lent,
        data: &Arc<DataDirectory>,
    ) -> Vec<Self> {
        let work = Work::new(store.attempts(), ongoing, calls, limit);
        vec![Self::Public(stage, work), Self::Admin(phase), Self::Store(store), Self::Data(Arc::clone(data))]
    }

    /// What it is, for messages.
    pub(super) const fn what(&self) -> &'static str {
        match self {
            Self::Public(..) => "public listener",
            Self::Admin(_) => "admin listener",
            Self::Store(_) => "store",
            Self::Data(_) => "data directory",
        }
    }

    /// Whether another process serves when it cannot be taken back. Without anything else this one serves as well as it can.
    pub(super) const fn decides(&self) -> bool {
        matches!(self, Self::Data(_))
    }

    /// Ends when what has to end before it is given has. Nothing is changed by that, and it may be given up.
    pub(super) async fn settled(&self) {
        if let Self::Public(_, work) = self {
            work.settled().await;
        }
    }

    /// Lets go.
    pub(super) async fn give(&self) -> io::Result<()> {
        match self {
            Self::Public(stage, work) => {
                if work.loses_the_store() {
                    stage.announce().await;
                    sleep(ANNOUNCED).await;
                }
                stage.rest().await;
                work.done().await;
            }
            Self::Admin(phase) => {
                phase.send_replace(Phase::Resting);
            }
            Self::Store(store) => store.give().await?,
            Self::Data(data) => data.release()?,
        }
        Ok(())
    }

    /// Takes it back.
    ///
    /// # Errors
    /// [`AppError::InUse`] when the successor has it, and serves.
    pub(super) async fn take_back(&self) -> Result<(), AppError> {
        match self {
            Self::Public(stage, _) => stage.resume().await,
            Self::Admin(phase) => {
                phase.send_replace(Phase::Serving);
            }
            Self::Store(store) => store.take_back().await?,
            Self::Data(data) => data.take_back()?,
        }
        Ok(())
    }
}

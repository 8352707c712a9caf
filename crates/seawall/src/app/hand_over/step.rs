//! What is handed over, in order: what each step lets go of, and how it takes that back when the hand-over fails.
//!
//! The store comes between the last request and the lock. A successor whose migrations take away what this process needs has refused
//! before.

use std::{io, sync::Arc, time::Duration};

use seawall_proxy::Stage;
use seawall_store::Db;
use tokio::{sync::watch, time::sleep};

use super::Phase;
use crate::app::{AppError, DataDirectory, store::StoreFault};

/// One step.
#[derive(Debug)]
pub(in crate::app) enum Step {
    /// Accepting clients: the socket is the successor's too, and what waits in its queue will be accepted there.
    Public(Stage),
    /// Accepting operators; what they asked before is still answered.
    Admin(watch::Sender<Phase>),
    /// The store: what waits for it is run, then it is closed.
    Store(Db),
    /// The lock of the data directory, and with it all that is in there.
    Data(Arc<DataDirectory>),
}

impl Step {
    /// All of them, in the order in which they are given.
    pub(in crate::app) fn in_order(
        stage: Stage,
        phase: watch::Sender<Phase>,
        db: Db,
        data: &Arc<DataDirectory>,
    ) -> Vec<Self> {
        vec![Self::Public(stage), Self::Admin(phase), Self::Store(db), Self::Data(Arc::clone(data))]
    }

    /// What it is, for messages.
    pub(super) const fn what(&self) -> &'static str {
        match self {
            Self::Public(_) => "public listener",
            Self::Admin(_) => "admin listener",
            Self::Store(_) => "store",
            Self::Data(_) => "data directory",
        }
    }

    /// Whether another process serves when it cannot be taken back. Without anything else this one serves as well as it can.
    pub(super) const fn decides(&self) -> bool {
        matches!(self, Self::Data(_))
    }

    /// Lets go.
    pub(super) async fn give(&self) -> io::Result<()> {
        match self {
            Self::Public(stage) => stage.rest().await,
            Self::Admin(phase) => {
                phase.send_replace(Phase::Resting);
            }
            Self::Store(db) => {
                let db = db.clone();
                tokio::task::spawn_blocking(move || db.close()).await?;
            }
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
            Self::Public(stage) => stage.resume().await,
            Self::Admin(phase) => {
                phase.send_replace(Phase::Serving);
            }
            Self::Store(db) => {
                if let Err(fault) = reopen(db).await {
                    tokio::spawn(reopen_some_time(db.clone()));
                    return Err(fault.into());
                }
            }
            Self::Data(data) => data.take_back()?,
        }
        Ok(())
    }
}

/// How long is waited before a store that could not be opened is tried again.
const AGAIN: Duration = Duration::from_secs(1);

async fn reopen(db: &Db) -> Result<(), StoreFault> {
    let reopening = db.clone();
    let reopened = tokio::task::spawn_blocking(move || reopening.reopen()).await;
    let opened = reopened.map_err(|_| StoreFault::Died)?;
    opened.map_err(|source| StoreFault::Open { url: db.url().to_string(), source })
}

/// Goes on without the store until it can be had again: its database may be away for a moment.
async fn reopen_some_time(db: Db) {
    loop {
        sleep(AGAIN).await;
        match reopen(&db).await {
            Ok(()) => return tracing::info!("the store is open again"),
            Err(error) => tracing::debug!(%error, "the store is still not to be had"),
        }
    }
}

//! What is handed over, in order: what each step lets go of, and how it takes that back when the hand-over fails.
//!
//! A store that comes with its own file fits between the last request and the lock: its step finishes what holds the store in
//! `give`, and refuses there when the successor's migrations do more than add.

use std::{io, sync::Arc};

use seawall_proxy::Stage;
use tokio::sync::watch;

use super::Phase;
use crate::app::{AppError, DataDirectory};

/// One step.
#[derive(Debug)]
pub(in crate::app) enum Step {
    /// Accepting clients: the socket is the successor's too, and what waits in its queue will be accepted there.
    Public(Stage),
    /// Accepting operators; what they asked before is still answered.
    Admin(watch::Sender<Phase>),
    /// The lock of the data directory, and with it all that is in there.
    Data(Arc<DataDirectory>),
}

impl Step {
    /// What it is, for messages.
    pub(super) const fn what(&self) -> &'static str {
        match self {
            Self::Public(_) => "public listener",
            Self::Admin(_) => "admin listener",
            Self::Data(_) => "data directory",
        }
    }

    /// Lets go.
    pub(super) async fn give(&self) -> io::Result<()> {
        match self {
            Self::Public(stage) => stage.rest().await,
            Self::Admin(phase) => {
                phase.send_replace(Phase::Resting);
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
            Self::Data(data) => data.take_back()?,
        }
        Ok(())
    }
}

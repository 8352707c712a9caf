//! The owner's side of handing over: asking for it, waiting for it, and ending without it.

use std::{fmt, sync::Arc};

use tokio::sync::{mpsc, oneshot, watch};

use super::HandOverError;

/// Who serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// This process.
    Serving,
    /// Nobody accepts: this process has let go, and the successor is about to.
    Resting,
    /// The successor. This process finishes what it has.
    Left,
}

/// Wishes that may wait.
const WISHES: usize = 8;

/// What is wished of the task.
#[derive(Debug)]
pub(in crate::app) enum Wish {
    /// Start a successor and hand over to it; gives its process.
    Restart(oneshot::Sender<Result<u32, Arc<HandOverError>>>),
    /// Hand over no more. What cannot be stopped any more is finished first.
    End(oneshot::Sender<()>),
}

/// A way to ask for a hand-over; cheap to clone.
#[derive(Clone)]
pub struct HandOver {
    wishes: mpsc::Sender<Wish>,
    phase: watch::Receiver<Phase>,
}

/// A way to ask for a hand-over, where it says who serves, and where wishes arrive.
pub(in crate::app) fn channel() -> (HandOver, watch::Sender<Phase>, mpsc::Receiver<Wish>) {
    let (wishes, wished) = mpsc::channel(WISHES);
    let (sender, phase) = watch::channel(Phase::Serving);
    (HandOver { wishes, phase }, sender, wished)
}

impl HandOver {
    /// Starts a successor, hands over to it, and gives its process.
    ///
    /// # Errors
    /// [`HandOverError`], after which this process goes on as before.
    pub async fn restart(&self) -> Result<u32, Arc<HandOverError>> {
        let (reply, answer) = oneshot::channel();
        self.wishes.send(Wish::Restart(reply)).await.map_err(|_| HandOverError::Ending)?;
        answer.await.unwrap_or_else(|_| Err(HandOverError::Ending.into()))
    }

    /// Stops handing over, because the server ends; gives who serves then.
    pub(in crate::app) async fn end(&self) -> Phase {
        let (reply, answer) = oneshot::channel();
        if self.wishes.send(Wish::End(reply)).await.is_ok() {
            // A task that has ended has nothing left to hand over.
            let _ended = answer.await;
        }
        *self.phase.borrow()
    }

    /// Ends when another process serves.
    pub async fn left(&mut self) {
        if self.phase.wait_for(|phase| *phase == Phase::Left).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl fmt::Debug for HandOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HandOver").field(&*self.phase.borrow()).finish()
    }
}

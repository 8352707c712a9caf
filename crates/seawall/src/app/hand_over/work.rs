//! What requests in flight still need of the store, which a file gives to one process at a time.
//!
//! A request with an idempotency key is written down twice: before the application sees it and before its client sees the answer. Given
//! away in between, the store would keep nothing of what the application did. Requests to Seawall itself, such as signing in, take several
//! steps in it, and calls of models are written down when they end. Where processes share the store, as in PostgreSQL, the one
//! that finishes keeps it until its last request has ended, and nothing is waited for.

use std::time::Duration;

use seawall_outbound::Outbound;
use seawall_store::{hands::Hands, idempotency::Attempts};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

/// How long whoever was accepted last may take to say what it wants: one round trip of a client that is not far away.
const JUST_ACCEPTED: Duration = Duration::from_millis(100);

/// How long requests that began meanwhile may take, while new clients wait in the kernel's queue.
const RESTED_LIMIT: Duration = Duration::from_secs(5);

/// The work of requests in flight.
#[derive(Clone, Debug)]
pub(in crate::app) struct Work {
    /// Nothing where the store stays open here.
    attempts: Option<Attempts>,
    /// Requests to Seawall itself.
    ongoing: Hands,
    /// Calls of models, whose rows and costs are written when they end.
    calls: Option<Outbound>,
    /// `drain_timeout`.
    limit: watch::Receiver<Duration>,
}

impl Work {
    /// What these attempts are, for so long at most; nothing where the store is not closed for a successor.
    pub(super) const fn new(
        attempts: Option<Attempts>,
        ongoing: Hands,
        calls: Option<Outbound>,
        limit: watch::Receiver<Duration>,
    ) -> Self {
        Self { attempts, ongoing, calls, limit }
    }

    /// Whether the store is given away, so that no request may need it here any more.
    pub(super) const fn loses_the_store(&self) -> bool {
        self.attempts.is_some()
    }

    /// Waits until what began before is settled. This process serves on meanwhile, and what begins is not waited for.
    pub(super) async fn settled(&self) {
        let limit = *self.limit.borrow();
        if let Some(attempts) = &self.attempts {
            let _too_long = timeout(limit, async { tokio::join!(attempts.settled(), self.calls_settled()) }).await;
        }
    }

    /// Waits until everything is settled, once nobody is accepted any more. The rest is cut off.
    pub(super) async fn done(&self) {
        let Some(attempts) = &self.attempts else { return };
        let limit = self.limit.borrow().min(RESTED_LIMIT);
        sleep(JUST_ACCEPTED.min(limit)).await;
        let all = async { tokio::join!(attempts.settled(), self.ongoing.emptied(), self.calls_settled()) };
        let _too_long = timeout(limit, all).await;
        self.let_calls_go().await;
        match attempts.in_hands() {
            0 => {}
            left => tracing::warn!(
                requests = left,
                "requests with an idempotency key took too long for the hand-over; what became of them is told as unknown"
            ),
        }
    }

    async fn calls_settled(&self) {
        if let Some(calls) = &self.calls {
            calls.settled().await;
        }
    }

    /// Writes down what has ended; what goes on will not be.
    async fn let_calls_go(&self) {
        let Some(calls) = &self.calls else { return };
        calls.flush().await;
        match calls.under_way() {
            0 => {}
            left => tracing::warn!(
                calls = left,
                "calls of models took too long for the hand-over; what they use is in the log, and stays reserved in budgets"
            ),
        }
    }
}

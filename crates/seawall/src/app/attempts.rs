//! What became of requests with an idempotency key, kept in Seawall's own database once it is open.

use std::sync::{Arc, OnceLock};

use seawall_core::{
    idempotency::{Begin, Claim, Ending, IdempotencyStore, Lease, Settled, When},
    reply::{PortError, Reply},
};
use seawall_store::idempotency::Attempts;

/// The port that guards are built with, before the database is open.
#[derive(Clone, Debug, Default)]
pub(super) struct KeptAttempts(Arc<OnceLock<Attempts>>);

impl KeptAttempts {
    /// Asks these from here on.
    pub(super) fn open(&self, attempts: Attempts) {
        // A process opens its database once.
        let _opened_before = self.0.set(attempts);
    }
}

impl IdempotencyStore for KeptAttempts {
    fn begin(&self, begin: &Begin<'_>) -> Reply<Claim> {
        self.0.get().map_or(Reply::Ready(Err(PortError::Unavailable)), |attempts| attempts.begin(begin))
    }

    fn settle(&self, lease: &Lease, ending: Ending, when: When) -> Reply<Settled> {
        self.0.get().map_or(Reply::Ready(Err(PortError::Unavailable)), |attempts| attempts.settle(lease, ending, when))
    }

    fn give_up(&self, lease: &Lease, ending: Ending, when: When) {
        if let Some(attempts) = self.0.get() {
            attempts.give_up(lease, ending, when);
        }
    }
}

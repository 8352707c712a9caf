//! The rounds of the outbox: messages are delivered while this process has the store.

use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use seawall_core::{clock::Clock, meter::Meter};
use seawall_store::{
    Db,
    outbox::{Delivery, Outbox},
};
use tokio::time::timeout;

/// How long messages that are on their way may take when the store is let go of; those that take longer are sent again by whoever has it next.
const END_LIMIT: Duration = Duration::from_secs(2);

/// Begins the rounds, ends them, and begins them again after a hand-over that failed.
#[derive(Debug)]
pub(in crate::app) struct Rounds {
    db: Db,
    clock: Arc<dyn Clock>,
    meter: Arc<dyn Meter>,
    /// Who takes what, once that is known.
    deliveries: OnceLock<Vec<Delivery>>,
    running: Mutex<Option<Outbox>>,
}

impl Rounds {
    pub(in crate::app) fn new(db: Db, clock: Arc<dyn Clock>, meter: Arc<dyn Meter>) -> Self {
        Self { db, clock, meter, deliveries: OnceLock::new(), running: Mutex::new(None) }
    }

    /// Begins them.
    pub(in crate::app) fn begin(&self, deliveries: Vec<Delivery>) {
        // They begin once.
        let _first = self.deliveries.set(deliveries);
        self.resume();
    }

    /// Begins them again.
    pub(in crate::app) fn resume(&self) {
        let Some(deliveries) = self.deliveries.get() else { return };
        let outbox = Outbox::start(&self.db, deliveries.clone(), &self.clock, &*self.meter);
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(outbox);
    }

    /// Ends them.
    pub(in crate::app) async fn rest(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(outbox) = running else { return };
        if timeout(END_LIMIT, outbox.stop()).await.is_err() {
            tracing::info!("a message was on its way when the store was let go of; it is sent once more");
        }
    }
}

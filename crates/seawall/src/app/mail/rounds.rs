//! The rounds of the postman: letters are handed over while this process has the store.

use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use seawall_core::{clock::Clock, meter::Meter};
use seawall_identity::mail::{Postman, TOPIC};
use seawall_store::{
    Db,
    outbox::{Delivery, Outbox},
};
use tokio::time::timeout;

/// How long letters that are on their way may take when the store is let go of; those that take longer are sent again by whoever has it next.
const END_LIMIT: Duration = Duration::from_secs(2);

/// Begins the rounds, ends them, and begins them again after a hand-over that failed.
#[derive(Debug)]
pub(in crate::app) struct Rounds {
    db: Db,
    clock: Arc<dyn Clock>,
    meter: Arc<dyn Meter>,
    /// Nothing where no letters are sent.
    postman: OnceLock<Postman>,
    running: Mutex<Option<Outbox>>,
}

impl Rounds {
    pub(in crate::app) fn new(db: Db, clock: Arc<dyn Clock>, meter: Arc<dyn Meter>) -> Self {
        Self { db, clock, meter, postman: OnceLock::new(), running: Mutex::new(None) }
    }

    /// Begins them.
    pub(in crate::app) fn begin(&self, postman: Postman) {
        // There is one.
        let _first = self.postman.set(postman);
        self.resume();
    }

    /// Begins them again.
    pub(in crate::app) fn resume(&self) {
        let Some(postman) = self.postman.get() else { return };
        let delivery = Delivery { topic: TOPIC, handler: Arc::new(postman.clone()) };
        let outbox = Outbox::start(&self.db, vec![delivery], &self.clock, &*self.meter);
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(outbox);
    }

    /// Ends them.
    pub(in crate::app) async fn rest(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(outbox) = running else { return };
        if timeout(END_LIMIT, outbox.stop()).await.is_err() {
            tracing::info!("a letter was on its way when the store was let go of; it is sent once more");
        }
    }
}

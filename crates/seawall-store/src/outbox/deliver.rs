//! Delivering: one task per topic claims messages and hands them to the topic's handler.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;

use seawall_core::{clock::Clock, meter::Meter};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
    time,
};

use super::{Handler, Message, Topic, Undelivered, meters::Meters, table, table::Claimed};
use crate::{Db, StoreError};

/// Messages that are claimed at once.
const BATCH: u32 = 32;

/// Deliveries of one topic that run at once.
const AT_ONCE: usize = 16;

/// How often is looked for messages that nobody announced: those that wait for another attempt, and other processes'.
const LOOK: Duration = Duration::from_secs(1);

/// How long is waited when the store does not answer.
const TROUBLE: Duration = Duration::from_secs(2);

/// A topic with its handler.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// What kind of messages.
    pub topic: Topic,
    /// Who takes them.
    pub handler: Arc<dyn Handler>,
}

/// Delivers until it is stopped.
#[derive(Debug)]
pub struct Outbox {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
    db: Db,
}

impl Outbox {
    /// Begins to deliver, on the runtime that it is called on.
    #[must_use]
    pub fn start(db: &Db, deliveries: Vec<Delivery>, clock: &Arc<dyn Clock>, meter: &dyn Meter) -> Self {
        let (stop, stopping) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for Delivery { topic, handler } in deliveries {
            let one = OneTopic {
                db: db.clone(),
                topic,
                handler,
                clock: Arc::clone(clock),
                meters: Arc::new(Meters::of(topic.name, meter)),
            };
            tasks.spawn(one.run(stopping.clone()));
        }
        Self { tasks, stop, db: db.clone() }
    }

    /// Claims nothing more, and waits for what is being delivered.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }

    /// How many messages wait, and when the oldest was written, in microseconds since 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn waiting(&self) -> Result<(i64, Option<i64>), StoreError> {
        table::waiting(&self.db).await
    }
}

#[derive(Clone)]
struct OneTopic {
    db: Db,
    topic: Topic,
    handler: Arc<dyn Handler>,
    clock: Arc<dyn Clock>,
    meters: Arc<Meters>,
}

impl OneTopic {
    async fn run(self, mut stopping: watch::Receiver<bool>) {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        let mut posted = self.db.posted();
        let mut running = JoinSet::new();
        while !*stopping.borrow() {
            let room = self.room(&places);
            // Without room nothing is claimed; whoever ends first makes some.
            let nothing = Claimed { messages: Vec::new(), stepped_back: false };
            let claimed = if room == 0 { Ok(nothing) } else { table::claim(&self.db, self.topic, room).await };
            let pause = match claimed {
                // There may be more at once: of the same keys, or beyond the batch.
                Ok(Claimed { messages, stepped_back }) if stepped_back || !messages.is_empty() => {
                    self.hand_over(messages, &places, &mut running).await;
                    continue;
                }
                Ok(_) => LOOK,
                Err(error) => {
                    tracing::warn!(topic = self.topic.name, %error, "messages could not be claimed; it is tried again");
                    TROUBLE
                }
            };
            tokio::select! {
                _ = stopping.changed() => {}
                _ = posted.changed() => {}
                Some(_) = running.join_next() => {}
                () = time::sleep(pause) => {}
            }
        }
        while running.join_next().await.is_some() {}
    }

    /// How many may be claimed: never more than can be delivered at once, because a claim is only good for a while.
    fn room(&self, places: &Semaphore) -> u32 {
        u32::try_from(places.available_permits()).unwrap_or(BATCH).min(BATCH)
    }

    async fn hand_over(&self, claimed: Vec<Message>, places: &Arc<Semaphore>, running: &mut JoinSet<()>) {
        for message in claimed {
            let Ok(place) = Arc::clone(places).acquire_owned().await else { return };
            let one = self.clone();
            running.spawn(async move {
                one.deliver(message).await;
                drop(place);
            });
        }
        // What has ended is let go of.
        while running.try_join_next().is_some() {}
    }

    async fn deliver(&self, message: Message) {
        let outcome = self.attempt(&message).await;
        let settled = match outcome {
            Ok(()) => self.delivered(&message).await,
            Err(Undelivered::Later(failure)) if message.attempt < self.topic.attempts => {
                self.meters.failed.increment();
                let wait = self.topic.backoff.without_jitter(message.attempt.saturating_sub(1));
                table::later(&self.db, &message, wait, &failure).await
            }
            Err(Undelivered::Later(failure) | Undelivered::Never(failure)) => {
                self.meters.dead.increment();
                let (topic, id, attempts) = (self.topic.name, &message.id, message.attempt);
                tracing::error!(
                    topic,
                    message.id = id,
                    attempts,
                    failure,
                    "a message could not be delivered and was set aside"
                );
                table::bury(&self.db, &message, &failure).await
            }
        };
        if let Err(error) = settled {
            // Its claim ends by itself, and it is delivered once more.
            tracing::warn!(topic = self.topic.name, message.id = message.id, %error, "what came of a delivery was not kept");
        }
    }

    /// Hands it to the handler, whose panic or delay is a failure like any other.
    async fn attempt(&self, message: &Message) -> Result<(), Undelivered> {
        if message.attempt > self.topic.attempts {
            // It was claimed as often as may be, and nobody lived to tell what came of it.
            return Err(Undelivered::Never("each attempt ended with the process, or took too long".to_owned()));
        }
        let delivery = AssertUnwindSafe(self.handler.deliver(message.clone())).catch_unwind();
        match time::timeout(self.topic.limit, delivery).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(Undelivered::Later("the handler panicked".to_owned())),
            Err(_) => {
                let limit_s = self.topic.limit.as_secs();
                Err(Undelivered::Later(format!("the delivery took longer than {limit_s} s")))
            }
        }
    }

    async fn delivered(&self, message: &Message) -> Result<(), StoreError> {
        if table::delivered(&self.db, message).await? {
            self.meters.delivered.increment();
            let now = i64::try_from(self.clock.now().unix_us).unwrap_or(i64::MAX);
            self.meters.latency.add(now.saturating_sub(message.made_at_us));
        }
        Ok(())
    }
}

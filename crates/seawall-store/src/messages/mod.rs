//! Short messages between the parts of Seawall and between its processes: "forget what you know of this session".
//!
//! Delivered at most once, to whoever listens at that moment: over Redis, over PostgreSQL's notifications, or within the process
//! alone. So a message may only make known sooner what is found out anyway: whoever keeps something must let it expire, or look
//! again. Where messages are known to have been lost, or may have been, a listener is told [`Message::Missed`] and forgets everything.

mod carrier;
mod hub;
mod postgres;
mod redis;
mod state;
mod way;

use std::{sync::Arc, time::Duration};

use seawall_core::meter::Meter;
use tokio::{
    sync::{broadcast::error::RecvError, mpsc, oneshot},
    task::AbortHandle,
    time::timeout,
};

use self::{
    carrier::{Carrier, Outgoing},
    hub::{Hub, Listener},
    state::State,
    way::Way,
};
use crate::{
    OpenError, PostgresUrl,
    counters::{RedisFault, RedisLink, RedisUrl},
    postgres::Notices,
};

pub(crate) use self::state::METRICS;
pub use self::state::Status;

/// How many messages wait to be carried; the others would be too late.
const MOST_WAITING: usize = 1_024;

/// What a listener hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// What somebody published.
    Text(Arc<str>),
    /// Messages may have been lost before this one: whatever they could have been about has to be looked up again.
    Missed,
}

/// Where messages are published and heard. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Messages(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    hub: Arc<Hub>,
    others: Option<Others>,
}

/// The way to other processes, which ends with the last handle.
#[derive(Debug)]
struct Others {
    outgoing: mpsc::Sender<Outgoing>,
    carrier: AbortHandle,
    name: &'static str,
    place: String,
}

impl Drop for Others {
    fn drop(&mut self) {
        self.carrier.abort();
    }
}

impl Messages {
    /// Within this process alone.
    #[must_use]
    pub fn in_process(meter: &dyn Meter) -> Self {
        Self(Arc::new(Inner { hub: Arc::new(Hub::new(State::new(meter, true))), others: None }))
    }

    /// Between all processes at this Redis, carried by a task of the runtime that this is called on. It connects by itself, again and
    /// again.
    ///
    /// # Errors
    /// [`RedisFault::Refused`] when the client cannot do what the URL asks.
    pub fn over_redis(url: RedisUrl, meter: &dyn Meter) -> Result<Self, RedisFault> {
        Ok(Self::carried(RedisLink::new(url)?, meter))
    }

    /// The same between all processes at this PostgreSQL database. A text of more than 7,900 bytes arrives at others as
    /// [`Message::Missed`]: the server carries no longer ones.
    ///
    /// # Errors
    /// [`OpenError`] when connections cannot be encrypted as the URL asks.
    pub fn over_postgres(url: &PostgresUrl, meter: &dyn Meter) -> Result<Self, OpenError> {
        Ok(Self::carried(Notices::new(url)?, meter))
    }

    fn carried(way: impl Way + Sync, meter: &dyn Meter) -> Self {
        let hub = Arc::new(Hub::new(State::new(meter, false)));
        let (name, place) = (way.name(), way.place());
        let (outgoing, waiting) = mpsc::channel(MOST_WAITING);
        let carrier = Carrier::new(way, Arc::clone(&hub), waiting);
        let carrier = tokio::spawn(carrier.carry()).abort_handle();
        Self(Arc::new(Inner { hub, others: Some(Others { outgoing, carrier, name, place }) }))
    }

    /// Tells all who listen to a topic: those of this process now, those of others soon. Nothing is waited for.
    pub fn publish(&self, topic: &'static str, text: &str) {
        let text = Arc::<str>::from(text);
        self.0.hub.deliver(topic, &Message::Text(Arc::clone(&text)));
        self.0.send(topic, text);
    }

    /// Tells those of other processes alone.
    pub fn tell_others(&self, topic: &'static str, text: &str) {
        self.0.send(topic, text.into());
    }

    /// Tells all listeners of this process that messages may have been lost: somebody else has had what they are about.
    pub fn missed(&self) {
        self.0.hub.missed();
    }

    /// Waits until all that was published is on its way to other processes, as long as there is a way, and no longer than this.
    /// Answers whether it is.
    pub async fn flush(&self, within: Duration) -> bool {
        let Some(others) = &self.0.others else { return true };
        let (done, sent) = oneshot::channel();
        if !self.status().connected || others.outgoing.try_send(Outgoing::Flush(done)).is_err() {
            return false;
        }
        matches!(timeout(within, sent).await, Ok(Ok(())))
    }

    /// What carries them to other processes: `redis`, `postgresql`, or nothing.
    #[must_use]
    pub fn carrier(&self) -> Option<&'static str> {
        self.0.others.as_ref().map(|others| others.name)
    }

    /// Where that is, without what is secret.
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        self.0.others.as_ref().map(|others| others.place.as_str())
    }

    /// Whether messages of other processes are heard at the moment; within one process they are. Costs next to nothing.
    #[must_use]
    pub fn heard(&self) -> bool {
        self.0.hub.state.is_connected()
    }

    /// How they fare.
    #[must_use]
    pub fn status(&self) -> Status {
        self.0.hub.state.status()
    }

    /// Listens to a topic from now on.
    #[must_use]
    pub fn subscribe(&self, topic: &'static str) -> Subscription {
        Subscription { listener: self.0.hub.listen(topic), _open: Arc::clone(&self.0) }
    }
}

impl Inner {
    fn send(&self, topic: &'static str, text: Arc<str>) {
        let Some(others) = &self.others else { return };
        if others.outgoing.try_send(Outgoing::Message { topic, text }).is_err() {
            // Others are told that they missed something once there is a way to them.
            self.hub.lost();
        }
    }
}

/// One listener to one topic.
#[derive(Debug)]
pub struct Subscription {
    listener: Listener,
    /// Messages come as long as somebody listens.
    _open: Arc<Inner>,
}

impl Subscription {
    /// The next message, when there is one. It may be dropped while it waits; nothing is lost by that.
    pub async fn next(&mut self) -> Message {
        match self.listener.recv().await {
            Ok(message) => message,
            // The hub outlives its subscriptions, so it is never closed before them.
            Err(RecvError::Lagged(_) | RecvError::Closed) => Message::Missed,
        }
    }
}

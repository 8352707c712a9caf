//! Short messages between the parts of Seawall and between its processes: "forget what you know of this session".
//!
//! Delivered at most once, to whoever listens at that moment: over Redis when it is configured, else within the process alone. So a
//! message may only make known sooner what is found out anyway: whoever keeps something must let it expire, or look again. Where
//! messages are known to have been lost, or may have been, a listener is told [`Message::Missed`] and forgets everything.

mod carrier;
mod hub;

use std::sync::Arc;

use tokio::{
    sync::{broadcast::error::RecvError, mpsc},
    task::AbortHandle,
};

use self::{
    carrier::{Carrier, Outgoing},
    hub::{Hub, Listener},
};
use crate::counters::{RedisFault, RedisLink, RedisUrl};

/// How many messages wait for Redis; the others would be too late.
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
}

impl Drop for Others {
    fn drop(&mut self) {
        self.carrier.abort();
    }
}

impl Messages {
    /// Within this process alone.
    #[must_use]
    pub fn in_process() -> Self {
        Self(Arc::new(Inner { hub: Arc::default(), others: None }))
    }

    /// Between all processes at this Redis, carried by a task of the runtime that this is called on. It connects by itself, again and
    /// again.
    ///
    /// # Errors
    /// [`RedisFault::Refused`] when the client cannot do what the URL asks.
    pub fn over_redis(url: RedisUrl) -> Result<Self, RedisFault> {
        let hub = Arc::<Hub>::default();
        let (outgoing, waiting) = mpsc::channel(MOST_WAITING);
        let carrier = Carrier::new(RedisLink::new(url)?, Arc::clone(&hub), waiting);
        let carrier = tokio::spawn(carrier.carry()).abort_handle();
        Ok(Self(Arc::new(Inner { hub, others: Some(Others { outgoing, carrier }) })))
    }

    /// Tells all who listen to a topic: those of this process now, those of others soon.
    pub fn publish(&self, topic: &'static str, text: &str) {
        let Inner { hub, others } = &*self.0;
        let text = Arc::<str>::from(text);
        hub.deliver(topic, &Message::Text(Arc::clone(&text)));
        let handed_over =
            others.as_ref().is_none_or(|others| others.outgoing.try_send(Outgoing { topic, text }).is_ok());
        if !handed_over {
            // Others are told that they missed something once there is a way to them.
            hub.lost();
        }
    }

    /// Listens to a topic from now on.
    #[must_use]
    pub fn subscribe(&self, topic: &'static str) -> Subscription {
        Subscription { listener: self.0.hub.listen(topic), _open: Arc::clone(&self.0) }
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

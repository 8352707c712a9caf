//! Carrying messages between this process and others, over Redis.
//!
//! A connection that hears nothing may be broken without anybody knowing. So a carrier speaks to itself now and then, by the same
//! way as all messages, and begins anew when it does not hear itself.

use std::{convert::Infallible, sync::Arc, time::Duration};

use futures_util::StreamExt;
use redis::{Cmd, Msg, RedisError, aio::MultiplexedConnection};
use tokio::{
    sync::mpsc,
    time::{self, MissedTickBehavior},
};

use super::{Message, hub::Hub};
use crate::counters::{CONNECTING, RedisFault, RedisLink};

/// What stands before a topic in the name of its channel.
const PREFIX: &str = "seawall:message:";
/// The topic of what a carrier says to itself; topics of the code have no such sign.
const BEAT: &str = "!beat";
/// The topic of what tells others that messages were lost.
const MISSED: &str = "!missed";
const BEAT_EVERY: Duration = Duration::from_secs(5);
/// Beats that may be missing before the connection is given up.
const MOST_SILENT: u32 = 3;
/// How long Redis is left alone after a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// A message on its way to other processes.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) topic: &'static str,
    pub(super) text: Arc<str>,
}

pub(super) struct Carrier {
    link: RedisLink,
    hub: Arc<Hub>,
    outgoing: mpsc::Receiver<Outgoing>,
    /// Who this is: what comes back is known by it.
    id: String,
}

impl Carrier {
    pub(super) fn new(link: RedisLink, hub: Arc<Hub>, outgoing: mpsc::Receiver<Outgoing>) -> Self {
        Self { link, hub, outgoing, id: format!("{:016x}", fastrand::u64(..)) }
    }

    /// Carries until it is aborted.
    pub(super) async fn carry(mut self) {
        let mut told = false;
        loop {
            let Err(fault) = self.connection(&mut told).await;
            if !told {
                tracing::warn!(error = %fault, "messages to and from other processes are lost until Redis can be used");
                told = true;
            }
            time::sleep(PAUSE).await;
        }
    }

    /// One connection, from its begin to its end.
    async fn connection(&mut self, told: &mut bool) -> Result<Infallible, RedisFault> {
        let mut sending = self.link.open().await?;
        let listening = self.in_time(self.link.client().get_async_pubsub()).await?;
        let (mut sink, mut heard) = listening.split();
        self.in_time(sink.psubscribe(format!("{PREFIX}*"))).await?;
        if std::mem::take(told) {
            tracing::info!("messages reach other processes again");
        }
        // What others said meanwhile is not known.
        self.hub.missed();
        let mut beat = time::interval(BEAT_EVERY);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut silent = 0;
        loop {
            tokio::select! {
                message = heard.next() => match message {
                    Some(message) => {
                        silent = 0;
                        self.hear(&message);
                    }
                    None => return Err(self.link.silent()),
                },
                Some(message) = self.outgoing.recv() => self.send(&mut sending, message.topic, &message.text).await?,
                _ = beat.tick() => {
                    silent += 1;
                    if silent > MOST_SILENT {
                        return Err(self.link.silent());
                    }
                    self.send(&mut sending, BEAT, "").await?;
                }
            }
            if self.hub.take_lost() {
                self.send(&mut sending, MISSED, "").await?;
            }
        }
    }

    /// Sends a message. One that fails is lost, and others are told so later.
    async fn send(&self, sending: &mut MultiplexedConnection, topic: &str, text: &str) -> Result<(), RedisFault> {
        let mut publish = Cmd::new();
        publish.arg("PUBLISH").arg(format!("{PREFIX}{topic}")).arg(format!("{}{text}", self.id));
        let sent = self.in_time(publish.query_async::<()>(sending)).await;
        if sent.is_err() && topic != BEAT {
            self.hub.lost();
        }
        sent
    }

    fn hear(&self, message: &Msg) {
        let Some(topic) = message.get_channel_name().strip_prefix(PREFIX) else { return };
        let Ok(text) = message.get_payload::<String>() else { return };
        let Some((from, text)) = text.split_at_checked(self.id.len()) else { return };
        match topic {
            // Who listens here heard it when it was published.
            _ if from == self.id => {}
            BEAT => {}
            MISSED => self.hub.missed(),
            topic => self.hub.deliver(topic, &Message::Text(text.into())),
        }
    }

    async fn in_time<T>(&self, doing: impl Future<Output = Result<T, RedisError>>) -> Result<T, RedisFault> {
        match time::timeout(CONNECTING, doing).await {
            Ok(done) => done.map_err(|error| self.link.fault(&error)),
            Err(_) => Err(self.link.silent()),
        }
    }
}

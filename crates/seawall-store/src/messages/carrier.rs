//! Carrying messages between this process and others.
//!
//! A connection that hears nothing may be broken without anybody knowing. So a carrier speaks to itself twice a second, by the same
//! way as all messages. When it does not hear itself it says that it is cut off, so that caches believe what they have for a shorter
//! time; when that lasts, it begins anew.

use std::{convert::Infallible, future::Future, pin::pin, sync::Arc, time::Duration};

use futures_util::StreamExt;
use tokio::{
    sync::{mpsc, oneshot},
    time::{self, MissedTickBehavior},
};

use super::{
    Message,
    hub::Hub,
    way::{Heard, PATIENCE, Way},
};

/// The topic of what a carrier says to itself; topics of the code have no such sign.
const BEAT: &str = "!beat";
/// The topic of what tells others that messages were lost: those of the topic that it names, or of all.
const MISSED: &str = "!missed";
/// With [`UNHEARD`] this is less than caches keep what decides over access while they are cut off.
const BEAT_EVERY: Duration = Duration::from_millis(500);
/// From how many beats on that are missing nobody can rely on hearing of others: the connection may only be slow.
const UNHEARD: u64 = 2;
/// For how long the other side may take to answer before that is so.
const SLOW: Duration = Duration::from_secs(1);
/// How often others are told that messages were lost, at most: they forget everything each time.
const WORD_EVERY: Duration = Duration::from_secs(1);
/// Beats that may be missing before the connection is given up.
const MOST_SILENT: u64 = 30;
/// How long the other side is left alone after a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// What is on its way to other processes.
#[derive(Debug)]
pub(super) enum Outgoing {
    /// A message.
    Message {
        /// What it is about.
        topic: &'static str,
        /// What it says.
        text: Arc<str>,
    },
    /// Somebody wants to know when all before this is sent.
    Flush(oneshot::Sender<()>),
}

pub(super) struct Carrier<W> {
    way: W,
    hub: Arc<Hub>,
    outgoing: mpsc::Receiver<Outgoing>,
    /// Who this is: what comes back is known by it.
    id: String,
}

impl<W: Way + Sync> Carrier<W> {
    pub(super) fn new(way: W, hub: Arc<Hub>, outgoing: mpsc::Receiver<Outgoing>) -> Self {
        Self { way, hub, outgoing, id: format!("{:016x}", fastrand::u64(..)) }
    }

    /// Carries until it is aborted.
    pub(super) async fn carry(mut self) {
        let mut told = false;
        loop {
            let Err(why) = self.connection(&mut told).await;
            self.hub.state.broken(&why);
            if !told {
                tracing::warn!(
                    carrier = self.way.name(),
                    error = why,
                    "messages to and from other processes are lost until they can be carried again"
                );
                told = true;
            }
            time::sleep(PAUSE).await;
        }
    }

    /// One connection, from its begin to its end.
    async fn connection(&mut self, told: &mut bool) -> Result<Infallible, String> {
        let (mut sending, mut heard) = self.in_time(self.way.open()).await?;
        self.hub.state.connected();
        if std::mem::take(told) {
            tracing::info!(carrier = self.way.name(), "messages reach other processes again");
        }
        // What others said meanwhile is not known.
        self.hub.missed();
        let mut beat = time::interval(BEAT_EVERY);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut word = time::interval(WORD_EVERY);
        word.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Beats that were sent, and the latest of them that came back.
        let (mut beats, mut returned) = (0_u64, 0);
        loop {
            tokio::select! {
                message = heard.next() => match message {
                    Some(message) => {
                        self.hear(&message);
                        returned = self.own_beat(&message).unwrap_or(returned);
                        // What others said before the latest beat has come too: messages stay in their order. What another says shows
                        // nothing of the kind, and an earlier beat little.
                        if self.own_beat(&message) == Some(beats) && !self.hub.state.is_connected() {
                            self.hub.state.connected();
                        }
                    }
                    None => return Err(format!("{}: the connection was closed", self.way.place())),
                },
                Some(outgoing) = self.outgoing.recv() => match outgoing {
                    Outgoing::Message { topic, text } => self.forward(&mut sending, topic, &text).await?,
                    Outgoing::Flush(done) => {
                        self.own_up(&mut sending).await?;
                        // Whoever asked may have given up.
                        let _told = done.send(());
                    }
                },
                _ = word.tick() => self.own_up(&mut sending).await?,
                _ = beat.tick() => {
                    beats += 1;
                    let silent = beats.saturating_sub(returned);
                    let lost = || format!("{}: what is sent there does not come back", self.way.place());
                    if silent > MOST_SILENT {
                        return Err(lost());
                    }
                    if silent > UNHEARD {
                        self.hub.state.broken(&lost());
                    }
                    self.send(&mut sending, BEAT, &beats.to_string()).await?;
                }
            }
        }
    }

    /// Tells others that messages were lost, when some were. Those that still wait are among what that means.
    async fn own_up(&mut self, sending: &mut W::Sending) -> Result<(), String> {
        if !self.hub.take_lost() {
            return Ok(());
        }
        for _ in 0..self.outgoing.len() {
            if let Ok(Outgoing::Flush(done)) = self.outgoing.try_recv() {
                let _told = done.send(());
            }
        }
        self.send(sending, MISSED, "").await.inspect_err(|_| self.hub.owe_word())
    }

    /// Sends a message. One that fails is lost, and others are told so later.
    async fn forward(&self, sending: &mut W::Sending, topic: &str, text: &str) -> Result<(), String> {
        let sent = self.send(sending, topic, text).await;
        match &sent {
            Ok(()) => self.hub.state.sent(),
            Err(_) => self.hub.lost(),
        }
        sent
    }

    /// Sends a text. In the place of one that is too long for the way, others are told that they have missed something.
    async fn send(&self, sending: &mut W::Sending, topic: &str, text: &str) -> Result<(), String> {
        let text = format!("{}{text}", self.id);
        if W::takes(topic, &text) {
            return self.in_time(self.way.send(sending, topic, &text)).await;
        }
        let text = format!("{}{topic}", self.id);
        self.in_time(self.way.send(sending, MISSED, &text)).await
    }

    fn hear(&self, (topic, text): &Heard) {
        let Some((from, text)) = text.split_at_checked(self.id.len()) else { return };
        match topic.as_str() {
            // Who listens here heard it when it was published.
            _ if from == self.id => {}
            BEAT => {}
            MISSED if text.is_empty() => self.hub.missed(),
            MISSED => self.hub.missed_of(text),
            topic => {
                self.hub.state.heard();
                self.hub.deliver(topic, &Message::Text(text.into()));
            }
        }
    }

    /// Which of the beats of this process it is, when it is one.
    fn own_beat(&self, (topic, text): &Heard) -> Option<u64> {
        text.strip_prefix(&*self.id).filter(|_| topic == BEAT)?.parse().ok()
    }

    /// Waits for the other side. One that is slow may be gone: until a beat comes back nothing is heard here either.
    async fn in_time<T>(&self, doing: impl Future<Output = Result<T, String>>) -> Result<T, String> {
        let silent = |patience: Duration| format!("{}: no answer within {} ms", self.way.place(), patience.as_millis());
        let mut doing = pin!(time::timeout(PATIENCE, doing));
        if let Ok(done) = time::timeout(SLOW, &mut doing).await {
            return done.map_err(|_| silent(PATIENCE))?;
        }
        self.hub.state.broken(&silent(SLOW));
        doing.await.map_err(|_| silent(PATIENCE))?
    }
}

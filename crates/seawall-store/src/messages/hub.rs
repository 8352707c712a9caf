//! Topics within a process, and who listens to them.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::broadcast;

use super::{Message, state::State};

pub(super) type Listener = broadcast::Receiver<Message>;

/// How many messages a listener may be behind, before it is told that it missed some.
const MOST_BEHIND: usize = 256;

/// Topics are named in the code, so there are only so many.
#[derive(Debug)]
pub(super) struct Hub {
    topics: Mutex<HashMap<&'static str, broadcast::Sender<Message>>>,
    /// A message to other processes was thrown away.
    lost: AtomicBool,
    pub(super) state: State,
}

impl Hub {
    pub(super) fn new(state: State) -> Self {
        Self { topics: Mutex::default(), lost: AtomicBool::new(false), state }
    }

    pub(super) fn listen(&self, topic: &'static str) -> Listener {
        self.topics().entry(topic).or_insert_with(|| broadcast::Sender::new(MOST_BEHIND)).subscribe()
    }

    pub(super) fn deliver(&self, topic: &str, message: &Message) {
        if let Some(topic) = self.topics().get(topic) {
            // Nobody may listen any more.
            let _heard = topic.send(message.clone());
        }
    }

    /// Tells everybody that messages may have been lost.
    pub(super) fn missed(&self) {
        self.state.missed();
        for topic in self.topics().values() {
            let _heard = topic.send(Message::Missed);
        }
    }

    /// The same to those who listen to one topic.
    pub(super) fn missed_of(&self, topic: &str) {
        self.state.missed();
        self.deliver(topic, &Message::Missed);
    }

    /// A message to other processes is thrown away.
    pub(super) fn lost(&self) {
        self.state.lost();
        self.owe_word();
    }

    /// Others are to be told that something was lost.
    pub(super) fn owe_word(&self) {
        self.lost.store(true, Ordering::Relaxed);
    }

    /// Whether one was, since this was last asked.
    pub(super) fn take_lost(&self) -> bool {
        self.lost.swap(false, Ordering::Relaxed)
    }

    fn topics(&self) -> MutexGuard<'_, HashMap<&'static str, broadcast::Sender<Message>>> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

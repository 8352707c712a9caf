//! Telling of sessions that have ended: here at once, on other nodes by a message.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use seawall_core::principal::{Listener, Revocations, Revoked};
use seawall_store::{
    Db, Lane, StoreError,
    messages::{Message, Messages, Subscription},
};
use tokio::task::AbortHandle;

use super::table;
use crate::{devices::table as devices, keys::table as keys};

/// What nodes tell each other by.
const TOPIC: &str = "revoked_sessions";

/// How far it is looked back for sessions whose end may have been missed, and how many of them are told.
const LOOK_BACK: Duration = Duration::from_secs(60 * 60);
const MOST_MISSED: u32 = 10_000;

/// How long is waited before the store is asked again.
const AGAIN: Duration = Duration::from_secs(1);

/// Tells whoever listens. Cheap to clone.
#[derive(Clone)]
pub struct Revoker(Arc<Inner>);

struct Inner {
    listeners: Arc<Listeners>,
    messages: Messages,
    heard: AbortHandle,
}

#[derive(Default)]
struct Listeners(Mutex<Vec<Listener>>);

impl Listeners {
    fn tell(&self, revoked: &Revoked) {
        let listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.iter().for_each(|listener| listener(revoked));
    }
}

impl Revoker {
    /// Listens to other nodes, on the runtime that this is called on.
    pub(crate) fn new(db: Db, messages: Messages) -> Self {
        let listeners = Arc::<Listeners>::default();
        let heard = tokio::spawn(hear(db, messages.subscribe(TOPIC), Arc::clone(&listeners))).abort_handle();
        Self(Arc::new(Inner { listeners, messages, heard }))
    }

    /// Tells that it holds no longer. Does not wait.
    pub(crate) fn tell(&self, revoked: &Revoked) {
        self.0.listeners.tell(revoked);
        self.0.messages.tell_others(TOPIC, &write(revoked));
    }
}

impl Revocations for Revoker {
    fn listen(&self, listener: Listener) {
        self.0.listeners.0.lock().unwrap_or_else(PoisonError::into_inner).push(listener);
    }
}

impl fmt::Debug for Revoker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Revoker")
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.heard.abort();
    }
}

/// Passes on what other nodes tell.
async fn hear(db: Db, mut subscription: Subscription, listeners: Arc<Listeners>) {
    loop {
        match subscription.next().await {
            Message::Text(text) => match read(&text) {
                Some(revoked) => listeners.tell(&revoked),
                None => tracing::warn!("another node told of a session's end in words that are not known here"),
            },
            Message::Missed => missed(&db, &listeners).await,
        }
    }
}

/// Tells of all sessions and keys that ended a while ago: one of them may have been missed. Ending one twice does no harm.
async fn missed(db: &Db, listeners: &Listeners) {
    let ended = loop {
        let read = |tx: &mut seawall_store::ReadTx<'_>| {
            let (session,): (i64,) = tx.one("SELECT COALESCE(MAX(ended_at), 0) FROM sessions", &[])?;
            let (key,): (i64,) = tx.one("SELECT COALESCE(MAX(revoked_at), 0) FROM api_keys", &[])?;
            let look_back = i64::try_from(LOOK_BACK.as_micros()).unwrap_or(i64::MAX);
            let sessions = table::ended_since(tx, session.saturating_sub(look_back), MOST_MISSED)?;
            let keys = keys::ended_since(tx, key.saturating_sub(look_back), MOST_MISSED)?;
            let keys = keys.into_iter().chain(devices::ended(tx, look_back, MOST_MISSED)?);
            let sessions = sessions.into_iter().map(|id| Revoked::Session(id.into()));
            Ok(sessions.chain(keys.map(|id| Revoked::Principal(id.into()))).collect::<Vec<_>>())
        };
        match db.read::<_, StoreError>(Lane::Background, read).await {
            Ok(ended) => break ended,
            Err(StoreError::Closed) => return,
            Err(error) => {
                tracing::warn!(%error, "which sessions and keys ended could not be read; it is tried again");
                tokio::time::sleep(AGAIN).await;
            }
        }
    };
    ended.iter().for_each(|revoked| listeners.tell(revoked));
}

fn write(revoked: &Revoked) -> String {
    match revoked {
        Revoked::Session(id) => format!("session {id}"),
        Revoked::Principal(id) => format!("principal {id}"),
    }
}

fn read(text: &str) -> Option<Revoked> {
    match text.split_once(' ')? {
        ("session", id) => Some(Revoked::Session(id.into())),
        ("principal", id) => Some(Revoked::Principal(id.into())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_node_writes_another_reads() {
        for revoked in [Revoked::Session("s1".into()), Revoked::Principal("u1".into())] {
            assert_eq!(read(&write(&revoked)), Some(revoked));
        }
        assert_eq!(["", "session", "key k1"].map(read), [None, None, None]);
    }
}

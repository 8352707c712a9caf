//! Telling of sessions that have ended: here at once, on other nodes by a message.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use seawall_core::principal::{Listener, Revocations, Revoked};
use seawall_store::{
    Db, Lane, ReadTx, StoreError,
    messages::{Message, Messages, Subscription},
};
use tokio::task::AbortHandle;

use super::table;
use crate::{devices::table as devices, keys::table as keys};

/// What nodes tell each other by.
const TOPIC: &str = "revoked_sessions";

/// How much further than to the latest end that this node knew it is looked back for what it may have missed: clocks of nodes differ, and
/// what ended earlier may be written later.
const LOOK_BACK_US: i64 = 60 * 60 * 1_000_000;

/// What ended is read in pages of so many rows.
const PAGE: u32 = 1_000;

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
    let Some(mut known_until) = read_until_it_is_read(&db, latest).await else { return };
    loop {
        match subscription.next().await {
            Message::Text(text) => match read(&text) {
                Some(revoked) => listeners.tell(&revoked),
                None => tracing::warn!("another node told of a session's end in words that are not known here"),
            },
            Message::Missed => match missed(&db, &listeners, known_until.saturating_sub(LOOK_BACK_US)).await {
                Some(until) => known_until = until,
                None => return,
            },
        }
    }
}

/// Tells of all that ended since then: one of them may have been missed. Ending one twice does no harm. Answers until when everything
/// is known; nothing when the store is closed.
async fn missed(db: &Db, listeners: &Listeners, since_us: i64) -> Option<i64> {
    let until = read_until_it_is_read(db, latest).await?;
    let mut place = (since_us, String::new());
    loop {
        let after = place.clone();
        let ended = move |tx: &mut ReadTx<'_>| table::ended_after(tx, (after.0, &after.1), PAGE);
        let page = read_until_it_is_read(db, ended).await?;
        page.iter().for_each(|(_, id)| listeners.tell(&Revoked::Session(id.as_str().into())));
        match page.into_iter().last() {
            Some(last) => place = last,
            None => break,
        }
    }
    for ended in [keys::ended_after, devices::ended_after] {
        let mut last = String::new();
        loop {
            let after = last.clone();
            let page = read_until_it_is_read(db, move |tx: &mut ReadTx<'_>| ended(tx, since_us, &after, PAGE)).await?;
            page.iter().for_each(|id| listeners.tell(&Revoked::Principal(id.as_str().into())));
            match page.into_iter().last() {
                Some(id) => last = id,
                None => break,
            }
        }
    }
    Some(until)
}

/// When the latest of all that ended did.
fn latest(tx: &mut ReadTx<'_>) -> Result<i64, StoreError> {
    let sql = "SELECT COALESCE(MAX(at), 0) FROM (SELECT MAX(ended_at) AS at FROM sessions WHERE ended_at IS NOT NULL UNION ALL SELECT MAX(revoked_at) FROM api_keys
        UNION ALL SELECT MAX(revoked_at) FROM devices) AS ends";
    tx.one::<(i64,)>(sql, &[]).map(|(at,)| at)
}

/// What the store answers, however long it takes to answer; nothing when it is closed.
async fn read_until_it_is_read<T: Send + 'static>(
    db: &Db,
    read: impl Fn(&mut ReadTx<'_>) -> Result<T, StoreError> + Clone + Send + 'static,
) -> Option<T> {
    loop {
        match db.read::<_, StoreError>(Lane::Background, read.clone()).await {
            Ok(found) => return Some(found),
            Err(StoreError::Closed) => return None,
            Err(error) => {
                tracing::warn!(%error, "which sessions and keys ended could not be read; it is tried again");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
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

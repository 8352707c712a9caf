//! What is done to the table of messages.

use std::time::Duration;

use super::{Message, Topic};
use crate::{Cause, Db, FromRow, Lane, Row, StoreError, Tx, audit::Entry};

const CAUSE: Cause = Cause::system("outbox");

/// What is kept of a failure, in characters.
const LONGEST_FAILURE: usize = 500;

/// Claims messages of a topic that are due and whose turn it is: nothing of their key is before them.
pub(super) async fn claim(db: &Db, topic: Topic, most: u32) -> Result<Vec<Message>, StoreError> {
    // Longer than the delivery may take, so that nobody else claims what is still being delivered.
    let lease_us = us(topic.limit + Duration::from_secs(15));
    db.write(&CAUSE, move |tx| {
        let now = tx.at_us();
        // The outer conditions are looked at again when another process has just claimed the row.
        let mut claimed: Vec<Message> = tx.all(
            "UPDATE outbox SET due_at = $3, attempt = attempt + 1
             WHERE id IN (
                 SELECT id FROM outbox AS candidate
                 WHERE topic = $1 AND due_at <= $2 AND NOT dead
                   AND NOT EXISTS (
                       SELECT 1 FROM outbox AS earlier
                       WHERE earlier.topic = candidate.topic AND earlier.message_key = candidate.message_key
                         AND earlier.id < candidate.id AND NOT earlier.dead)
                 ORDER BY due_at LIMIT $4)
               AND due_at <= $2 AND NOT dead
             RETURNING id, topic, message_key, payload, request_id, made_at, attempt",
            &[&topic.name, &now, &(now + lease_us), &most],
        )?;
        claimed.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(claimed)
    })
    .await
}

/// Removes a delivered message, unless another has claimed it since. Answers whether it was removed.
pub(super) async fn delivered(db: &Db, message: &Message) -> Result<bool, StoreError> {
    let (id, attempt) = (message.id.clone(), message.attempt);
    db.write(&CAUSE, move |tx| {
        Ok(tx.execute("DELETE FROM outbox WHERE id = $1 AND attempt = $2", &[&id, &attempt])? > 0)
    })
    .await
}

/// Puts a message back for later, unless another has claimed it since.
pub(super) async fn later(db: &Db, message: &Message, wait: Duration, failure: &str) -> Result<(), StoreError> {
    let (id, attempt, failure, wait_us) = (message.id.clone(), message.attempt, shortened(failure), us(wait));
    db.write(&CAUSE, move |tx| {
        let due_at = tx.at_us() + wait_us;
        let sql = "UPDATE outbox SET due_at = $3, failure = $4 WHERE id = $1 AND attempt = $2";
        tx.execute(sql, &[&id, &attempt, &due_at, &failure]).map(drop)
    })
    .await
}

/// Sets a message aside, unless another has claimed it since.
pub(super) async fn bury(db: &Db, message: &Message, failure: &str) -> Result<(), StoreError> {
    let (id, attempt, failure) = (message.id.clone(), message.attempt, shortened(failure));
    db.write(&CAUSE, move |tx| {
        let sql = "UPDATE outbox SET dead = TRUE, failure = $3 WHERE id = $1 AND attempt = $2";
        tx.execute(sql, &[&id, &attempt, &failure]).map(drop)
    })
    .await
}

/// How many messages wait, and when the oldest was written.
pub(super) async fn waiting(db: &Db) -> Result<(i64, Option<i64>), StoreError> {
    db.read(Lane::Background, |tx| tx.one("SELECT COUNT(*), MIN(made_at) FROM outbox WHERE NOT dead", &[])).await
}

/// A message that was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dead {
    /// Its id.
    pub id: String,
    /// What kind.
    pub topic: String,
    /// What it is about.
    pub key: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last attempt failed.
    pub failure: Option<String>,
    /// When it was written, in microseconds since 1970-01-01T00:00:00Z.
    pub made_at_us: i64,
}

impl FromRow for Dead {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            topic: row.get("topic")?,
            key: row.get("message_key")?,
            attempts: row.get("attempt")?,
            failure: row.get("failure")?,
            made_at_us: row.get("made_at")?,
        })
    }
}

/// Up to `limit` messages that were set aside, after the one of this id.
///
/// # Errors
/// [`StoreError`].
pub async fn dead(db: &Db, after: &str, limit: u32) -> Result<Vec<Dead>, StoreError> {
    let after = after.to_owned();
    db.read(Lane::Interactive, move |tx| {
        tx.all(
            "SELECT id, topic, message_key, attempt, failure, made_at FROM outbox WHERE dead AND id > $1 ORDER BY id LIMIT $2",
            &[&after, &limit],
        )
    })
    .await
}

/// Lets a message that was set aside be tried again. Answers whether there was one.
///
/// # Errors
/// [`StoreError`].
pub async fn revive(db: &Db, cause: &Cause, id: &str) -> Result<bool, StoreError> {
    let id = id.to_owned();
    db.write(cause, move |tx| {
        let now = tx.at_us();
        // The attempts go on counting, because they are the fence; it gets one more.
        let revived = tx
            .execute("UPDATE outbox SET dead = FALSE, due_at = $2, attempt = 0 WHERE id = $1 AND dead", &[&id, &now])?
            > 0;
        recorded(tx, "outbox.revived", &id, revived)
    })
    .await
}

/// Removes a message that was set aside. Answers whether there was one.
///
/// # Errors
/// [`StoreError`].
pub async fn discard(db: &Db, cause: &Cause, id: &str) -> Result<bool, StoreError> {
    let id = id.to_owned();
    db.write(cause, move |tx| {
        let gone = tx.execute("DELETE FROM outbox WHERE id = $1 AND dead", &[&id])? > 0;
        recorded(tx, "outbox.discarded", &id, gone)
    })
    .await
}

fn recorded(tx: &mut Tx<'_>, action: &'static str, id: &str, done: bool) -> Result<bool, StoreError> {
    if done {
        tx.audit(Entry::new(action, "message", id))?;
        tx.posted();
    }
    Ok(done)
}

fn us(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn shortened(failure: &str) -> String {
    failure.chars().filter(|&character| character != '\0').take(LONGEST_FAILURE).collect()
}

//! What is done to the table of messages.

use std::time::Duration;

use super::{Message, Topic};
use crate::{Cause, Db, FromRow, Lane, Row, StoreError, Tx, audit::Entry};

const CAUSE: Cause = Cause::system("outbox");

/// What is kept of a failure, in characters.
const LONGEST_FAILURE: usize = 500;

/// Due messages of a topic that one claim looks at, however many there are.
const LOOKED_AT: u32 = 256;

/// How far messages step back whose turn it is not. They are called forward when it is. This is for those that nobody called: on
/// PostgreSQL, when the one before them was removed in the moment in which they were written.
const STEP_BACK: Duration = Duration::from_secs(15);

/// When a message is due that was called forward. PostgreSQL looks at this again when the row has changed meanwhile, so that a claim
/// which still saw another message before it does not make it step back.
const CALLED_FORWARD: i64 = 0;

/// What a claim came to.
pub(super) struct Claimed {
    pub(super) messages: Vec<Message>,
    /// Some made room for others that are due: it is worth while to claim again at once.
    pub(super) stepped_back: bool,
}

/// Claims messages of a topic that are due and whose turn it is: nothing of their key is before them. Due ones behind another step
/// back, so that they are not looked at again and again, and never hide the one before them.
pub(super) async fn claim(db: &Db, topic: Topic, most: u32) -> Result<Claimed, StoreError> {
    // Longer than the delivery may take, so that nobody else claims what is still being delivered.
    let lease_us = us(topic.limit + Duration::from_secs(15));
    db.write(&CAUSE, move |tx| {
        let now = tx.at_us();
        let stepped_back = tx.execute(
            "UPDATE outbox SET due_at = $3
             WHERE id IN (SELECT id FROM outbox WHERE topic = $1 AND due_at <= $2 AND NOT dead ORDER BY due_at LIMIT $4)
               AND EXISTS (
                   SELECT 1 FROM outbox AS earlier
                   WHERE earlier.topic = outbox.topic AND earlier.message_key = outbox.message_key
                     AND earlier.id < outbox.id AND NOT earlier.dead)
               AND due_at <> $5",
            &[&topic.name, &now, &(now + us(STEP_BACK)), &LOOKED_AT, &CALLED_FORWARD],
        )?;
        // The outer conditions are looked at again when another process has just claimed the row.
        let mut messages: Vec<Message> = tx.all(
            "UPDATE outbox SET due_at = $3, attempt = attempt + 1
             WHERE id IN (
                 SELECT id FROM (
                     SELECT id, topic, message_key FROM outbox
                     WHERE topic = $1 AND due_at <= $2 AND NOT dead ORDER BY due_at LIMIT $5) AS candidate
                 WHERE NOT EXISTS (
                     SELECT 1 FROM outbox AS earlier
                     WHERE earlier.topic = candidate.topic AND earlier.message_key = candidate.message_key
                       AND earlier.id < candidate.id AND NOT earlier.dead)
                 LIMIT $4)
               AND due_at <= $2 AND NOT dead
             RETURNING id, topic, message_key, payload, request_id, made_at, attempt",
            &[&topic.name, &now, &(now + lease_us), &most, &LOOKED_AT],
        )?;
        messages.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(Claimed { messages, stepped_back: stepped_back > 0 })
    })
    .await
}

/// Removes a delivered message, unless another has claimed it since. Answers whether it was removed.
pub(super) async fn delivered(db: &Db, message: &Message) -> Result<bool, StoreError> {
    let message = message.clone();
    db.write(&CAUSE, move |tx| {
        let sql = "DELETE FROM outbox WHERE id = $1 AND attempt = $2";
        let removed = tx.execute(sql, &[&message.id, &message.attempt])? > 0;
        if removed {
            call_forward(tx, &message)?;
        }
        Ok(removed)
    })
    .await
}

/// Makes the next message of the key due, now that nothing is before it. One that was tried already has a time of its own.
fn call_forward(tx: &mut Tx<'_>, before: &Message) -> Result<(), StoreError> {
    let sql = "UPDATE outbox SET due_at = $3
               WHERE id = (SELECT id FROM outbox WHERE topic = $1 AND message_key = $2 AND NOT dead ORDER BY id LIMIT 1)
                 AND attempt = 0";
    tx.execute(sql, &[&before.topic, &before.key, &CALLED_FORWARD]).map(drop)
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
    let (message, failure) = (message.clone(), shortened(failure));
    db.write(&CAUSE, move |tx| {
        let sql = "UPDATE outbox SET dead = TRUE, failure = $3 WHERE id = $1 AND attempt = $2";
        if tx.execute(sql, &[&message.id, &message.attempt, &failure])? > 0 {
            call_forward(tx, &message)?;
        }
        Ok(())
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

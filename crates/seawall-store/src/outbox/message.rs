//! Messages, and who takes them.

use std::{fmt, sync::Arc, time::Duration};

use seawall_core::{reply::BoxFuture, resilience::Backoff};

use crate::{FromRow, Row, StoreError, Tx, id};

/// A kind of message, and how it is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its name: `mail`.
    pub name: &'static str,
    /// How long a delivery may take; then it counts as failed, and the message is claimed again.
    pub limit: Duration,
    /// How often it is tried before it is set aside.
    pub attempts: u32,
    /// How long it waits between attempts.
    pub backoff: Backoff,
}

impl Topic {
    /// A topic whose deliveries take 30 s at most and are tried twelve times, from 1 s to 1 h apart: some three hours in all.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        let backoff = Backoff { first: Duration::from_secs(1), most: Duration::from_secs(3_600), factor: 3 };
        Self { name, limit: Duration::from_secs(30), attempts: 12, backoff }
    }
}

/// A message that is delivered.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id: the same at each attempt, so that whoever receives it can tell that it came twice.
    pub id: String,
    /// What kind.
    pub topic: String,
    /// What it is about; messages of one key follow one another.
    pub key: String,
    /// Its content, JSON as a rule.
    pub payload: String,
    /// The request in which it was written.
    pub request_id: Option<String>,
    /// When it was written, in microseconds since 1970-01-01T00:00:00Z.
    pub made_at_us: i64,
    /// Which attempt this is, from 1.
    pub attempt: u32,
}

// The payload may be secret.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, topic, attempt, .. } = self;
        f.debug_struct("Message")
            .field("id", id)
            .field("topic", topic)
            .field("attempt", attempt)
            .finish_non_exhaustive()
    }
}

impl FromRow for Message {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            topic: row.get("topic")?,
            key: row.get("message_key")?,
            payload: row.get("payload")?,
            request_id: row.get("request_id")?,
            made_at_us: row.get("made_at")?,
            attempt: row.get("attempt")?,
        })
    }
}

/// Why a message was not delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undelivered {
    /// It may be later.
    Later(String),
    /// It never will; it is set aside at once.
    Never(String),
}

/// Takes the messages of one topic. A message may come more than once.
pub trait Handler: fmt::Debug + Send + Sync {
    /// Delivers it.
    fn deliver(&self, message: Message) -> BoxFuture<'static, Result<(), Undelivered>>;
}

impl<T: Handler + ?Sized> Handler for Arc<T> {
    fn deliver(&self, message: Message) -> BoxFuture<'static, Result<(), Undelivered>> {
        (**self).deliver(message)
    }
}

impl Tx<'_> {
    /// Writes a message, delivered at least once when this transaction is kept. Messages of one key are delivered in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn outbox(&mut self, topic: &Topic, key: &str, payload: &str) -> Result<(), StoreError> {
        let (id, at, request_id) = (id::new(self.at_us())?, self.at_us(), self.cause().request_id.clone());
        self.execute(
            "INSERT INTO outbox (id, topic, message_key, payload, request_id, made_at, due_at) VALUES ($1, $2, $3, $4, $5, $6, $6)",
            &[&id, &topic.name, &key, &payload, &request_id.as_deref(), &at],
        )?;
        self.posted();
        Ok(())
    }
}

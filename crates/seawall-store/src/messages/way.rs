//! A way to other processes, as a carrier takes it.

use std::{future::Future, time::Duration};

use futures_util::stream::BoxStream;

/// How long connecting may take, and sending one message.
pub(super) const PATIENCE: Duration = crate::counters::CONNECTING;

/// What a way has brought: a topic and a text.
pub(super) type Heard = (String, String);

/// What brings the messages of all processes, this one's too; it ends when the connection does.
pub(super) type Hearing = BoxStream<'static, Heard>;

/// How messages get to other processes, and theirs here. Errors are for people, and name the place without what is secret.
pub(super) trait Way: Send + 'static {
    /// One connection's end that sends.
    type Sending: Send;

    /// What it is called.
    fn name(&self) -> &'static str;

    /// Where it leads, without what is secret.
    fn place(&self) -> String;

    /// Opens a connection, which hears from then on.
    fn open(&self) -> impl Future<Output = Result<(Self::Sending, Hearing), String>> + Send;

    /// Whether a message is short enough for it.
    fn takes(topic: &str, text: &str) -> bool;

    /// Sends one message.
    fn send(
        &self,
        sending: &mut Self::Sending,
        topic: &str,
        text: &str,
    ) -> impl Future<Output = Result<(), String>> + Send;
}

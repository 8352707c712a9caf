//! The way over Redis: a channel for each topic.

use futures_util::StreamExt;
use redis::{Cmd, Msg, aio::MultiplexedConnection};

use super::way::{Heard, Hearing, Way};
use crate::counters::RedisLink;

/// What stands before a topic in the name of its channel.
const PREFIX: &str = "seawall:message:";

impl Way for RedisLink {
    type Sending = MultiplexedConnection;

    fn name(&self) -> &'static str {
        "redis"
    }

    fn place(&self) -> String {
        self.url().to_string()
    }

    async fn open(&self) -> Result<(MultiplexedConnection, Hearing), String> {
        let sending = Self::open(self).await.map_err(|fault| fault.to_string())?;
        let fault = |error| self.fault(&error).to_string();
        let listening = self.client().get_async_pubsub().await.map_err(fault)?;
        let (mut sink, heard) = listening.split();
        sink.psubscribe(format!("{PREFIX}*")).await.map_err(fault)?;
        // The connection lasts as long as both its ends.
        let hearing = heard.filter_map(move |message| {
            let _open = &sink;
            std::future::ready(read(&message))
        });
        Ok((sending, hearing.boxed()))
    }

    fn takes(_: &str, _: &str) -> bool {
        true
    }

    async fn send(&self, sending: &mut MultiplexedConnection, topic: &str, text: &str) -> Result<(), String> {
        let mut publish = Cmd::new();
        publish.arg("PUBLISH").arg(format!("{PREFIX}{topic}")).arg(text);
        publish.query_async::<()>(sending).await.map_err(|error| self.fault(&error).to_string())
    }
}

fn read(message: &Msg) -> Option<Heard> {
    let topic = message.get_channel_name().strip_prefix(PREFIX)?;
    Some((topic.to_owned(), message.get_payload().ok()?))
}

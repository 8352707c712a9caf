//! The way over PostgreSQL: one channel, in whose notices the topic comes first.

use futures_util::{StreamExt, stream};

use super::way::{Hearing, PATIENCE, Way};
use crate::postgres::{Notices, Notifier};

impl Way for Notices {
    type Sending = Notifier;

    fn name(&self) -> &'static str {
        "postgresql"
    }

    fn place(&self) -> String {
        self.url().to_string()
    }

    async fn open(&self) -> Result<(Notifier, Hearing), String> {
        let (sending, heard) = Self::open(self, PATIENCE).await?;
        let hearing = stream::unfold(heard, async |mut heard| {
            let notice = heard.recv().await?;
            Some((notice, heard))
        });
        let read = |notice: String| {
            // Whatever else is told there is not ours.
            let read = notice.split_once(' ').map(|(topic, text)| (topic.to_owned(), text.to_owned()));
            std::future::ready(read)
        };
        Ok((sending, hearing.filter_map(read).boxed()))
    }

    fn takes(topic: &str, text: &str) -> bool {
        Notifier::takes(&notice(topic, text))
    }

    async fn send(&self, sending: &mut Notifier, topic: &str, text: &str) -> Result<(), String> {
        sending.notify(&notice(topic, text)).await.map_err(|why| format!("{}: {why}", self.url()))
    }
}

/// Topics are named in the code, without spaces.
fn notice(topic: &str, text: &str) -> String {
    format!("{topic} {text}")
}

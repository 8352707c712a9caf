//! Carries posts from the outbox to webhooks, by the client that also calls providers: names lead to the internet only, and redirections are
//! not followed.

use std::time::Duration;

use bytes::Bytes;
use http::{
    Method, Request,
    header::{CONTENT_TYPE, USER_AGENT},
};
use http_body_util::Full;
use seawall_core::reply::BoxFuture;
use seawall_resilience::Clocks;
use seawall_store::outbox::{Handler, Message, Undelivered};
use serde::Deserialize;

use super::Webhook;
use crate::{
    client::{Client, Reach},
    endpoint::Surroundings,
    service::Outbound,
};

/// What one attempt may take; all of it fits into the topic's limit.
const CLOCKS: Clocks = Clocks {
    connect: Duration::from_secs(4),
    first_byte: Duration::from_secs(8),
    idle: Duration::from_secs(8),
    total: Duration::from_secs(8),
};

/// What is needed of a post to find who is told.
#[derive(Deserialize)]
struct Told {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    budget: String,
}

/// Takes what the outbox has under [`super::TOPIC`]. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Courier {
    /// Knows the webhooks of the configuration that holds.
    outbound: Outbound,
    client: Client,
    around: Surroundings,
}

impl Courier {
    pub(crate) fn new(outbound: Outbound, around: &Surroundings) -> Self {
        let client = Client::new(around.trust.clone(), Reach::Internet, &CLOCKS);
        Self { outbound, client, around: around.clone() }
    }

    async fn carry(self, message: Message) -> Result<(), Undelivered> {
        let told: Told =
            serde_json::from_str(&message.payload).map_err(|error| Undelivered::Never(error.to_string()))?;
        let budget = told.data.budget;
        let Some(webhook) = self.outbound.webhook(&budget) else {
            tracing::info!(budget, "a post about a budget is dropped, because the budget has no webhook any more");
            return Ok(());
        };
        let request = self.request(&webhook, message)?;
        let answer = self.client.send(request, false).await;
        let answer = answer.map_err(|fault| Undelivered::Later(format!("{}: {fault}", webhook.url)))?;
        if answer.status().is_success() {
            return Ok(());
        }
        let status = answer.status().as_u16();
        Err(Undelivered::Later(format!("{} answered {status}, and 2xx means that it was taken", webhook.url)))
    }

    /// The post. Its id is that of the message, so that whoever gets it twice can tell.
    fn request(&self, webhook: &Webhook, message: Message) -> Result<Request<Full<Bytes>>, Undelivered> {
        let at_s = i64::try_from(self.around.clock.now().unix_us / 1_000_000).unwrap_or(i64::MAX);
        let signature = webhook.secret.sign(&message.id, at_s, &message.payload);
        Request::builder()
            .method(Method::POST)
            .uri(webhook.url.expose())
            .header(USER_AGENT, "seawall")
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", at_s)
            .header("webhook-signature", signature)
            .body(Full::new(message.payload.into()))
            .map_err(|error| Undelivered::Never(error.to_string()))
    }
}

impl Handler for Courier {
    fn deliver(&self, message: Message) -> BoxFuture<'static, Result<(), Undelivered>> {
        Box::pin(self.clone().carry(message))
    }
}

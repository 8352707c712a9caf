//! Several nodes, and what carries messages between them.

use std::time::Duration;

use seawall_core::meter::NoMeter;
use seawall_store::{
    DatabaseUrl,
    counters::RedisUrl,
    messages::{Message, Messages, Subscription},
};
use tokio::time::timeout;

use super::{
    redis::RedisServer,
    server::{Frozen, Server},
};

/// Longer than any wait of a machine that is only slow.
pub(crate) const PATIENT: Duration = Duration::from_secs(20);

/// What stands between nodes.
pub(crate) enum Between {
    Redis(RedisServer),
    Postgres(Server),
}

/// A server that does not run until this is dropped.
pub(crate) struct Asleep<'a> {
    redis: Option<&'a RedisServer>,
    _postgres: Option<Frozen>,
}

impl Drop for Asleep<'_> {
    fn drop(&mut self) {
        self.redis.iter().for_each(|redis| redis.thaw());
    }
}

/// Runs a case with each carrier.
pub(crate) async fn over_each(case: impl AsyncFn(&Between)) {
    for between in [Between::Redis(RedisServer::start()), Between::Postgres(Server::start())] {
        let name = between.name();
        timeout(PATIENT * 3, case(&between)).await.unwrap_or_else(|_| panic!("the case hangs over {name}"));
    }
}

impl Between {
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Redis(_) => "redis",
            Self::Postgres(_) => "postgresql",
        }
    }

    /// Another node.
    pub(crate) fn node(&self) -> Messages {
        match self {
            Self::Redis(server) => Messages::over_redis(RedisUrl::parse(&server.url()).unwrap(), &NoMeter).unwrap(),
            Self::Postgres(server) => {
                let url = DatabaseUrl::parse(&server.url()).unwrap().postgres().unwrap();
                Messages::over_postgres(&url, &NoMeter).unwrap()
            }
        }
    }

    pub(crate) fn stop(&self) {
        match self {
            Self::Redis(server) => server.stop(),
            Self::Postgres(server) => server.stop(),
        }
    }

    pub(crate) fn start_again(&self) {
        match self {
            Self::Redis(server) => server.start_again(),
            Self::Postgres(server) => server.start_again(),
        }
    }

    pub(crate) fn freeze(&self) -> Asleep<'_> {
        match self {
            Self::Redis(server) => {
                server.freeze();
                Asleep { redis: Some(server), _postgres: None }
            }
            Self::Postgres(server) => Asleep { redis: None, _postgres: Some(server.freeze()) },
        }
    }
}

pub(crate) fn text(text: &str) -> Message {
    Message::Text(text.into())
}

/// The next message.
pub(crate) async fn heard(subscription: &mut Subscription) -> Message {
    timeout(PATIENT, subscription.next()).await.expect("a message")
}

/// Reads on until this message.
pub(crate) async fn until(subscription: &mut Subscription, wanted: &Message) {
    while heard(subscription).await != *wanted {}
}

/// Waits until this holds.
pub(crate) async fn until_so(what: &str, holds: impl Fn() -> bool) {
    let so = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENT, so).await.unwrap_or_else(|_| panic!("never so: {what}"));
}

/// Waits until what one publishes is heard by the other, as it is once both have connected.
pub(crate) async fn until_connected(one: &Messages, other: &mut Subscription) {
    let connected = async {
        loop {
            one.publish("topic", "hello");
            if timeout(Duration::from_millis(50), other.next()).await == Ok(text("hello")) {
                return;
            }
        }
    };
    timeout(PATIENT, connected).await.expect("both connect");
}

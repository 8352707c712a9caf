//! NOTIFY and LISTEN: short texts to all who listen at the same database.
//!
//! They travel by a connection of their own, and never in anybody's transaction: NOTIFY takes a lock of the whole database at its
//! commit. A pooler that gives each transaction another connection cannot carry them.

use std::{fmt, pin::pin, time::Duration};

use futures_util::{StreamExt, stream};
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};
use tokio_postgres::{AsyncMessage, Client, Statement};

use super::{
    address::PostgresUrl,
    connector::{Connector, Driver},
    fault,
};
use crate::OpenError;

/// The channel, a name that needs no quotes.
const CHANNEL: &str = "seawall_messages";

/// A notice is told again only to who listens now, so nothing is gained by waiting for the disk.
const BEGIN: &str = "SET synchronous_commit = off; LISTEN seawall_messages";
const NOTIFY: &str = "SELECT pg_notify('seawall_messages', $1)";

/// The server takes less than 8,000 bytes (<https://www.postgresql.org/docs/current/sql-notify.html>).
const LONGEST: usize = 7_999;

/// Notices that may wait to be looked at; with more the connection is given up, as some would be lost.
const MOST_WAITING: usize = 1_024;

/// How long a connection may take to say farewell.
const FAREWELL: Duration = Duration::from_millis(200);

/// Where notices are sent and heard.
#[derive(Debug)]
pub(crate) struct Notices(Connector);

/// Sends notices by one connection.
pub(crate) struct Notifier {
    client: Client,
    statement: Statement,
}

impl Notices {
    /// # Errors
    /// [`OpenError`] when the roots for TLS cannot be read.
    pub(crate) fn new(url: &PostgresUrl) -> Result<Self, OpenError> {
        Connector::new(url).map(Self)
    }

    /// Where they are, without what is secret.
    pub(crate) const fn url(&self) -> &PostgresUrl {
        self.0.url()
    }

    /// Opens a connection, on the runtime that will drive it. It ends with the receiver; the receiver ends with it.
    pub(crate) async fn open(&self, within: Duration) -> Result<(Notifier, mpsc::Receiver<String>), String> {
        let (client, driver) = self.0.open(within).await.map_err(|refusal| refusal.failure().to_string())?;
        let (heard, hearing) = mpsc::channel(MOST_WAITING);
        tokio::spawn(drive(driver, heard));
        let prepare = async {
            client.batch_execute(BEGIN).await?;
            client.prepare(NOTIFY).await
        };
        let prepared = timeout(within, prepare).await;
        let silent = || format!("{}: no answer within {} ms", self.url(), within.as_millis());
        let statement =
            prepared.map_err(|_| silent())?.map_err(|error| format!("{}: {}", self.url(), fault::chain(&error)))?;
        Ok((Notifier { client, statement }, hearing))
    }
}

impl Notifier {
    /// Whether a text can be sent.
    pub(crate) fn takes(text: &str) -> bool {
        text.len() <= LONGEST && !text.is_empty() && !text.contains('\0')
    }

    /// Sends a text to all who listen, this connection too.
    pub(crate) async fn notify(&self, text: &str) -> Result<(), String> {
        let sent = self.client.execute(&self.statement, &[&text]).await;
        sent.map(drop).map_err(|error| fault::chain(&error))
    }
}

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifier").finish_non_exhaustive()
    }
}

/// Drives a connection until it or its receiver is gone.
async fn drive(driver: Driver, heard: mpsc::Sender<String>) {
    let driven = async {
        let mut driver = driver;
        let mut messages = pin!(stream::poll_fn(|context| driver.poll_message(context)));
        while let Some(message) = messages.next().await {
            match message {
                Ok(AsyncMessage::Notification(notice)) if notice.channel() == CHANNEL => {
                    if heard.try_send(notice.payload().to_owned()).is_err() {
                        return;
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::debug!(error = fault::chain(&error), "a connection to PostgreSQL broke");
                    return;
                }
            }
        }
    };
    let given_up = async {
        heard.closed().await;
        sleep(FAREWELL).await;
    };
    tokio::select! {
        () = driven => {}
        () = given_up => {}
    }
}

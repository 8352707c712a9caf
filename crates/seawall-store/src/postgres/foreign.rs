//! A connection to a database that is not ours: it asks, in transactions that only read and that end in time.

use std::{sync::Arc, time::Duration};

use tokio::{task::JoinHandle, time::timeout};
use tokio_postgres::{Client, Error, Row, types::ToSql};

use super::{connector::Connector, fault::Fault, tls::Tls};
use crate::{OpenError, PostgresUrl, StoreError};

/// How long connecting may take.
const CONNECTING: Duration = Duration::from_secs(10);

/// What one question may take at the server, and how much longer its answer is waited for.
const LONGEST: Duration = Duration::from_secs(60);
const COURTESY: Duration = Duration::from_secs(2);

/// What each transaction is told before its question. What a program leaves open that is gone ends by itself.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; \
    SET LOCAL statement_timeout = '60s'; SET LOCAL lock_timeout = '5s'; SET LOCAL idle_in_transaction_session_timeout = '120s'";

/// An open connection; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct ForeignConnection {
    client: Client,
    driver: JoinHandle<()>,
    tls: Tls,
}

impl ForeignConnection {
    /// Connects, to a server of any version and any encoding.
    pub(crate) async fn open(url: &PostgresUrl) -> Result<Self, OpenError> {
        let connector = Arc::new(Connector::new(url)?);
        let (client, driver) = connector.reach(CONNECTING).await.map_err(|refusal| refusal.error)?;
        let driver = tokio::spawn(async move {
            // Whoever waits for an answer hears of it.
            if let Err(error) = driver.await {
                tracing::debug!(%error, "a connection to a foreign PostgreSQL broke");
            }
        });
        Ok(Self { client, driver, tls: Tls::new(url.trust())? })
    }

    /// The rows that a question answers.
    pub(crate) async fn ask(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, StoreError> {
        let asked = async {
            self.client.batch_execute(BEGIN).await?;
            self.client.query(sql, parameters).await
        };
        let answer = self.in_time(asked).await;
        self.in_time(self.client.batch_execute("ROLLBACK")).await?;
        answer
    }

    /// The columns that a question would answer: name, schema and name of the type.
    pub(crate) async fn columns(&self, sql: &str) -> Result<Vec<(String, tokio_postgres::types::Type)>, StoreError> {
        let asked = async {
            self.client.batch_execute(BEGIN).await?;
            self.client.prepare(sql).await
        };
        let prepared = self.in_time(asked).await;
        self.in_time(self.client.batch_execute("ROLLBACK")).await?;
        Ok(prepared?.columns().iter().map(|column| (column.name().to_owned(), column.type_().clone())).collect())
    }

    async fn in_time<T>(&self, answer: impl Future<Output = Result<T, Error>>) -> Result<T, StoreError> {
        let limit_ms = u64::try_from(LONGEST.as_millis()).unwrap_or(u64::MAX);
        match timeout(LONGEST + COURTESY, answer).await {
            Ok(answer) => answer.map_err(|error| match Fault::from(error) {
                Fault::Store(failure) => failure,
                Fault::Lost(why) => StoreError::Unavailable(why),
                Fault::Locked => StoreError::Unavailable("another program holds a lock on the table".to_owned()),
                Fault::TimedOut | Fault::Silent => StoreError::TimedOut { limit_ms },
                Fault::Contended | Fault::Stale => StoreError::Unavailable("the tables have changed".to_owned()),
            }),
            Err(_) => {
                // It is answered by nothing: the connection is given up with the question.
                drop(timeout(COURTESY, self.client.cancel_token().cancel_query(self.tls.clone())).await);
                self.driver.abort();
                Err(StoreError::TimedOut { limit_ms })
            }
        }
    }
}

impl Drop for ForeignConnection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

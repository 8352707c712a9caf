//! How a connection is opened, and which servers are refused.

use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::{Client, Socket, error::SqlState};

use super::{
    address::PostgresUrl,
    connection::Connection,
    fault,
    tls::{Encrypted, Tls},
};
use crate::{OpenError, StoreError};

/// What reads and writes a connection, while it is polled.
pub(super) type Driver = tokio_postgres::Connection<Socket, Encrypted>;

/// How long opening a connection may take, all hosts and the handshake included.
const LONGEST: Duration = Duration::from_secs(5);

/// The oldest server that is known to work: older ones get no more fixes (<https://www.postgresql.org/support/versioning/>).
const OLDEST: u32 = 14;

/// Opens connections to one database.
#[derive(Debug)]
pub(super) struct Connector {
    url: PostgresUrl,
    tls: Tls,
}

/// Why no connection was opened.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) error: OpenError,
    /// Whether trying again soon is of no use: somebody has to change something first.
    pub(super) lasting: bool,
}

impl Connector {
    /// # Errors
    /// When the roots for TLS cannot be read.
    pub(super) fn new(url: &PostgresUrl) -> Result<Self, OpenError> {
        Ok(Self { url: url.clone(), tls: Tls::new(url.trust())? })
    }

    /// Opens a connection, on the runtime that will drive it.
    pub(super) async fn connect(&self, within: Duration) -> Result<Connection, Refusal> {
        let (client, driver) = self.open(within).await?;
        let driver = tokio::spawn(async move {
            if let Err(error) = driver.await {
                tracing::debug!(error = fault::chain(&error), "a connection to PostgreSQL broke");
            }
        });
        Ok(Connection::new(client, driver, self.tls.clone()))
    }

    /// Opens a connection that nobody drives yet, to a server that can hold a store.
    pub(super) async fn open(&self, within: Duration) -> Result<(Client, Driver), Refusal> {
        let (client, driver) = self.reach(within).await?;
        let parameter = |name| driver.parameter(name).unwrap_or_default();
        acceptable(parameter("server_version"), parameter("server_encoding"))
            .map_err(|error| Refusal { error, lasting: true })?;
        Ok((client, driver))
    }

    /// Opens a connection that nobody drives yet, to whichever server it is.
    pub(super) async fn reach(&self, within: Duration) -> Result<(Client, Driver), Refusal> {
        let within = within.min(LONGEST);
        let opened = timeout(within, self.url.config().connect(self.tls.clone())).await;
        let silent = || self.unreachable(&format!("no answer within {} ms", within.as_millis()), false);
        opened.map_err(|_| silent())?.map_err(|error| {
            let lasting = error.code().is_some_and(lasting);
            self.unreachable(&fault::chain(&error), lasting)
        })
    }

    /// Where it leads.
    pub(super) const fn url(&self) -> &PostgresUrl {
        &self.url
    }

    fn unreachable(&self, why: &str, lasting: bool) -> Refusal {
        let source = StoreError::Unavailable(format!("{}: {why}", self.url));
        Refusal { error: OpenError::Database { what: "connecting to PostgreSQL", source }, lasting }
    }
}

impl Refusal {
    /// What a transaction is told that wanted the connection.
    pub(super) fn failure(&self) -> StoreError {
        match &self.error {
            OpenError::Database { source, .. } => source.clone(),
            other => StoreError::Unavailable(other.to_string()),
        }
    }
}

/// Wrong credentials, a missing database or role.
fn lasting(code: &SqlState) -> bool {
    code.code().starts_with("28") || *code == SqlState::INVALID_CATALOG_NAME
}

/// Looks at what the server says of itself when a connection is opened.
fn acceptable(version: &str, encoding: &str) -> Result<(), OpenError> {
    let major = version.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok());
    if major.is_none_or(|major: u32| major < OLDEST) {
        return Err(OpenError::ServerVersion { version: version.to_owned(), oldest: OLDEST });
    }
    if encoding != "UTF8" {
        return Err(OpenError::Encoding(encoding.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_servers_and_other_encodings_are_refused() {
        for good in ["14.0", "15.14 (Debian 15.14-0+deb12u1)", "18beta1"] {
            assert!(acceptable(good, "UTF8").is_ok(), "{good}");
        }
        for bad in ["13.22", "9.6.24", ""] {
            assert!(matches!(acceptable(bad, "UTF8"), Err(OpenError::ServerVersion { .. })), "{bad}");
        }
        assert!(matches!(acceptable("15.1", "SQL_ASCII"), Err(OpenError::Encoding(_))));
    }
}

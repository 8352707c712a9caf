//! Whether a PostgreSQL server answers, of whatever version and whoever's it is.

use super::{address::PostgresUrl, fault, tls::Tls};

/// Connects and has the server answer.
pub(crate) async fn ping(url: &PostgresUrl) -> Result<(), String> {
    let tls = Tls::new(url.trust()).map_err(|error| error.to_string())?;
    let said = |error: tokio_postgres::Error| fault::chain(&error);
    let (client, connection) = url.config().connect(tls).await.map_err(said)?;
    // Dropped with the client's last request, it closes the connection.
    let mut driver = tokio::task::JoinSet::new();
    driver.spawn(connection);
    client.simple_query("SELECT 1").await.map(drop).map_err(said)
}

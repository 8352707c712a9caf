//! The everyday client: a base address, headers for every request, one connection per call or one kept.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Mutex;

use super::raw::{DEFAULT_LIMIT, RawClient};
use super::request::Request;
use super::response::RawResponse;

/// A client of one server. Panics, with what it received, when an answer does not come whole within its limit.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    prefix: String,
    headers: Vec<(String, String)>,
    limit: Duration,
    connection: Connection,
}

#[derive(Debug)]
enum Connection {
    PerCall,
    /// Calls take turns on it.
    Kept(Box<Mutex<Option<RawClient>>>),
}

impl Client {
    /// A client of `http://ADDRESS:PORT`, optionally with a path that is put before every target; one connection per call.
    pub fn new(base: &str) -> Self {
        let rest = base.strip_prefix("http://").unwrap_or(base);
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let address =
            authority.parse().unwrap_or_else(|error| panic!("\"{base}\" does not name an address and a port: {error}"));
        let prefix = if path.is_empty() { String::new() } else { format!("/{}", path.trim_end_matches('/')) };
        Self { address, prefix, headers: Vec::new(), limit: DEFAULT_LIMIT, connection: Connection::PerCall }
    }

    /// Keeps one connection for all calls; a connection that the server announced to close is replaced.
    #[must_use]
    pub fn keeping_connection(mut self) -> Self {
        self.connection = Connection::Kept(Box::default());
        self
    }

    /// Sends this header line with every request that does not name it.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Waits this long for each answer instead of [`DEFAULT_LIMIT`].
    #[must_use]
    pub fn with_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Sends a GET request.
    pub async fn get(&self, path: &str) -> RawResponse {
        self.request(Request::get(path)).await
    }

    /// Posts a JSON value.
    pub async fn post_json(&self, path: &str, value: &Value) -> RawResponse {
        self.request(Request::post(path).json(value)).await
    }

    /// Sends a request and reads its whole answer.
    pub async fn request(&self, request: Request) -> RawResponse {
        let request = request.prefixed(&self.prefix, &self.headers);
        match &self.connection {
            Connection::PerCall => self.connect().await.request(&request).await,
            Connection::Kept(slot) => {
                let mut slot = slot.lock().await;
                let mut connection = match slot.take() {
                    Some(connection) => connection,
                    None => self.connect().await,
                };
                let response = connection.request(&request).await;
                *slot = response.keeps_connection().then_some(connection);
                response
            }
        }
    }

    async fn connect(&self) -> RawClient {
        RawClient::connect(self.address).await.with_limit(self.limit)
    }
}

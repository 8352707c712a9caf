//! The way to the store: over the running server's socket, or by opening it, when no server has it.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use http::Request;
use seawall_core::meter::NoMeter;
use seawall_store::{Db, audit::SigningKey};
use serde_json::Value;
use tower::ServiceExt;

use super::super::CliError;
use crate::app::{
    AppError, SystemClock,
    store::{self, StorePlace},
    tiny_http::{self, Answer},
};

/// How long one answer may take; reading a long log takes its time.
const LIMIT: Duration = Duration::from_secs(10 * 60);

/// How long it may take to find out whether a server runs.
const LOOK: Duration = Duration::from_secs(5);

/// The largest answer of our own that is read.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// Where the store is, and where a server that has it would be asked.
#[derive(Debug)]
pub(super) struct Access {
    socket: PathBuf,
    place: StorePlace,
}

/// Whoever has the store.
pub(super) enum Holder {
    /// A server that runs.
    Server(PathBuf),
    /// This process.
    Own(Router),
}

impl Access {
    pub(super) const fn new(socket: PathBuf, place: StorePlace) -> Self {
        Self { socket, place }
    }

    /// Where it is.
    pub(super) const fn place(&self) -> &StorePlace {
        &self.place
    }

    /// Finds the server, or opens the store. A store that is not there is not made.
    pub(super) async fn holder(&self) -> Result<Holder, CliError> {
        if self.served().await {
            return Ok(Holder::Server(self.socket.clone()));
        }
        let db = self.open().await?;
        // A key that was never made signed nothing.
        let key = self.place.key_file.exists().then(|| SigningKey::open(&self.place.key_file)).transpose()?;
        let router = store::router(db, key.map(Arc::new), Arc::new(self.place.clone()));
        Ok(Holder::Own(router))
    }

    /// Opens the store, which no server may have.
    ///
    /// # Errors
    /// [`CliError::Missing`] when a server runs, or there is no store.
    pub(super) async fn open_alone(&self) -> Result<Db, CliError> {
        if self.served().await {
            return Err(CliError::Missing(
                "a server runs and has the store; its migrations were applied when it started\n  help: stop it first"
                    .to_owned(),
            ));
        }
        self.open().await
    }

    async fn served(&self) -> bool {
        tiny_http::get_unix(&self.socket, "/health/live", LOOK).await.is_ok()
    }

    async fn open(&self) -> Result<Db, CliError> {
        let place = &self.place;
        if !place.url.exists() {
            return Err(CliError::Missing(format!(
                "there is no store at {}\n  help: it is made when the server first starts: seawall run --to http://localhost:3000",
                place.url
            )));
        }
        let opened = store::open(place, Arc::new(SystemClock::new()), Arc::new(NoMeter)).await;
        opened.map_err(|error| CliError::App(AppError::from(error)))
    }
}

impl Holder {
    /// Asks for an answer in JSON.
    ///
    /// # Errors
    /// [`CliError::Missing`] with what the store said instead.
    pub(super) async fn ask(&self, path: &str) -> Result<Value, CliError> {
        let Answer { status, body } = match self {
            Self::Server(socket) => tiny_http::get_unix(socket, path, LIMIT).await?,
            Self::Own(router) => own(router, path).await?,
        };
        let said: Value = serde_json::from_str(&body).unwrap_or_default();
        if status == 200 {
            return Ok(said);
        }
        let error = said.get("error").and_then(Value::as_str).unwrap_or("the store does not say why");
        Err(CliError::Missing(format!("the store did not answer: {error}")))
    }
}

async fn own(router: &Router, path: &str) -> io::Result<Answer> {
    let request = Request::get(path).body(Body::empty()).map_err(io::Error::other)?;
    let Ok(response) = router.clone().oneshot(request).await;
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), MOST_BYTES).await.map_err(io::Error::other)?;
    Ok(Answer { status, body: String::from_utf8_lossy(&body).into_owned() })
}

//! The way to the store: over the running server's socket, or by opening it, when no server has it.

use std::{
    convert::Infallible,
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::{Router, body::Body};
use http::{Method, Request, header::CONTENT_TYPE};
use seawall_core::meter::{Meter, NoMeter};
use seawall_identity::IdentitySettings;
use seawall_store::{
    Db,
    audit::SigningKey,
    backup::{self, Phase, Progress, Step},
    messages::Messages,
};
use serde_json::Value;
use tokio::time::sleep;
use tower::ServiceExt;

use super::super::CliError;
use crate::app::{
    AppError, SystemClock, identity,
    mail::{self, MailDesk, Post},
    store::{
        self, Looked, StoreFault, StorePlace,
        backups::{self, Asked, Backups, Board, Purpose, What},
        checkpoints,
    },
    tiny_http::{self, Answer},
};

/// How long one answer may take; reading a long log takes its time.
const LIMIT: Duration = Duration::from_secs(10 * 60);

/// How long a backup or its verification may take; the size of the database sets the time.
const WORK_LIMIT: Duration = Duration::from_secs(6 * 60 * 60);

/// How long it may take to find out whether a server runs.
const LOOK: Duration = Duration::from_secs(5);

/// How often a server is asked how far it is.
const FOLLOW: Duration = Duration::from_millis(300);

/// The largest answer of our own that is read.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// Where the store is, and where a server that has it would be asked.
#[derive(Debug)]
pub(super) struct Access {
    socket: PathBuf,
    place: StorePlace,
    /// The environment's; they may hold credentials.
    variables: Variables,
    identity: IdentitySettings,
    mail: Post,
}

/// Variables of the environment, which are not shown.
pub(super) struct Variables(pub(super) Vec<(String, String)>);

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Variables")
    }
}

/// Whoever has the store.
pub(super) enum Holder {
    /// A server that runs.
    Server(PathBuf),
    /// This process.
    Own(Router),
}

/// Whoever can be asked about users.
pub(super) struct PeopleHolder {
    holder: Holder,
    /// What tells other nodes, when the store was opened for it.
    messages: Option<Messages>,
}

/// What backups are wanted for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted<'a> {
    /// To take one of this, or of all.
    Taking(Option<&'a str>),
    /// To look at them.
    Reading,
}

/// Whoever can be asked about backups.
pub(super) struct BackupHolder {
    holder: Holder,
    /// What was opened for it.
    opened: Option<(Backups, Db)>,
    /// Who hears how far a server is.
    progress: Progress,
}

impl Access {
    pub(super) fn new(
        socket: PathBuf,
        place: StorePlace,
        variables: Variables,
        identity: IdentitySettings,
        mail: Post,
    ) -> Self {
        Self { socket, place, variables, identity, mail }
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
        let node = key.as_ref().map(SigningKey::id).unwrap_or_default();
        let destinations = checkpoints::destinations(&self.place, node, &self.variables.0).await;
        let destinations = destinations.map_err(|error| CliError::App(AppError::from(error)))?;
        let router = store::router(Looked {
            db,
            key: key.map(Arc::new),
            place: Arc::new(self.place.clone()),
            destinations: destinations.into(),
            messages: None,
        });
        Ok(Holder::Own(router))
    }

    /// Finds the server, or opens the store and what is kept of users in it.
    pub(super) async fn people(&self) -> Result<PeopleHolder, CliError> {
        if self.served().await {
            return Ok(PeopleHolder { holder: Holder::Server(self.socket.clone()), messages: None });
        }
        let db = self.open().await?;
        let (router, messages) = identity::alone(&db, &self.place, self.identity.clone()).map_err(CliError::App)?;
        Ok(PeopleHolder { holder: Holder::Own(router), messages: Some(messages) })
    }

    /// Finds the server, or sends and opens what is asked for itself.
    pub(super) async fn mail(&self, open: bool) -> Result<PeopleHolder, CliError> {
        if self.served().await {
            return Ok(PeopleHolder { holder: Holder::Server(self.socket.clone()), messages: None });
        }
        let db = if open { Some(self.open().await?) } else { None };
        let application = self.identity.authenticator_name.as_str().into();
        let router = mail::router(MailDesk { post: self.mail.clone(), db, application });
        Ok(PeopleHolder { holder: Holder::Own(router), messages: None })
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

    /// Finds the server, or prepares to do it here: the store is opened only for a backup of it.
    pub(super) async fn backups(&self, wanted: Wanted<'_>, progress: Progress) -> Result<BackupHolder, CliError> {
        if self.served().await {
            return Ok(BackupHolder { holder: Holder::Server(self.socket.clone()), opened: None, progress });
        }
        let purpose = if matches!(wanted, Wanted::Taking(_)) { Purpose::Take } else { Purpose::Read };
        let backups = self.open_backups(purpose).await?;
        let of_store = |name: Option<&str>| {
            let wanted = backups.all().iter().filter(|kept| name.is_none_or(|name| name == kept.name));
            wanted.into_iter().any(|kept| matches!(kept.what, What::Store(_)))
        };
        let db = match wanted {
            Wanted::Taking(name) if of_store(name) => Some(self.open().await?),
            _ => None,
        };
        let router =
            backups::router(Asked { backups: backups.clone(), db: db.clone(), board: Board::heard_by(progress) });
        let opened = db.map(|db| (backups, db));
        Ok(BackupHolder { holder: Holder::Own(router), opened, progress: Progress::silent() })
    }

    /// What can be restored.
    ///
    /// # Errors
    /// [`CliError::Missing`] when backups are off.
    pub(super) async fn readable_backups(&self) -> Result<Backups, CliError> {
        let backups = self.open_backups(Purpose::Read).await?;
        if backups.on() {
            return Ok(backups);
        }
        Err(CliError::Missing("no place of backups is named\n  help: name it as `to` in [backup]".to_owned()))
    }

    async fn open_backups(&self, purpose: Purpose) -> Result<Backups, CliError> {
        let clock: Arc<dyn seawall_core::clock::Clock> = Arc::new(SystemClock::new());
        let meter: Arc<dyn Meter> = Arc::new(NoMeter);
        let opened = Backups::open(&self.place, &self.variables.0, &clock, purpose, &meter).await;
        opened.map_err(|error: StoreFault| CliError::App(AppError::from(error)))
    }

    pub(super) async fn served(&self) -> bool {
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
            Self::Own(router) => own(router, Method::GET, path).await?,
        };
        let said: Value = serde_json::from_str(&body).unwrap_or_default();
        if status == 200 {
            return Ok(said);
        }
        let error = said.get("error").and_then(Value::as_str).unwrap_or("the store does not say why");
        Err(CliError::Missing(format!("the store did not answer: {error}")))
    }
}

impl PeopleHolder {
    /// Asks for an answer in JSON.
    ///
    /// # Errors
    /// [`CliError::Missing`] or [`CliError::Usage`] with what was said instead.
    pub(super) async fn look(&self, path: &str) -> Result<Value, CliError> {
        told(&match &self.holder {
            Holder::Server(socket) => tiny_http::get_unix(socket, path, LIMIT).await?,
            Holder::Own(router) => own(router, Method::GET, path).await?,
        })
    }

    /// Has something done with this.
    ///
    /// # Errors
    /// As for [`Self::look`].
    pub(super) async fn have_done(&self, path: &str, with: &Value) -> Result<Value, CliError> {
        let json = with.to_string();
        told(&match &self.holder {
            Holder::Server(socket) => tiny_http::json_unix(socket, path, &json, LIMIT).await?,
            Holder::Own(router) => own_with(router, Method::POST, path, json).await?,
        })
    }

    /// Lets other nodes hear of it before the process ends.
    pub(super) async fn close(self) {
        if let Some(messages) = self.messages
            && !messages.flush(LOOK).await
        {
            tracing::info!("other nodes may not have been told; they look again within a minute");
        }
    }
}

impl BackupHolder {
    /// Asks for an answer in JSON.
    ///
    /// # Errors
    /// [`CliError::Missing`] with what was said instead.
    pub(super) async fn look(&self, path: &str) -> Result<Value, CliError> {
        told(&match &self.holder {
            Holder::Server(socket) => tiny_http::get_unix(socket, path, LIMIT).await?,
            Holder::Own(router) => own(router, Method::GET, path).await?,
        })
    }

    /// Has something done that takes its time.
    ///
    /// # Errors
    /// As for [`Self::look`].
    pub(super) async fn have_done(&self, path: &str) -> Result<Value, CliError> {
        told(&match &self.holder {
            Holder::Server(socket) => tokio::select! {
                answer = tiny_http::post_unix(socket, path, WORK_LIMIT) => answer?,
                never = follow(socket, &self.progress) => match never {},
            },
            Holder::Own(router) => own(router, Method::POST, path).await?,
        })
    }

    /// Gives the store back, and ships what was captured meanwhile.
    pub(super) async fn close(self) {
        let Some((backups, db)) = self.opened else { return };
        let closing = db.clone();
        let closed = tokio::task::spawn_blocking(move || closing.close()).await;
        if let (Ok(()), Some(kept)) = (closed, backups.named(backup::STORE))
            && let Err(error) = backup::ship(&kept.vault, backup::STORE, &db).await
        {
            tracing::warn!(error = error.chain(), "the last changes were not shipped; they wait for the next start");
        }
    }
}

/// Tells how far a server is, until nobody wants to know any more. What it does not say is left out: the work goes on.
async fn follow(socket: &Path, progress: &Progress) -> Infallible {
    loop {
        sleep(FOLLOW).await;
        let Ok(answer) = tiny_http::get_unix(socket, "/api/backup/progress", LOOK).await else { continue };
        let said: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let Some(row) = said.get("data").and_then(|rows| rows.get(0)) else { continue };
        let number = |key: &str| row[key].as_u64().unwrap_or_default();
        if let Some(phase) = row["phase"].as_str().and_then(Phase::named) {
            progress.hear(Step { phase, done_bytes: number("done_bytes"), total_bytes: number("total_bytes") });
        }
    }
}

fn told(answer: &Answer) -> Result<Value, CliError> {
    let said: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    match (answer.status, said.get("error").and_then(Value::as_str)) {
        (200 | 201, _) => Ok(said),
        (400, Some(error)) => Err(CliError::Usage(format!("error: {error}\n"))),
        (_, error) => Err(CliError::Missing(error.unwrap_or("the server does not say why").to_owned())),
    }
}

async fn own(router: &Router, method: Method, path: &str) -> io::Result<Answer> {
    own_with(router, method, path, String::new()).await
}

async fn own_with(router: &Router, method: Method, path: &str, json: String) -> io::Result<Answer> {
    let request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, "application/json");
    let request = request.body(Body::from(json)).map_err(io::Error::other)?;
    let Ok(response) = router.clone().oneshot(request).await;
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), MOST_BYTES).await.map_err(io::Error::other)?;
    Ok(Answer { status, body: String::from_utf8_lossy(&body).into_owned() })
}

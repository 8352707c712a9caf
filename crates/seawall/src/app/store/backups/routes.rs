//! What operators may ask of backups: which there are, another one, a proof of one.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Query, State},
    http::{Response, StatusCode},
    response::IntoResponse,
    routing::{get, post},
};
use seawall_store::{
    Db,
    backup::{self, BackupError, Outcome},
};
use serde_json::{Value, json};

use super::{Backups, Board, Kept, shown};
use crate::app::builtin;

/// What the routes look at.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// What is backed up.
    pub(crate) backups: Backups,
    /// The store, when it is open.
    pub(crate) db: Option<Db>,
    /// How far it is.
    pub(crate) board: Board,
}

/// Which backups.
#[derive(Debug, Default)]
struct Question {
    name: Option<String>,
    backup: Option<String>,
}

impl Question {
    fn read(pairs: Vec<(String, String)>) -> Result<Self, Failed> {
        let mut question = Self::default();
        for (key, value) in pairs {
            match key.as_str() {
                "name" => question.name = Some(value),
                "backup" => question.backup = Some(value),
                _ => {
                    return Err(Failed(
                        StatusCode::BAD_REQUEST,
                        format!("`{key}` is not known; there are name and backup"),
                    ));
                }
            }
        }
        Ok(question)
    }
}

/// The routes.
pub(crate) fn router(asked: Asked) -> Router {
    Router::new()
        .route("/api/backup", get(list))
        .route("/api/backup/progress", get(progress))
        .route("/api/backup/now", post(now))
        .route("/api/backup/verify", post(verify))
        .with_state(Arc::new(asked))
}

/// A failure, as these routes tell it.
struct Failed(StatusCode, String);

impl From<BackupError> for Failed {
    fn from(error: BackupError) -> Self {
        let status = match &error {
            BackupError::NoBackup(_) | BackupError::Unfit(_) => StatusCode::NOT_FOUND,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self(status, error.chain())
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response<Body> {
        builtin::json(self.0, &json!({ "error": self.1 }))
    }
}

impl Asked {
    /// What is asked about: one name, or everything.
    fn chosen(&self, name: Option<&str>) -> Result<Vec<Kept>, Failed> {
        if !self.backups.on() {
            return Err(Failed(StatusCode::NOT_FOUND, OFF.to_owned()));
        }
        match name {
            None => Ok(self.backups.all().to_vec()),
            Some(name) => self.backups.named(name).map(|kept| vec![kept.clone()]).ok_or_else(|| {
                Failed(
                    StatusCode::NOT_FOUND,
                    format!("nothing with the name `{name}` is backed up; there is {}", self.backups.names()),
                )
            }),
        }
    }
}

const OFF: &str = "backups are off; name a place as `to` in [backup], and start the server again";

async fn list(
    State(asked): State<Arc<Asked>>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response<Body>, Failed> {
    let question = Question::read(pairs)?;
    let mut all = Vec::new();
    for kept in asked.chosen(question.name.as_deref())? {
        let listing = kept.vault.list(&kept.name).await?;
        let verified = kept.vault.verifications(&kept.name).await?;
        all.push(shown::listing(&kept, &listing, &verified));
    }
    Ok(builtin::json(StatusCode::OK, &json!({ "signer": asked.backups.signer(), "data": all })))
}

/// How far what was asked for is.
async fn progress(State(asked): State<Arc<Asked>>) -> Response<Body> {
    builtin::json(StatusCode::OK, &json!({ "data": asked.board.shown() }))
}

/// Carried out even if whoever asks does not wait.
async fn now(
    State(asked): State<Arc<Asked>>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response<Body>, Failed> {
    let question = Question::read(pairs)?;
    carried_out(tokio::spawn(async move {
        let mut taken = Vec::new();
        for kept in asked.chosen(question.name.as_deref())? {
            let source = kept
                .source(asked.db.as_ref())
                .ok_or_else(|| Failed(StatusCode::SERVICE_UNAVAILABLE, "the store is not open".to_owned()))?;
            let work = asked.board.begin(&kept.name);
            let manifest = backup::take(&kept.vault, &kept.name, &source, &work.progress()).await;
            kept.meters.taken(&manifest);
            let manifest = manifest?;
            tracing::info!(
                backup.name = kept.name,
                backup.id = manifest.id,
                "a backup was taken because it was asked for"
            );
            taken.push(shown::manifest(&manifest, None));
        }
        Ok(json!({ "data": taken }))
    }))
    .await
}

async fn verify(
    State(asked): State<Arc<Asked>>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response<Body>, Failed> {
    let question = Question::read(pairs)?;
    carried_out(tokio::spawn(async move {
        let chosen = asked.chosen(question.name.as_deref())?;
        let Question { backup, .. } = &question;
        if backup.is_some() && chosen.len() > 1 {
            let names = asked.backups.names();
            return Err(Failed(StatusCode::BAD_REQUEST, format!("say whose backup it is: one of {names}")));
        }
        let mut found = Vec::new();
        for kept in chosen {
            let work = asked.board.begin(&kept.name);
            let record = backup::verify(&kept.vault, &kept.name, backup.as_deref(), &work.progress()).await;
            kept.meters.verified(&record);
            let record = match record {
                Ok(record) => record,
                // Nothing at the place is a backup of ours any more: that is an outcome too.
                Err(error @ (BackupError::Forged { .. } | BackupError::Damaged { .. })) => {
                    found
                        .push(json!({ "name": kept.name, "outcome": Outcome::Failed.name(), "reason": error.chain() }));
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            if record.outcome == Outcome::Failed {
                let reason = record.reason.as_deref().unwrap_or_default();
                tracing::error!(
                    backup.name = kept.name,
                    backup.id = record.backup,
                    reason,
                    "a backup cannot be restored"
                );
            }
            found.push(shown::verification(&record));
        }
        Ok(json!({ "data": found }))
    }))
    .await
}

async fn carried_out(work: tokio::task::JoinHandle<Result<Value, Failed>>) -> Result<Response<Body>, Failed> {
    let died =
        |_| Failed(StatusCode::INTERNAL_SERVER_ERROR, "it ended by a fault of its own; the log says where".to_owned());
    Ok(builtin::json(StatusCode::OK, &work.await.map_err(died)??))
}

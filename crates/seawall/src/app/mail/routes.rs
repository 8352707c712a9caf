//! What operators ask of mail: a test, and the letters that were set aside.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::StatusCode;
use seawall_core::mail::Mailer;
use seawall_identity::mail::{Email, TOPIC, test_letter};
use seawall_store::{Cause, Db, StoreError, outbox};
use serde_json::{Value, json};

use super::Post;
use crate::app::random;

/// Letters shown at most.
const MOST: u32 = 1_000;

/// What the routes have.
#[derive(Clone, Debug)]
pub(crate) struct MailDesk {
    /// Who sends.
    pub(crate) post: Post,
    /// The store, when it is open.
    pub(crate) db: Option<Db>,
    /// The application's name.
    pub(crate) application: Arc<str>,
}

/// A failure, as these routes tell it.
struct Failed(StatusCode, String);

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}

/// The routes.
pub(crate) fn router(desk: MailDesk) -> Router {
    Router::new()
        .route("/api/mail/test", post(test))
        .route("/api/mail/dead", get(dead))
        .route("/api/mail/dead/{id}/retry", post(retry))
        .route("/api/mail/dead/{id}/discard", post(discard))
        .with_state(desk)
}

/// Sends a letter past the outbox: whoever tests waits for what the server says.
async fn test(State(desk): State<MailDesk>, body: Bytes) -> Result<Json<Value>, Failed> {
    let unfit = |why: String| Failed(StatusCode::BAD_REQUEST, why);
    let sent: Value = serde_json::from_slice(&body).unwrap_or_default();
    let address = sent.get("address").and_then(Value::as_str).ok_or_else(|| unfit("send `address`".to_owned()))?;
    let email = Email::parse(address).map_err(unfit)?;
    let (Post::Server(smtp), Some(status)) = (&desk.post, desk.post.status()) else {
        let help = "no mail server is named; set `url` and `from` in [mail]";
        return Err(Failed(StatusCode::CONFLICT, help.to_owned()));
    };
    let id = random::id().map_err(|error| Failed(StatusCode::SERVICE_UNAVAILABLE, error.to_string()))?;
    let letter = test_letter(&id, email.as_str(), &desk.application);
    match smtp.send(letter).await {
        Ok(()) => Ok(Json(json!({ "taken_by": status.server(), "address": email.as_str() }))),
        Err(unsent) => Err(Failed(StatusCode::BAD_GATEWAY, format!("{unsent} ({})", status.server()))),
    }
}

async fn dead(State(desk): State<MailDesk>) -> Result<Json<Value>, Failed> {
    let letters = outbox::dead(desk.db()?, "", MOST).await?;
    let mine = letters.iter().filter(|letter| letter.topic == TOPIC.name);
    let data: Vec<Value> = mine
        .map(|letter| {
            let made_at = jiff::Timestamp::from_microsecond(letter.made_at_us).map(|at| at.to_string());
            json!({
                "id": letter.id,
                "user": letter.key,
                "attempts": letter.attempts,
                "failure": letter.failure,
                "made_at": made_at.unwrap_or_default(),
            })
        })
        .collect();
    Ok(Json(json!({ "data": data, "next": null })))
}

async fn retry(State(desk): State<MailDesk>, Path(id): Path<String>) -> Result<Json<Value>, Failed> {
    found(&id, outbox::revive(desk.db()?, &Cause::operator(), &id).await?)
}

async fn discard(State(desk): State<MailDesk>, Path(id): Path<String>) -> Result<Json<Value>, Failed> {
    found(&id, outbox::discard(desk.db()?, &Cause::operator(), &id).await?)
}

fn found(id: &str, there: bool) -> Result<Json<Value>, Failed> {
    if there {
        Ok(Json(json!({ "id": id })))
    } else {
        Err(Failed(StatusCode::NOT_FOUND, format!("no letter {id} was set aside")))
    }
}

impl MailDesk {
    fn db(&self) -> Result<&Db, Failed> {
        let closed = || Failed(StatusCode::SERVICE_UNAVAILABLE, "the store is not open".to_owned());
        self.db.as_ref().ok_or_else(closed)
    }
}

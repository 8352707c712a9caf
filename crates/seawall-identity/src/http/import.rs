//! What operators ask of imports, over the admin interface.

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, Query, State, rejection::JsonRejection},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::StatusCode;
use seawall_store::{
    Cause,
    cursor::{self, BadCursor},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    import::{Batch, ImportError},
    people::People,
};

/// The largest batch: far beyond what its rows take.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Rows on a page unless told otherwise, and at most.
const PAGE: u32 = 100;
const LARGEST_PAGE: u32 = 1_000;

/// What a list of ids depends on.
const QUESTION: &str = "foreign-ids";

/// The routes.
pub(super) fn router(people: People) -> Router {
    Router::new()
        .route("/api/imports", post(begin))
        .route("/api/imports/check", post(check))
        .route("/api/imports/{id}/rows", post(rows))
        .route("/api/imports/{id}/finish", post(finish))
        .route("/api/imports/{id}/rejects", get(rejects))
        .route("/api/foreign-ids", get(foreign_ids))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .with_state(people)
}

/// A failure, as these routes tell it.
struct Failed(StatusCode, String);

impl From<ImportError> for Failed {
    fn from(error: ImportError) -> Self {
        let status = match &error {
            ImportError::NoImport(_) => StatusCode::NOT_FOUND,
            ImportError::Moved => StatusCode::CONFLICT,
            ImportError::Invalid(_) => StatusCode::BAD_REQUEST,
            ImportError::Hashing(_) | ImportError::Identity(_) | ImportError::Store(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        };
        let why = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
        Self(status, format!("{error}{why}"))
    }
}

impl From<JsonRejection> for Failed {
    fn from(rejection: JsonRejection) -> Self {
        Self(rejection.status(), "the body is not the JSON that is taken here, or is too large".to_owned())
    }
}

impl From<BadCursor> for Failed {
    fn from(error: BadCursor) -> Self {
        Self(StatusCode::BAD_REQUEST, error.to_string())
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

type Answer = Result<Json<Value>, Failed>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Begun {
    fingerprint: String,
    source: String,
    #[serde(default)]
    again: bool,
}

async fn begin(State(people): State<People>, begun: Result<Json<Begun>, JsonRejection>) -> Answer {
    let Json(Begun { fingerprint, source, again }) = begun?;
    Ok(Json(json!(people.begin_import(&Cause::operator(), fingerprint, source, again).await?)))
}

async fn check(State(people): State<People>, batch: Result<Json<Batch>, JsonRejection>) -> Answer {
    Ok(Json(json!(people.try_import(batch?.0).await?)))
}

async fn rows(
    State(people): State<People>,
    Path(id): Path<String>,
    batch: Result<Json<Batch>, JsonRejection>,
) -> Answer {
    Ok(Json(json!(people.import(&Cause::operator(), id, batch?.0).await?)))
}

async fn finish(State(people): State<People>, Path(id): Path<String>) -> Answer {
    Ok(Json(json!(people.finish_import(&Cause::operator(), id).await?)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    after: Option<String>,
    limit: Option<u32>,
}

impl Asked {
    fn limit(&self) -> Result<u32, Failed> {
        let limit = self.limit.unwrap_or(PAGE);
        if (1..=LARGEST_PAGE).contains(&limit) {
            return Ok(limit);
        }
        Err(Failed(StatusCode::BAD_REQUEST, format!("limit is 1 to {LARGEST_PAGE}")))
    }
}

async fn rejects(State(people): State<People>, Path(id): Path<String>, Query(asked): Query<Asked>) -> Answer {
    let question = format!("rejects of {id}");
    let from = match &asked.after {
        Some(after) => cursor::read::<1>(&question, after)?[0].parse().map_err(|_| BadCursor)?,
        None => 0_i64,
    };
    let limit = asked.limit()?;
    let data = people.import_rejects(id, from, limit).await?;
    let next =
        (data.len() == limit as usize).then(|| cursor::write(&question, &[&(from + i64::from(limit)).to_string()]));
    Ok(Json(json!({ "data": data, "next": next })))
}

async fn foreign_ids(State(people): State<People>, Query(asked): Query<Asked>) -> Answer {
    let after = asked.after.as_deref().map(|after| cursor::read::<2>(QUESTION, after)).transpose()?.unwrap_or_default();
    let limit = asked.limit()?;
    let data = people.foreign_ids(after, limit).await?;
    let last = data.last().filter(|_| data.len() == limit as usize);
    let next = last.map(|last| cursor::write(QUESTION, &[&last.user, &last.import]));
    Ok(Json(json!({ "data": data, "next": next })))
}

//! What operators ask of imports, over the admin interface.

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, Query, State, rejection::JsonRejection},
    routing::{get, post},
};
use seawall_store::{
    Cause,
    cursor::{self, BadCursor},
};
use serde::Deserialize;
use serde_json::json;

use super::answers::{Answer, Paged};
use crate::{import::Batch, people::People};

/// The largest batch: far beyond what its rows take.
const MOST_BYTES: usize = 16 * 1024 * 1024;

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

async fn rejects(State(people): State<People>, Path(id): Path<String>, Query(asked): Query<Paged>) -> Answer {
    let question = format!("rejects of {id}");
    let from = match asked.after::<1>(&question)? {
        Some([from]) => from.parse().map_err(|_| BadCursor)?,
        None => 0_i64,
    };
    let limit = asked.limit()?;
    let data = people.import_rejects(id, from, limit).await?;
    let next =
        (data.len() == limit as usize).then(|| cursor::write(&question, &[&(from + i64::from(limit)).to_string()]));
    Ok(Json(json!({ "data": data, "next": next })))
}

async fn foreign_ids(State(people): State<People>, Query(asked): Query<Paged>) -> Answer {
    let (limit, after) = (asked.limit()?, asked.after::<2>(QUESTION)?.unwrap_or_default());
    let data = people.foreign_ids(after, limit).await?;
    let last = data.last().filter(|_| data.len() == limit as usize);
    let next = last.map(|last| cursor::write(QUESTION, &[&last.user, &last.import]));
    Ok(Json(json!({ "data": data, "next": next })))
}

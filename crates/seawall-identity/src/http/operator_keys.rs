//! What operators ask of API keys.

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, Query, State, rejection::JsonRejection},
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

use super::{
    keys::{Asked, Rotated},
    operator::Failed,
    wire,
};
use crate::{keys::Overlap, people::People};

/// Keys on a page unless told otherwise, and at most.
const PAGE: u32 = 100;
const LARGEST_PAGE: u32 = 1_000;

/// What a list of keys depends on.
const QUESTION: &str = "api_keys";

/// The routes.
pub(super) fn router(people: People) -> Router {
    Router::new()
        .route("/api/keys", get(list))
        .route("/api/keys/{key}/revoke", post(revoke))
        .route("/api/keys/{key}/rotate", post(rotate))
        .route("/api/users/{user}/keys", get(of_user).post(add))
        .with_state(people)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Paged {
    after: Option<String>,
    limit: Option<u32>,
}

async fn list(State(people): State<People>, Query(asked): Query<Paged>) -> Result<Json<Value>, Failed> {
    let after = match asked.after.map(|after| cursor::read::<2>(QUESTION, &after)).transpose()? {
        Some([at, id]) => (at.parse().map_err(|_| BadCursor)?, id),
        None => (i64::MIN, String::new()),
    };
    let limit = asked.limit.unwrap_or(PAGE);
    if !(1..=LARGEST_PAGE).contains(&limit) {
        return Err(Failed(StatusCode::BAD_REQUEST, format!("limit is 1 to {LARGEST_PAGE}")));
    }
    // One more than fits tells whether there is another page.
    let mut keys = people.list_keys(after, limit + 1).await?;
    let more = keys.len() > limit as usize;
    keys.truncate(limit as usize);
    let next = keys.last().filter(|_| more);
    let next = next.map(|last| cursor::write(QUESTION, &[&last.created_at.to_string(), &last.id]));
    let now_us = people.now_us();
    let data: Vec<Value> = keys.iter().map(|key| wire::key(key, now_us)).collect();
    Ok(Json(json!({ "data": data, "next": next })))
}

async fn of_user(State(people): State<People>, Path(user): Path<String>) -> Result<Json<Value>, Failed> {
    let user = people.find(&user).await?;
    let (keys, now_us) = (people.keys_of(&user.id).await?, people.now_us());
    let data: Vec<Value> = keys.iter().map(|key| wire::key(key, now_us)).collect();
    Ok(Json(json!({ "data": data, "next": null })))
}

async fn add(
    State(people): State<People>,
    Path(user): Path<String>,
    asked: Result<Json<Asked>, JsonRejection>,
) -> Result<Response, Failed> {
    let Json(asked) = asked?;
    let user = people.find(&user).await?;
    let made = people.add_key(&Cause::operator(), &user.id, &asked.into()).await?;
    Ok((StatusCode::CREATED, Json(wire::made_key(&made, people.now_us()))).into_response())
}

async fn revoke(State(people): State<People>, Path(key): Path<String>) -> Result<Json<Value>, Failed> {
    let key = people.revoke_key(&Cause::operator(), None, &key).await?;
    Ok(Json(wire::key(&key, people.now_us())))
}

async fn rotate(State(people): State<People>, Path(key): Path<String>, body: Bytes) -> Result<Response, Failed> {
    let asked: Rotated = if body.is_empty() { Rotated::default() } else { Failed::read(&body)? };
    let overlap = Overlap::parse(asked.overlap.as_deref())?;
    let made = people.rotate_key(&Cause::operator(), None, &key, overlap).await?;
    Ok((StatusCode::CREATED, Json(wire::made_key(&made, people.now_us()))).into_response())
}

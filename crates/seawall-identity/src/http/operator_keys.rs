//! What operators ask of API keys.

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, Query, State, rejection::JsonRejection},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::StatusCode;
use seawall_store::{Cause, cursor};
use serde_json::{Value, json};

use super::{
    answers::{Answer, Failed, Paged, page},
    keys::{Asked, Rotated},
    wire,
};
use crate::{
    keys::{ApiKey, Overlap},
    people::People,
};

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

async fn list(State(people): State<People>, Query(asked): Query<Paged>) -> Answer {
    let limit = asked.limit()?;
    let keys = people.list_keys(asked.after_made(QUESTION)?, limit + 1).await?;
    let now_us = people.now_us();
    let next = |last: &ApiKey| cursor::write(QUESTION, &[&last.created_at.to_string(), &last.id]);
    Ok(page(keys, limit, |key| wire::key(key, now_us), next))
}

async fn of_user(State(people): State<People>, Path(user): Path<String>) -> Answer {
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

async fn revoke(State(people): State<People>, Path(key): Path<String>) -> Answer {
    let key = people.revoke_key(&Cause::operator(), None, &key).await?;
    Ok(Json(wire::key(&key, people.now_us())))
}

async fn rotate(State(people): State<People>, Path(key): Path<String>, body: Bytes) -> Result<Response, Failed> {
    let asked: Rotated = if body.is_empty() { Rotated::default() } else { Failed::read(&body)? };
    let overlap = Overlap::parse(asked.overlap.as_deref())?;
    let made = people.rotate_key(&Cause::operator(), None, &key, overlap).await?;
    Ok((StatusCode::CREATED, Json(wire::made_key(&made, people.now_us()))).into_response())
}

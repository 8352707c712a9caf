//! What people ask of their own API keys: with a session only, so that a key that leaked makes no other.

use axum::{
    Json as Shown, Router,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    account::Desk,
    problems::Refused,
    request::{Json, Known, Somebody},
    wire,
};
use crate::{
    keys::{NewKey, Overlap},
    people::{MadeKey, cause},
};

/// The routes below `prefix`.
pub(super) fn routes(prefix: &str) -> Router<Desk> {
    Router::new()
        .route(&format!("{prefix}/keys"), get(list).post(add))
        .route(&format!("{prefix}/keys/{{id}}"), delete(revoke))
        .route(&format!("{prefix}/keys/{{id}}/rotate"), post(rotate))
}

/// What is sent for a key that is to be made.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    label: String,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    networks: Vec<String>,
    rate: Option<String>,
    expires_in: Option<String>,
    organisation: Option<String>,
}

impl From<Asked> for NewKey {
    fn from(asked: Asked) -> Self {
        let Asked { label, scopes, networks, rate, expires_in, organisation } = asked;
        Self { label, scopes, networks, rate, expires_in, organisation }
    }
}

/// What is sent for a key that is to be rotated.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rotated {
    pub(super) overlap: Option<String>,
}

async fn list(State(desk): State<Desk>, Somebody(principal): Somebody) -> Result<Shown<Value>, Refused> {
    let keys = desk.people.keys_of(&principal.id).await?;
    let now_us = desk.people.now_us();
    let data: Vec<Value> = keys.iter().map(|key| wire::key(key, now_us)).collect();
    Ok(Shown(json!({ "data": data, "next": null })))
}

async fn add(
    State(desk): State<Desk>,
    Known(facts): Known,
    Somebody(principal): Somebody,
    Json(asked): Json<Asked>,
) -> Result<Response, Refused> {
    desk.private(&facts)?;
    let mut asked = NewKey::from(asked);
    // It acts for the organisation that its owner acts for, unless it is said.
    let active = principal.membership.as_ref().map(|membership| membership.organisation.to_string());
    asked.organisation = asked.organisation.or(active);
    let made = desk.people.add_key(&cause(&facts), &principal.id, &asked).await?;
    Ok((StatusCode::CREATED, Shown(shown(&made, &desk))).into_response())
}

async fn revoke(
    State(desk): State<Desk>,
    Known(facts): Known,
    Somebody(principal): Somebody,
    Path(id): Path<String>,
) -> Result<StatusCode, Refused> {
    desk.people.revoke_key(&cause(&facts), Some(&principal.id), &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn rotate(
    State(desk): State<Desk>,
    Known(facts): Known,
    Somebody(principal): Somebody,
    Path(id): Path<String>,
    Json(asked): Json<Rotated>,
) -> Result<Response, Refused> {
    desk.private(&facts)?;
    let overlap = Overlap::parse(asked.overlap.as_deref())?;
    let made = desk.people.rotate_key(&cause(&facts), Some(&principal.id), &id, overlap).await?;
    Ok((StatusCode::CREATED, Shown(shown(&made, &desk))).into_response())
}

fn shown(made: &MadeKey, desk: &Desk) -> Value {
    wire::made_key(made, desk.people.now_us())
}

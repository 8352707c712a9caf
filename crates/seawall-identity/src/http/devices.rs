//! What devices ask to be paired, what people ask of their own, and sessions of the application on them.

use axum::{
    Json as Shown, Router,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use http::StatusCode;
use seawall_core::{
    facts::Facts,
    principal::{Principal, PrincipalKind},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

use super::{
    account::Desk,
    problems::Refused,
    request::{Json, Known, Somebody},
    wire::time,
};
use crate::{
    devices::Device,
    people::{AppSession, Asking, Place, cause},
};

/// The scope of keys for sessions of the application.
const APP_SESSIONS: &str = "app-sessions";

/// The routes below `prefix`.
pub(super) fn routes(prefix: &str) -> Router<Desk> {
    let devices = format!("{prefix}/devices");
    let sessions = format!("{prefix}/app-sessions");
    Router::new()
        .route(&devices, get(list))
        .route(&format!("{devices}/code"), post(code))
        .route(&format!("{devices}/look"), post(look))
        .route(&format!("{devices}/approve"), post(approve))
        .route(&format!("{devices}/token"), post(token))
        .route(&format!("{devices}/{{id}}"), delete(revoke))
        .route(&format!("{devices}/{{id}}/name"), post(rename))
        .route(&sessions, get(app_sessions).post(begin))
        .route(&format!("{sessions}/join"), post(join))
        .route(&format!("{sessions}/{{id}}"), get(app_session).delete(end))
        .route(&format!("{sessions}/{{id}}/token"), post(offer))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Coded {
    code: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Polling {
    device_code: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Joining {
    token: String,
}

async fn code(
    State(desk): State<Desk>,
    Known(facts): Known,
    Json(Named { name }): Json<Named>,
) -> Result<Shown<Value>, Refused> {
    desk.private(&facts)?;
    let begun = desk.people.begin_device(&facts, Asking { name }).await?;
    Ok(Shown(json!({
        "user_code": begun.code,
        "device_code": begun.secret.expose(),
        "expires_in": begun.expires_in,
        "interval": begun.interval,
    })))
}

async fn look(
    State(desk): State<Desk>,
    Known(facts): Known,
    Somebody(_): Somebody,
    Json(Coded { code }): Json<Coded>,
) -> Result<Shown<Value>, Refused> {
    Ok(Shown(place(&desk.people.look_at_device(&facts, &code).await?)))
}

async fn approve(
    State(desk): State<Desk>,
    Known(facts): Known,
    Somebody(principal): Somebody,
    Json(Coded { code }): Json<Coded>,
) -> Result<Shown<Value>, Refused> {
    desk.private(&facts)?;
    Ok(Shown(place(&desk.people.approve_device(&facts, &principal, &code).await?)))
}

async fn token(
    State(desk): State<Desk>,
    Known(facts): Known,
    Json(Polling { device_code }): Json<Polling>,
) -> Result<Response, Refused> {
    desk.private(&facts)?;
    let paired = desk.people.fetch_device(&facts, &device_code).await?;
    let mut shown = device(&paired.device);
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("credential".to_owned(), json!(paired.text.expose()));
    }
    Ok((StatusCode::CREATED, Shown(shown)).into_response())
}

async fn list(State(desk): State<Desk>, Somebody(principal): Somebody) -> Result<Shown<Value>, Refused> {
    let devices = desk.people.devices_of(&principal.id).await?;
    Ok(Shown(json!({ "data": devices.iter().map(device).collect::<Vec<_>>(), "next": null })))
}

async fn rename(
    State(desk): State<Desk>,
    Known(facts): Known,
    Somebody(principal): Somebody,
    Path(id): Path<String>,
    Json(Named { name }): Json<Named>,
) -> Result<Shown<Value>, Refused> {
    Ok(Shown(device(&desk.people.rename_device(&cause(&facts), &principal.id, &id, &name).await?)))
}

async fn revoke(
    State(desk): State<Desk>,
    Known(facts): Known,
    Somebody(principal): Somebody,
    Path(id): Path<String>,
) -> Result<StatusCode, Refused> {
    desk.people.revoke_device(&cause(&facts), Some(&principal.id), &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn begin(
    State(desk): State<Desk>,
    Known(facts): Known,
    Json(Named { name }): Json<Named>,
) -> Result<Response, Refused> {
    let begun = desk.people.begin_app_session(&facts, &*anybody(&facts)?, &name).await?;
    Ok((StatusCode::CREATED, Shown(app_session_shown(&begun))).into_response())
}

async fn app_sessions(State(desk): State<Desk>, Known(facts): Known) -> Result<Shown<Value>, Refused> {
    let sessions = desk.people.app_sessions(&*anybody(&facts)?).await?;
    let data: Vec<Value> = sessions
        .iter()
        .map(|session| json!({ "id": session.id, "name": session.name, "created_at": time(session.created_at) }))
        .collect();
    Ok(Shown(json!({ "data": data, "next": null })))
}

async fn app_session(
    State(desk): State<Desk>,
    Known(facts): Known,
    Path(id): Path<String>,
) -> Result<Shown<Value>, Refused> {
    Ok(Shown(app_session_shown(&desk.people.app_session(&*anybody(&facts)?, &id).await?)))
}

async fn offer(State(desk): State<Desk>, Known(facts): Known, Path(id): Path<String>) -> Result<Response, Refused> {
    desk.private(&facts)?;
    let offered = desk.people.offer_app_session(&facts, &*anybody(&facts)?, &id).await?;
    let shown = json!({ "token": offered.token.expose(), "expires_at": time(offered.expires_at) });
    Ok((StatusCode::CREATED, Shown(shown)).into_response())
}

async fn join(
    State(desk): State<Desk>,
    Known(facts): Known,
    Json(Joining { token }): Json<Joining>,
) -> Result<Shown<Value>, Refused> {
    desk.private(&facts)?;
    Ok(Shown(app_session_shown(&desk.people.join_app_session(&facts, &*anybody(&facts)?, &token).await?)))
}

async fn end(State(desk): State<Desk>, Known(facts): Known, Path(id): Path<String>) -> Result<StatusCode, Refused> {
    desk.people.end_app_session(&facts, &*anybody(&facts)?, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A person, a device, or a key that was given for sessions of the application.
fn anybody(facts: &Facts) -> Result<Arc<Principal>, Refused> {
    let principal = facts.principal.clone().ok_or_else(Refused::nobody)?;
    let given = || principal.scopes.iter().flat_map(|scopes| &**scopes).any(|scope| scope.as_str() == APP_SESSIONS);
    if principal.kind == PrincipalKind::ApiKey && !given() {
        return Err(Refused::no_scope(APP_SESSIONS));
    }
    Ok(principal)
}

fn place(place: &Place) -> Value {
    json!({ "name": place.name, "address": place.address, "expires_at": time(place.expires_at) })
}

/// A device as its owner and operators see it.
pub(super) fn device(device: &Device) -> Value {
    json!({
        "id": device.id,
        "user": device.user_id,
        "organisation": device.organisation_id,
        "name": device.name,
        "state": if device.revoked_at.is_some() { "revoked" } else { "holds" },
        "created_at": time(device.created_at),
        "paired_from": device.paired_from,
        "used_at": device.used_at.map(time),
        "used_from": device.used_from,
        "revoked_at": device.revoked_at.map(time),
    })
}

fn app_session_shown(session: &AppSession) -> Value {
    json!({
        "id": session.id,
        "user": session.user_id,
        "name": session.name,
        "created_at": time(session.created_at),
        "ended_at": session.ended_at.map(time),
        "members": session.members,
    })
}

//! What people ask that mail is needed for: a forgotten password, and their address.

use axum::{
    Json as Shown, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, post},
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

pub(super) fn routes(prefix: &str) -> Router<Desk> {
    Router::new()
        .route(&format!("{prefix}/forgot"), post(forgot))
        .route(&format!("{prefix}/email"), get(email).post(want))
        .route(&format!("{prefix}/email/verify"), post(verify))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NameOrEmail {
    name: Option<String>,
    email: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Address {
    email: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkToken {
    token: String,
}

/// The answer is the same, and takes as long, whether there is such a user or not.
async fn forgot(
    State(desk): State<Desk>,
    Known(facts): Known,
    Json(sent): Json<NameOrEmail>,
) -> Result<Response, Refused> {
    desk.private(&facts)?;
    let ((Some(typed), None) | (None, Some(typed))) = (sent.name, sent.email) else {
        return Err(Refused::invalid("Send `email` or `name`, one of them."));
    };
    desk.people.forgot(&facts, &typed).await?;
    let said =
        json!({ "status": "accepted", "detail": "If there is such a user with an address, a mail is on its way." });
    Ok((StatusCode::ACCEPTED, Shown(said)).into_response())
}

async fn email(State(desk): State<Desk>, Somebody(principal): Somebody) -> Result<Shown<Value>, Refused> {
    let shown = desk.people.email(&principal.id).await?;
    Ok(Shown(json!({
        "email": shown.email,
        "verified_at": shown.verified_at.map(wire::time),
        "wanted": shown.wanted,
    })))
}

async fn want(
    State(desk): State<Desk>,
    Known(facts): Known,
    Somebody(principal): Somebody,
    Json(sent): Json<Address>,
) -> Result<Response, Refused> {
    desk.private(&facts)?;
    desk.people.want_email(&facts, &principal, &sent.email).await?;
    Ok((StatusCode::ACCEPTED, Shown(json!({ "status": "accepted" }))).into_response())
}

async fn verify(
    State(desk): State<Desk>,
    Known(facts): Known,
    Json(sent): Json<LinkToken>,
) -> Result<StatusCode, Refused> {
    desk.private(&facts)?;
    desk.people.verify_email(&facts, &sent.token).await?;
    Ok(StatusCode::NO_CONTENT)
}

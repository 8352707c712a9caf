//! Steps beside the password: the second factor at sign-in, a younger proof, a password chosen with a token, the first administrator.

use axum::{
    Json as Shown, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::post,
};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::{
    account::Desk,
    problems::Refused,
    request::{Agent, Json, Known, Somebody},
    wire,
};
use crate::people::{Came, Proof, Second};

pub(super) fn routes(prefix: &str) -> Router<Desk> {
    Router::new()
        .route(&format!("{prefix}/sign-in/second"), post(second))
        .route(&format!("{prefix}/confirm"), post(confirm))
        .route(&format!("{prefix}/reset"), post(reset))
        .route(&format!("{prefix}/first"), post(first))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TicketAndCode {
    ticket: String,
    code: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PasswordOrCode {
    password: Option<String>,
    code: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenAndPassword {
    token: String,
    password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstUser {
    token: String,
    name: String,
    password: String,
}

async fn second(
    State(desk): State<Desk>,
    Known(facts): Known,
    Agent(user_agent): Agent,
    headers: HeaderMap,
    Json(sent): Json<TicketAndCode>,
) -> Result<Response, Refused> {
    desk.private(&facts)?;
    let TicketAndCode { ticket, code } = sent;
    let asked = Second { ticket, code: code.into(), user_agent, device: desk.cookie.device(&headers) };
    let signed_in = desk.people.second_factor(&facts, asked).await?;
    desk.welcome(&facts, signed_in, StatusCode::OK).await
}

async fn confirm(
    State(desk): State<Desk>,
    Known(facts): Known,
    Somebody(principal): Somebody,
    Agent(user_agent): Agent,
    headers: HeaderMap,
    Json(sent): Json<PasswordOrCode>,
) -> Result<Response, Refused> {
    desk.private(&facts)?;
    let proof = match (sent.password, sent.code) {
        (Some(password), None) => Proof::Password(password.into()),
        (None, Some(code)) => Proof::Code(code.into()),
        _ => return Err(Refused::invalid("Send `password` or `code`, one of them.")),
    };
    let came = Came { user_agent, device: desk.cookie.device(&headers) };
    let confirmed = desk.people.confirm(&facts, &principal, proof, came).await?;
    desk.welcome(&facts, confirmed, StatusCode::OK).await
}

async fn reset(
    State(desk): State<Desk>,
    Known(facts): Known,
    Json(sent): Json<TokenAndPassword>,
) -> Result<StatusCode, Refused> {
    desk.private(&facts)?;
    desk.people.reset(&facts, &sent.token, sent.password.into()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn first(
    State(desk): State<Desk>,
    Known(facts): Known,
    Json(sent): Json<FirstUser>,
) -> Result<Response, Refused> {
    desk.private(&facts)?;
    let user = desk.people.add_first(&facts, &sent.token, &sent.name, sent.password.into()).await?;
    Ok((StatusCode::CREATED, Shown(json!({ "user": wire::own(&user) }))).into_response())
}

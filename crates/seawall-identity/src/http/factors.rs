//! What people ask about their second factors.

use axum::{
    Json as Shown, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    account::Desk,
    problems::Refused,
    request::{Agent, Json, Known, Somebody},
    wire,
};
use crate::people::EndOthers;

pub(super) fn routes(prefix: &str) -> Router<Desk> {
    Router::new()
        .route(&format!("{prefix}/factors"), get(show))
        .route(&format!("{prefix}/factors/totp"), post(enrol).delete(remove))
        .route(&format!("{prefix}/factors/totp/confirm"), post(confirm))
        .route(&format!("{prefix}/factors/recovery-codes"), post(recovery_codes))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstCode {
    code: String,
    end_other_sessions: Option<bool>,
}

async fn show(State(desk): State<Desk>, Somebody(principal): Somebody) -> Result<Shown<Value>, Refused> {
    Ok(Shown(wire::factors(&desk.people.factors(&principal.id).await?)))
}

async fn enrol(
    State(desk): State<Desk>,
    Known(facts): Known,
    Somebody(principal): Somebody,
) -> Result<Response, Refused> {
    desk.private(&facts)?;
    let enrolment = desk.people.enrol_totp(&facts, &principal).await?;
    let body = json!({ "secret": &*enrolment.secret, "uri": &*enrolment.uri });
    Ok((StatusCode::CREATED, Shown(body)).into_response())
}

async fn confirm(
    State(desk): State<Desk>,
    Known(facts): Known,
    Somebody(principal): Somebody,
    Agent(user_agent): Agent,
    Json(sent): Json<FirstCode>,
) -> Result<Response, Refused> {
    desk.private(&facts)?;
    let FirstCode { code, end_other_sessions } = sent;
    // They were begun with less than is asked for from here on.
    let ending = if end_other_sessions.unwrap_or(true) { EndOthers::Yes } else { EndOthers::No };
    let enrolled = desk.people.confirm_totp(&facts, &principal, code.into(), ending, user_agent).await?;
    let more = Map::from_iter([("recovery_codes".to_owned(), json!(enrolled.codes.expose()))]);
    desk.welcome_with(&facts, enrolled.signed_in, StatusCode::OK, more).await
}

async fn remove(
    State(desk): State<Desk>,
    Known(facts): Known,
    Somebody(principal): Somebody,
) -> Result<StatusCode, Refused> {
    desk.people.remove_own_factors(&facts, &principal, EndOthers::Yes).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn recovery_codes(
    State(desk): State<Desk>,
    Known(facts): Known,
    Somebody(principal): Somebody,
) -> Result<Response, Refused> {
    desk.private(&facts)?;
    let codes = desk.people.make_recovery_codes(&facts, &principal).await?;
    Ok((StatusCode::CREATED, Shown(json!({ "recovery_codes": codes.expose() }))).into_response())
}

//! What people ask of their organisations: which there are, and which one they act for.

use axum::{
    Json as Shown, Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    account::Desk,
    problems::Refused,
    request::{Agent, Json, Known, Somebody},
};

/// The routes below `prefix`.
pub(super) fn routes(prefix: &str) -> Router<Desk> {
    Router::new()
        .route(&format!("{prefix}/organisations"), get(list))
        .route(&format!("{prefix}/organisation"), post(act))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Acting {
    organisation: Option<String>,
}

async fn list(State(desk): State<Desk>, Somebody(principal): Somebody) -> Result<Shown<Value>, Refused> {
    let active = principal.membership.as_ref().map(|membership| &*membership.organisation);
    let members = desk.people.organisations_of(&principal.id).await?;
    let shown = members.iter().map(|member| {
        json!({
            "id": member.organisation.id,
            "name": member.organisation.name,
            "tier": member.organisation.tier,
            "role": member.role,
            "active": active == Some(&*member.organisation.id),
        })
    });
    Ok(Shown(json!({ "data": shown.collect::<Vec<_>>(), "next": null })))
}

async fn act(
    State(desk): State<Desk>,
    Known(facts): Known,
    Somebody(principal): Somebody,
    Agent(user_agent): Agent,
    Json(Acting { organisation }): Json<Acting>,
) -> Result<Response, Refused> {
    desk.private(&facts)?;
    let acting = desk.people.act_for(&facts, &principal, organisation.as_deref(), user_agent).await?;
    desk.welcome(&facts, acting, StatusCode::OK).await
}

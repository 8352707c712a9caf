//! What operators ask of organisations and devices.

use axum::{
    Json, Router,
    extract::{Path, Query, State, rejection::JsonRejection},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::StatusCode;
use seawall_core::principal::Role;
use seawall_store::{Cause, cursor};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    answers::{Answer, Failed, LARGEST_PAGE, Paged, page},
    devices::device,
    wire::time,
};
use crate::{
    organisations::{Member, Organisation},
    people::People,
};

/// The routes.
pub(super) fn router(people: People) -> Router {
    Router::new()
        .route("/api/organisations", get(list).post(add))
        .route("/api/organisations/{organisation}", get(one).delete(remove))
        .route("/api/organisations/{organisation}/remove", post(remove))
        .route("/api/organisations/{organisation}/tier", post(tier))
        .route("/api/organisations/{organisation}/members", get(members).post(set_member))
        .route("/api/devices", get(devices))
        .route("/api/devices/{device}/revoke", post(revoke))
        .route("/api/users/{user}/devices", get(devices_of))
        .with_state(people)
}

/// The id after which a page begins.
fn after(asked: &Paged, question: &str) -> Result<String, Failed> {
    Ok(asked.after::<1>(question)?.map(|[after]| after).unwrap_or_default())
}

fn organisation(organisation: &Organisation) -> Value {
    json!({
        "id": organisation.id,
        "name": organisation.name,
        "tier": organisation.tier,
        "created_at": time(organisation.created_at),
    })
}

fn member(member: &Member) -> Value {
    json!({ "user": member.user_id, "name": member.user_name, "role": member.role, "since": time(member.since) })
}

async fn list(State(people): State<People>, Query(asked): Query<Paged>) -> Answer {
    let (limit, question) = (asked.limit()?, "organisations");
    let rows = people.list_organisations(after(&asked, question)?, limit + 1).await?;
    Ok(page(rows, limit, organisation, |last| cursor::write(question, &[&last.id])))
}

async fn one(State(people): State<People>, Path(which): Path<String>) -> Answer {
    Ok(Json(organisation(&people.organisation(&which).await?)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Added {
    name: String,
    tier: Option<String>,
}

async fn add(State(people): State<People>, added: Result<Json<Added>, JsonRejection>) -> Result<Response, Failed> {
    let Json(Added { name, tier }) = added?;
    let added = people.add_organisation(&Cause::operator(), &name, tier.as_deref()).await?;
    Ok((StatusCode::CREATED, Json(organisation(&added))).into_response())
}

async fn remove(State(people): State<People>, Path(which): Path<String>) -> Answer {
    let removed = people.remove_organisation(&Cause::operator(), &which).await?;
    Ok(Json(json!({ "removed": removed.id })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tiered {
    tier: Option<String>,
}

async fn tier(
    State(people): State<People>,
    Path(which): Path<String>,
    tiered: Result<Json<Tiered>, JsonRejection>,
) -> Answer {
    let Json(Tiered { tier }) = tiered?;
    Ok(Json(organisation(&people.set_tier(&Cause::operator(), &which, tier.as_deref()).await?)))
}

async fn members(State(people): State<People>, Path(which): Path<String>, Query(asked): Query<Paged>) -> Answer {
    let (limit, question) = (asked.limit()?, "organisation_members");
    let rows = people.members(&which, after(&asked, question)?, limit + 1).await?;
    Ok(page(rows, limit, member, |last| cursor::write(question, &[&last.user_id])))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetMember {
    user: String,
    role: Option<String>,
}

async fn set_member(
    State(people): State<People>,
    Path(which): Path<String>,
    set: Result<Json<SetMember>, JsonRejection>,
) -> Answer {
    let Json(SetMember { user, role }) = set?;
    let role = role.map(|role| Role::parse(&role)).transpose();
    let role = role.map_err(|wrong| Failed(StatusCode::BAD_REQUEST, wrong))?;
    people.set_member(&Cause::operator(), &which, &user, role).await?;
    let rows = people.members(&which, String::new(), LARGEST_PAGE).await?;
    Ok(page(rows, LARGEST_PAGE, member, |last| cursor::write("organisation_members", &[&last.user_id])))
}

async fn devices(State(people): State<People>, Query(asked): Query<Paged>) -> Answer {
    let (limit, question) = (asked.limit()?, "devices");
    let rows = people.list_devices(asked.after_made(question)?, limit + 1).await?;
    Ok(page(rows, limit, device, |last| cursor::write(question, &[&last.created_at.to_string(), &last.id])))
}

async fn devices_of(State(people): State<People>, Path(user): Path<String>) -> Answer {
    let user = people.find(&user).await?;
    let devices = people.devices_of(&user.id).await?;
    Ok(Json(json!({ "data": devices.iter().map(device).collect::<Vec<_>>(), "next": null })))
}

async fn revoke(State(people): State<People>, Path(id): Path<String>) -> Answer {
    Ok(Json(device(&people.revoke_device(&Cause::operator(), None, &id).await?)))
}

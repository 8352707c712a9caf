//! What operators ask of users, over the admin interface; and the command line of its own store, when no server runs.

use axum::{
    Json, Router,
    body::Bytes,
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
    answers::{Answer, Failed, Paged, page},
    links, operator_keys, operator_organisations, signing_keys, wire,
};
use crate::people::{NewUser, People, RolesChange};

/// What a list of users depends on.
const QUESTION: &str = "users";

/// The routes.
pub fn router(people: People) -> Router {
    Router::new()
        .route("/api/users", get(list).post(add))
        .route("/api/users/{user}", get(one).delete(remove))
        .route("/api/users/{user}/delete", post(remove))
        .route("/api/users/{user}/reset", post(reset))
        .route("/api/users/{user}/factors", get(factors).delete(remove_factors))
        .route("/api/users/{user}/factors/remove", post(remove_factors))
        .route("/api/users/{user}/passkeys/{passkey}", axum::routing::delete(remove_passkey))
        .route("/api/users/{user}/passkeys/{passkey}/remove", post(remove_passkey))
        .route("/api/users/{user}/email", post(set_email))
        .route("/api/users/{user}/disable", post(disable))
        .route("/api/users/{user}/enable", post(enable))
        .route("/api/users/{user}/roles", post(change_roles))
        .route("/api/users/{user}/sessions", get(sessions).delete(end_all))
        .route("/api/users/{user}/sessions/{session}", axum::routing::delete(end_one))
        .route("/api/users/{user}/sign-out", post(sign_out))
        .merge(signing_keys::router())
        .with_state(people.clone())
        .merge(super::import::router(people.clone()))
        .merge(links::router(people.clone()))
        .merge(operator_keys::router(people.clone()))
        .merge(operator_organisations::router(people))
}

async fn list(State(people): State<People>, Query(asked): Query<Paged>) -> Answer {
    let (limit, after) = (asked.limit()?, asked.after::<1>(QUESTION)?.map(|[after]| after));
    let users = people.list(after, limit + 1).await?;
    Ok(page(users, limit, wire::user, |last| cursor::write(QUESTION, &[&last.id])))
}

async fn one(State(people): State<People>, Path(user): Path<String>) -> Answer {
    Ok(Json(wire::user(&people.find(&user).await?)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Added {
    name: String,
    email: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
    password: Option<String>,
}

async fn add(State(people): State<People>, added: Result<Json<Added>, JsonRejection>) -> Result<Response, Failed> {
    let Json(Added { name, email, roles, password }) = added?;
    let new = NewUser { name, email, roles: parsed(&roles)?, password: password.map(Into::into) };
    let user = people.add(&Cause::operator(), new).await?;
    Ok((StatusCode::CREATED, Json(wire::user(&user))).into_response())
}

async fn remove(State(people): State<People>, Path(user): Path<String>) -> Answer {
    let deleted = people.delete(&Cause::operator(), user).await?;
    Ok(Json(json!({ "deleted": deleted.id })))
}

async fn reset(State(people): State<People>, Path(user): Path<String>) -> Answer {
    Ok(Json(wire::reset(&people.offer_reset(&Cause::operator(), user).await?)))
}

async fn factors(State(people): State<People>, Path(user): Path<String>) -> Answer {
    let user = people.find(&user).await?;
    Ok(Json(wire::factors(&people.factors(&user.id).await?)))
}

async fn remove_factors(State(people): State<People>, Path(user): Path<String>) -> Answer {
    let user = people.find(&user).await?;
    people.remove_factors(&Cause::operator(), user.id.clone()).await?;
    Ok(Json(wire::factors(&people.factors(&user.id).await?)))
}

async fn remove_passkey(State(people): State<People>, Path((user, passkey)): Path<(String, String)>) -> Answer {
    let user = people.find(&user).await?;
    people.remove_passkey(&Cause::operator(), &user.id, &passkey).await?;
    Ok(Json(wire::factors(&people.factors(&user.id).await?)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Address {
    email: Option<String>,
}

async fn set_email(
    State(people): State<People>,
    Path(user): Path<String>,
    sent: Result<Json<Address>, JsonRejection>,
) -> Answer {
    let Json(Address { email }) = sent?;
    Ok(Json(wire::user(&people.set_email(&Cause::operator(), user, email.as_deref()).await?)))
}

async fn disable(State(people): State<People>, Path(user): Path<String>) -> Answer {
    Ok(Json(wire::user(&people.set_disabled(&Cause::operator(), user, true).await?)))
}

async fn enable(State(people): State<People>, Path(user): Path<String>) -> Answer {
    Ok(Json(wire::user(&people.set_disabled(&Cause::operator(), user, false).await?)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangedRoles {
    set: Option<Vec<String>>,
    #[serde(default)]
    add: Vec<String>,
    #[serde(default)]
    remove: Vec<String>,
}

async fn change_roles(
    State(people): State<People>,
    Path(user): Path<String>,
    changed: Result<Json<ChangedRoles>, JsonRejection>,
) -> Answer {
    let Json(ChangedRoles { set, add, remove }) = changed?;
    let change = match set {
        Some(set) => RolesChange::Set(parsed(&set)?),
        None => RolesChange::Change { add: parsed(&add)?, remove: parsed(&remove)? },
    };
    Ok(Json(wire::user(&people.change_roles(&Cause::operator(), user, change).await?)))
}

fn parsed(names: &[String]) -> Result<Vec<Role>, Failed> {
    let roles: Result<Vec<Role>, String> = names.iter().map(|name| Role::parse(name)).collect();
    roles.map_err(|wrong| Failed(StatusCode::BAD_REQUEST, wrong))
}

async fn sessions(State(people): State<People>, Path(user): Path<String>) -> Answer {
    let sessions = people.sessions_of(&user).await?;
    let data: Vec<Value> = sessions.iter().map(|session| wire::session(session, None)).collect();
    Ok(Json(json!({ "data": data, "next": null })))
}

async fn end_all(State(people): State<People>, Path(user): Path<String>) -> Answer {
    let ended = people.sign_out_user(&Cause::operator(), user, None).await?;
    Ok(Json(json!({ "ended": ended })))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignedOut {
    session: Option<String>,
}

async fn sign_out(State(people): State<People>, Path(user): Path<String>, body: Bytes) -> Answer {
    let which: SignedOut = if body.is_empty() { SignedOut::default() } else { Failed::read(&body)? };
    let ended = people.sign_out_user(&Cause::operator(), user, which.session).await?;
    Ok(Json(json!({ "ended": ended })))
}

async fn end_one(State(people): State<People>, Path((user, session)): Path<(String, String)>) -> Answer {
    let ended = people.sign_out_user(&Cause::operator(), user, Some(session)).await?;
    Ok(Json(json!({ "ended": ended })))
}

//! What people and operators ask of accounts elsewhere.

use axum::{
    Json as Shown, Router,
    body::Bytes,
    extract::{Path, State},
    routing::{delete, get, post},
};
use http::StatusCode;
use seawall_store::Cause;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    account::Desk,
    answers::{Answer, Failed},
    problems::Refused,
    request::{Known, Somebody},
    wire::time,
};
use crate::people::{Link, People};

/// The routes of people, below `prefix`.
pub(super) fn routes(prefix: &str) -> Router<Desk> {
    Router::new().route(&format!("{prefix}/links"), get(own)).route(&format!("{prefix}/links/{{id}}"), delete(unlink))
}

/// The routes of operators.
pub(super) fn router(people: People) -> Router {
    Router::new()
        .route("/api/users/{user}/links", get(of_user))
        .route("/api/users/{user}/links/remove", post(remove))
        .with_state(people)
}

fn page(links: &[Link]) -> Value {
    let shown = links.iter().map(|link| {
        json!({
            "id": link.id,
            "name": link.name,
            "issuer": link.issuer,
            "subject": link.subject,
            "linked_at": time(link.created_at),
        })
    });
    json!({ "data": shown.collect::<Vec<_>>(), "next": null })
}

async fn own(State(desk): State<Desk>, Somebody(principal): Somebody) -> Result<Shown<Value>, Refused> {
    Ok(Shown(page(&desk.people.links(&principal.id).await?)))
}

async fn unlink(
    State(desk): State<Desk>,
    Known(facts): Known,
    Somebody(principal): Somebody,
    Path(id): Path<String>,
) -> Result<StatusCode, Refused> {
    desk.people.unlink(&facts, &principal, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn of_user(State(people): State<People>, Path(user): Path<String>) -> Answer {
    let user = people.find(&user).await?;
    Ok(Shown(page(&people.links(&user.id).await?)))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    link: Option<String>,
}

async fn remove(State(people): State<People>, Path(user): Path<String>, body: Bytes) -> Answer {
    let which: Which = if body.is_empty() { Which::default() } else { Failed::read(&body)? };
    let removed = people.remove_links(&Cause::operator(), &user, which.link).await?;
    Ok(Shown(json!({ "removed": removed })))
}

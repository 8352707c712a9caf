//! The token that a page asks for before it changes something where `[csrf]` requires one.

use axum::{Json as Shown, Router, extract::State, routing::get};
use serde_json::{Value, json};

use super::{account::Desk, problems::Refused, request::Somebody};

pub(super) fn routes(prefix: &str) -> Router<Desk> {
    Router::new().route(&format!("{prefix}/csrf-token"), get(give))
}

async fn give(State(desk): State<Desk>, Somebody(principal): Somebody) -> Result<Shown<Value>, Refused> {
    match desk.people.page_token(&principal)? {
        Some(token) => Ok(Shown(json!({ "token": token }))),
        None => Err(Refused::no_session()),
    }
}

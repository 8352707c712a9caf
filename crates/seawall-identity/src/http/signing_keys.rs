//! What operators ask of signing keys.

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    routing::{get, post},
};
use http::StatusCode;
use seawall_store::Cause;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    answers::{Answer, Failed},
    wire,
};
use crate::{
    people::People,
    tokens::{KeyShown, Rotation},
};

/// The routes.
pub(super) fn router() -> Router<People> {
    Router::new().route("/api/signing-keys", get(list)).route("/api/signing-keys/rotate", post(rotate))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[serde(default)]
    at_once: bool,
}

async fn list(State(people): State<People>) -> Answer {
    Ok(shown(&people.signing_keys().await?))
}

async fn rotate(State(people): State<People>, body: Bytes) -> Answer {
    let asked: Asked = if body.is_empty() {
        Asked::default()
    } else {
        serde_json::from_slice(&body)
            .map_err(|_| Failed(StatusCode::BAD_REQUEST, "the body is not the JSON that is taken here".to_owned()))?
    };
    let rotation = if asked.at_once { Rotation::AtOnce } else { Rotation::Published };
    Ok(shown(&people.rotate_keys(&Cause::operator(), rotation).await?))
}

fn shown(keys: &[KeyShown]) -> Json<Value> {
    let data: Vec<Value> = keys.iter().map(wire::signing_key).collect();
    Json(json!({ "data": data, "next": null }))
}

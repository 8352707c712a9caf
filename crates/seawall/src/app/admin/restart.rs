//! Starting a successor and handing over to it.

use axum::{
    Router,
    body::Body,
    http::{Response, StatusCode},
    routing::post,
};
use serde_json::json;

use crate::app::{builtin, hand_over::HandOver};

/// The route; none for a server that does not know how it was started.
pub(super) fn routes(hand_over: Option<HandOver>) -> Router {
    let Some(hand_over) = hand_over else { return Router::new() };
    Router::new().route("/api/restart", post(move || restart(hand_over.clone())))
}

/// A hand-over is done to its end even if whoever asks does not wait: it is a task of its own.
async fn restart(hand_over: HandOver) -> Response<Body> {
    match hand_over.restart().await {
        Ok(successor) => {
            builtin::json(StatusCode::OK, &json!({ "successor": successor, "predecessor": std::process::id() }))
        }
        Err(error) => {
            let body = json!({ "error": error.text(), "exit_code": error.exit_code() });
            builtin::json(StatusCode::CONFLICT, &body)
        }
    }
}

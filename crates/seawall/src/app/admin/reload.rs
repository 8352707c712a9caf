//! Reloading the configuration, and what a reload would change.

use axum::{
    Router,
    body::Body,
    http::{Response, StatusCode},
    routing::{get, post},
};
use seawall_core::problem::{Fault, ProblemType, Severity};
use serde_json::{Map, Value};

use super::refusal;
use crate::app::{
    builtin,
    reload::{Difference, Refusal, Reloader, Trigger},
};

/// The configuration was not taken over.
pub(super) static CONFIGURATION_REFUSED: ProblemType = ProblemType {
    slug: "configuration-refused",
    code: "CONFIGURATION_REFUSED",
    status: StatusCode::UNPROCESSABLE_ENTITY,
    title: "The configuration cannot be used",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::High,
    documentation: "The configuration that should be reloaded has mistakes. Nothing has changed: what ran before holds on.\n\n\
        For the operator: `diagnostics` lists every mistake with its place and the way out, `text` shows them as `seawall check` does. \
        Correct the file and reload again.",
};

/// This server cannot reload, or not in this moment.
pub(super) static NO_RELOAD: ProblemType = ProblemType {
    slug: "reload-not-possible",
    code: "RELOAD_NOT_POSSIBLE",
    status: StatusCode::CONFLICT,
    title: "The server cannot reload its configuration",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Medium,
    documentation: "The server is finishing, or its configuration was not read from files, as in `seawall demo`.\n\n\
        For the operator: a server that finishes is followed by one that reads the configuration anew; `detail` says which it is.",
};

/// The routes.
pub(super) fn routes(reloader: &Reloader) -> Router {
    let (asked, told) = (reloader.clone(), reloader.clone());
    Router::new()
        .route("/api/diff", get(move || async move { answer(asked.difference().await) }))
        .route("/api/reload", post(move || reload(told.clone())))
}

/// A reload is done to its end even if whoever asks does not wait.
async fn reload(reloader: Reloader) -> Response<Body> {
    let done = tokio::spawn(async move { reloader.reload(Trigger::Admin).await }).await;
    answer(done.unwrap_or(Err(Refusal::Died)))
}

fn answer(outcome: Result<Difference, Refusal>) -> Response<Body> {
    let refusal = match outcome {
        Ok(difference) => return builtin::json(StatusCode::OK, &difference.json()),
        Err(refusal) => refusal,
    };
    let (detail, _) = refusal.first();
    if !refusal.of_configuration() {
        return refusal::of(&NO_RELOAD, &detail, Map::new());
    }
    let mut more = match refusal.diagnostics() {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    more.insert("text".to_owned(), refusal.text().into());
    refusal::of(&CONFIGURATION_REFUSED, &detail, more)
}

//! What the admin interface answers.

use std::sync::Arc;

use axum::{
    Router,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use seawall_config::{Config, Which};
use seawall_telemetry::{Registry, metrics};
use serde_json::json;

use crate::app::{
    Addresses, builtin,
    health::{Health, Show},
};

/// What the routes look at.
#[derive(Clone, Debug)]
pub(in crate::app) struct State {
    pub(in crate::app) health: Health,
    pub(in crate::app) registry: Registry,
    pub(in crate::app) config: Arc<Config>,
    pub(in crate::app) addresses: Addresses,
    pub(in crate::app) upstream: String,
}

/// The routes, without their gate.
pub(in crate::app) fn router(state: State) -> Router {
    let (full, ready, status) = (state.health.clone(), state.health.clone(), state.clone());
    let State { registry, config, .. } = state;
    Router::new()
        .route("/", get(|| async { INDEX }))
        .route("/health", get(move || report(full.clone())))
        .route("/health/live", get(|| async { builtin::json(StatusCode::OK, &json!({ "status": "ok" })) }))
        .route("/health/ready", get(move || report(ready.clone())))
        .route(
            "/metrics",
            get(move || async move { ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], registry.encode()) }),
        )
        .route("/problems/{slug}", get(builtin::problem_page))
        .route("/api/status", get(move || overview(status.clone())))
        .route("/api/config", get(move || async move { config.print(Which::All) }))
        .fallback(|| async { (StatusCode::NOT_FOUND, INDEX) })
}

const INDEX: &str = "The admin interface of Seawall.\n\n\
    /health         the state of everything\n\
    /health/live    whether the process runs\n\
    /health/ready   whether requests are served\n\
    /metrics        metrics for Prometheus\n\
    /api/status     what runs here (token)\n\
    /api/config     the effective configuration (token)\n";

async fn report(health: Health) -> impl IntoResponse {
    let report = health.report().await;
    let status = if report.ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    builtin::json(status, &report.json(Show::All))
}

async fn overview(state: State) -> impl IntoResponse {
    let value = |name| state.registry.value(name, &[]).unwrap_or_default();
    let body = json!({
        "health": state.health.report().await.json(Show::All),
        "public": state.addresses.public.to_string(),
        "admin": state.addresses.admin.to_string(),
        "upstream": state.upstream,
        "environment": state.config.environment().word(),
        "connections": value("seawall_connections"),
        "active_requests": value("http_server_active_requests"),
    });
    builtin::json(StatusCode::OK, &body)
}

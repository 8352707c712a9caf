//! What the admin interface answers.

use axum::{
    Router,
    body::Body,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use seawall_config::Which;
use seawall_proxy::Upstream;
use seawall_store::{Cause, Db, StoreError, audit::Entry};
use seawall_telemetry::{Registry, metrics};
use serde_json::json;

use super::{reload, report, restart, versions};
use crate::app::{
    Addresses, builtin,
    hand_over::HandOver,
    health::{Health, Show},
    reload::Reloader,
    supervised::Handle,
};

/// What the routes look at.
#[derive(Clone, Debug)]
pub(in crate::app) struct State {
    /// Where what operators do is recorded.
    pub(in crate::app) db: Option<Db>,
    /// What is asked of the store.
    pub(in crate::app) store: Router,
    pub(in crate::app) health: Health,
    pub(in crate::app) registry: Registry,
    pub(in crate::app) reloader: Reloader,
    pub(in crate::app) addresses: Addresses,
    pub(in crate::app) upstream: Upstream,
    /// The application, when Seawall started it.
    pub(in crate::app) supervised: Option<Handle>,
    /// The way to a successor, when this process knows how it was started.
    pub(in crate::app) hand_over: Option<HandOver>,
}

/// The routes, without their gate.
pub(in crate::app) fn router(state: State) -> Router {
    let (full, ready, status) = (state.health.clone(), state.health.clone(), state.clone());
    let State { store, db, registry, reloader, supervised, hand_over, .. } = state;
    let config = reloader.clone();
    supervised_routes(supervised, db)
        .merge(reload::routes(&reloader))
        .merge(restart::routes(hand_over))
        .merge(report::routes(reloader.reports(), reloader.drift()))
        .merge(versions::routes(reloader.callers()))
        .merge(store)
        .route("/", get(|| async { INDEX }))
        .route("/health", get(move || health(full.clone())))
        .route("/health/live", get(|| async { builtin::json(StatusCode::OK, &json!({ "status": "ok" })) }))
        .route("/health/ready", get(move || health(ready.clone())))
        .route(
            "/metrics",
            get(move || async move { ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], registry.encode()) }),
        )
        .route("/problems/{slug}", get(builtin::problem_page))
        .route("/api/status", get(move || overview(status.clone())))
        .route("/api/config", get(move || async move { config.config().print(Which::All) }))
        .fallback(|| async { (StatusCode::NOT_FOUND, INDEX) })
}

/// What can be asked of an application that Seawall started. Replacing it is offered when it is possible.
fn supervised_routes(supervised: Option<Handle>, db: Option<Db>) -> Router {
    let Some(handle) = supervised else { return Router::new() };
    let seen = handle.clone();
    let router =
        Router::new().route("/api/app", get(|| async move { builtin::json(StatusCode::OK, &seen.status().json()) }));
    if handle.replaceable() {
        router.route("/api/app/replace", post(move || replace(handle.clone(), db.clone())))
    } else {
        router
    }
}

/// Replaces the application. The new process is waited for even if whoever asks does not.
async fn replace(handle: Handle, db: Option<Db>) -> Response<Body> {
    let replaced = tokio::spawn(async move { handle.replace().await }).await;
    match replaced {
        Ok(Ok(status)) => {
            if let Some(db) = db {
                record(&db, Entry::new("application.replaced", "application", status.command.clone())).await;
            }
            builtin::json(StatusCode::OK, &status.json())
        }
        Ok(Err(error)) => {
            let reason = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
            let body = json!({ "error": format!("{error}{reason}"), "help": error.help() });
            builtin::json(StatusCode::CONFLICT, &body)
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Records what an operator has done. It is done already, so a failure is told and changes nothing.
async fn record(db: &Db, entry: Entry) {
    let recorded: Result<(), StoreError> = db.write(&Cause::operator(), move |tx| tx.audit(entry.clone())).await;
    if let Err(error) = recorded {
        tracing::error!(%error, "what was done could not be written to the audit log");
    }
}

const INDEX: &str = "The admin interface of Seawall.\n\n\
    /health         the state of everything\n\
    /health/live    whether the process runs\n\
    /health/ready   whether requests are served\n\
    /metrics        metrics for Prometheus\n\
    /api/status     what runs here (token)\n\
    /api/config     the effective configuration (token)\n\
    /api/diff       what a reload would change (token)\n\
    /api/reload     reload the configuration, by POST (token)\n\
    /api/report     what guards would have refused that only report, and answers that differ from the document (token)\n\
    /api/restart    start a successor and hand over to it, by POST (token)\n\
    /api/versions   who uses versions of the API that end (token)\n\
    /api/app        the application, when Seawall started it (token)\n\
    /api/store      Seawall's own database (token)\n\
    /api/backup     backups, and which were verified (token)\n\
    /api/backup/now      take one, by POST (token)\n\
    /api/backup/verify   prove that the newest can be restored, by POST (token)\n\
    /api/users      people who may sign in (token)\n\
    /api/keys       their API keys (token)\n\
    /api/imports    users of another system, by POST (token)\n\
    /api/mail/dead  letters that were set aside (token)\n\
    /api/mail/test  send a letter to try the mail server, by POST (token)\n\
    /api/llm/usage  what calls of language models used and cost, by day, model, user, project (token)\n\
    /api/llm/calls  the calls themselves, page by page (token)\n\
    /api/audit-log  who did what, page by page (token)\n\
    /api/audit-log/verify   whether it is as it was written (token)\n";

async fn health(health: Health) -> impl IntoResponse {
    let report = health.report().await;
    let status = if report.ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    builtin::json(status, &report.json(Show::All))
}

async fn overview(state: State) -> impl IntoResponse {
    let servers: Vec<_> = state.upstream.report().into_iter().map(|server| server.address).collect();
    let value = |name| state.registry.value(name, &[]).unwrap_or_default();
    let body = json!({
        "health": state.health.report().await.json(Show::All),
        "pid": std::process::id(),
        "public": state.addresses.public.to_string(),
        "admin": state.addresses.admin.to_string(),
        "upstream": servers.join(", "),
        "environment": state.reloader.config().environment().word(),
        "connections": value("seawall_connections"),
        "active_requests": value("http_server_active_requests"),
    });
    builtin::json(StatusCode::OK, &body)
}

#[cfg(test)]
mod tests {
    use axum::{extract::Request, http::Method};
    use serde_json::Value;
    use tower::ServiceExt;

    use super::*;
    use crate::app::supervised::tests::{serving, serving_unreplaceable};

    async fn ask(router: &Router, method: Method, path: &str) -> (u16, Value) {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    #[tokio::test]
    async fn an_application_is_shown_and_replaced() {
        let (_folder, supervisor) = serving("").await;
        let router = supervised_routes(Some(supervisor.handle().clone()), None);
        let (status, before) = ask(&router, Method::GET, "/api/app").await;
        assert_eq!((status, &before["state"], &before["replacements"]), (200, &"ready".into(), &0.into()));
        let (status, after) = ask(&router, Method::POST, "/api/app/replace").await;
        assert_eq!((status, &after["replacements"]), (200, &1.into()));
        assert!(after["pid"] != before["pid"] && after["address"] != before["address"]);
        assert_eq!(ask(&router, Method::GET, "/api/app/replace").await.0, 405);
    }

    #[tokio::test]
    async fn a_replacement_that_fails_says_why() {
        let (folder, supervisor) = serving("[ -e broken ] && exit 7; ").await;
        folder.write("broken");
        let router = supervised_routes(Some(supervisor.handle().clone()), None);
        let (status, body) = ask(&router, Method::POST, "/api/app/replace").await;
        let error = body["error"].as_str().unwrap_or_default();
        assert!(status == 409 && error.contains("exit code 7") && body["help"].is_string(), "{status} {body}");
    }

    #[tokio::test]
    async fn what_is_not_there_is_not_offered() {
        assert_eq!(ask(&supervised_routes(None, None), Method::GET, "/api/app").await.0, 404);
        let (_folder, supervisor) = serving_unreplaceable().await;
        let router = supervised_routes(Some(supervisor.handle().clone()), None);
        assert_eq!(ask(&router, Method::GET, "/api/app").await.0, 200);
        assert_eq!(ask(&router, Method::POST, "/api/app/replace").await.0, 404);
    }
}

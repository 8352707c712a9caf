//! All of it together: routes, state, and the server that ends when it is told.

use std::{future::Future, io, path::PathBuf};

use axum::{
    Json, Router,
    response::IntoResponse,
    routing::{get, post},
};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use tokio::net::TcpListener;

use crate::{document, gateway::Gateway, pages, steps, store::Store};

/// What the studio is told.
#[derive(Clone)]
pub struct Settings {
    /// Where calls of models go: `http://127.0.0.1:9091`.
    pub outbound: String,
    /// What they show.
    pub key: String,
    /// Where questions are asked, a path of `outbound`: [`crate::REFINE_PATH`].
    pub refine_path: String,
    /// The file with the projects.
    pub database: PathBuf,
}

// The key is a secret.
impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("outbound", &self.outbound).finish_non_exhaustive()
    }
}

/// What every request may use.
#[derive(Clone, Debug)]
pub(crate) struct Studio {
    pub(crate) store: Store,
    pub(crate) gateway: Gateway,
    pub(crate) refine_path: String,
}

/// Answers requests until `stopped`; those that have begun are answered to their end.
///
/// # Errors
/// The database or the listener cannot be used.
pub async fn serve(
    listener: TcpListener,
    settings: Settings,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(listener, router(settings)?).with_graceful_shutdown(stopped).await
}

/// The studio as a service.
///
/// # Errors
/// The database cannot be opened.
pub fn router(settings: Settings) -> io::Result<Router> {
    let store = Store::open(&settings.database).map_err(io::Error::other)?;
    let gateway = Gateway::new(&settings.outbound, &settings.key);
    let studio = Studio { store, gateway, refine_path: settings.refine_path };
    Ok(Router::new()
        .route("/", get(pages::list))
        .route("/projects", post(steps::create))
        .route("/projects/{id}", get(pages::project))
        .route("/projects/{id}/feasibility", post(steps::feasibility))
        .route("/projects/{id}/revised", post(steps::revised))
        .route("/projects/{id}/question", post(steps::question))
        .route("/projects/{id}/answer", post(steps::answer))
        .route("/projects/{id}/enough", post(steps::enough))
        .route("/projects/{id}/blueprints", post(steps::blueprints))
        .route("/projects/{id}/blueprints/{view}", get(pages::picture))
        .route("/projects/{id}/specification", post(steps::specification))
        .route("/projects/{id}/delete", get(pages::deletion).post(steps::delete))
        .route("/openapi.json", get(async || Json(document::openapi())))
        .route("/static/counter.js", get(async || asset("text/javascript", include_str!("assets/counter.js"))))
        .route("/static/studio.css", get(async || asset("text/css", include_str!("assets/studio.css"))))
        .with_state(studio))
}

fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "public, max-age=3600")], text)
}

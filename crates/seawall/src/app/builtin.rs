//! The built-in targets of the public listener, on the control plane: health, signing in, and the pages behind problems.

use axum::{
    Router,
    body::Body,
    extract::Path,
    http::{Request, Response, StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use seawall_core::problem::Problem;
use seawall_guards::{problem::NOT_FOUND, strict_http::METHOD_REFUSED};
use seawall_proxy::{BuiltinRequest, Builtins, spelled};
use tokio::sync::mpsc;
use tower::ServiceExt;

use super::{
    catalogue,
    health::{Health, HealthSettings, Show},
    identity::Identity,
};

/// The largest answer of a built-in target.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Requests that are answered side by side; more wait in the channel.
const SIDE_BY_SIDE: usize = 256;

/// Requests that may wait for the control plane.
const QUEUE: usize = 1_024;

/// The way of requests from the cores to [`serve`]. Each generation of sites has one of its own, so that a request is answered
/// by the paths that its site was built with.
pub(super) fn channel() -> (Builtins, mpsc::Receiver<BuiltinRequest>) {
    Builtins::new(QUEUE)
}

/// The targets under `prefix`, and health at the paths of its settings.
pub(super) fn router(prefix: &str, settings: &HealthSettings, health: &Health, identity: &Identity) -> Router {
    let show = settings.show;
    let live = get(|| async { json(StatusCode::OK, &serde_json::json!({ "status": "ok" })) });
    let ready = {
        let health = health.clone();
        get(move || readiness(health.clone(), show))
    };
    let auth = identity.router(prefix);
    let prefix = spelled(prefix);
    let mut router = auth
        .route(&format!("{prefix}/health/live"), live.clone())
        .route(&format!("{prefix}/health/ready"), ready.clone())
        .route(&format!("{prefix}/problems/{{slug}}"), get(problem_page));
    for path in &settings.live_paths {
        router = router.route(&spelled(path), live.clone());
    }
    for path in &settings.ready_paths {
        router = router.route(&spelled(path), ready.clone());
    }
    router
}

/// Answers requests until the sites that send them are gone.
pub(super) async fn serve(router: Router, mut requests: mpsc::Receiver<BuiltinRequest>) {
    let places = std::sync::Arc::new(tokio::sync::Semaphore::new(SIDE_BY_SIDE));
    while let Some(BuiltinRequest { request, facts, reply }) = requests.recv().await {
        let Ok(place) = std::sync::Arc::clone(&places).acquire_owned().await else { return };
        let router = router.clone();
        tokio::spawn(async move {
            let mut request = request.map(Body::from);
            request.extensions_mut().insert(facts);
            // The client may have left meanwhile.
            let _left = reply.send(answer(router, request).await);
            drop(place);
        });
    }
}

async fn answer(router: Router, request: Request<Body>) -> Result<Response<Bytes>, Problem> {
    let not_found = || Problem::new(&NOT_FOUND);
    let mut response = router.oneshot(request).await.map_err(|never| match never {})?;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        return Err(problem);
    }
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        let problem = Problem::new(&METHOD_REFUSED);
        return Err(match response.headers().get(header::ALLOW) {
            Some(allow) => problem.header(header::ALLOW, allow.clone()),
            None => problem,
        });
    }
    if response.status() == StatusCode::NOT_FOUND {
        return Err(not_found().detail("Seawall answers nothing at this path."));
    }
    let (head, body) = response.into_parts();
    let bytes =
        Limited::new(body, MOST_BYTES).collect().await.map_err(|error| not_found().inside(error.to_string()))?;
    Ok(Response::from_parts(head, bytes.to_bytes()))
}

async fn readiness(health: Health, show: Show) -> Response<Body> {
    let report = health.report().await;
    let status = if report.ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json(status, &report.json(show))
}

/// The page behind a problem's type.
pub(super) async fn problem_page(Path(slug): Path<String>) -> Response<Body> {
    let Some(problem) = catalogue::problems().find(|problem| problem.slug == slug) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let text = format!(
        "{}\n\ncode:       {}\nstatus:     {}\nretryable:  {}\nfault:      {}\nseverity:   {}\n\n{}\n",
        problem.title,
        problem.code,
        problem.status,
        if problem.retryable { "yes" } else { "no" },
        problem.fault.word(),
        problem.severity.word(),
        problem.documentation
    );
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "max-age=3600")], text)
        .into_response()
}

/// A JSON answer that is never kept.
pub(super) fn json(status: StatusCode, body: &serde_json::Value) -> Response<Body> {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, format!("{body}\n")).into_response()
}

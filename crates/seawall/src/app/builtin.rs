//! The built-in targets of the public listener, on the control plane: health, signing in, and the pages behind problems.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::Path,
    http::{HeaderMap, Request, Response, StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use seawall_core::problem::Problem;
use seawall_guards::{problem::NOT_FOUND, strict_http::METHOD_REFUSED};
use seawall_identity::http::invalid_input;
use seawall_outbound::Outbound;
use seawall_proxy::{BuiltinBody, BuiltinRequest, Builtins, spelled};
use seawall_store::hands::Hands;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tower::ServiceExt;

use super::{
    catalogue,
    health::{Health, HealthSettings, Show},
    identity::Identity,
    outbound::Exposed,
};

/// The largest answer of a built-in target.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Requests that are answered side by side. Each waits for its own store, issuer or padding, and the areas have stricter bounds of
/// their own: sign-ins that wait for the end of their padding are fewer.
const SIDE_BY_SIDE: usize = 2_048;

/// The same of health, and of proxies that ask who a request is from: whatever the others wait for, these are answered.
const VITAL: usize = 256;

/// Requests that may wait for the control plane.
const QUEUE: usize = 1_024;

/// The way of requests from the cores to [`Targets::serve`]. Each generation of sites has one of its own, so that a request is answered
/// by the paths that its site was built with.
pub(super) fn channel() -> (Builtins, mpsc::Receiver<BuiltinRequest>) {
    Builtins::new(QUEUE)
}

/// The targets, and how many requests to them are answered at once.
#[derive(Debug)]
pub(super) struct Targets {
    router: Router,
    places: Places,
    ongoing: Hands,
    /// Language models, when any can be called from outside.
    exposed: Option<Exposed>,
}

impl Targets {
    /// The targets under `prefix`, and health at the paths of its settings.
    pub(super) fn new(
        prefix: &str,
        settings: &HealthSettings,
        health: &Health,
        identity: &Identity,
        openapi: Option<Arc<Bytes>>,
    ) -> Self {
        let router = router(prefix, settings, health, identity).merge(published(prefix, openapi));
        Self { router, places: Places::new(prefix, settings), ongoing: identity.ongoing(), exposed: None }
    }

    /// With language models, by routes that are exposed.
    pub(super) fn with_models(self, prefix: &str, outbound: Option<Outbound>) -> Self {
        Self { exposed: outbound.map(|outbound| Exposed::new(prefix, outbound)), ..self }
    }

    /// Answers requests until the sites that send them are gone.
    pub(super) async fn serve(self, mut requests: mpsc::Receiver<BuiltinRequest>) {
        while let Some(BuiltinRequest { request, facts, reply }) = requests.recv().await {
            if let Some(exposed) = self.exposed.as_ref().filter(|exposed| exposed.takes(&request)) {
                exposed.begin(request, facts, reply);
                continue;
            }
            // Dropping the reply refuses.
            let Some(place) = self.places.take(request.uri().path()) else { continue };
            let (router, answering) = (self.router.clone(), self.ongoing.take());
            tokio::spawn(async move {
                let mut request = request.map(Body::from);
                request.extensions_mut().insert(facts);
                // The client may have left meanwhile.
                let answer = answer(router, request).await;
                let _left = reply.send(answer.map(|answer| answer.map(BuiltinBody::Whole)));
                drop((place, answering));
            });
        }
    }
}

fn router(prefix: &str, settings: &HealthSettings, health: &Health, identity: &Identity) -> Router {
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

/// The document, when it is published.
fn published(prefix: &str, openapi: Option<Arc<Bytes>>) -> Router {
    let answer = move || async move {
        let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")];
        match openapi {
            Some(document) => (headers, Bytes::clone(&document)).into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        }
    };
    let prefix = spelled(prefix);
    Router::new().route(&format!("{prefix}/openapi.json"), get(answer))
}

/// How many requests are answered at once.
#[derive(Debug)]
struct Places {
    vital_paths: Vec<String>,
    vital: Arc<Semaphore>,
    others: Arc<Semaphore>,
}

impl Places {
    /// Of the targets under `prefix`, and of health at the paths of its settings.
    fn new(prefix: &str, settings: &HealthSettings) -> Self {
        let prefix = spelled(prefix);
        let own = ["health/live", "health/ready", "auth/forward"].map(|path| format!("{prefix}/{path}"));
        let configured = settings.live_paths.iter().chain(&settings.ready_paths).map(|path| spelled(path).into_owned());
        let vital_paths = own.into_iter().chain(configured).collect();
        let [vital, others] = [VITAL, SIDE_BY_SIDE].map(|most| Arc::new(Semaphore::new(most)));
        Self { vital_paths, vital, others }
    }

    /// A place for a request to this path, until it is dropped; nothing when none is free.
    fn take(&self, path: &str) -> Option<OwnedSemaphorePermit> {
        let at =
            |known: &String| path.strip_prefix(&**known).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let places = if self.vital_paths.iter().any(at) { &self.vital } else { &self.others };
        Arc::clone(places).try_acquire_owned().ok()
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
    if response.status() == StatusCode::BAD_REQUEST && is_plain(response.headers()) {
        // What the router refuses before a target sees it.
        return Err(invalid_input("A parameter of the path or of the query cannot be read, or came more than once."));
    }
    if response.status() == StatusCode::NOT_FOUND {
        return Err(not_found().detail("Seawall answers nothing at this path."));
    }
    let (head, body) = response.into_parts();
    let bytes =
        Limited::new(body, MOST_BYTES).collect().await.map_err(|error| not_found().inside(error.to_string()))?;
    Ok(Response::from_parts(head, bytes.to_bytes()))
}

/// Whether an answer is plain text, as the router writes it. Targets answer JSON, pages and problems.
fn is_plain(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"))
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

#[cfg(test)]
mod tests {
    use seawall_core::settings::Values;

    use super::*;
    use crate::app::health;

    #[test]
    fn whatever_others_wait_for_health_and_proxies_that_ask_are_answered() {
        let settings = HealthSettings::read(&Values::defaults(&health::SECTION), &[]).unwrap();
        let places = Places::new("/_seawall", &settings);
        let taken: Vec<_> = (0..SIDE_BY_SIDE).map(|_| places.take("/_seawall/auth/sign-in").unwrap()).collect();
        for refused in ["/_seawall/auth/oidc/google", "/_seawall/auth/forwarded", "/_seawall/health"] {
            assert!(places.take(refused).is_none(), "{refused}");
        }
        for vital in ["/_seawall/health/live", "/_seawall/auth/forward", "/_seawall/auth/forward/envoy/a"] {
            assert!(places.take(vital).is_some(), "{vital}");
        }
        drop(taken);
        assert!(places.take("/_seawall/auth/oidc/google").is_some());
    }
}

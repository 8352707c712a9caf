//! Language models on the public listener: by which routes, whether what has to stand before them is there, and how an answer comes back to
//! the data plane while it is made.

use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, header::CONTENT_TYPE};
use http_body_util::BodyExt;
use seawall_config::Config;
use seawall_core::{facts::Facts, problem::Problem};
use seawall_guards::{authentication::UNAVAILABLE, csrf::CONTENT_TYPE_REFUSED, problem::NOT_FOUND};
use seawall_outbound::{
    Body, Outbound, Outside,
    llm::{self, BUDGETS, PROVIDERS, ROUTES},
};
use seawall_proxy::{BuiltinBody, spelled};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::app::AppError;

/// Calls from outside that are answered side by side, each for as long as its answer streams. Routes and providers have bounds of their own.
const AT_ONCE: usize = 1_024;

/// Parts of an answer that may wait for a client.
const WAITING: usize = 8;

/// The answer of a target, on its way to the data plane.
type Reply = oneshot::Sender<Result<Response<BuiltinBody>, Problem>>;

/// The paths of the routes that are exposed.
///
/// # Errors
/// [`AppError::Exposed`] when something is missing that has to stand before them.
pub(in crate::app) fn paths(config: &Config, prefix: &str) -> Result<Vec<String>, AppError> {
    let names = names(config)?;
    Ok(names.iter().map(|name| format!("POST {prefix}/llm/{name}/*")).collect())
}

/// The routes that are exposed.
///
/// # Errors
/// As [`paths`].
pub(in crate::app) fn names(config: &Config) -> Result<Vec<&str>, AppError> {
    let names = llm::exposed(config.entries(&ROUTES))?;
    let Some(route) = names.first() else { return Ok(names) };
    let refused = |lacks, help| Err(AppError::Exposed { route: (*route).to_owned(), lacks, help });
    if !config.values(&seawall_identity::SECTION).get(&seawall_identity::ENABLED)? {
        return refused("nobody can sign in", "set `enabled = true` in [identity], or take `expose` away");
    }
    if config.entries(&PROVIDERS).is_empty() {
        return refused("there is nobody to ask", "make an [llm.provider.NAME], or take `expose` away");
    }
    if !llm::bounds_users(config.entries(&BUDGETS))? {
        let help = "make an [llm.budget.NAME] with `amount = \"1\"` and `of = \"user\"`, or take `expose` away";
        return refused("nothing says how much each of them may spend", help);
    }
    Ok(names)
}

/// What answers calls from outside.
#[derive(Debug)]
pub(in crate::app) struct Exposed {
    /// What stands before the name of a route in a path.
    before: String,
    outbound: Outbound,
    places: Arc<Semaphore>,
}

impl Exposed {
    /// Of these models, below `prefix`.
    pub(in crate::app) fn new(prefix: &str, outbound: Outbound) -> Self {
        Self { before: format!("{}/llm", spelled(prefix)), outbound, places: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Whether a request is a call.
    pub(in crate::app) fn takes(&self, request: &Request<Bytes>) -> bool {
        request.method() == Method::POST && self.path(request).is_some()
    }

    /// What follows in the path of a call.
    fn path<'r>(&self, request: &'r Request<Bytes>) -> Option<&'r str> {
        let (before, rest) = request.uri().path().split_at_checked(self.before.len())?;
        (before.eq_ignore_ascii_case(&self.before) && rest.starts_with('/')).then_some(rest)
    }

    /// Begins to answer a call. When there is no place for it, dropping the reply refuses.
    pub(in crate::app) fn begin(&self, request: Request<Bytes>, facts: Facts, mut reply: Reply) {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else { return };
        let path = self.path(&request).unwrap_or_default().to_owned();
        let outbound = self.outbound.clone();
        tokio::spawn(async move {
            let answered = tokio::select! {
                answered = answered(&outbound, request, &path, &facts) => answered,
                // The client has left. What was under way ends here, and its row says so.
                () = reply.closed() => return,
            };
            match answered {
                Ok(answer) => {
                    let (head, body) = answer.into_parts();
                    let (parts, streamed) = mpsc::channel(WAITING);
                    if reply.send(Ok(Response::from_parts(head, BuiltinBody::Streamed(streamed)))).is_ok() {
                        pass_on(body, &parts).await;
                    }
                }
                Err(problem) => {
                    let _left = reply.send(Err(*problem));
                }
            }
            drop(place);
        });
    }
}

async fn answered(
    outbound: &Outbound,
    request: Request<Bytes>,
    path: &str,
    facts: &Facts,
) -> Result<Response<Body>, Box<Problem>> {
    if let (None, Some(error)) = (&facts.principal, facts.unproven) {
        return Err(Problem::new(&UNAVAILABLE).inside(error.to_string()).retry_after(1).into());
    }
    let (head, body) = request.into_parts();
    // Forms of other sites can send nothing of that kind without being asked.
    if facts.principal.is_some() && !is_json(&head.headers) {
        return Err(Problem::new(&CONTENT_TYPE_REFUSED).into());
    }
    let (principal, request_id) = (facts.principal.as_deref(), facts.request_id);
    // All that a call goes through is large; in a place of its own, whoever waits for it is small.
    let call = Box::pin(outbound.answer_outside(Outside { head, body, path, principal, request_id }));
    let answer = call.await?;
    answer.ok_or_else(|| Problem::new(&NOT_FOUND).detail("Seawall answers nothing at this path.").into())
}

/// Whether a body says that it is JSON, once.
fn is_json(headers: &HeaderMap) -> bool {
    let mut said = headers.get_all(CONTENT_TYPE).iter();
    let (Some(kind), None) = (said.next(), said.next()) else { return false };
    let kind = kind.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(b"application/json")
}

/// Hands the parts of an answer on as they come, until it is over or the client has left, by which the provider is left, too.
async fn pass_on(mut body: Body, parts: &mpsc::Sender<Result<Bytes, Cow<'static, str>>>) {
    loop {
        let frame = tokio::select! {
            frame = body.frame() => frame,
            () = parts.closed() => return,
        };
        let part = match frame {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) if !data.is_empty() => Ok(data),
                // Trailers belong to the connection of whoever was asked.
                Ok(_) | Err(_) => continue,
            },
            Some(Err(error)) => Err(format!("the model's answer broke off: {error}").into()),
            None => return,
        };
        let broken = part.is_err();
        if parts.send(part).await.is_err() || broken {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn only_what_says_so_once_is_json() {
        let of = |kinds: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for kind in kinds {
                headers.append(CONTENT_TYPE, HeaderValue::from_static(kind));
            }
            is_json(&headers)
        };
        assert!(of(&["application/json"]) && of(&["Application/JSON; charset=utf-8"]));
        for other in [&[][..], &["text/plain"], &["application/jsonp"], &["application/json", "text/plain"]] {
            assert!(!of(other), "{other:?}");
        }
    }
}

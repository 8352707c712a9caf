//! Who a request is from, asked by another proxy before it passes the request on: nginx `auth_request`, Caddy `forward_auth`, Traefik
//! `forwardAuth`, Envoy `ext_authz` over HTTP.
//!
//! What a proxy asks is fixed in its configuration, so whatever is not understood refuses: a requirement that is misspelled lets nobody in.

use axum::{
    Router,
    body::Body,
    extract::{Extension, Query, State},
    response::{IntoResponse, Response},
    routing::any,
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, LOCATION},
};
use seawall_core::{
    authenticator::not_signed_in,
    facts::Facts,
    onward::OnwardPath,
    principal::{PROOF, Principal},
    problem::Problem,
    settings::{Raw, Setting},
};
use seawall_guards::{
    access::{Requirement, short_of},
    authentication::UNAVAILABLE,
};
use seawall_identity::{IdentityError, http::invalid_input, people::People};

/// The routes below `prefix`.
pub(super) fn router(prefix: &str, people: People) -> Router {
    Router::new()
        .route(&format!("{prefix}/forward"), any(configured))
        // Envoy asks with the method and the path of the request itself behind its prefix, and with its query: that is the client's,
        // and says nothing here. The bare path is what is left of the request for `/`.
        .route(&format!("{prefix}/forward/envoy"), any(anybody))
        .route(&format!("{prefix}/forward/envoy/{{*path}}"), any(anybody))
        .with_state(people)
}

/// What a proxy's configuration asks for.
#[derive(Debug, Default, PartialEq)]
struct Asked {
    /// One of these is enough.
    require: Vec<Requirement>,
    /// Whether browsers are sent to the page where people sign in.
    redirect: bool,
}

impl Asked {
    fn read(pairs: &[(String, String)]) -> Result<Self, String> {
        let mut asked = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "require" => asked.require.push(Requirement::read(&Raw::Text(value.clone()))?),
                "redirect" => asked.redirect = true,
                other => {
                    return Err(format!(
                        "\"{}\" is not asked for here; there are require and redirect",
                        other.escape_debug()
                    ));
                }
            }
        }
        if asked.require.is_empty() {
            asked.require.push(Requirement::known());
        }
        Ok(asked)
    }
}

async fn configured(
    State(people): State<People>,
    Extension(facts): Extension<Facts>,
    Query(pairs): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Response {
    match Asked::read(&pairs) {
        Ok(asked) => answer(&people, &facts, &asked, &headers).await,
        Err(wrong) => problem(invalid_input(wrong)),
    }
}

async fn anybody(State(people): State<People>, Extension(facts): Extension<Facts>, headers: HeaderMap) -> Response {
    let asked = Asked { require: vec![Requirement::known()], redirect: false };
    answer(&people, &facts, &asked, &headers).await
}

async fn answer(people: &People, facts: &Facts, asked: &Asked, headers: &HeaderMap) -> Response {
    let Some(principal) = &facts.principal else {
        if let Some(error) = facts.unproven {
            return problem(Problem::new(&UNAVAILABLE).inside(error.to_string()).retry_after(1));
        }
        let page = people.settings().sign_in_page.as_ref().filter(|_| asked.redirect && facts.wants_page);
        return match page.and_then(|page| redirect(page.as_str(), headers)) {
            Some(location) => {
                (StatusCode::FOUND, [(LOCATION, location), (CACHE_CONTROL, HeaderValue::from_static("no-store"))])
                    .into_response()
            }
            None => problem(not_signed_in()),
        };
    };
    if let Some(short) = short_of(&asked.require, principal, people.now()) {
        return problem(short);
    }
    match told(people, principal).await {
        Ok(headers) => headers.into_response(),
        Err(error) => {
            tracing::warn!(%error, "proof could not be signed");
            problem(Problem::new(&UNAVAILABLE).inside(error.to_string()).retry_after(1))
        }
    }
}

/// What the proxy passes on to the application.
async fn told(people: &People, principal: &Principal) -> Result<HeaderMap, IdentityError> {
    let proof = people.proof(principal).await?;
    let fixed = [(PROOF.clone(), proof), (CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    let told = principal.told_fields().map(|(name, value)| (name.clone(), value.clone()));
    Ok(fixed.into_iter().chain(told).collect())
}

/// The page where people sign in, with the way back. What the proxy says of the request is there only when the proxy is trusted; a
/// stranger's fields were removed before.
fn redirect(page: &str, headers: &HeaderMap) -> Option<HeaderValue> {
    let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if !matches!(said("x-forwarded-method"), None | Some("GET" | "HEAD")) {
        return None;
    }
    let mut location = page.to_owned();
    if let Some(back) = said("x-forwarded-uri").and_then(OnwardPath::parse) {
        location.push(if page.contains('?') { '&' } else { '?' });
        location.push_str("return_to=");
        location.push_str(&back.in_query());
    }
    HeaderValue::try_from(location).ok()
}

/// A problem on its way to where all problems are rendered.
fn problem(problem: Problem) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = problem.status();
    response.extensions_mut().insert(problem);
    response
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    fn asked(pairs: &[(&str, &str)]) -> Result<Asked, String> {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Asked::read(&pairs)
    }

    #[test]
    fn what_is_not_understood_lets_nobody_in() {
        assert_eq!(asked(&[]).unwrap().require, [Requirement::known()]);
        assert_eq!(asked(&[("require", "role admin"), ("redirect", "")]).unwrap().require.len(), 1);
        for wrong in [("requires", "role admin"), ("require", "admin"), ("require", ""), ("require", "role Admin")] {
            assert!(asked(&[wrong]).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_way_back_is_a_path_and_only_of_what_can_be_asked_again() {
        let to = |fields: &[(&'static str, &'static str)]| {
            let headers =
                fields.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            redirect("/login", &headers.collect())
        };
        assert_eq!(to(&[]).unwrap(), "/login");
        assert_eq!(to(&[("x-forwarded-uri", "/a?b=c&d")]).unwrap(), "/login?return_to=/a%3Fb%3Dc%26d");
        for elsewhere in ["//evil.example", "https://evil.example", "/\\evil.example", ""] {
            assert_eq!(to(&[("x-forwarded-uri", elsewhere)]).unwrap(), "/login", "{elsewhere}");
        }
        assert_eq!(to(&[("x-forwarded-method", "POST"), ("x-forwarded-uri", "/a")]), None);
    }
}

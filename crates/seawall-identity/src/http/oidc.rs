//! Signing in with accounts elsewhere: to the issuer, back from it, and what its page posts.

use axum::{
    Form, Json as Shown, Router,
    extract::{Path, Query, State, rejection::FormRejection},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderMap, StatusCode, header::SET_COOKIE};
use seawall_core::{facts::Facts, onward::OnwardPath};
use serde::Deserialize;
use serde_json::json;
use subtle::ConstantTimeEq;

use super::{
    SessionCookie,
    account::{Desk, second_factor_next},
    onward::{move_cookies, see_other},
    pages::to_second_factor,
    problems::Refused,
    request::{Agent, Json, Known, Somebody},
};
use crate::{
    IdentityError,
    people::{Came, External, SignInStep},
};

/// The cookie of Google Identity Services, which a form repeats.
const CSRF: &str = "g_csrf_token";

pub(super) fn routes(prefix: &str) -> Router<Desk> {
    Router::new()
        .route(&format!("{prefix}/oidc/{{name}}"), get(begin))
        .route(&format!("{prefix}/oidc/{{name}}/link"), post(link))
        .route(&format!("{prefix}/oidc/{{name}}/callback"), get(back))
}

/// What the page of an issuer posts.
pub(super) fn posted(prefix: &str) -> Router<Desk> {
    Router::new().route(&format!("{prefix}/oidc/{{name}}/credential"), post(credential))
}

#[derive(Deserialize)]
struct Onward {
    return_to: Option<String>,
}

#[derive(Deserialize)]
struct Credential {
    credential: String,
    g_csrf_token: String,
}

/// A path of this site, so that nobody is led elsewhere.
fn path(return_to: Option<&str>) -> &str {
    return_to.and_then(OnwardPath::parse).map_or("/", OnwardPath::as_str)
}

async fn begin(
    State(desk): State<Desk>,
    Known(facts): Known,
    Path(name): Path<String>,
    Query(onward): Query<Onward>,
) -> Result<Response, Refused> {
    desk.private(&facts)?;
    let (location, flow) = desk.people.to_issuer(&name, path(onward.return_to.as_deref())).await?;
    let mut response = see_other(&location);
    desk.keep_flow(&mut response, &flow);
    Ok(response)
}

/// A page of the site's own asks, and not a link: else whoever is signed in to another's account elsewhere could be made to link it.
async fn link(
    State(desk): State<Desk>,
    Known(facts): Known,
    Somebody(principal): Somebody,
    Path(name): Path<String>,
    Json(onward): Json<Onward>,
) -> Result<Response, Refused> {
    desk.private(&facts)?;
    let return_to = path(onward.return_to.as_deref());
    let (location, flow) = desk.people.to_link(&principal, &name, return_to).await?;
    let mut response = Shown(json!({ "location": location })).into_response();
    desk.keep_flow(&mut response, &flow);
    Ok(response)
}

async fn back(
    State(desk): State<Desk>,
    Known(facts): Known,
    Agent(user_agent): Agent,
    Path(name): Path<String>,
    Query(returned): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    desk.private(&facts)?;
    let flow = desk.cookie.flow(&headers).unwrap_or_default();
    let came = Came { user_agent, device: desk.cookie.device(&headers) };
    let (external, return_to) = desk.people.from_issuer(&facts, &name, &flow, &returned, came).await?;
    let mut response = match external {
        External::Step(step) => desk.go_on(&facts, step, &return_to).await?,
        External::Linked => see_other(&return_to),
    };
    desk.keep_flow(&mut response, "");
    Ok(response)
}

async fn credential(
    State(desk): State<Desk>,
    Known(facts): Known,
    Agent(user_agent): Agent,
    Path(name): Path<String>,
    headers: HeaderMap,
    sent: Result<Form<Credential>, FormRejection>,
) -> Result<Response, Refused> {
    desk.private(&facts)?;
    let Form(sent) = sent.map_err(|_| Refused::invalid("Send the form of the issuer's page, whole."))?;
    let kept = SessionCookie::sent(&headers, CSRF).unwrap_or_default();
    if kept.is_empty() || !bool::from(kept.as_bytes().ct_eq(sent.g_csrf_token.as_bytes())) {
        let why = "g_csrf_token of the form is not that of the cookie".to_owned();
        return Err(IdentityError::IssuerRefused(why).into());
    }
    let came = Came { user_agent, device: desk.cookie.device(&headers) };
    let step = desk.people.take_credential(&facts, &name, &sent.credential, came).await?;
    desk.go_on(&facts, step, "/").await
}

impl Desk {
    /// Gives the browser what belongs to the way, or takes it back.
    pub(super) fn keep_flow(&self, response: &mut Response, flow: &str) {
        if let Some(cookie) = self.cookie.give_flow(flow) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    }

    /// Signed in, the browser goes on with its way; a second factor is asked for on the page where people sign in.
    async fn go_on(&self, facts: &Facts, step: SignInStep, return_to: &str) -> Result<Response, Refused> {
        match step {
            SignInStep::SignedIn(signed_in) => {
                let welcome = self.welcome(facts, *signed_in, StatusCode::OK).await?;
                let mut response = see_other(return_to);
                move_cookies(&welcome, &mut response);
                Ok(response)
            }
            SignInStep::SecondFactor(given) => Ok(match (&self.people.settings().sign_in_page, &self.pages) {
                (Some(page), _) => {
                    see_other(&format!("{}#next=second-factor&ticket={}", page.as_str(), given.ticket.expose()))
                }
                (None, Some(base)) => to_second_factor(self, base, &given, Some(return_to)),
                (None, None) => second_factor_next(&given),
            }),
        }
    }
}

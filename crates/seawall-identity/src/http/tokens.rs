//! What programs ask: tokens, other tokens for them, and the keys that verify them.

use axum::{
    Json as Shown, Router,
    body::{Body, Bytes},
    extract::{FromRequest, Request, State},
    response::{IntoResponse, Response},
    routing::post,
};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, SET_COOKIE},
};
use serde::Deserialize;

use super::{
    account::{Desk, second_factor_next},
    problems::Refused,
    request::{Agent, Json, Known},
    wire,
};
use crate::{
    IdentityError,
    people::{Keeper, Second, SignIn, SignInStep, cause},
    tokens::{Browser, KEPT},
};

/// The largest body of a refresh.
const MOST_BYTES: usize = 16 * 1024;

/// A name with its password; or a ticket, which a right password brings where a second factor is enrolled, with a code.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    name: Option<String>,
    password: Option<String>,
    ticket: Option<String>,
    code: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refreshing {
    refresh_token: String,
}

/// The routes below `prefix`.
pub(super) fn router(prefix: &str) -> Router<Desk> {
    Router::new().route(&format!("{prefix}/token"), post(token)).route(&format!("{prefix}/refresh"), post(refresh))
}

async fn token(
    State(desk): State<Desk>,
    Known(facts): Known,
    Agent(user_agent): Agent,
    Json(sent): Json<Asked>,
) -> Result<Response, Refused> {
    desk.private(&facts)?;
    let signed_in = match (sent.name, sent.password, sent.ticket, sent.code) {
        (Some(name), Some(password), None, None) => {
            let asked = SignIn { name, password: password.into(), user_agent, device: None };
            match desk.people.sign_in(&facts, asked).await? {
                SignInStep::SignedIn(signed_in) => *signed_in,
                SignInStep::SecondFactor(given) => return Ok(second_factor_next(&given)),
            }
        }
        (None, None, Some(ticket), Some(code)) => {
            let asked = Second { ticket, code: code.into(), user_agent, device: None };
            desk.people.second_factor(&facts, asked).await?
        }
        _ => return Err(Refused::invalid("Send `name` and `password`, or `ticket` and `code`.")),
    };
    let tokens = desk.people.give_tokens(&facts, signed_in, Keeper::Program).await?;
    Ok(Shown(wire::tokens(&tokens)).into_response())
}

/// With a body, for programs; without one, for browsers that keep tokens in cookies.
async fn refresh(State(desk): State<Desk>, Known(facts): Known, request: Request) -> Result<Response, Refused> {
    desk.private(&facts)?;
    let (parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, MOST_BYTES).await;
    let bytes: Bytes = bytes.map_err(|_| Refused::invalid("The body is too large."))?;
    if bytes.is_empty() && desk.people.settings().browser == Browser::Tokens {
        let shown = facts.refresh.as_ref().ok_or(IdentityError::RefreshRefused)?;
        let tokens = desk.people.refresh(cause(&facts), shown.expose()).await?;
        let mut response = StatusCode::NO_CONTENT.into_response();
        for cookie in desk.cookie.give_tokens(&tokens) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        return Ok(response);
    }
    let request = Request::from_parts(parts, Body::from(bytes));
    let Json(Refreshing { refresh_token }) = Json::from_request(request, &desk).await?;
    let tokens = desk.people.refresh(cause(&facts), &refresh_token).await?;
    Ok(Shown(wire::tokens(&tokens)).into_response())
}

/// The keys (RFC 7517), which others may keep for half as long as one is published before it signs.
pub(super) async fn keys(State(desk): State<Desk>) -> Result<Response, Refused> {
    let mut response = Shown(desk.people.published_keys().await?).into_response();
    let kept = HeaderValue::try_from(format!("public, max-age={}", KEPT.as_secs()));
    response.headers_mut().insert(CACHE_CONTROL, kept.unwrap_or(HeaderValue::from_static("no-store")));
    Ok(response)
}

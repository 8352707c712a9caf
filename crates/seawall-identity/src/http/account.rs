//! What people ask: to sign in and out, who they are, their sessions, another password.

use axum::{
    Json as Shown, Router,
    extract::{Path, State},
    middleware,
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::SET_COOKIE};
use seawall_core::{facts::Facts, settings::Secret};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    SessionCookie, keys,
    problems::Refused,
    request::{Agent, Json, Known, Somebody, own_pages_only},
    wire,
};
use crate::{
    config::Registration,
    people::{People, SignIn, SignedIn},
};

static CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// What the handlers have.
#[derive(Clone, Debug)]
struct Desk {
    people: People,
    cookie: SessionCookie,
}

/// The routes below `prefix`, such as `/_seawall/auth`. Each request brings its [`Facts`] as an extension; a problem is the extension of
/// an empty answer.
pub fn router(prefix: &str, people: People, cookie: SessionCookie) -> Router {
    let open = people.settings().registration == Registration::Open;
    let mut router = Router::new()
        .route(&format!("{prefix}/sign-in"), post(sign_in))
        .route(&format!("{prefix}/sign-out"), post(sign_out))
        .route(&format!("{prefix}/session"), get(session))
        .route(&format!("{prefix}/sessions"), get(sessions).delete(end_others))
        .route(&format!("{prefix}/sessions/{{id}}"), delete(end_one))
        .route(&format!("{prefix}/password"), post(change_password));
    if open {
        router = router.route(&format!("{prefix}/register"), post(register));
    }
    let keys = keys::router(prefix, people.clone(), cookie.clone());
    router.with_state(Desk { people, cookie }).merge(keys).layer(middleware::from_fn(own_pages_only))
}

/// What is sent to sign in, or to register.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Credentials {
    name: String,
    password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    current: String,
    new: String,
}

async fn sign_in(
    State(desk): State<Desk>,
    Known(facts): Known,
    Agent(user_agent): Agent,
    Json(sent): Json<Credentials>,
) -> Result<Response, Refused> {
    desk.private(&facts)?;
    let Credentials { name, password } = sent;
    let asked = SignIn { name, password: password.into(), user_agent };
    Ok(desk.welcome(&desk.people.sign_in(&facts, asked).await?, StatusCode::OK))
}

async fn register(
    State(desk): State<Desk>,
    Known(facts): Known,
    Agent(user_agent): Agent,
    Json(sent): Json<Credentials>,
) -> Result<Response, Refused> {
    desk.private(&facts)?;
    let password = Secret::from(sent.password);
    let registered = desk.people.register(&facts, &sent.name, password, user_agent).await?;
    Ok(desk.welcome(&registered, StatusCode::CREATED))
}

async fn sign_out(State(desk): State<Desk>, Known(facts): Known) -> Result<Response, Refused> {
    desk.people.sign_out(&facts).await?;
    let mut headers = HeaderMap::new();
    headers.extend(desk.cookie.take_back().map(|cookie| (SET_COOKIE, cookie)));
    // Cookies of the application are its own; what pages keep and pages that were kept would show the next user the last one's data.
    headers.insert(&CLEAR_SITE_DATA, HeaderValue::from_static("\"cache\", \"storage\""));
    Ok((StatusCode::NO_CONTENT, headers).into_response())
}

async fn session(Somebody(principal): Somebody) -> Shown<Value> {
    Shown(wire::principal(&principal))
}

async fn sessions(State(desk): State<Desk>, Somebody(principal): Somebody) -> Result<Shown<Value>, Refused> {
    let sessions = desk.people.sessions(&principal.id).await?;
    let current = principal.session.as_deref().or(Some(""));
    let data: Vec<Value> = sessions.iter().map(|session| wire::session(session, current)).collect();
    Ok(Shown(json!({ "data": data, "next": null })))
}

async fn end_others(
    State(desk): State<Desk>,
    Known(facts): Known,
    Somebody(principal): Somebody,
) -> Result<Shown<Value>, Refused> {
    let ended = desk.people.end_other_sessions(&facts, &principal).await?;
    Ok(Shown(json!({ "ended": ended })))
}

async fn end_one(
    State(desk): State<Desk>,
    Known(facts): Known,
    Somebody(principal): Somebody,
    Path(id): Path<String>,
) -> Result<StatusCode, Refused> {
    desk.people.end_session(&facts, &principal, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn change_password(
    State(desk): State<Desk>,
    Known(facts): Known,
    Somebody(principal): Somebody,
    Agent(user_agent): Agent,
    Json(sent): Json<NewPassword>,
) -> Result<Response, Refused> {
    desk.private(&facts)?;
    let (current, new) = (sent.current.into(), sent.new.into());
    let changed = desk.people.change_password(&facts, &principal, current, new, user_agent).await?;
    Ok(desk.welcome(&changed, StatusCode::OK))
}

impl Desk {
    /// Over plain http no browser keeps the cookie, and passwords could be read on their way.
    fn private(&self, facts: &Facts) -> Result<(), Refused> {
        if self.cookie.secure() && !facts.secure { Err(Refused::in_clear()) } else { Ok(()) }
    }

    /// Somebody signed in: the cookie, and who it is.
    fn welcome(&self, signed_in: &SignedIn, status: StatusCode) -> Response {
        let limits = self.people.settings().sessions.limits();
        let body = json!({
            "user": wire::own(&signed_in.user),
            "session": wire::session(&signed_in.session, Some(&signed_in.session.id)),
        });
        let mut response = (status, Shown(body)).into_response();
        response.headers_mut().extend(self.cookie.give(&signed_in.token, limits).map(|cookie| (SET_COOKIE, cookie)));
        response
    }
}

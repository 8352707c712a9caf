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
use serde_json::{Map, Value, json};
use std::sync::Arc;

use super::{
    SessionCookie, Theme, devices, factors, keys, links, mail, oidc, organisations, page_tokens, pages, passkeys,
    problems::Refused,
    request::{Agent, Json, Known, Somebody, own_pages_only},
    steps, tokens, wire,
};
use crate::{
    config::Registration,
    people::{Came, Keeper, People, SignIn, SignInStep, SignedIn, TicketGiven},
    tokens::Browser,
};

static CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// What the handlers have.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    pub(super) people: People,
    pub(super) cookie: SessionCookie,
    /// Where the pages are, when there are some.
    pub(super) pages: Option<Arc<str>>,
}

/// The routes below `prefix`, such as `/_seawall/auth`. Each request brings its [`Facts`] as an extension; a problem is the extension of
/// an empty answer.
pub fn router(prefix: &str, people: People, cookie: SessionCookie, theme: &Arc<Theme>) -> Router {
    let open = people.settings().registration == Registration::Open;
    let mut router = Router::new()
        .route(&format!("{prefix}/sign-in"), post(sign_in))
        .route(&format!("{prefix}/sign-out"), post(sign_out))
        .route(&format!("{prefix}/session"), get(session))
        .route(&format!("{prefix}/sessions"), get(sessions).delete(end_others))
        .route(&format!("{prefix}/sessions/{{id}}"), delete(end_one))
        .route(&format!("{prefix}/password"), post(change_password))
        .merge(tokens::router(prefix));
    if open {
        router = router.route(&format!("{prefix}/register"), post(register));
    }
    let router = router
        .merge(factors::routes(prefix))
        .merge(steps::routes(prefix))
        .merge(devices::routes(prefix))
        .merge(keys::routes(prefix))
        .merge(page_tokens::routes(prefix))
        .merge(organisations::routes(prefix))
        .merge(mail::routes(prefix))
        .merge(passkeys::routes(prefix))
        .merge(oidc::routes(prefix))
        .merge(links::routes(prefix));
    let base = theme.enabled().then(|| format!("{prefix}/{}", pages::BELOW).into());
    let desk = Desk { people, cookie, pages: base };
    let pages = pages::routes(prefix, &desk, theme);
    // These keys are public, and may be kept for a while.
    let public = Router::new().route(&format!("{prefix}/jwks.json"), get(tokens::keys));
    // An issuer's page posts this one, from another site.
    let public = public.merge(oidc::posted(prefix)).with_state(desk.clone()).merge(pages::assets(prefix, theme));
    router.with_state(desk).merge(pages).layer(middleware::from_fn(own_pages_only)).merge(public)
}

/// What is sent to sign in, or to register.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Credentials {
    pub(super) name: String,
    pub(super) password: String,
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
    headers: HeaderMap,
    Json(sent): Json<Credentials>,
) -> Result<Response, Refused> {
    desk.private(&facts)?;
    let Credentials { name, password } = sent;
    let device = desk.cookie.device(&headers);
    let asked = SignIn { name, password: password.into(), user_agent, device };
    match desk.people.sign_in(&facts, asked).await? {
        SignInStep::SignedIn(signed_in) => desk.welcome(&facts, *signed_in, StatusCode::OK).await,
        SignInStep::SecondFactor(given) => Ok(second_factor_next(&given)),
    }
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
    desk.welcome(&facts, registered, StatusCode::CREATED).await
}

async fn sign_out(State(desk): State<Desk>, Known(facts): Known) -> Result<Response, Refused> {
    signed_out(&desk, &facts).await
}

/// Ends the session, and takes back what the browser kept.
pub(super) async fn signed_out(desk: &Desk, facts: &Facts) -> Result<Response, Refused> {
    desk.people.sign_out(facts).await?;
    let mut headers = HeaderMap::new();
    for cookie in desk.cookie.take_back().take(if desk.people.settings().browser == Browser::Tokens { 2 } else { 1 }) {
        headers.append(SET_COOKIE, cookie);
    }
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
    headers: HeaderMap,
    Json(sent): Json<NewPassword>,
) -> Result<Response, Refused> {
    desk.private(&facts)?;
    let (current, new) = (sent.current.into(), sent.new.into());
    let came = Came { user_agent, device: desk.cookie.device(&headers) };
    let changed = desk.people.change_password(&facts, &principal, current, new, came).await?;
    desk.welcome(&facts, changed, StatusCode::OK).await
}

/// The password was right, and a code is wanted too.
pub(super) fn second_factor_next(given: &TicketGiven) -> Response {
    let body = json!({
        "next": "second-factor",
        "ticket": given.ticket.expose(),
        "with": given.with,
        "expires_at": wire::time(given.expires_at),
    });
    (StatusCode::ACCEPTED, Shown(body)).into_response()
}

impl Desk {
    /// Over plain http no browser keeps the cookie, and passwords and keys could be read on their way.
    pub(super) fn private(&self, facts: &Facts) -> Result<(), Refused> {
        if self.cookie.secure() && !facts.secure { Err(Refused::in_clear()) } else { Ok(()) }
    }

    /// Somebody signed in: the cookie or the cookies, and who it is.
    pub(super) async fn welcome(
        &self,
        facts: &Facts,
        signed_in: SignedIn,
        status: StatusCode,
    ) -> Result<Response, Refused> {
        self.welcome_with(facts, signed_in, status, Map::new()).await
    }

    /// The same, with what else there is to say.
    pub(super) async fn welcome_with(
        &self,
        facts: &Facts,
        signed_in: SignedIn,
        status: StatusCode,
        more: Map<String, Value>,
    ) -> Result<Response, Refused> {
        let settings = self.people.settings();
        let mut body = more;
        body.insert("user".to_owned(), wire::own(&signed_in.user));
        body.insert("session".to_owned(), wire::session(&signed_in.session, Some(&signed_in.session.id)));
        let mut response = (status, Shown(Value::Object(body))).into_response();
        let device = signed_in.device.as_deref().and_then(|device| self.cookie.give_device(device));
        let cookies: Vec<HeaderValue> = match settings.browser {
            Browser::Session => self.cookie.give(&signed_in.token, settings.sessions.limits()).into_iter().collect(),
            Browser::Tokens => {
                let tokens = self.people.give_tokens(facts, signed_in, Keeper::Browser).await?;
                self.cookie.give_tokens(&tokens).collect()
            }
        };
        for cookie in cookies.into_iter().chain(device) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        Ok(response)
    }
}

//! What pages ask of passkeys: to make one, to sign in with one, to confirm with one, and to keep them. Options and answers are the
//! JSON that `PublicKeyCredential` reads and writes.

use axum::{
    Json as Shown, Router,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use http::{HeaderMap, StatusCode, header::SET_COOKIE};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    account::Desk,
    problems::Refused,
    request::{Agent, Json, Known, Somebody},
    wire,
};
use crate::{
    passkeys::SentPasskey,
    people::{EndOthers, NewPasskey, PasskeyOptions, PasskeySignIn, SecondPasskey},
};

pub(super) fn routes(prefix: &str) -> Router<Desk> {
    Router::new()
        .route(&format!("{prefix}/passkeys"), get(list))
        .route(&format!("{prefix}/passkeys/register/options"), post(register_options))
        .route(&format!("{prefix}/passkeys/register"), post(register))
        .route(&format!("{prefix}/passkeys/sign-in/options"), post(sign_in_options))
        .route(&format!("{prefix}/passkeys/sign-in"), post(sign_in))
        .route(&format!("{prefix}/passkeys/second/options"), post(second_options))
        .route(&format!("{prefix}/passkeys/second"), post(second))
        .route(&format!("{prefix}/passkeys/confirm/options"), post(confirm_options))
        .route(&format!("{prefix}/passkeys/confirm"), post(confirm))
        .route(&format!("{prefix}/passkeys/{{id}}/name"), post(rename))
        .route(&format!("{prefix}/passkeys/{{id}}"), delete(remove))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Made {
    credential: SentPasskey,
    name: Option<String>,
    end_other_sessions: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MaybeName {
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Credential {
    credential: SentPasskey,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ticket {
    ticket: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TicketAndCredential {
    ticket: String,
    credential: SentPasskey,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Name {
    name: String,
}

async fn list(State(desk): State<Desk>, Somebody(principal): Somebody) -> Result<Shown<Value>, Refused> {
    let data: Vec<Value> = desk.people.passkeys(&principal.id).await?.iter().map(wire::passkey).collect();
    Ok(Shown(json!({ "data": data, "next": null })))
}

async fn register_options(
    State(desk): State<Desk>,
    Known(facts): Known,
    Somebody(principal): Somebody,
    Json(Nothing {}): Json<Nothing>,
) -> Result<Response, Refused> {
    desk.private(&facts)?;
    Ok(desk.offer(desk.people.passkey_creation(&facts, &principal).await?))
}

async fn register(
    State(desk): State<Desk>,
    Known(facts): Known,
    Somebody(principal): Somebody,
    Agent(user_agent): Agent,
    headers: HeaderMap,
    Json(Made { credential, name, end_other_sessions }): Json<Made>,
) -> Result<Response, Refused> {
    desk.private(&facts)?;
    // They were begun with less than is asked for from here on.
    let ending = if end_other_sessions.unwrap_or(true) { EndOthers::Yes } else { EndOthers::No };
    let new = NewPasskey { ceremony: desk.ceremony(&headers), sent: credential, name, ending, user_agent };
    let added = desk.people.add_passkey(&facts, &principal, new).await?;
    let mut more = Map::from_iter([("passkey".to_owned(), wire::passkey(&added.passkey))]);
    if let Some(codes) = &added.codes {
        more.insert("recovery_codes".to_owned(), json!(codes.expose()));
    }
    let response = desk.welcome_with(&facts, added.signed_in, StatusCode::CREATED, more).await?;
    Ok(desk.answered(response))
}

async fn sign_in_options(
    State(desk): State<Desk>,
    Known(facts): Known,
    Json(MaybeName { name }): Json<MaybeName>,
) -> Result<Response, Refused> {
    desk.private(&facts)?;
    Ok(desk.offer(desk.people.passkey_sign_in_options(name.as_deref()).await?))
}

async fn sign_in(
    State(desk): State<Desk>,
    Known(facts): Known,
    Agent(user_agent): Agent,
    headers: HeaderMap,
    Json(Credential { credential }): Json<Credential>,
) -> Result<Response, Refused> {
    desk.private(&facts)?;
    let (ceremony, device) = (desk.ceremony(&headers), desk.cookie.device(&headers));
    let asked = PasskeySignIn { ceremony, sent: credential, user_agent, device };
    let signed_in = desk.people.sign_in_with_passkey(&facts, asked).await?;
    let response = desk.welcome(&facts, signed_in, StatusCode::OK).await?;
    Ok(desk.answered(response))
}

async fn second_options(
    State(desk): State<Desk>,
    Known(facts): Known,
    Json(Ticket { ticket }): Json<Ticket>,
) -> Result<Response, Refused> {
    desk.private(&facts)?;
    Ok(desk.offer(desk.people.passkey_second_options(&facts, &ticket).await?))
}

async fn second(
    State(desk): State<Desk>,
    Known(facts): Known,
    Agent(user_agent): Agent,
    headers: HeaderMap,
    Json(TicketAndCredential { ticket, credential }): Json<TicketAndCredential>,
) -> Result<Response, Refused> {
    desk.private(&facts)?;
    let (ceremony, device) = (desk.ceremony(&headers), desk.cookie.device(&headers));
    let asked = SecondPasskey { ticket, ceremony, sent: credential, user_agent, device };
    let signed_in = desk.people.second_passkey(&facts, asked).await?;
    let response = desk.welcome(&facts, signed_in, StatusCode::OK).await?;
    Ok(desk.answered(response))
}

async fn confirm_options(
    State(desk): State<Desk>,
    Known(facts): Known,
    Somebody(principal): Somebody,
    Json(Nothing {}): Json<Nothing>,
) -> Result<Response, Refused> {
    desk.private(&facts)?;
    Ok(desk.offer(desk.people.passkey_confirm_options(&principal).await?))
}

async fn confirm(
    State(desk): State<Desk>,
    Known(facts): Known,
    Somebody(principal): Somebody,
    Agent(user_agent): Agent,
    headers: HeaderMap,
    Json(Credential { credential }): Json<Credential>,
) -> Result<Response, Refused> {
    desk.private(&facts)?;
    let ceremony = desk.ceremony(&headers);
    let people = &desk.people;
    let confirmed = people.confirm_with_passkey(&facts, &principal, &ceremony, credential, user_agent).await?;
    let response = desk.welcome(&facts, confirmed, StatusCode::OK).await?;
    Ok(desk.answered(response))
}

async fn rename(
    State(desk): State<Desk>,
    Known(facts): Known,
    Somebody(principal): Somebody,
    Path(id): Path<String>,
    Json(Name { name }): Json<Name>,
) -> Result<Shown<Value>, Refused> {
    Ok(Shown(wire::passkey(&desk.people.rename_passkey(&facts, &principal, &id, &name).await?)))
}

async fn remove(
    State(desk): State<Desk>,
    Known(facts): Known,
    Somebody(principal): Somebody,
    Path(id): Path<String>,
) -> Result<StatusCode, Refused> {
    desk.people.remove_own_passkey(&facts, &principal, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl Desk {
    /// What the browser kept of the ceremony.
    fn ceremony(&self, headers: &HeaderMap) -> String {
        self.cookie.ceremony(headers).unwrap_or_default()
    }

    /// Options, and what the browser keeps meanwhile.
    pub(super) fn offer(&self, offered: PasskeyOptions) -> Response {
        self.keep_ceremony(Shown(offered.options).into_response(), &offered.ceremony)
    }

    /// The ceremony was answered, and is over.
    pub(super) fn answered(&self, response: Response) -> Response {
        self.keep_ceremony(response, "")
    }

    fn keep_ceremony(&self, mut response: Response, ceremony: &str) -> Response {
        if let Some(cookie) = self.cookie.give_ceremony(ceremony) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        response
    }
}

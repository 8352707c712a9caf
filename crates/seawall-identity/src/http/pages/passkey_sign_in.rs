//! Signing in with a passkey: in place of the password, from the list of names that a browser offers, or as the second step.

use axum::{Router, extract::State, response::Response, routing::post};
use http::header::SET_COOKIE;
use seawall_core::onward::OnwardPath;

use super::{
    form::Form,
    markup::Markup,
    passkey::{Wanted, around},
    sign_in::{STEP, code_page, page},
    site::Site,
    visit::{Sent, Stop, Visit},
};
use crate::{
    IdentityError,
    http::problems::Refused,
    people::{PasskeySignIn, SecondPasskey},
};

const FIRST: &str = "sign-in/passkey";
const SECOND: &str = "sign-in/code/passkey";
const OFFER: &str = "sign-in/offer";
const SECOND_OFFER: &str = "sign-in/code/offer";

pub(super) fn routes(base: &str) -> Router<Site> {
    Router::new()
        .route(&format!("{base}/{FIRST}"), post(take))
        .route(&format!("{base}/{OFFER}"), post(offer))
        .route(&format!("{base}/{SECOND}"), post(take_second))
        .route(&format!("{base}/{SECOND_OFFER}"), post(offer_second))
}

/// The button beside the password, where there are passkeys.
pub(super) fn button(site: &Site, visit: &Visit, next: Option<OnwardPath<'_>>) -> Option<Markup> {
    let form = Form::to(site, visit, FIRST).next(next);
    let form = form.of_passkey(site.passkeys()?, Wanted::Get, &site.options("sign-in"));
    // A key that keeps no passkeys itself has to be told which it has: those of the name that was typed.
    let form = form.told("data-named", "name").told("data-offered", format!("{}/{OFFER}", site.base));
    Some(around(form.button("Sign in with a passkey")))
}

/// The same as the second step.
pub(super) fn second_button(site: &Site, visit: &Visit, next: Option<OnwardPath<'_>>) -> Option<Markup> {
    let form = Form::to(site, visit, SECOND).next(next);
    let form = form.of_passkey(site.passkeys()?, Wanted::Get, &format!("{}/{SECOND_OFFER}", site.base));
    Some(around(form.button("Use a passkey")))
}

/// For the list of names: nobody has tried anything yet, and it tells nothing of anybody.
async fn offer(State(site): State<Site>, visit: Visit) -> Result<Response, Refused> {
    site.desk.private(&visit.facts)?;
    Ok(site.desk.offer(site.desk.people.passkey_sign_in_options(None).await?))
}

async fn take(State(site): State<Site>, sent: Sent) -> Result<Response, Stop> {
    let visit = &sent.visit;
    let asked = PasskeySignIn {
        ceremony: visit.ceremony.clone(),
        sent: sent.passkey()?,
        user_agent: visit.user_agent.clone(),
        device: visit.device.clone(),
    };
    let response = match site.desk.people.sign_in_with_passkey(&visit.facts, asked).await {
        Ok(signed_in) => site.welcome(visit, signed_in, &site.onward(sent.next())).await?,
        Err(error) => {
            let said = site.again(error, None, "account")?;
            page(&site, visit, sent.next(), "", Some(&said))
        }
    };
    Ok(site.desk.answered(response))
}

/// The ticket is in a cookie that no script sees, so it is put in here.
async fn offer_second(State(site): State<Site>, visit: Visit) -> Result<Response, Refused> {
    site.desk.private(&visit.facts)?;
    let ticket = visit.ticket.as_deref().ok_or(IdentityError::PasswordAgain)?;
    Ok(site.desk.offer(site.desk.people.passkey_second_options(&visit.facts, ticket).await?))
}

async fn take_second(State(site): State<Site>, sent: Sent) -> Result<Response, Stop> {
    let visit = &sent.visit;
    let Some(ticket) = visit.ticket.clone() else { return Ok(site.to("sign-in?done=again")) };
    let asked = SecondPasskey {
        ticket,
        ceremony: visit.ceremony.clone(),
        sent: sent.passkey()?,
        user_agent: visit.user_agent.clone(),
        device: visit.device.clone(),
    };
    let mut response = match site.desk.people.second_passkey(&visit.facts, asked).await {
        Ok(signed_in) => site.welcome(visit, signed_in, &site.onward(sent.next())).await?,
        Err(IdentityError::PasswordAgain) => site.to("sign-in?done=again"),
        Err(error) => {
            let said = site.again(error, None, "account")?;
            return Ok(site.desk.answered(code_page(&site, visit, sent.next(), Some(&said)).await?));
        }
    };
    let taken_back = site.desk.cookie.give_beside(STEP, "", Some(0));
    response.headers_mut().extend(taken_back.map(|cookie| (SET_COOKIE, cookie)));
    Ok(site.desk.answered(response))
}

//! Passkeys: those there are, another name, ending one, and making another, which a script asks the browser for. Recovery codes that come
//! with the first one stand in the answer itself.

use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use seawall_core::{onward::OnwardPath, principal::Principal};

use super::{
    factors::listed,
    form::{Field, Form, Said},
    layout::{Page, facts, things, time},
    markup::Markup,
    passkey::{Wanted, around},
    site::Site,
    visit::{NEXT, Sent, Stop, Visit, not_there},
};
use crate::{
    IdentityError,
    factors::RecoveryCodes,
    http::{
        onward::{move_cookies, see_other},
        problems::Refused,
    },
    passkeys::Passkey,
    people::{EndOthers, Factors, NewPasskey},
};

const PART: &str = "account/passkeys";

pub(super) fn routes(base: &str) -> Router<Site> {
    Router::new()
        .route(&format!("{base}/{PART}"), get(show).post(add))
        .route(&format!("{base}/{PART}/name"), get(show_name).post(rename))
        .route(&format!("{base}/{PART}/remove"), post(remove))
}

/// The page again, because of what is said on it.
#[derive(Clone, Copy, Debug, Default)]
struct Again<'a> {
    typed: &'a str,
    said: Option<&'a Said>,
}

async fn show(State(site): State<Site>, visit: Visit) -> Result<Response, Stop> {
    let principal = owner(&site, &visit)?;
    page(&site, &visit, &principal, visit.next(), Again::default()).await
}

/// Whose passkeys they are. Where there are none for anybody, there is no such page.
fn owner(site: &Site, visit: &Visit) -> Result<std::sync::Arc<Principal>, Stop> {
    if site.passkeys().is_none() {
        return Err(not_there());
    }
    visit.principal(site)
}

async fn page(
    site: &Site,
    visit: &Visit,
    principal: &Principal,
    next: Option<OnwardPath<'_>>,
    Again { typed, said }: Again<'_>,
) -> Result<Response, Stop> {
    let Some(party) = site.passkeys() else { return Err(not_there()) };
    let factors = site.desk.people.factors(&principal.id).await.map_err(Refused::from)?;
    let list = things(factors.passkeys.iter().map(|passkey| shown(site, visit, passkey)));
    let list = if factors.passkeys.is_empty() {
        Markup::paragraph("You have none.")
    } else {
        list.then(codes_left(site, visit, &factors))
    };
    let confirm = proof(site, principal, &factors, next);
    let field = Field::text("name", "Name", "off").with_value(typed).with_hint("Such as \"my phone\".");
    let form = Form::to(site, visit, PART).next(next).of_passkey(party, Wanted::Create, &site.options("register"));
    let form = form.told("data-confirm", confirm).fields(&[field], said).with(end_others()).button("Add a passkey");
    let why = "A passkey is a key on a device of yours, such as a phone. It signs you in by your finger, face or PIN, and cannot be phished.";
    let body = Markup::paragraph(why).then(list);
    let body = body.then(Markup::element("h2", &[], "Another passkey")).then(around(form));
    Ok(site.show(visit, Page::part(PART, "Passkeys", body).asking(site).saying(said)))
}

/// The recovery codes beside passkeys; where there is an app, they stand beside that.
fn codes_left(site: &Site, visit: &Visit, factors: &Factors) -> Markup {
    if factors.totp_at.is_some() {
        return Markup::default();
    }
    let left = facts([("Recovery codes left", Markup::text(factors.recovery_codes.to_string()))]);
    left.then(Form::to(site, visit, "account/factors/recovery").button("Make other recovery codes"))
}

fn shown(site: &Site, visit: &Visit, passkey: &Passkey) -> Markup {
    let pairs = [
        ("Name", Markup::text(&passkey.name)),
        ("Made", time(passkey.created_at)),
        ("Last used", passkey.used_at.map_or_else(|| Markup::text("never"), time)),
    ];
    let what = format!("the passkey {}", passkey.name);
    let naming = Markup::text("Rename").then(Markup::element("span", &[("class", "unseen")], &format!(" {what}")));
    let naming = Markup::element("a", &[("href", &format!("{}/{PART}/name?id={}", site.base, passkey.id))], naming);
    let removing = Form::to(site, visit, &format!("{PART}/remove")).hidden("id", &passkey.id);
    facts(pairs).then(naming).then(removing.button_for("Remove", &what))
}

fn end_others() -> Markup {
    let attributes =
        [("type", "checkbox"), ("name", "end_others"), ("value", "yes"), ("id", "end_others"), ("checked", "")];
    let inside = Markup::void("input", &attributes).then("End all my other sessions");
    Markup::element("label", &[("for", "end_others"), ("class", "beside")], inside)
}

async fn add(State(site): State<Site>, sent: Sent) -> Result<Response, Stop> {
    let visit = &sent.visit;
    let principal = owner(&site, visit)?;
    let new = NewPasskey {
        ceremony: visit.ceremony.clone(),
        sent: sent.passkey()?,
        name: Some(sent.text("name").to_owned()),
        ending: if sent.text("end_others") == "yes" { EndOthers::Yes } else { EndOthers::No },
        user_agent: visit.user_agent.clone(),
    };
    let response = match site.desk.people.add_passkey(&visit.facts, &principal, new).await {
        Ok(added) => {
            let way = sent
                .next()
                .map_or_else(|| format!("{}/{PART}?done=passkey", site.base), |next| next.as_str().to_owned());
            match &added.codes {
                None => site.welcome(visit, added.signed_in, &way).await?,
                Some(codes) => {
                    let mut response = codes_page(&site, visit, codes, &way);
                    move_cookies(&site.welcome(visit, added.signed_in, "/").await?, &mut response);
                    response
                }
            }
        }
        Err(error) => {
            let field = matches!(error, IdentityError::Invalid(_)).then_some("name");
            let said = told(&site, &principal, error, field, sent.next()).await?;
            let again = Again { typed: sent.text("name"), said: Some(&said) };
            page(&site, visit, &principal, sent.next(), again).await?
        }
    };
    Ok(site.desk.answered(response))
}

fn codes_page(site: &Site, visit: &Visit, codes: &RecoveryCodes, way: &str) -> Response {
    let why = "The passkey was added, and is asked for after your password. If you lose the device, each of these codes lets you in once instead. Keep them where you keep papers. They are shown this once.";
    let on = Markup::paragraph(Markup::link(way, "Go on"));
    let body = Markup::paragraph(why).then(listed(codes)).then(on);
    site.show(visit, Page::part(PART, "Your recovery codes", body))
}

async fn show_name(State(site): State<Site>, visit: Visit) -> Result<Response, Stop> {
    let principal = owner(&site, &visit)?;
    let have = site.desk.people.passkeys(&principal.id).await.map_err(Refused::from)?;
    match have.iter().find(|passkey| visit.parameter("id") == Some(&*passkey.id)) {
        Some(passkey) => Ok(name_page(&site, &visit, (&passkey.id, &passkey.name), None)),
        None => Ok(site.to(PART)),
    }
}

fn name_page(site: &Site, visit: &Visit, (id, name): (&str, &str), said: Option<&Said>) -> Response {
    let field = Field::text("name", "Name", "off").with_value(name);
    let form = Form::to(site, visit, &format!("{PART}/name")).hidden("id", id).fields(&[field], said).button("Rename");
    let back = Markup::paragraph(Markup::link(&format!("{}/{PART}", site.base), "Leave it as it is"));
    site.show(visit, Page::part(PART, "Rename a passkey", form.then(back)).saying(said))
}

async fn rename(State(site): State<Site>, sent: Sent) -> Result<Response, Stop> {
    let visit = &sent.visit;
    let principal = owner(&site, visit)?;
    let (id, name) = (sent.text("id"), sent.text("name"));
    match site.desk.people.rename_passkey(&visit.facts, &principal, id, name).await {
        Ok(_) => Ok(site.to(&format!("{PART}?done=passkey-renamed"))),
        Err(error @ IdentityError::NoPasskey(_)) => Err(Refused::from(error).into()),
        Err(error) => {
            let said = site.again(error, Some("name"), PART)?;
            Ok(name_page(&site, visit, (id, name), Some(&said)))
        }
    }
}

async fn remove(State(site): State<Site>, sent: Sent) -> Result<Response, Stop> {
    let visit = &sent.visit;
    let principal = owner(&site, visit)?;
    match site.desk.people.remove_own_passkey(&visit.facts, &principal, sent.text("id")).await {
        Ok(()) => Ok(site.to(&format!("{PART}?done=passkey-removed"))),
        Err(error @ IdentityError::NoPasskey(_)) => Err(Refused::from(error).into()),
        Err(error) => {
            let said = told(&site, &principal, error, None, None).await?;
            page(&site, visit, &principal, None, Again { typed: "", said: Some(&said) }).await
        }
    }
}

/// What is to be said of it; or the way to a proof that is young enough and shows enough, and back.
async fn told(
    site: &Site,
    principal: &Principal,
    error: IdentityError,
    field: Option<&'static str>,
    next: Option<OnwardPath<'_>>,
) -> Result<Said, Stop> {
    match error {
        IdentityError::ConfirmFirst => {
            let factors = site.desk.people.factors(&principal.id).await.map_err(Refused::from)?;
            Err(see_other(&proof(site, principal, &factors, next)).into())
        }
        error => site.again(error, field, PART),
    }
}

/// The page where people confirm who they are, and the way back from there: whoever has a second factor shows it.
fn proof(site: &Site, principal: &Principal, factors: &Factors, next: Option<OnwardPath<'_>>) -> String {
    let has_one = factors.totp_at.is_some() || !factors.passkeys.is_empty();
    let need = if has_one && !principal.second_factor { "need=second-factor&" } else { "" };
    // The way on is the value of a parameter in the value of a parameter.
    let next = next.map(|next| format!("%3F{NEXT}%3D{}", next.in_query().replace('%', "%25"))).unwrap_or_default();
    format!("{}/confirm?{need}{NEXT}={}/{PART}{next}", site.base, site.base)
}

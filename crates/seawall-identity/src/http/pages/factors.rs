//! Second factors: an authenticator app, with a picture and as text, and recovery codes. What is shown once stands in the answer itself.

use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use seawall_core::{onward::OnwardPath, principal::Principal};

use super::{
    form::{Field, Form, Said},
    layout::{Page, facts, time},
    markup::Markup,
    picture,
    site::Site,
    visit::{NEXT, Sent, Stop, Visit},
};
use crate::{
    factors::RecoveryCodes,
    http::{onward::move_cookies, problems::Refused},
    people::{EndOthers, Factors},
};

const PART: &str = "account/factors";

pub(super) fn routes(base: &str) -> Router<Site> {
    Router::new()
        .route(&format!("{base}/{PART}"), get(show))
        .route(&format!("{base}/{PART}/app"), post(enrol))
        .route(&format!("{base}/{PART}/app/confirm"), post(confirm))
        .route(&format!("{base}/{PART}/remove"), post(remove))
        .route(&format!("{base}/{PART}/recovery"), post(recovery))
}

async fn show(State(site): State<Site>, visit: Visit) -> Result<Response, Stop> {
    let principal = visit.principal(&site)?;
    page(&site, &visit, &principal, visit.next(), None).await
}

async fn page(
    site: &Site,
    visit: &Visit,
    principal: &Principal,
    next: Option<OnwardPath<'_>>,
    said: Option<&Said>,
) -> Result<Response, Stop> {
    let factors = site.desk.people.factors(&principal.id).await.map_err(Refused::from)?;
    let body = match factors.totp_at {
        None => {
            let why = "With an authenticator app on your phone, your password alone lets nobody in.";
            let form = Form::to(site, visit, &format!("{PART}/app")).next(next).fields(&[], said);
            Markup::paragraph(why).then(form.button("Enrol an app"))
        }
        Some(at) => enrolled(site, visit, (factors, at), said),
    };
    Ok(site.show(visit, Page::part(PART, "Second factors", body).saying(said)))
}

fn enrolled(site: &Site, visit: &Visit, (factors, at): (Factors, i64), said: Option<&Said>) -> Markup {
    let left = factors.recovery_codes.to_string();
    let codes = Form::to(site, visit, &format!("{PART}/recovery")).fields(&[], said);
    let removing = Form::to(site, visit, &format!("{PART}/remove"));
    facts([("Authenticator app", Markup::text("since ").then(time(at))), ("Recovery codes left", Markup::text(&left))])
        .then(codes.button("Make other recovery codes"))
        .then(removing.button("Remove the app and its codes"))
}

async fn enrol(State(site): State<Site>, sent: Sent) -> Result<Response, Stop> {
    let visit = &sent.visit;
    let principal = visit.principal(&site)?;
    let enrolment = match site.desk.people.enrol_totp(&visit.facts, &principal).await {
        Ok(enrolment) => enrolment,
        Err(error) => {
            let said = site.again(error, None, &part(sent.next()))?;
            return page(&site, visit, &principal, sent.next(), Some(&said)).await;
        }
    };
    let secret = Markup::element("code", &[("id", "secret")], &*enrolment.secret);
    let told = Markup::paragraph("Let the app read this picture.")
        .then(picture::of(&enrolment.uri).unwrap_or_default())
        .then(Markup::paragraph(Markup::text("Or type this into it: ").then(secret)))
        .then(Markup::paragraph(Markup::link(&enrolment.uri, "Or open it in an app on this device")));
    Ok(code_page(&site, visit, told, sent.next(), None))
}

fn code_page(site: &Site, visit: &Visit, told: Markup, next: Option<OnwardPath<'_>>, said: Option<&Said>) -> Response {
    let field = Field { hint: Some("The six digits that the app shows."), ..Field::code() };
    let form = Form::to(site, visit, &format!("{PART}/app/confirm")).next(next).fields(&[field], said);
    let all = Markup::void(
        "input",
        &[("type", "checkbox"), ("name", "end_others"), ("value", "yes"), ("id", "end_others"), ("checked", "")],
    );
    let all =
        Markup::element("label", &[("for", "end_others"), ("class", "beside")], all.then("End all my other sessions"));
    let form = form.with(all).button("Confirm the app");
    site.show(visit, Page::part(PART, "Enrol an authenticator app", told.then(form)).saying(said))
}

async fn confirm(State(site): State<Site>, sent: Sent) -> Result<Response, Stop> {
    let visit = &sent.visit;
    let principal = visit.principal(&site)?;
    let ending = if sent.text("end_others") == "yes" { EndOthers::Yes } else { EndOthers::No };
    let (code, agent) = (sent.secret("code"), visit.user_agent.clone());
    match site.desk.people.confirm_totp(&visit.facts, &principal, code, ending, agent).await {
        Ok(enrolled) => {
            let mut response = codes_page(&site, visit, &enrolled.codes, sent.next());
            move_cookies(&site.welcome(visit, enrolled.signed_in, "/").await?, &mut response);
            Ok(response)
        }
        Err(error) => {
            let said = site.again(error, Some("code"), &part(sent.next()))?;
            let told = "The picture is shown once. If the app has not read it, begin again: ";
            let again = Markup::link(&format!("{}/{PART}", site.base), "second factors");
            Ok(code_page(&site, visit, Markup::paragraph(Markup::text(told).then(again)), sent.next(), Some(&said)))
        }
    }
}

async fn remove(State(site): State<Site>, sent: Sent) -> Result<Response, Stop> {
    let visit = &sent.visit;
    let principal = visit.principal(&site)?;
    match site.desk.people.remove_own_factors(&visit.facts, &principal, EndOthers::Yes).await {
        Ok(()) => Ok(site.to(&format!("{PART}?done=factors"))),
        Err(error) => {
            let said = site.again(error, None, PART)?;
            page(&site, visit, &principal, None, Some(&said)).await
        }
    }
}

async fn recovery(State(site): State<Site>, sent: Sent) -> Result<Response, Stop> {
    let visit = &sent.visit;
    let principal = visit.principal(&site)?;
    match site.desk.people.make_recovery_codes(&visit.facts, &principal).await {
        Ok(codes) => Ok(codes_page(&site, visit, &codes, None)),
        Err(error) => {
            let said = site.again(error, None, PART)?;
            page(&site, visit, &principal, None, Some(&said)).await
        }
    }
}

fn codes_page(site: &Site, visit: &Visit, codes: &RecoveryCodes, next: Option<OnwardPath<'_>>) -> Response {
    let list = listed(codes);
    let why = "Keep these where you keep papers, not on the phone with the app. Each lets you in once, in place of a code of the app. They are shown this once.";
    let on =
        Markup::link(&next.map_or_else(|| format!("{}/{PART}", site.base), |next| next.as_str().to_owned()), "Go on");
    let body = Markup::paragraph(why).then(list).then(Markup::paragraph(on));
    site.show(visit, Page::part(PART, "Your recovery codes", body))
}

/// Recovery codes, in the order in which they were made.
pub(super) fn listed(codes: &RecoveryCodes) -> Markup {
    let one = |code: &String| Markup::element("li", &[], Markup::element("code", &[], code));
    Markup::element("ol", &[("id", "codes")], codes.expose().iter().map(one).collect::<Markup>())
}

/// This page, with the way on from it.
fn part(next: Option<OnwardPath<'_>>) -> String {
    match next {
        // It is the value of a parameter in the value of a parameter.
        Some(next) => format!("{PART}%3F{NEXT}%3D{}", next.in_query().replace('%', "%25")),
        None => PART.to_owned(),
    }
}

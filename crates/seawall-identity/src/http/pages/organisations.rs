//! Organisations: those that one belongs to, and which one a session acts for.

use axum::{Router, extract::State, response::Response, routing::get};

use super::{
    form::Form,
    layout::{Page, facts, things},
    markup::Markup,
    site::Site,
    visit::{Sent, Stop, Visit},
};
use crate::http::problems::Refused;

const PART: &str = "account/organisations";

pub(super) fn routes(base: &str) -> Router<Site> {
    Router::new().route(&format!("{base}/{PART}"), get(show).post(act))
}

async fn show(State(site): State<Site>, visit: Visit) -> Result<Response, Stop> {
    let principal = visit.principal(&site)?;
    let members = site.desk.people.organisations_of(&principal.id).await.map_err(Refused::from)?;
    let active = principal.membership.as_ref().map(|membership| &*membership.organisation);
    let one = |member: &crate::organisations::Member| {
        let organisation = &member.organisation;
        let pairs = [("Name", Markup::text(&organisation.name)), ("Your role", Markup::text(&member.role))];
        let what = if active == Some(&*organisation.id) {
            Markup::paragraph(Markup::element("strong", &[], "You act for it."))
        } else {
            let form = Form::to(&site, &visit, PART).hidden("organisation", &organisation.id);
            form.button_for("Act for it", &organisation.name)
        };
        facts(pairs).then(what)
    };
    let body =
        if members.is_empty() { Markup::paragraph("You belong to none.") } else { things(members.iter().map(one)) };
    let none = Form::to(&site, &visit, PART).hidden("organisation", "").button("Act for none");
    let body = if active.is_some() { body.then(none) } else { body };
    Ok(site.show(&visit, Page::part(PART, "Organisations", body)))
}

async fn act(State(site): State<Site>, sent: Sent) -> Result<Response, Stop> {
    let visit = &sent.visit;
    let principal = visit.principal(&site)?;
    let which = Some(sent.text("organisation")).filter(|which| !which.is_empty());
    let acting = site.desk.people.act_for(&visit.facts, &principal, which, visit.user_agent.clone()).await;
    let onward = format!("{}/{PART}?done=organisation", site.base);
    site.welcome(visit, acting.map_err(Refused::from)?, &onward).await
}

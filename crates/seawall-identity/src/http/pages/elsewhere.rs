//! Accounts elsewhere: those that are linked, ending that, and linking another, so that it signs its owner in here.

use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use seawall_core::principal::Principal;

use super::{
    form::{Form, Said},
    layout::{Page, facts, things, time},
    markup::Markup,
    site::Site,
    visit::{Sent, Stop, Visit},
};
use crate::{http::problems::Refused, people::Link};

const PART: &str = "account/elsewhere";

pub(super) fn routes(base: &str) -> Router<Site> {
    Router::new()
        .route(&format!("{base}/{PART}"), get(show).post(link))
        .route(&format!("{base}/{PART}/unlink"), post(unlink))
}

async fn show(State(site): State<Site>, visit: Visit) -> Result<Response, Stop> {
    let principal = visit.principal(&site)?;
    page(&site, &visit, &principal, None).await
}

async fn page(site: &Site, visit: &Visit, principal: &Principal, said: Option<&Said>) -> Result<Response, Stop> {
    let links = site.desk.people.links(&principal.id).await.map_err(Refused::from)?;
    let linked = things(links.iter().map(|link| shown(site, visit, link)));
    let linked = if links.is_empty() { Markup::paragraph("You have linked none.") } else { linked };
    let one = |name: &str| {
        let form = Form::to(site, visit, PART).hidden("name", name);
        Markup::paragraph(name).then(form.button_for("Link", &format!("an account at {name}")))
    };
    let why = Markup::paragraph("An account elsewhere that is linked signs you in here.");
    let body = said.map(Said::summary).unwrap_or_default().then(why).then(linked);
    let body = body.then(Markup::element("h2", &[], "Link an account"));
    let body = body.then(things(site.desk.people.issuers().map(one)));
    Ok(site.show(visit, Page::part(PART, "Accounts elsewhere", body).saying(said)))
}

fn shown(site: &Site, visit: &Visit, link: &Link) -> Markup {
    let issuer = link.name.as_deref().unwrap_or(&link.issuer);
    let pairs = vec![
        ("At", Markup::text(issuer)),
        ("Called there", Markup::text(&link.subject)),
        ("Linked", time(link.created_at)),
    ];
    let form = Form::to(site, visit, &format!("{PART}/unlink")).hidden("id", &link.id);
    facts(pairs).then(form.button_for("Unlink", &format!("the account at {issuer}")))
}

/// The way to an issuer is a link on a page, because no form of these pages may lead to another host.
async fn link(State(site): State<Site>, sent: Sent) -> Result<Response, Stop> {
    let visit = &sent.visit;
    let principal = visit.principal(&site)?;
    let back = format!("{}/{PART}", site.base);
    match site.desk.people.to_link(&principal, sent.text("name"), &back).await {
        Ok((location, flow)) => {
            let way = Markup::link(&location, format!("Go on to {}", sent.text("name")));
            let mut response = site.show(visit, Page::part(PART, "Link an account", Markup::paragraph(way)));
            site.desk.keep_flow(&mut response, &flow);
            Ok(response)
        }
        Err(error) => {
            let said = site.again(error, None, PART)?;
            page(&site, visit, &principal, Some(&said)).await
        }
    }
}

async fn unlink(State(site): State<Site>, sent: Sent) -> Result<Response, Stop> {
    let visit = &sent.visit;
    let principal = visit.principal(&site)?;
    match site.desk.people.unlink(&visit.facts, &principal, sent.text("id")).await {
        Ok(()) => Ok(site.to(&format!("{PART}?done=unlinked"))),
        Err(error) => {
            let said = site.again(error, None, PART)?;
            page(&site, visit, &principal, Some(&said)).await
        }
    }
}

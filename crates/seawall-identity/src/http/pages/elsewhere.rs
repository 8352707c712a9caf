//! Accounts elsewhere: linking one, so that it signs its owner in here.

use axum::{Router, extract::State, response::Response, routing::get};

use super::{
    form::{Form, Said},
    layout::{Page, things},
    markup::Markup,
    site::Site,
    visit::{Sent, Stop, Visit},
};

const PART: &str = "account/elsewhere";

pub(super) fn routes(base: &str) -> Router<Site> {
    Router::new().route(&format!("{base}/{PART}"), get(show).post(link))
}

async fn show(State(site): State<Site>, visit: Visit) -> Result<Response, Stop> {
    visit.principal(&site)?;
    Ok(page(&site, &visit, None))
}

fn page(site: &Site, visit: &Visit, said: Option<&Said>) -> Response {
    let one = |name: &str| {
        let form = Form::to(site, visit, PART).hidden("name", name);
        Markup::paragraph(name).then(form.button_for("Link", &format!("an account at {name}")))
    };
    let summary = said.map(|said| Markup::element("div", &[("class", "problem"), ("role", "alert")], said.title()));
    let why = Markup::paragraph("An account elsewhere that is linked signs you in here.");
    let body = summary.into_iter().collect::<Markup>().then(why).then(things(site.desk.people.issuers().map(one)));
    site.show(visit, Page::part(PART, "Accounts elsewhere", body).saying(said))
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
            Ok(page(&site, visit, Some(&said)))
        }
    }
}

//! Confirming who one is, for what asks for a proof that is younger, or for a second factor.

use axum::{Router, extract::State, response::Response, routing::get};
use seawall_core::onward::OnwardPath;

use super::{
    form::{Field, Form, Said},
    layout::Page,
    markup::Markup,
    site::Site,
    visit::{NEXT, Sent, Stop, Visit},
};
use crate::people::Proof;

/// The parameter that says that a second factor is wanted.
const NEED: &str = "need";
const SECOND_FACTOR: &str = "second-factor";

pub(super) fn routes(base: &str) -> Router<Site> {
    Router::new().route(&format!("{base}/confirm"), get(show).post(take))
}

async fn show(State(site): State<Site>, visit: Visit) -> Result<Response, Stop> {
    let wants_factor = visit.parameter(NEED) == Some(SECOND_FACTOR);
    page(&site, &visit, (visit.next(), wants_factor), None).await
}

async fn page(
    site: &Site,
    visit: &Visit,
    (next, wants_factor): (Option<OnwardPath<'_>>, bool),
    said: Option<&Said>,
) -> Result<Response, Stop> {
    let principal = visit.principal(site)?;
    let factors = site.desk.people.factors(&principal.id).await;
    let has_app = factors.map_err(crate::http::problems::Refused::from)?.totp_at.is_some();
    if wants_factor && !has_app {
        let back = next.map(|next| format!("?{NEXT}={}", next.in_query())).unwrap_or_default();
        let way = Markup::link(&format!("{}/account/factors{back}", site.base), "Enrol an authenticator app");
        let why = Markup::paragraph("What you asked for is for people with a second factor, and you have none yet.");
        return Ok(site.show(visit, Page::new("A second factor is needed", why.then(Markup::paragraph(way)))));
    }
    let password = Field::password("password", "Password", "current-password");
    let fields = match (wants_factor, has_app) {
        (true, _) => vec![Field::code()],
        (false, true) => {
            vec![password.optional().with_hint("One of the two is enough."), Field::code().optional()]
        }
        (false, false) => vec![password],
    };
    let form = Form::to(site, visit, "confirm").next(next);
    let form = if wants_factor { form.hidden(NEED, SECOND_FACTOR) } else { form };
    let name = Markup::element("strong", &[], &*principal.name);
    let who = Markup::text("You are signed in as ")
        .then(name)
        .then(". What you asked for needs a younger proof that it is you.");
    let who = Markup::paragraph(who);
    let form = form.fields(&fields, said).button("Confirm");
    Ok(site.show(visit, Page::new("Confirm that it is you", who.then(form)).saying(said)))
}

async fn take(State(site): State<Site>, sent: Sent) -> Result<Response, Stop> {
    let visit = &sent.visit;
    let principal = visit.principal(&site)?;
    let wants_factor = sent.text(NEED) == SECOND_FACTOR;
    let (proof, field) = match (sent.text("password"), sent.text("code")) {
        ("", "") => {
            let field = if wants_factor { "code" } else { "password" };
            let said = Said::wrong("Fill in one of the fields", field);
            return page(&site, visit, (sent.next(), wants_factor), Some(&said)).await;
        }
        ("", _) => (Proof::Code(sent.secret("code")), "code"),
        _ => (Proof::Password(sent.secret("password")), "password"),
    };
    match site.desk.people.confirm(&visit.facts, &principal, proof, visit.came()).await {
        Ok(confirmed) => site.welcome(visit, confirmed, &site.onward(sent.next())).await,
        Err(error) => {
            let said = site.again(error, Some(field), "account")?;
            page(&site, visit, (sent.next(), wants_factor), Some(&said)).await
        }
    }
}

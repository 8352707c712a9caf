//! Where one is signed in, and ending it.

use axum::{Router, extract::State, response::Response, routing::get};

use super::{
    form::Form,
    layout::{Page, facts, things, time},
    markup::Markup,
    site::Site,
    visit::{Sent, Stop, Visit},
};
use crate::{IdentityError, http::problems::Refused, sessions::Session};

const PART: &str = "account/sessions";

pub(super) fn routes(base: &str) -> Router<Site> {
    Router::new().route(&format!("{base}/{PART}"), get(show).post(end))
}

async fn show(State(site): State<Site>, visit: Visit) -> Result<Response, Stop> {
    let principal = visit.principal(&site)?;
    let sessions = site.desk.people.sessions(&principal.id).await.map_err(Refused::from)?;
    let own = principal.session.as_deref();
    let several = sessions.len() > 1;
    let list = things(sessions.iter().map(|session| shown(&site, &visit, session, own)));
    let others = Form::to(&site, &visit, PART).hidden("others", "yes").button("End all others");
    let body = Markup::paragraph("Whoever signed in with your name, and where.").then(list);
    let body = if several { body.then(others) } else { body };
    Ok(site.show(&visit, Page::part(PART, "Sessions", body)))
}

fn shown(site: &Site, visit: &Visit, session: &Session, own: Option<&str>) -> Markup {
    let agent = session.user_agent.as_deref().unwrap_or("A program that does not say what it is");
    let pairs = [
        ("With", Markup::text(agent)),
        ("From", Markup::text(&session.address)),
        ("Signed in", time(session.created_at)),
        ("Last used", time(session.used_at)),
        ("Ends", time(session.idle_at.min(session.expires_at))),
    ];
    let what = if own == Some(&*session.id) {
        Markup::paragraph(Markup::element("strong", &[], "This is the one that you use here."))
    } else {
        let form = Form::to(site, visit, PART).hidden("id", &session.id);
        form.button_for("End", &format!("the session from {}, {agent}", session.address))
    };
    facts(pairs).then(what)
}

async fn end(State(site): State<Site>, sent: Sent) -> Result<Response, Stop> {
    let visit = &sent.visit;
    let principal = visit.principal(&site)?;
    let people = &site.desk.people;
    let ended = if sent.text("others") == "yes" {
        people.end_other_sessions(&visit.facts, &principal).await.map(drop)
    } else {
        people.end_session(&visit.facts, &principal, sent.text("id").to_owned()).await
    };
    match ended {
        // What has ended meanwhile is as it was wanted.
        Ok(()) | Err(IdentityError::NoSession(_)) => Ok(site.to(&format!("{PART}?done=ended"))),
        Err(error) => Err(Refused::from(error).into()),
    }
}

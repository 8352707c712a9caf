//! API keys: those there are, another one, and ending one.

use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use seawall_core::principal::Principal;

use super::{
    form::{Field, Form, Said},
    layout::{Page, facts, things, time},
    markup::Markup,
    site::Site,
    visit::{Sent, Stop, Visit},
};
use crate::{
    IdentityError,
    http::problems::Refused,
    keys::{ApiKey, NewKey},
    people::cause,
};

const PART: &str = "account/keys";
const SCOPES: &str = "scopes";

/// What can be filled in wrongly.
const FIELDS: [&str; 3] = ["label", "expires_in", SCOPES];

pub(super) fn routes(base: &str) -> Router<Site> {
    Router::new()
        .route(&format!("{base}/{PART}"), get(show).post(add))
        .route(&format!("{base}/{PART}/revoke"), post(revoke))
}

async fn show(State(site): State<Site>, visit: Visit) -> Result<Response, Stop> {
    let principal = visit.principal(&site)?;
    page(&site, &visit, &principal, &NewKey::default(), None).await
}

async fn page(
    site: &Site,
    visit: &Visit,
    principal: &Principal,
    asked: &NewKey,
    said: Option<&Said>,
) -> Result<Response, Stop> {
    let keys = site.desk.people.keys_of(&principal.id).await.map_err(Refused::from)?;
    let now_us = site.desk.people.now_us();
    let list = things(keys.iter().map(|key| shown(site, visit, key, now_us)));
    let list = if keys.is_empty() { Markup::paragraph("You have none.") } else { list };
    let fields = [
        Field::text("label", "What it is for", "off").with_value(&asked.label),
        Field::text("expires_in", "Ends after", "off")
            .with_value(asked.expires_in.as_deref().unwrap_or_default())
            .with_hint("Such as 90day; empty: never.")
            .optional(),
    ];
    let form =
        Form::to(site, visit, PART).fields(&fields, said).with(scopes(site, &asked.scopes, said)).button("Make a key");
    let body = Markup::paragraph("With a key, a program asks in your name.").then(list);
    let body = body.then(Markup::element("h2", &[], "Another key")).then(form);
    Ok(site.show(visit, Page::part(PART, "API keys", body).saying(said)))
}

fn shown(site: &Site, visit: &Visit, key: &ApiKey, now_us: i64) -> Markup {
    let state = key.state(now_us);
    let scopes = key.scopes.iter().map(seawall_core::scope::Scope::as_str).collect::<Vec<_>>().join(", ");
    let mut pairs = vec![
        ("For", Markup::text(&key.label)),
        ("State", Markup::text(state)),
        ("May", Markup::text(if scopes.is_empty() { "what needs no scope" } else { &scopes })),
        ("Made", time(key.created_at)),
    ];
    pairs.extend(key.expires_at.map(|at| ("Ends", time(at))));
    pairs.push(("Last used", key.used_at.map_or_else(|| Markup::text("never"), time)));
    if key.revoked_at.is_some() {
        return facts(pairs);
    }
    let form = Form::to(site, visit, &format!("{PART}/revoke")).hidden("id", &key.id);
    facts(pairs).then(form.button_for("Revoke", &format!("the key for {}", key.label)))
}

/// What a key can be given for, with what was chosen.
fn scopes(site: &Site, chosen: &[String], said: Option<&Said>) -> Markup {
    let known = &site.desk.people.settings().scopes;
    if known.is_empty() {
        return Markup::default();
    }
    let one = |(at, scope): (usize, &seawall_core::scope::Scope)| {
        let id = format!("scope-{at}");
        let mut attributes = vec![("type", "checkbox"), ("name", "scope"), ("value", scope.as_str()), ("id", &id)];
        if chosen.iter().any(|chosen| chosen == scope.as_str()) {
            attributes.push(("checked", ""));
        }
        let inside = Markup::void("input", &attributes).then(scope.as_str());
        Markup::element("label", &[("for", &id), ("class", "beside")], inside)
    };
    let legend = Markup::element("legend", &[], "What it may");
    let wrong = said.and_then(|said| said.of_field(SCOPES, "scopes-problem"));
    let mut attributes = vec![("id", SCOPES), ("tabindex", "-1")];
    if wrong.is_some() {
        attributes.push(("aria-describedby", "scopes-problem"));
    }
    let boxes = known.iter().enumerate().map(one).chain(wrong).collect::<Markup>();
    Markup::element("fieldset", &attributes, legend.then(boxes))
}

async fn add(State(site): State<Site>, sent: Sent) -> Result<Response, Stop> {
    let visit = &sent.visit;
    let principal = visit.principal(&site)?;
    let asked = NewKey {
        label: sent.text("label").to_owned(),
        scopes: sent.all("scope"),
        networks: Vec::new(),
        rate: None,
        expires_in: Some(sent.text("expires_in").to_owned()).filter(|text| !text.is_empty()),
        organisation: principal.membership.as_ref().map(|membership| membership.organisation.to_string()),
    };
    match site.desk.people.add_key(&cause(&visit.facts), &principal.id, &asked).await {
        Ok(made) => {
            let key = Markup::element("code", &[("id", "key")], made.text.expose());
            let why = "Put it where the program finds it. It is shown this once.";
            let on = Markup::link(&format!("{}/{PART}", site.base), "Go on");
            let body = Markup::paragraph(why).then(Markup::paragraph(key)).then(Markup::paragraph(on));
            Ok(site.show(visit, Page::part(PART, "Your API key", body)))
        }
        Err(error) => {
            // What is no field of the form is said above it alone.
            let field = match &error {
                IdentityError::InvalidField { field, .. } => FIELDS.into_iter().find(|known| known == field),
                _ => None,
            };
            let said = site.again(error, field, PART)?;
            page(&site, visit, &principal, &asked, Some(&said)).await
        }
    }
}

async fn revoke(State(site): State<Site>, sent: Sent) -> Result<Response, Stop> {
    let visit = &sent.visit;
    let principal = visit.principal(&site)?;
    let revoked = site.desk.people.revoke_key(&cause(&visit.facts), Some(&principal.id), sent.text("id")).await;
    revoked.map_err(Refused::from)?;
    Ok(site.to(&format!("{PART}?done=revoked")))
}

//! Devices: those that are paired, ending one, and pairing another by the code that it shows.

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
use crate::{devices::Device, http::problems::Refused, people::cause};

const PART: &str = "account/devices";

pub(super) fn routes(base: &str) -> Router<Site> {
    Router::new()
        .route(&format!("{base}/{PART}"), get(show))
        .route(&format!("{base}/{PART}/look"), post(look))
        .route(&format!("{base}/{PART}/approve"), post(approve))
        .route(&format!("{base}/{PART}/revoke"), post(revoke))
}

async fn show(State(site): State<Site>, visit: Visit) -> Result<Response, Stop> {
    let principal = visit.principal(&site)?;
    page(&site, &visit, &principal, "", None).await
}

async fn page(
    site: &Site,
    visit: &Visit,
    principal: &Principal,
    typed: &str,
    said: Option<&Said>,
) -> Result<Response, Stop> {
    let devices = site.desk.people.devices_of(&principal.id).await.map_err(Refused::from)?;
    let list = things(devices.iter().map(|device| shown(site, visit, device)));
    let list = if devices.is_empty() { Markup::paragraph("You have none.") } else { list };
    let field = Field::text("code", "Code", "off").with_value(typed).with_hint("The device shows it.");
    let form = Form::to(site, visit, &format!("{PART}/look")).fields(&[field], said).button("Look at the device");
    let body = list.then(Markup::element("h2", &[], "Pair a device")).then(form);
    Ok(site.show(visit, Page::part(PART, "Devices", body).saying(said)))
}

fn shown(site: &Site, visit: &Visit, device: &Device) -> Markup {
    let mut pairs = vec![
        ("Name", Markup::text(&device.name)),
        ("Paired", time(device.created_at)),
        ("From", Markup::text(&device.paired_from)),
        ("Last used", device.used_at.map_or_else(|| Markup::text("never"), time)),
    ];
    if let Some(at) = device.revoked_at {
        pairs.push(("Revoked", time(at)));
        return facts(pairs);
    }
    let form = Form::to(site, visit, &format!("{PART}/revoke")).hidden("id", &device.id);
    facts(pairs).then(form.button_for("Revoke", &format!("the device {}", device.name)))
}

async fn look(State(site): State<Site>, sent: Sent) -> Result<Response, Stop> {
    let (visit, code) = (&sent.visit, sent.text("code"));
    let principal = visit.principal(&site)?;
    match site.desk.people.look_at_device(&visit.facts, code).await {
        Ok(place) => {
            let pairs = [
                ("Name", Markup::text(&place.name)),
                ("Asks from", Markup::text(&place.address)),
                ("Until", time(place.expires_at)),
            ];
            let why = "Pair it only if it is in front of you: it will act in your name.";
            let form = Form::to(&site, visit, &format!("{PART}/approve")).hidden("code", code).button("Pair it");
            let back = Markup::paragraph(Markup::link(&format!("{}/{PART}", site.base), "It is not mine"));
            let body = facts(pairs).then(Markup::paragraph(why)).then(form).then(back);
            Ok(site.show(visit, Page::part(PART, "Is this your device?", body)))
        }
        Err(error) => {
            let said = site.again(error, Some("code"), PART)?;
            page(&site, visit, &principal, code, Some(&said)).await
        }
    }
}

async fn approve(State(site): State<Site>, sent: Sent) -> Result<Response, Stop> {
    let visit = &sent.visit;
    let principal = visit.principal(&site)?;
    match site.desk.people.approve_device(&visit.facts, &principal, sent.text("code")).await {
        Ok(_) => Ok(site.to(&format!("{PART}?done=paired"))),
        Err(error) => {
            let said = site.again(error, Some("code"), PART)?;
            page(&site, visit, &principal, "", Some(&said)).await
        }
    }
}

async fn revoke(State(site): State<Site>, sent: Sent) -> Result<Response, Stop> {
    let visit = &sent.visit;
    let principal = visit.principal(&site)?;
    let revoked = site.desk.people.revoke_device(&cause(&visit.facts), Some(&principal.id), sent.text("id")).await;
    revoked.map_err(Refused::from)?;
    Ok(site.to(&format!("{PART}?done=revoked")))
}

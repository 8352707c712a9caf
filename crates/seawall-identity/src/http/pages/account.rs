//! The account: who one is, the address, and another password.

use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use seawall_core::principal::{Principal, Role};

use super::{
    form::{Field, Form, Said},
    layout::{Page, facts, time},
    markup::Markup,
    register::new_password_hint,
    site::Site,
    visit::{Sent, Stop, Visit},
};
use crate::{IdentityError, http::problems::Refused};

const PART: &str = "account";
const PASSWORD: &str = "account/password";

pub(super) fn routes(base: &str) -> Router<Site> {
    Router::new()
        .route(&format!("{base}/{PART}"), get(show))
        .route(&format!("{base}/account/address"), post(want_address))
        .route(&format!("{base}/{PASSWORD}"), get(show_password).post(change_password))
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
    let email = site.desk.people.email(&principal.id).await;
    let email = match email {
        Ok(email) => email,
        Err(IdentityError::NoUser(_)) => return Err(site.to("sign-in").into()),
        Err(error) => return Err(Refused::from(error).into()),
    };
    let roles = principal.roles.iter().map(Role::as_str).collect::<Vec<_>>().join(", ");
    let state = match (&email.email, email.verified_at) {
        (None, _) => Markup::text("none"),
        (Some(address), Some(at)) => Markup::text(address).then(", confirmed on ").then(time(at)),
        (Some(address), None) => Markup::text(address).then(", not confirmed"),
    };
    let mut pairs = vec![("Name", Markup::text(&*principal.name)), ("Address", state)];
    if let Some(wanted) = &email.wanted {
        pairs.push(("Waiting", Markup::text(wanted).then(", until the link in the mail is used")));
    }
    if !roles.is_empty() {
        pairs.push(("Roles", Markup::text(roles)));
    }
    let mut body = facts(pairs);
    if site.desk.people.settings().mail.links.is_some() {
        let field = Field { kind: "email", ..Field::text("email", "Another address", "email") };
        let form = Form::to(site, visit, "account/address").fields(&[field.with_value(typed)], said);
        body = body.then(Markup::element("h2", &[], "Change the address")).then(form.button("Send a link there"));
    }
    Ok(site.show(visit, Page::part(PART, "Account", body).saying(said)))
}

async fn want_address(State(site): State<Site>, sent: Sent) -> Result<Response, Stop> {
    let (visit, typed) = (&sent.visit, sent.text("email"));
    let principal = visit.principal(&site)?;
    match site.desk.people.want_email(&visit.facts, &principal, typed).await {
        Ok(()) => Ok(site.to("account?done=address")),
        Err(error) => {
            let said = site.again(error, Some("email"), PART)?;
            page(&site, visit, &principal, typed, Some(&said)).await
        }
    }
}

async fn show_password(State(site): State<Site>, visit: Visit) -> Result<Response, Stop> {
    visit.principal(&site)?;
    Ok(password_page(&site, &visit, None))
}

fn password_page(site: &Site, visit: &Visit, said: Option<&Said>) -> Response {
    let hint = new_password_hint(site);
    let fields = [
        Field::password("current", "Current password", "current-password"),
        Field::password("new", "New password", "new-password").with_hint(&hint),
    ];
    let form = Form::to(site, visit, PASSWORD).fields(&fields, said).button("Change the password");
    site.show(visit, Page::part(PASSWORD, "Password", form).saying(said))
}

async fn change_password(State(site): State<Site>, sent: Sent) -> Result<Response, Stop> {
    let visit = &sent.visit;
    let principal = visit.principal(&site)?;
    let (current, new) = (sent.secret("current"), sent.secret("new"));
    let changed = site.desk.people.change_password(&visit.facts, &principal, current, new, visit.came());
    match changed.await {
        Ok(signed_in) => {
            let onward = format!("{}/{PASSWORD}?done=password", site.base);
            site.welcome(visit, signed_in, &onward).await
        }
        Err(error) => {
            let field = if matches!(error, IdentityError::WrongPassword { .. }) { "current" } else { "new" };
            let said = site.again(error, Some(field), PASSWORD)?;
            Ok(password_page(&site, visit, Some(&said)))
        }
    }
}

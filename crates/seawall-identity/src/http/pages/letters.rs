//! Passwords that were forgotten, and the two pages that links in mail lead to. Their token stands behind the `#`, which no browser sends:
//! no log and no `Referer` has it. A script beside the page takes it from there; without it, the token is put into its field by hand.

use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};

use super::{
    assets::Script,
    form::{Field, Form, Said},
    layout::Page,
    markup::Markup,
    register::new_password_hint,
    site::Site,
    visit::{Sent, Stop, Visit, not_there},
};
use crate::IdentityError;

const TOKEN_HINT: &str =
    "It is filled in by the link in the mail. If it is empty, put in what stands behind the # of that link.";

/// Those that links lead to, and where they are posted; and where a link is asked for, when there are pages.
pub(super) fn routes(prefix: &str, base: &str, all: bool) -> Router<Site> {
    let router = Router::new()
        .route(&format!("{prefix}/reset"), get(show_reset))
        .route(&format!("{prefix}/email/verify"), get(show_verify))
        .route(&format!("{base}/reset"), post(reset))
        .route(&format!("{base}/verify"), post(verify));
    if all { router.route(&format!("{base}/forgot"), get(show_forgot).post(forgot)) } else { router }
}

async fn show_forgot(State(site): State<Site>, visit: Visit) -> Result<Response, Stop> {
    if site.desk.people.settings().mail.links.is_none() {
        return Err(not_there());
    }
    Ok(forgot_page(&site, &visit, None))
}

fn forgot_page(site: &Site, visit: &Visit, said: Option<&Said>) -> Response {
    let field =
        Field::text("typed", "Name or address", "username").with_hint("A mail with a link goes to the address.");
    let form = Form::to(site, visit, "forgot").fields(&[field], said).button("Send the mail");
    let back = Markup::paragraph(Markup::link(&format!("{}/sign-in", site.base), "Back to sign in"));
    site.show(visit, Page::new("Forgotten password", form.then(back)).saying(said))
}

/// The answer is the same, and takes as long, whether there is such a user or not.
async fn forgot(State(site): State<Site>, sent: Sent) -> Result<Response, Stop> {
    match site.desk.people.forgot(&sent.visit.facts, sent.text("typed")).await {
        Ok(()) => Ok(site.to("sign-in?done=forgot")),
        Err(error) => {
            let said = site.again(error, None, "account")?;
            Ok(forgot_page(&site, &sent.visit, Some(&said)))
        }
    }
}

fn token_field(value: &str) -> Field<'_> {
    Field::text("token", "Token of the link", "off").with_value(value).with_hint(TOKEN_HINT)
}

async fn show_reset(State(site): State<Site>, visit: Visit) -> Response {
    reset_page(&site, &visit, "", None)
}

fn reset_page(site: &Site, visit: &Visit, token: &str, said: Option<&Said>) -> Response {
    let hint = new_password_hint(site);
    let fields = [token_field(token), Field::password("password", "New password", "new-password").with_hint(&hint)];
    let form = Form::to(site, visit, "reset").fields(&fields, said).button("Change the password");
    site.show(visit, Page { script: Some(Script::Link), ..Page::new("Choose a new password", form).saying(said) })
}

async fn reset(State(site): State<Site>, sent: Sent) -> Result<Response, Stop> {
    let token = sent.text("token").trim();
    match site.desk.people.reset(&sent.visit.facts, token, sent.secret("password")).await {
        Ok(()) if site.theme.enabled => Ok(site.to("sign-in?done=reset")),
        Ok(()) => Ok(finished(&site, &sent.visit, "The password was changed", "reset")),
        Err(error) => {
            let field = if matches!(error, IdentityError::ResetRefused) { "token" } else { "password" };
            let said = site.again(error, Some(field), "account")?;
            Ok(reset_page(&site, &sent.visit, token, Some(&said)))
        }
    }
}

async fn show_verify(State(site): State<Site>, visit: Visit) -> Response {
    verify_page(&site, &visit, "", None)
}

fn verify_page(site: &Site, visit: &Visit, token: &str, said: Option<&Said>) -> Response {
    let form = Form::to(site, visit, "verify").fields(&[token_field(token)], said).button("Confirm the address");
    site.show(visit, Page { script: Some(Script::Link), ..Page::new("Confirm your address", form).saying(said) })
}

async fn verify(State(site): State<Site>, sent: Sent) -> Result<Response, Stop> {
    let token = sent.text("token").trim();
    match site.desk.people.verify_email(&sent.visit.facts, token).await {
        Ok(()) if site.theme.enabled && sent.visit.somebody().is_some() => Ok(site.to("account?done=verified")),
        Ok(()) if site.theme.enabled => Ok(site.to("sign-in?done=verified")),
        Ok(()) => Ok(finished(&site, &sent.visit, "Your address is confirmed", "verified")),
        Err(error) => {
            let said = site.again(error, Some("token"), "account")?;
            Ok(verify_page(&site, &sent.visit, token, Some(&said)))
        }
    }
}

/// Where there is no page to go to: what was asked for is done, and its token serves no second time.
fn finished(site: &Site, visit: &Visit, title: &str, done: &'static str) -> Response {
    site.show(visit, Page { done: Some(done), ..Page::new(title, Markup::default()) })
}

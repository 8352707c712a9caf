//! Registering, where anybody may.

use axum::{Router, extract::State, response::Response, routing::get};
use seawall_core::onward::OnwardPath;

use super::{
    form::{Field, Form, Said},
    layout::Page,
    markup::Markup,
    site::Site,
    visit::{Sent, Stop, Visit},
};
use crate::{IdentityError, config::Registration};

pub(super) fn routes(base: &str, site: &Site) -> Router<Site> {
    match site.desk.people.settings().registration {
        Registration::Open => Router::new().route(&format!("{base}/register"), get(show).post(take)),
        Registration::Closed => Router::new(),
    }
}

async fn show(State(site): State<Site>, visit: Visit) -> Response {
    page(&site, &visit, visit.next(), "", None)
}

fn page(site: &Site, visit: &Visit, next: Option<OnwardPath<'_>>, name: &str, said: Option<&Said>) -> Response {
    let hint = new_password_hint(site);
    let fields = [
        Field::text("name", "Name", "username").with_value(name),
        Field::password("password", "Password", "new-password").with_hint(&hint),
    ];
    let form = Form::to(site, visit, "register").next(next).fields(&fields, said).button("Register");
    let known = Markup::paragraph(Markup::link(&format!("{}/sign-in", site.base), "I am registered already"));
    site.show(visit, Page::new("Register", form.then(known)).saying(said))
}

async fn take(State(site): State<Site>, sent: Sent) -> Result<Response, Stop> {
    let (visit, name) = (&sent.visit, sent.text("name"));
    let registered =
        site.desk.people.register(&visit.facts, name, sent.secret("password"), visit.user_agent.clone()).await;
    match registered {
        Ok(signed_in) => site.welcome(visit, signed_in, &site.onward(sent.next())).await,
        Err(error) => {
            let field = if matches!(error, IdentityError::PasswordRefused(_)) { "password" } else { "name" };
            let said = site.again(error, Some(field), "account")?;
            Ok(page(&site, visit, sent.next(), name, Some(&said)))
        }
    }
}

/// What a password has to be.
pub(super) fn new_password_hint(site: &Site) -> String {
    format!("{} characters at least; several words are good.", site.desk.people.settings().passwords.least())
}

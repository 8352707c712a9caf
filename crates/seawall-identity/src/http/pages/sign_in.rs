//! Signing in, in one step or two, and out.

use axum::{Router, extract::State, response::Response, routing::get};
use http::{HeaderMap, header::SET_COOKIE};
use seawall_core::onward::OnwardPath;

use super::{
    form::{Field, Form, Said},
    layout::Page,
    markup::Markup,
    passkey_sign_in,
    site::Site,
    visit::{NEXT, Sent, Stop, Visit},
};
use crate::{
    IdentityError,
    config::Registration,
    http::{
        account::{Desk, signed_out},
        onward::{move_cookies, see_other},
        problems::Refused,
    },
    people::{Second, SignIn, SignInStep, TicketGiven},
};

/// What the cookie with the ticket of the second step is called beside that of the session.
pub(in crate::http) const STEP: &str = "step";

/// For how long it is kept: as long as a ticket holds.
const STEP_S: i64 = 600;

pub(super) fn routes(base: &str) -> Router<Site> {
    Router::new()
        .route(&format!("{base}/sign-in"), get(show).post(take))
        .route(&format!("{base}/sign-in/code"), get(show_code).post(take_code))
        .route(&format!("{base}/sign-out"), get(show_out).post(out))
}

async fn show(State(site): State<Site>, visit: Visit) -> Response {
    page(&site, &visit, visit.next(), "", None)
}

pub(super) fn page(
    site: &Site,
    visit: &Visit,
    next: Option<OnwardPath<'_>>,
    name: &str,
    said: Option<&Said>,
) -> Response {
    // Passkeys stand in the list of names where a browser has such a list.
    let known = if site.passkeys().is_some() { "username webauthn" } else { "username" };
    let fields = [
        Field::text("name", "Name", known).with_value(name),
        Field::password("password", "Password", "current-password"),
    ];
    let form = Form::to(site, visit, "sign-in").next(next).fields(&fields, said).button("Sign in");
    let ways = passkey_sign_in::button(site, visit, next).into_iter().collect::<Markup>();
    let body = form.then(ways).then(elsewhere(site, next)).then(others(site, next));
    site.show(visit, Page::new("Sign in", body).asking(site).saying(said))
}

/// Ways in beside the password: accounts elsewhere.
fn elsewhere(site: &Site, next: Option<OnwardPath<'_>>) -> Markup {
    let back = next.map_or_else(|| "/".to_owned(), OnwardPath::in_query);
    let way = |name: &str| {
        let href = format!("{}/oidc/{name}?return_to={back}", site.prefix);
        Markup::element("li", &[], Markup::link(&href, format!("Sign in with {name}")))
    };
    let ways = site.desk.people.issuers().map(way).collect::<Vec<_>>();
    if ways.is_empty() {
        return Markup::default();
    }
    let list = Markup::element("ul", &[], ways.into_iter().collect::<Markup>());
    Markup::element("h2", &[], "With an account elsewhere").then(list)
}

/// Where to go without a password.
fn others(site: &Site, next: Option<OnwardPath<'_>>) -> Markup {
    let settings = site.desk.people.settings();
    let back = next.map(|next| format!("?{NEXT}={}", next.in_query())).unwrap_or_default();
    let mut ways = Markup::default();
    if settings.mail.links.is_some() {
        let href = format!("{}/forgot", site.base);
        ways = ways.then(Markup::paragraph(Markup::link(&href, "I have forgotten my password")));
    }
    if settings.registration == Registration::Open {
        let href = format!("{}/register{back}", site.base);
        ways = ways.then(Markup::paragraph(Markup::link(&href, "Register")));
    }
    ways
}

async fn take(State(site): State<Site>, sent: Sent) -> Result<Response, Stop> {
    let visit = &sent.visit;
    let asked = SignIn {
        name: sent.text("name").to_owned(),
        password: sent.secret("password"),
        user_agent: visit.user_agent.clone(),
        device: visit.device.clone(),
    };
    match site.desk.people.sign_in(&visit.facts, asked).await {
        Ok(SignInStep::SignedIn(signed_in)) => site.welcome(visit, *signed_in, &site.onward(sent.next())).await,
        Ok(SignInStep::SecondFactor(given)) => {
            let next = sent.next().map(OnwardPath::as_str);
            Ok(second_factor(&site.desk, &site.base, &given, next))
        }
        Err(error) => {
            let said = site.again(error, Some("name"), "account")?;
            Ok(page(&site, visit, sent.next(), sent.text("name"), Some(&said)))
        }
    }
}

/// The way to the page where the second factor is shown, with the ticket in a cookie that only the pages read.
pub(in crate::http) fn second_factor(desk: &Desk, base: &str, given: &TicketGiven, next: Option<&str>) -> Response {
    let next = next.and_then(OnwardPath::parse).map(|next| format!("?{NEXT}={}", next.in_query()));
    let mut response = see_other(&format!("{base}/sign-in/code{}", next.unwrap_or_default()));
    let cookie = desk.cookie.give_beside(STEP, given.ticket.expose(), Some(STEP_S));
    response.headers_mut().extend(cookie.map(|cookie| (SET_COOKIE, cookie)));
    response
}

async fn show_code(State(site): State<Site>, visit: Visit) -> Result<Response, Stop> {
    if visit.ticket.is_none() {
        return Ok(site.to("sign-in"));
    }
    code_page(&site, &visit, visit.next(), None).await
}

/// What can be shown with the ticket: a code, a passkey, or both.
pub(super) async fn code_page(
    site: &Site,
    visit: &Visit,
    next: Option<OnwardPath<'_>>,
    said: Option<&Said>,
) -> Result<Response, Stop> {
    let ticket = visit.ticket.as_deref().unwrap_or_default();
    let kinds = site.desk.people.second_kinds(&visit.facts, ticket).await.map_err(Refused::from)?;
    let kinds = match (kinds, said) {
        (Some(kinds), _) => kinds,
        (None, None) => return Ok(site.to("sign-in?done=again")),
        // After too many wrong codes the ticket is void: what remains is to say for how long none is looked at.
        (None, Some(_)) => Vec::new(),
    };
    let passkey = kinds.contains(&"passkey").then(|| passkey_sign_in::second_button(site, visit, next)).flatten();
    let code = Form::to(site, visit, "sign-in/code").next(next).fields(&[Field::code()], said);
    let code =
        if kinds.contains(&"code") { code.button("Sign in") } else { said.map(Said::summary).unwrap_or_default() };
    let form = code.then(passkey.into_iter().collect::<Markup>());
    let again = Markup::paragraph(Markup::link(&format!("{}/sign-in", site.base), "Begin again with the password"));
    Ok(site.show(visit, Page::new("Show your second factor", form.then(again)).asking(site).saying(said)))
}

async fn take_code(State(site): State<Site>, sent: Sent) -> Result<Response, Stop> {
    let visit = &sent.visit;
    let Some(ticket) = visit.ticket.clone() else { return Ok(site.to("sign-in?done=again")) };
    let asked = Second {
        ticket,
        code: sent.secret("code"),
        user_agent: visit.user_agent.clone(),
        device: visit.device.clone(),
    };
    let mut response = match site.desk.people.second_factor(&visit.facts, asked).await {
        Ok(signed_in) => site.welcome(visit, signed_in, &site.onward(sent.next())).await?,
        Err(IdentityError::PasswordAgain) => site.to("sign-in?done=again"),
        Err(error) => {
            let said = site.again(error, Some("code"), "account")?;
            return code_page(&site, visit, sent.next(), Some(&said)).await;
        }
    };
    let taken_back = site.desk.cookie.give_beside(STEP, "", Some(0));
    if let Some(cookie) = taken_back {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

async fn show_out(State(site): State<Site>, visit: Visit) -> Response {
    if visit.somebody().is_none() {
        return site.to("sign-in?done=signed-out");
    }
    let form = Form::to(&site, &visit, "sign-out").button("Sign out");
    site.show(&visit, Page::new("Sign out", form))
}

async fn out(State(site): State<Site>, sent: Sent) -> Result<Response, Stop> {
    let left = signed_out(&site.desk, &sent.visit.facts).await?;
    let mut response = site.to("sign-in?done=signed-out");
    move_cookies(&left, &mut response);
    let kept: HeaderMap = left.headers().clone();
    let clear = kept.into_iter().filter_map(|(name, value)| Some((name?, value)));
    response.headers_mut().extend(clear.filter(|(name, _)| name == "clear-site-data"));
    Ok(response)
}

impl Site {
    /// Where somebody goes on who signed in: back, or to the account.
    pub(super) fn onward(&self, next: Option<OnwardPath<'_>>) -> String {
        next.map_or_else(|| format!("{}/account", self.base), |next| next.as_str().to_owned())
    }
}

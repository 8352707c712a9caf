//! Confirming who one is, for what asks for a proof that is younger, or for a second factor.

use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use seawall_core::onward::OnwardPath;

use super::{
    form::{Field, Form, Said},
    layout::Page,
    markup::Markup,
    passkey::{Wanted, around},
    site::Site,
    visit::{NEXT, Sent, Stop, Visit},
};
use crate::{
    http::problems::Refused,
    people::{Factors, Proof},
};

/// The parameter that says that a second factor is wanted.
const NEED: &str = "need";
const SECOND_FACTOR: &str = "second-factor";
const BY_PASSKEY: &str = "confirm/passkey";

pub(super) fn routes(base: &str) -> Router<Site> {
    Router::new()
        .route(&format!("{base}/confirm"), get(show).post(take))
        .route(&format!("{base}/{BY_PASSKEY}"), post(take_passkey))
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
    let factors = site.desk.people.factors(&principal.id).await.map_err(Refused::from)?;
    let passkey = passkey(site, visit, (next, wants_factor), &factors);
    let has_code = factors.totp_at.is_some() || factors.recovery_codes > 0;
    if wants_factor && !has_code && passkey.is_none() {
        return Ok(site.show(visit, Page::new("A second factor is needed", none_yet(site, next))));
    }
    let code = match factors.totp_at {
        Some(_) => Field::code(),
        None => Field::code().with_hint("A recovery code."),
    };
    let password = Field::password("password", "Password", "current-password");
    let fields = match (wants_factor, has_code) {
        (true, true) => vec![code],
        (true, false) => vec![],
        (false, true) => vec![password.optional().with_hint("One of the two is enough."), code.optional()],
        (false, false) => vec![password],
    };
    let form = Form::to(site, visit, "confirm").next(next);
    let form = if wants_factor { form.hidden(NEED, SECOND_FACTOR) } else { form };
    let form = match fields.as_slice() {
        [] => said.map(Said::summary).unwrap_or_default(),
        fields => form.fields(fields, said).button("Confirm"),
    };
    let name = Markup::element("strong", &[], &*principal.name);
    let who = Markup::text("You are signed in as ")
        .then(name)
        .then(". What you asked for needs a younger proof that it is you.");
    let who = Markup::paragraph(who);
    let body = who.then(form).then(passkey.into_iter().collect::<Markup>());
    Ok(site.show(visit, Page::new("Confirm that it is you", body).asking(site).saying(said)))
}

/// The button for whoever has a passkey.
fn passkey(
    site: &Site,
    visit: &Visit,
    (next, wants_factor): (Option<OnwardPath<'_>>, bool),
    factors: &Factors,
) -> Option<Markup> {
    let party = site.passkeys().filter(|_| !factors.passkeys.is_empty())?;
    let form = Form::to(site, visit, BY_PASSKEY).next(next);
    let form = if wants_factor { form.hidden(NEED, SECOND_FACTOR) } else { form };
    let form = form.of_passkey(party, Wanted::Get, &site.options("confirm"));
    Some(around(form.button("Confirm with a passkey")))
}

/// What to do without a second factor.
fn none_yet(site: &Site, next: Option<OnwardPath<'_>>) -> Markup {
    let back = next.map(|next| format!("?{NEXT}={}", next.in_query())).unwrap_or_default();
    let way =
        |part: &str, text: &str| Markup::paragraph(Markup::link(&format!("{}/account/{part}{back}", site.base), text));
    let why = Markup::paragraph("What you asked for is for people with a second factor, and you have none yet.");
    let passkey = site.passkeys().map(|_| way("passkeys", "Add a passkey"));
    why.then(way("factors", "Enrol an authenticator app")).then(passkey.into_iter().collect::<Markup>())
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

async fn take_passkey(State(site): State<Site>, sent: Sent) -> Result<Response, Stop> {
    let visit = &sent.visit;
    let principal = visit.principal(&site)?;
    let (people, credential) = (&site.desk.people, sent.passkey()?);
    let agent = visit.user_agent.clone();
    let confirmed = people.confirm_with_passkey(&visit.facts, &principal, &visit.ceremony, credential, agent).await;
    let response = match confirmed {
        Ok(confirmed) => site.welcome(visit, confirmed, &site.onward(sent.next())).await?,
        Err(error) => {
            let said = site.again(error, None, "account")?;
            page(&site, visit, (sent.next(), sent.text(NEED) == SECOND_FACTOR), Some(&said)).await?
        }
    };
    Ok(site.desk.answered(response))
}

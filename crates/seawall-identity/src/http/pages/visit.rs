//! What a browser asks a page with, and the forms it posts.

use std::{fmt, sync::Arc};

use axum::{
    Form,
    body::Body,
    extract::{FromRequest, FromRequestParts},
    http::{Request, request::Parts},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header::ORIGIN};
use seawall_core::{
    facts::Facts,
    onward::OnwardPath,
    principal::{Principal, PrincipalKind},
    settings::Secret,
};

use super::{layout::PARTS, site::Site, token};
use crate::http::{
    SessionCookie,
    onward::see_other,
    problems::Refused,
    request::{Agent, Known},
};
use crate::people::Came;

/// The field in which a form's token is.
pub(super) const TOKEN: &str = "form_token";

/// The field and the parameter with the way back.
pub(super) const NEXT: &str = "next";

/// What the cookie of forms is called beside that of the session.
pub(in crate::http) const FORM: &str = "form";

/// An answer instead of the one that was asked for.
#[derive(Debug)]
pub(super) struct Stop(Box<Response>);

impl From<Refused> for Stop {
    fn from(refused: Refused) -> Self {
        Self(Box::new(refused.into_response()))
    }
}

impl From<Response> for Stop {
    fn from(response: Response) -> Self {
        Self(Box::new(response))
    }
}

impl IntoResponse for Stop {
    fn into_response(self) -> Response {
        *self.0
    }
}

/// One request of a browser.
pub(super) struct Visit {
    pub(super) facts: Facts,
    pub(super) user_agent: Option<String>,
    /// The cookie of a known device.
    pub(super) device: Option<String>,
    /// What the browser kept of a ceremony of passkeys.
    pub(super) ceremony: String,
    /// The ticket of the second step of signing in.
    pub(super) ticket: Option<String>,
    /// What the cookie of forms holds.
    pub(super) kept: String,
    /// Whether that is to be given first.
    pub(super) kept_fresh: bool,
    /// The path that was asked for, with its query.
    path: String,
    /// Whether a page was asked for, and nothing sent.
    reads: bool,
    query: Vec<(String, String)>,
}

// What it holds may be a secret.
impl fmt::Debug for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visit").finish_non_exhaustive()
    }
}

impl Visit {
    /// With what the request came.
    pub(super) fn came(&self) -> Came {
        Came { user_agent: self.user_agent.clone(), device: self.device.clone() }
    }

    async fn of(parts: &mut Parts, site: &Site) -> Result<Self, Refused> {
        let Known(facts) = Known::from_request_parts(parts, site).await?;
        let Agent(user_agent) = Agent::from_request_parts(parts, site).await?;
        let cookie = &site.desk.cookie;
        let beside = |name: &str| SessionCookie::sent(&parts.headers, &cookie.beside(name));
        let kept = beside(FORM).filter(|kept| !kept.is_empty());
        let query = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        Ok(Self {
            facts,
            user_agent,
            device: cookie.device(&parts.headers),
            ceremony: cookie.ceremony(&parts.headers).unwrap_or_default(),
            ticket: beside(super::sign_in::STEP).filter(|ticket| !ticket.is_empty()),
            kept_fresh: kept.is_none(),
            kept: match kept {
                Some(kept) => kept,
                None => crate::sessions::Token::new().map_err(crate::IdentityError::Random)?.expose().to_owned(),
            },
            path: parts.uri.path_and_query().map_or_else(|| "/".to_owned(), |path| path.as_str().to_owned()),
            reads: parts.method.is_safe(),
            query: query.map(|query| query.0).unwrap_or_default(),
        })
    }

    /// Where somebody comes back to who has to sign in first: to the page, or to the one with the form that was sent.
    fn comes_back_to(&self, site: &Site) -> String {
        if self.reads {
            return self.path.clone();
        }
        let below = self.path.strip_prefix(&*site.base).map(|path| path.trim_start_matches('/')).unwrap_or_default();
        let parts = PARTS.iter().map(|(part, _)| *part).filter(|part| below.starts_with(part));
        format!("{}/{}", site.base, parts.max_by_key(|part| part.len()).unwrap_or("account"))
    }

    /// A parameter of the query.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Where the browser wants to go on, when that is on this host.
    pub(super) fn next(&self) -> Option<OnwardPath<'_>> {
        self.parameter(NEXT).and_then(OnwardPath::parse)
    }

    /// Who is signed in.
    pub(super) fn somebody(&self) -> Option<&Arc<Principal>> {
        self.facts.principal.as_ref().filter(|principal| principal.kind == PrincipalKind::User)
    }

    /// Who is signed in; nobody is sent to sign in, and comes back to where a page is.
    pub(super) fn principal(&self, site: &Site) -> Result<Arc<Principal>, Stop> {
        match (self.somebody(), self.facts.unproven) {
            (Some(principal), _) => Ok(Arc::clone(principal)),
            (None, Some(error)) => Err(Refused::unproven(error).into()),
            (None, None) => {
                let path = self.comes_back_to(site);
                let back = OnwardPath::parse(&path).map(OnwardPath::in_query).unwrap_or_default();
                Err(see_other(&format!("{}/sign-in?{NEXT}={back}", site.base)).into())
            }
        }
    }
}

impl FromRequestParts<Site> for Visit {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Refused> {
        Self::of(parts, site).await
    }
}

/// A form that one of these pages was posted with, by the browser that it was given to.
pub(super) struct Sent {
    pub(super) visit: Visit,
    fields: Vec<(String, String)>,
}

// A password may be among its fields.
impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sent").finish_non_exhaustive()
    }
}

impl Sent {
    /// What was typed into a field; nothing typed is an empty text.
    pub(super) fn text(&self, name: &str) -> &str {
        self.fields.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The same, of what nobody is to read.
    pub(super) fn secret(&self, name: &str) -> Secret {
        self.text(name).to_owned().into()
    }

    /// All that was chosen of several.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        self.fields.iter().filter(|(known, _)| known == name).map(|(_, value)| value.clone()).collect()
    }

    /// Where the browser wants to go on, when that is on this host.
    pub(super) fn next(&self) -> Option<OnwardPath<'_>> {
        OnwardPath::parse(self.text(NEXT))
    }
}

impl FromRequest<Site> for Sent {
    type Rejection = Stop;

    async fn from_request(request: Request<Body>, site: &Site) -> Result<Self, Stop> {
        let (mut parts, body) = request.into_parts();
        let visit = Visit::of(&mut parts, site).await?;
        site.desk.private(&visit.facts)?;
        let says_where_from = says_where_from(&parts.headers);
        let form = Form::<Vec<(String, String)>>::from_request(Request::from_parts(parts, body), site).await;
        let Form(fields) = form.map_err(|_| Refused::invalid("Send the form of the page, whole."))?;
        let sent = Self { visit, fields };
        if !says_where_from && !token::holds(&sent.visit.kept, sent.text(TOKEN)) {
            return Err(Refused::cross_site(
                "the browser does not say where the form comes from, and its token is not that of the cookie",
            )
            .into());
        }
        Ok(sent)
    }
}

/// Whether the browser says that a page of this very site posts the form. What says that another does was refused before.
fn says_where_from(headers: &HeaderMap) -> bool {
    headers.contains_key(ORIGIN) || headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin")
}

/// A page that is not there, for whoever asks for it.
pub(super) fn not_there() -> Stop {
    Stop::from(StatusCode::NOT_FOUND.into_response())
}

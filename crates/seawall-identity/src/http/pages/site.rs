//! What all pages have in common: where they are, what they look like, and how they answer.

use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;

use super::{
    BELOW,
    form::Said,
    theme::Theme,
    visit::{NEXT, Stop, Visit},
};
use crate::{
    IdentityError,
    http::{
        account::Desk,
        onward::{move_cookies, see_other},
    },
    people::SignedIn,
};

/// The pages of an installation. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub(super) desk: Desk,
    /// The path below which people ask.
    pub(super) prefix: Arc<str>,
    /// The path below which the pages are.
    pub(super) base: Arc<str>,
    pub(super) theme: Arc<Theme>,
}

impl Site {
    pub(super) fn new(prefix: &str, desk: Desk, theme: &Arc<Theme>) -> Self {
        let base = format!("{prefix}/{BELOW}").into();
        Self { desk, prefix: prefix.into(), base, theme: Arc::clone(theme) }
    }

    /// A way to one of the pages.
    pub(super) fn to(&self, page: &str) -> Response {
        see_other(&format!("{}/{page}", self.base))
    }

    /// Somebody signed in: the cookies, and the way on.
    pub(super) async fn welcome(&self, visit: &Visit, signed_in: SignedIn, onward: &str) -> Result<Response, Stop> {
        let welcome = self.desk.welcome(&visit.facts, signed_in, StatusCode::OK).await?;
        let mut response = see_other(onward);
        move_cookies(&welcome, &mut response);
        Ok(response)
    }

    /// What is to be said on the form again; or where to go first, for what no form can change.
    pub(super) fn again(&self, error: IdentityError, field: Option<&'static str>, back: &str) -> Result<Said, Stop> {
        match error {
            IdentityError::ConfirmFirst => Err(self.confirm_first(back)),
            IdentityError::SecondFactorFirst => Err(self.second_factor_first(back)),
            IdentityError::NoUser(_) => Err(self.to("sign-in").into()),
            error => Ok(Said::of(error, field)),
        }
    }

    /// The way to the page where people show their second factor, and back.
    fn second_factor_first(&self, back: &str) -> Stop {
        see_other(&format!("{}/confirm?need=second-factor&{NEXT}={}/{back}", self.base, self.base)).into()
    }

    /// The way to the page where people confirm who they are, and back.
    pub(super) fn confirm_first(&self, back: &str) -> Stop {
        see_other(&format!("{}/confirm?{NEXT}={}/{back}", self.base, self.base)).into()
    }
}

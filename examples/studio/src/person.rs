//! Who asks, as Seawall tells it. Whatever a browser sends under these names, Seawall takes out.

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::error::Error;

/// A person who signed in.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    /// The id, which never changes.
    pub(crate) id: String,
    /// What proves it, to be handed on with calls that are made for this person.
    pub(crate) token: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for Person {
    type Rejection = Error;

    async fn from_request_parts(head: &mut Parts, _state: &S) -> Result<Self, Error> {
        let field = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let id = field("x-seawall-user").ok_or(Error::Nobody)?;
        Ok(Self { id, token: field("x-seawall-token") })
    }
}

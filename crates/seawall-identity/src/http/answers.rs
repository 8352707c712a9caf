//! How routes of operators answer: what did not work, and pages of rows.

use axum::{
    Json,
    extract::rejection::JsonRejection,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use seawall_store::cursor::{self, BadCursor};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{IdentityError, import::ImportError};

/// Rows on a page unless told otherwise, and at most.
const PAGE: u32 = 100;
pub(super) const LARGEST_PAGE: u32 = 1_000;

const NOT_JSON: &str = "the body is not the JSON that is taken here";

pub(super) type Answer = Result<Json<Value>, Failed>;

/// A failure.
pub(super) struct Failed(pub(super) StatusCode, pub(super) String);

impl Failed {
    /// Reads a body.
    pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Self> {
        serde_json::from_slice(body).map_err(|_| Self(StatusCode::BAD_REQUEST, NOT_JSON.to_owned()))
    }

    fn of(status: StatusCode, error: &dyn std::error::Error) -> Self {
        let why = error.source().map(|source| format!(": {source}")).unwrap_or_default();
        Self(status, format!("{error}{why}"))
    }
}

impl From<IdentityError> for Failed {
    fn from(error: IdentityError) -> Self {
        let status = match &error {
            IdentityError::NoUser(_)
            | IdentityError::NoSession(_)
            | IdentityError::NoKey(_)
            | IdentityError::NoDevice(_)
            | IdentityError::NoPasskey(_)
            | IdentityError::NoOrganisation(_)
            | IdentityError::NoLink(_) => StatusCode::NOT_FOUND,
            IdentityError::NameTaken
            | IdentityError::KeyEnded(_)
            | IdentityError::TooManyKeys(_)
            | IdentityError::NoFactor => StatusCode::CONFLICT,
            IdentityError::PasswordRefused(_)
            | IdentityError::BadName(_)
            | IdentityError::Invalid(_)
            | IdentityError::InvalidField { .. } => StatusCode::BAD_REQUEST,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::of(status, &error)
    }
}

impl From<ImportError> for Failed {
    fn from(error: ImportError) -> Self {
        let status = match &error {
            ImportError::NoImport(_) => StatusCode::NOT_FOUND,
            ImportError::Moved => StatusCode::CONFLICT,
            ImportError::Invalid(_) => StatusCode::BAD_REQUEST,
            ImportError::Hashing(_) | ImportError::Identity(_) | ImportError::Store(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        };
        Self::of(status, &error)
    }
}

impl From<BadCursor> for Failed {
    fn from(error: BadCursor) -> Self {
        Self(StatusCode::BAD_REQUEST, error.to_string())
    }
}

impl From<JsonRejection> for Failed {
    fn from(rejection: JsonRejection) -> Self {
        let status = rejection.status();
        let large = if status == StatusCode::PAYLOAD_TOO_LARGE { ", or is too large" } else { "" };
        Self(status, format!("{NOT_JSON}{large}"))
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

/// Which page is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Paged {
    after: Option<String>,
    limit: Option<u32>,
}

impl Paged {
    /// How many rows are wanted.
    pub(super) fn limit(&self) -> Result<u32, Failed> {
        let limit = self.limit.unwrap_or(PAGE);
        if (1..=LARGEST_PAGE).contains(&limit) {
            return Ok(limit);
        }
        Err(Failed(StatusCode::BAD_REQUEST, format!("limit is 1 to {LARGEST_PAGE}")))
    }

    /// The row after which the page begins, by one or more words; nothing for the first page.
    pub(super) fn after<const WORDS: usize>(&self, question: &str) -> Result<Option<[String; WORDS]>, Failed> {
        Ok(self.after.as_deref().map(|after| cursor::read::<WORDS>(question, after)).transpose()?)
    }

    /// The same of rows that are in the order in which they were made.
    pub(super) fn after_made(&self, question: &str) -> Result<(i64, String), Failed> {
        Ok(match self.after::<2>(question)? {
            Some([at, id]) => (at.parse().map_err(|_| BadCursor)?, id),
            None => (i64::MIN, String::new()),
        })
    }
}

/// A page of rows, of which one more was read than fits: it tells whether there is another page.
pub(super) fn page<T>(
    mut rows: Vec<T>,
    limit: u32,
    shown: impl Fn(&T) -> Value,
    next: impl Fn(&T) -> String,
) -> Json<Value> {
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| more).map(next);
    Json(json!({ "data": rows.iter().map(shown).collect::<Vec<_>>(), "next": next }))
}

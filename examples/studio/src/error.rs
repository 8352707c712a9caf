//! Requests that cannot be answered: a small page for people, the cause in the log.

use axum::response::{IntoResponse, Response};
use http::StatusCode;

use crate::pages;

/// Why a request cannot be answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// There is none, or it is somebody else's: nobody learns which.
    #[error("there is no such project")]
    NoSuchProject,
    /// Seawall says who asks; without Seawall nobody is known.
    #[error("nobody is signed in")]
    Nobody,
    /// The database, or a thread that asked it.
    #[error("the projects cannot be read or written: {0}")]
    Store(String),
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.to_string())
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, title) = match self {
            Self::NoSuchProject => (StatusCode::NOT_FOUND, "There is no such project"),
            Self::Nobody => (StatusCode::UNAUTHORIZED, "Nobody is signed in"),
            Self::Store(_) => {
                log(&self.to_string());
                (StatusCode::INTERNAL_SERVER_ERROR, "The projects cannot be reached")
            }
        };
        let page = pages::page(title, |markup| {
            markup.raw("<p><a href=\"/\">All projects</a></p>");
        });
        (status, page).into_response()
    }
}

#[expect(clippy::print_stderr, reason = "Seawall takes it into its log")]
fn log(what: &str) {
    eprintln!("{what}");
}

//! The port to whoever sends mail: a letter, and what came of it.

use std::fmt;

use crate::reply::BoxFuture;

/// A letter to one address.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    /// Where to: an address that was parsed before.
    pub to: String,
    /// What it is about, on one line.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The same as a page.
    pub html: String,
    /// The same at each attempt to send it, so that whoever receives it can tell that it came twice.
    pub id: String,
}

// A letter may hold a link that opens an account.
impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Letter").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Why a letter was not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsent {
    /// It may be later: the server is away, or does not take letters of ours at the moment.
    #[error("{0}")]
    Later(String),
    /// It never will: the server refuses this letter or its address.
    #[error("{0}")]
    Never(String),
}

/// Sends letters.
pub trait Mailer: fmt::Debug + Send + Sync {
    /// Sends one; done when a server has taken it.
    fn send(&self, letter: Letter) -> BoxFuture<'static, Result<(), Unsent>>;
}

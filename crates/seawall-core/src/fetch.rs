//! The port to small outgoing requests: an address, perhaps a form, and a bounded answer.

use std::fmt;

use crate::{reply::BoxFuture, settings::Secret};

/// What is asked for.
pub struct Ask {
    /// The address: `https://`, or `http://` on this machine.
    pub url: String,
    /// A body of `application/x-www-form-urlencoded`; with one it is a POST, else a GET.
    pub form: Option<Secret>,
    /// The `Authorization` field, where there is one.
    pub authorization: Option<Secret>,
    /// The largest answer that is taken.
    pub most_bytes: usize,
}

// The address may hold a token.
impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask").field("form", &self.form.is_some()).finish_non_exhaustive()
    }
}

/// What came back: whatever status it has, redirections among them, which are not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// Why nothing came back; without the address and the body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FetchFault(pub String);

/// Asks others, within limits of its own.
pub trait Fetch: fmt::Debug + Send + Sync {
    /// Asks.
    fn fetch(&self, ask: Ask) -> BoxFuture<'static, Result<Fetched, FetchFault>>;
}

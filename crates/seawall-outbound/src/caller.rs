//! Who calls: the application, by its key, and perhaps for one of its users.

use std::{fmt, sync::Arc};

use http::{HeaderName, header::AUTHORIZATION, request};
use seawall_core::{principal::PROOF, problem::Problem, reply::Reply};

use crate::may::May;

/// Where clients of providers send their key, besides `Authorization: Bearer`: Anthropic's, Google's, and our own.
static KEY_FIELDS: [HeaderName; 3] = [
    HeaderName::from_static("x-seawall-key"),
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("x-goog-api-key"),
];

/// What a call shows.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The token by which Seawall told the application who asks, when the application hands it on.
    pub user_token: Option<&'a [u8]>,
}

// They may be good ones.
impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shown").field("user_token", &self.user_token.is_some()).finish_non_exhaustive()
    }
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The name or id of the key.
    pub key: Arc<str>,
    /// The user for whom it calls, when it says so.
    pub user: Option<Arc<str>>,
    /// What it may ask for.
    pub may: May,
}

/// What a call shows, weighed.
#[derive(Clone, Debug)]
pub enum Identified {
    /// The key holds, and so does what it says of a user.
    Caller(Caller),
    /// The key does not hold.
    WrongKey,
    /// The key holds, and the user's token does not, or is another's than the key.
    WrongUser,
    /// The key holds, and may not be used now.
    Refused(Box<Problem>),
}

/// The port to whoever knows keys of applications and tokens of users.
pub trait Callers: fmt::Debug + Send + Sync {
    /// Who shows this.
    fn identify(&self, shown: Shown<'_>) -> Reply<Identified>;

    /// The user whom a token proves; nothing when it does not hold.
    fn user(&self, token: &[u8]) -> Option<Arc<str>>;
}

/// Takes what a call shows out of its fields, so that it is passed on to nobody. Nothing when it shows no key.
pub(crate) fn taken(head: &mut request::Parts) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
    let headers = &mut head.headers;
    let user_token = headers.remove(&PROOF).map(|token| token.as_bytes().to_vec());
    let bearer = headers.remove(AUTHORIZATION).and_then(|value| {
        let (scheme, key) = value.as_bytes().split_at_checked(7)?;
        scheme.eq_ignore_ascii_case(b"Bearer ").then(|| key.trim_ascii().to_vec())
    });
    let mut key = None;
    for name in &KEY_FIELDS {
        let shown = headers.remove(name).map(|value| value.as_bytes().to_vec());
        key = key.or(shown);
    }
    let key = key.or(bearer).or_else(|| in_query(head.uri.query()?))?;
    Some((key, user_token))
}

/// The key where clients of Gemini may write it. It is no part of what is sent on.
fn in_query(query: &str) -> Option<Vec<u8>> {
    query.split('&').find_map(|pair| pair.strip_prefix("key=")).map(|key| key.as_bytes().to_vec())
}

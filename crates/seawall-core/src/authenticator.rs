//! The port to whoever knows credentials: what a request shows, and whom it shows.

use std::{fmt, net::IpAddr, sync::Arc};

use http::{HeaderValue, StatusCode, header::WWW_AUTHENTICATE};

use crate::{
    clock::Now,
    principal::Principal,
    problem::{Fault, Problem, ProblemType, Severity},
    reply::Reply,
};

/// The route is for somebody, and the request is nobody's.
pub static NOT_SIGNED_IN: ProblemType = ProblemType {
    slug: "not-signed-in",
    code: "UNAUTHORIZED",
    status: StatusCode::UNAUTHORIZED,
    title: "You are not signed in",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Low,
    documentation: "This is for people who signed in, and the request came without a session, or with one that has ended. Sign in and ask \
        again.\n\nFor the operator: who may use a route is said by `require` in `[access]`, per route under \
        `[route.\"METHOD /path\"]`; how long sessions hold by `sessions` in `[identity]`.",
};

/// The refusal of a request that is nobody's.
#[must_use]
pub fn not_signed_in() -> Problem {
    // No scheme of the registry names a cookie; the field has to be there (RFC 9110 section 15.5.2).
    Problem::new(&NOT_SIGNED_IN).header(WWW_AUTHENTICATE, HeaderValue::from_static("Cookie realm=\"seawall\""))
}

/// A credential as it stands in the request, not yet believed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Credential<'a> {
    /// The value of the session cookie.
    Session(&'a [u8]),
    /// An API key, whole.
    Key(&'a [u8]),
}

// It may be a good one.
impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Session(_) => "Session",
            Self::Key(_) => "Key",
        })
    }
}

/// What a request shows.
#[derive(Clone, Copy, Debug)]
pub struct Presented<'a> {
    /// The credential.
    pub credential: Credential<'a>,
    /// The client's address.
    pub client: IpAddr,
    /// The time.
    pub now: Now,
    /// Until when an answer is waited for, in monotonic microseconds.
    pub deadline_us: u64,
}

/// Whom a credential shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Whoever it was given to.
    Principal(Arc<Principal>),
    /// Nobody: it is unknown, has expired, or was revoked.
    Nobody,
    /// It holds, but not for the address that it came from.
    Elsewhere,
}

/// Knows credentials. One that was verified a moment ago is answered at once, without more than a reference counted; any other takes
/// a look at the store.
pub trait Authenticator: fmt::Debug + Send + Sync {
    /// Whom the credential shows.
    fn authenticate(&self, presented: &Presented<'_>) -> Reply<Found>;
}

/// Credentials of this installation: where one stands in a request, and who knows it.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The name of the session cookie.
    pub cookie: Arc<str>,
    /// Who knows them.
    pub authenticator: Arc<dyn Authenticator>,
}

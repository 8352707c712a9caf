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

/// The route is for whoever has proven a moment ago to be who it is.
pub static CONFIRM_YOUR_IDENTITY: ProblemType = ProblemType {
    slug: "confirm-your-identity",
    code: "CONFIRMATION_REQUIRED",
    status: StatusCode::UNAUTHORIZED,
    title: "Confirm that it is you",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Low,
    documentation: "You are signed in, and this asks for a proof that is younger. Send the password, or a code of the second factor, to \
        `PREFIX/auth/confirm`, and ask again with the session that the answer brings. `max_age` in `WWW-Authenticate` says how old the \
        proof may be, in seconds.\n\nFor the operator: `require = \"fresh 5min\"` in `[access]` says so for a route; changes of second factors \
        ask for 5 minutes always.",
};

/// The refusal of a principal whose proof is older than this.
#[must_use]
pub fn confirm_your_identity(within_s: u64) -> Problem {
    // The words of RFC 9470.
    let challenge = format!("Cookie realm=\"seawall\", error=\"insufficient_user_authentication\", max_age={within_s}");
    let problem = Problem::new(&CONFIRM_YOUR_IDENTITY);
    match HeaderValue::try_from(challenge) {
        Ok(challenge) => problem.header(WWW_AUTHENTICATE, challenge),
        Err(_) => problem,
    }
}

/// A credential as it stands in the request, not yet believed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Credential<'a> {
    /// The value of the session cookie.
    Session(&'a [u8]),
}

// It may be a good one.
impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Session(_) => "Session",
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
    /// The name of another cookie of Seawall's own, of which the application learns nothing either.
    pub withheld: Arc<str>,
    /// Who knows them.
    pub authenticator: Arc<dyn Authenticator>,
}

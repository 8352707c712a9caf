//! The port to whoever knows credentials: what a request shows, and whom it shows.

use std::{fmt, net::IpAddr, sync::Arc};

use http::{HeaderValue, StatusCode, header::WWW_AUTHENTICATE};

use crate::{
    clock::Now,
    onward::SignInPages,
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

/// A credential that a program shows, and that does not hold.
pub static INVALID_CREDENTIAL: ProblemType = ProblemType {
    slug: "invalid-credential",
    code: "INVALID_CREDENTIAL",
    status: StatusCode::UNAUTHORIZED,
    title: "The key or token does not hold",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Medium,
    documentation: "The request came with an API key or a token of this installation that has expired, was revoked with its owner or session, or is \
        not as it was issued; or with two keys that differ. Refresh the token (`POST auth/refresh`), sign in again, or make another \
        key.\n\nFor the operator: whoever shows a key or a token means to be somebody, so the request is refused on every route rather than taken as \
        nobody's. Tokens of other issuers pass to the application untouched. The log and the audit log say which it was (`key.refused`, with the first \
        ten characters of a key), and which session ended and why.",
};

/// The refusal of a key or token that does not hold (RFC 6750 section 3.1).
#[must_use]
pub fn invalid_credential() -> Problem {
    let challenge = HeaderValue::from_static("Bearer realm=\"seawall\", error=\"invalid_token\"");
    Problem::new(&INVALID_CREDENTIAL).header(WWW_AUTHENTICATE, challenge)
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

/// The session was begun without a second factor.
pub static SECOND_FACTOR_REQUIRED: ProblemType = ProblemType {
    slug: "second-factor-required",
    code: "SECOND_FACTOR_REQUIRED",
    status: StatusCode::FORBIDDEN,
    title: "This needs a second factor",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Low,
    documentation: "You are signed in with a password alone. Enrol an authenticator app (`PREFIX/auth/factors/totp`), or show a code of it \
        to `PREFIX/auth/confirm`, and ask again.\n\nFor the operator: `require = \"second factor\"` in `[access]` says so for a route; whoever has an app removes \
        it, or has other recovery codes, so.",
};

/// A credential as it stands in the request, not yet believed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Credential<'a> {
    /// The value of the session cookie.
    Session(&'a [u8]),
    /// An API key, whole.
    Key(&'a [u8]),
    /// A token of the `Authorization` field, or of a cookie that holds one.
    Token(&'a [u8]),
}

// It may be a good one.
impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Session(_) => "Session",
            Self::Key(_) => "Key",
            Self::Token(_) => "Token",
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
    /// It is not of this installation: whoever it is for reads it.
    Foreign,
    /// It was issued by this installation, and does not hold.
    Refused,
}

/// Knows credentials. One that was verified a moment ago is answered at once, without more than a reference counted; any other takes
/// a look at the store.
pub trait Authenticator: fmt::Debug + Send + Sync {
    /// Whom the credential shows.
    fn authenticate(&self, presented: &Presented<'_>) -> Reply<Found>;
}

/// Signs for the application behind who a request is from.
pub trait Prover: fmt::Debug + Send + Sync {
    /// The value of the field; nothing while it cannot be signed. What was signed a moment ago is given again.
    fn prove(&self, principal: &Principal, now: Now) -> Option<HeaderValue>;
}

/// Knows the tokens that pages are given for a session.
pub trait PageTokens: fmt::Debug + Send + Sync {
    /// Whether a page was given this token for this session.
    fn holds(&self, session: &str, token: &[u8]) -> bool;
}

/// Whom a refresh token shows, with the cookies that take the place of those that were sent.
#[derive(Clone, Debug)]
pub struct Refreshed {
    /// Whose it is.
    pub principal: Arc<Principal>,
    /// Values of `Set-Cookie`.
    pub cookies: Vec<HeaderValue>,
}

/// Takes refresh tokens that browsers send in a cookie.
pub trait Refresher: fmt::Debug + Send + Sync {
    /// Fresh tokens for this one; nothing when it does not hold.
    fn refresh(&self, token: &[u8], presented: &Presented<'_>) -> Reply<Option<Refreshed>>;
}

/// The cookie of refresh tokens, where browsers keep tokens instead of sessions.
#[derive(Clone, Debug)]
pub struct RefreshCookie {
    /// Its name.
    pub name: Arc<str>,
    /// Who takes what it holds.
    pub refresher: Arc<dyn Refresher>,
}

/// Credentials of this installation: where one stands in a request, and who knows it.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The name of the session cookie.
    pub cookie: Arc<str>,
    /// The names of other cookies of Seawall's own, of which the application learns nothing either; each begins with that of the session
    /// cookie and a hyphen.
    pub withheld: Arc<[Arc<str>]>,
    /// Who knows them.
    pub authenticator: Arc<dyn Authenticator>,
    /// The cookie beside it, when both hold tokens.
    pub refresh: Option<RefreshCookie>,
    /// Paths where a token that does not hold is no token: there fresh ones are got.
    pub open_paths: Arc<[String]>,
    /// Who signs for the application, when that is wanted.
    pub prover: Option<Arc<dyn Prover>>,
    /// Who knows the tokens of pages, when they are given any.
    pub page_tokens: Option<Arc<dyn PageTokens>>,
    /// Where browsers are sent that a route does not let in yet, when there are such pages.
    pub pages: Option<SignInPages>,
}

impl Credentials {
    /// Sessions in a cookie of this name.
    #[must_use]
    pub fn new(cookie: Arc<str>, authenticator: Arc<dyn Authenticator>) -> Self {
        Self {
            withheld: Arc::new([format!("{cookie}-device").into()]),
            cookie,
            authenticator,
            refresh: None,
            open_paths: Arc::default(),
            prover: None,
            page_tokens: None,
            pages: None,
        }
    }
}

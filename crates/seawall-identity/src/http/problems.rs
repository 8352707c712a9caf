//! What people are told when it does not work, and which fault inside becomes which problem.

use std::borrow::Cow;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use seawall_core::{
    authenticator::{SECOND_FACTOR_REQUIRED, confirm_your_identity, invalid_credential, not_signed_in},
    cross_site::CROSS_SITE_REFUSED,
    problem::{Fault, FieldError, Problem, ProblemType, Severity},
    reply::PortError,
};

use super::{mail_problems, oidc_problems, passkey_problems};
use crate::{IdentityError, people::People};

/// A problem that is for the client to mend, and of low severity.
pub(super) const fn client(
    slug: &'static str,
    code: &'static str,
    status: StatusCode,
    title: &'static str,
    documentation: &'static str,
) -> ProblemType {
    let (fault, severity) = (Fault::Client, Severity::Low);
    ProblemType { slug, code, status, title, retryable: false, fault, severity, documentation }
}

static SIGN_IN_REFUSED: ProblemType = client(
    "sign-in-refused",
    "SIGN_IN_REFUSED",
    StatusCode::UNAUTHORIZED,
    "You could not be signed in",
    "The name or the password is wrong, or this user may not sign in: the answer is the same, and takes as long, whichever it is. After \
     five failed attempts at one name from one place the next are not heard for 15 minutes, the right one neither; then `Retry-After` says for how long. So it is \
     after failures at many names from one place, and for seconds when one name is attacked from many places; a device on which its owner signed in \
     before is held up by neither.\n\n\
     For the operator: how much is too much is said by `brute_force`, `spray_accounts` and `spray_pause` in `[identity]`; which it was stands in the audit log (`seawall audit-log tail`). `seawall user list` shows who is disabled.",
);
static WRONG_PASSWORD: ProblemType = client(
    "wrong-password",
    "WRONG_PASSWORD",
    StatusCode::FORBIDDEN,
    "The current password is wrong",
    "To get another password, the one that holds has to be given. Wrong ones count as failed attempts to sign in: after five of them the \
     next are not heard for 15 minutes, and `Retry-After` says for how long.",
);
static PASSWORD_REFUSED: ProblemType = client(
    "password-refused",
    "PASSWORD_REFUSED",
    StatusCode::UNPROCESSABLE_ENTITY,
    "This password cannot be taken",
    "The password is too short, too long, among those that everybody tries first, or mostly made of a name that others know. The detail \
     says which and what to do.\n\nFor the operator: the least length is `password_least` in `[identity]`. There are no rules about kinds of characters.",
);
static NAME_TAKEN: ProblemType = client(
    "name-taken",
    "NAME_TAKEN",
    StatusCode::CONFLICT,
    "Another user has this name",
    "Names differ by more than case and width: somebody has one that counts as the same. Take another.\n\nFor the operator: registering tells \
     whoever asks which names there are. That is so wherever people choose their names; `registration = \"closed\"` avoids it.",
);
static INVALID_INPUT: ProblemType = client(
    "invalid-input",
    "INVALID_INPUT",
    StatusCode::BAD_REQUEST,
    "The request does not say what it should",
    "The body is not the JSON that this path takes, or one of its fields is wrong; the detail says which.",
);
static JSON_REQUIRED: ProblemType = client(
    "json-required",
    "UNSUPPORTED_MEDIA_TYPE",
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    "The request has to be JSON",
    "This path takes JSON alone, named as `Content-Type: application/json`: forms of other sites can send nothing of that kind without being \
     asked.",
);
static HTTPS_REQUIRED: ProblemType = client(
    "https-required",
    "HTTPS_REQUIRED",
    StatusCode::FORBIDDEN,
    "Signing in needs https",
    "The request came over plain http, over which a password and a session could be read on the way. Use the https address.\n\nFor the \
     operator: a proxy in front that ends https has to be named in `trusted` of `[client_address]`, and has to say so in `X-Forwarded-Proto`.",
);
static SESSION_REQUIRED: ProblemType = client(
    "session-required",
    "SESSION_REQUIRED",
    StatusCode::FORBIDDEN,
    "This is for people who signed in",
    "An account, its sessions and its keys are changed by a person who signed in, and the request came with an API key: one that leaked must not \
     make others. Sign in, or let an operator do it with `seawall key`.",
);
static CODE_REFUSED: ProblemType = client(
    "code-refused",
    "CODE_REFUSED",
    StatusCode::UNAUTHORIZED,
    "The code is not accepted",
    "The code of the authenticator app is wrong, too old, or was used before: each serves once. Wait for the next one, and see that the \
     clock of the device is right. A recovery code serves in its place, once too. After ten codes none is looked at for 15 minutes, `Retry-After` says for \
     how long, and signing in begins with the password again.\n\nFor the operator: `seawall user factors NAME --remove` helps who has lost \
     the app and the recovery codes.",
);
static PASSWORD_AGAIN: ProblemType = client(
    "password-again",
    "SIGN_IN_EXPIRED",
    StatusCode::UNAUTHORIZED,
    "Begin again with the password",
    "There are ten minutes between the password and the code of the second factor, from the same place. The ticket was used, has expired, or came from elsewhere; \
     or the account was changed since. Sign in with the password again.",
);
static RESET_REFUSED: ProblemType = client(
    "reset-refused",
    "RESET_REFUSED",
    StatusCode::FORBIDDEN,
    "The token does not hold",
    "A token to choose a password holds for 30 minutes and once. Ask for another.\n\nFor the operator: `seawall user reset NAME` makes one, and \
     the one before it void.",
);
static FACTOR_CONFLICT: ProblemType = client(
    "factor-conflict",
    "FACTOR_CONFLICT",
    StatusCode::CONFLICT,
    "The second factors are not so",
    "An authenticator app is enrolled already and has to be removed before another is, or there is none yet. The detail says which.",
);
static DEVICE_PENDING: ProblemType = client(
    "device-pending",
    "AUTHORIZATION_PENDING",
    StatusCode::BAD_REQUEST,
    "Nobody has approved this device yet",
    "The device shows its code, and nobody has typed it yet where people are signed in. Ask again after `interval` seconds (RFC 8628 section \
     3.5), until the code has expired.",
);
static DEVICE_SLOW_DOWN: ProblemType = client(
    "device-slow-down",
    "SLOW_DOWN",
    StatusCode::BAD_REQUEST,
    "The device asks too often",
    "It did not wait for `interval` seconds since it asked last. From here on it has to wait five seconds longer than before (RFC 8628 section \
     3.5); `Retry-After` says how long.",
);
static DEVICE_REFUSED: ProblemType = client(
    "device-refused",
    "DEVICE_REFUSED",
    StatusCode::FORBIDDEN,
    "The code does not hold",
    "The code of a device, or the token of a session, is mistyped, was used, or has expired: codes hold for ten minutes, and once. Let the device \
     ask for another. After five wrong codes from one place none is looked at for 15 minutes, and `Retry-After` says for how long.\n\nFor the \
     operator: which device was approved by whom stands in the audit log (`device.approved`, `device.paired`).",
);
static TOO_MANY_PAIRINGS: ProblemType = client(
    "too-many-pairings",
    "TOO_MANY_PAIRINGS",
    StatusCode::TOO_MANY_REQUESTS,
    "Too many devices wait to be paired",
    "Ten devices from one address can wait to be paired; a code that nobody approves is forgotten after ten minutes. `Retry-After` says when the \
     first of them is.\n\nFor the operator: clients behind one address share this; `trusted` in `[client_address]` names proxies in front.",
);
static SCOPE_REQUIRED: ProblemType = client(
    "scope-required",
    "SCOPE_REQUIRED",
    StatusCode::FORBIDDEN,
    "The key does not hold for this",
    "The API key was not given for the scope that is asked for here; the detail names it. Make a key that has it.\n\nFor the operator: name the \
     scope among `scopes` in `[identity]`, and give it to a key with `seawall key add --scope`.",
);
static SIGN_IN_UNAVAILABLE: ProblemType = ProblemType {
    slug: "sign-in-unavailable",
    code: "SERVICE_UNAVAILABLE",
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "Signing in does not work at the moment",
    retryable: true,
    fault: Fault::Us,
    severity: Severity::High,
    documentation: "Too many people sign in at once, or the store does not answer; nothing was changed. Try again after the time in \
        `Retry-After`.\n\nFor the operator: `seawall_password_jobs_refused` counts passwords that were not looked at because too many waited; the log says when the store \
        did not answer.",
};

/// All problems of these paths.
pub static PROBLEMS: [&ProblemType; 18] = [
    &SIGN_IN_REFUSED,
    &WRONG_PASSWORD,
    &PASSWORD_REFUSED,
    &NAME_TAKEN,
    &INVALID_INPUT,
    &JSON_REQUIRED,
    &HTTPS_REQUIRED,
    &SESSION_REQUIRED,
    &CODE_REFUSED,
    &PASSWORD_AGAIN,
    &RESET_REFUSED,
    &FACTOR_CONFLICT,
    &SCOPE_REQUIRED,
    &SIGN_IN_UNAVAILABLE,
    &DEVICE_PENDING,
    &DEVICE_SLOW_DOWN,
    &DEVICE_REFUSED,
    &TOO_MANY_PAIRINGS,
];

/// A request that does not say what it should.
#[must_use]
pub fn invalid_input(detail: impl Into<Cow<'static, str>>) -> Problem {
    Problem::new(&INVALID_INPUT).detail(detail)
}

/// A problem on its way out. It travels beside the answer, and is rendered where all problems are.
#[derive(Debug)]
pub(super) struct Refused(pub(super) Box<Problem>);

impl Refused {
    pub(super) fn nobody() -> Self {
        Self(Box::new(not_signed_in()))
    }

    pub(super) fn no_session() -> Self {
        Self::of(Problem::new(&SESSION_REQUIRED))
    }

    pub(super) fn no_scope(scope: &str) -> Self {
        Self::of(Problem::new(&SCOPE_REQUIRED).detail(format!("The key was not given for \"{scope}\".")))
    }

    pub(super) fn not_json() -> Self {
        Self::of(Problem::new(&JSON_REQUIRED))
    }

    pub(super) fn invalid(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::of(invalid_input(detail))
    }

    pub(super) fn cross_site(inside: &'static str) -> Self {
        Self::of(Problem::new(&CROSS_SITE_REFUSED).inside(inside))
    }

    /// It cannot be known at the moment whose the request is.
    pub(super) fn unproven(error: PortError) -> Self {
        Self::of(Problem::new(&SIGN_IN_UNAVAILABLE).inside(error.to_string()).retry_after(1))
    }

    pub(super) fn in_clear() -> Self {
        Self::of(Problem::new(&HTTPS_REQUIRED))
    }

    fn of(problem: Problem) -> Self {
        Self(Box::new(problem))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.0.status();
        response.extensions_mut().insert(*self.0);
        response
    }
}

impl From<IdentityError> for Refused {
    fn from(error: IdentityError) -> Self {
        let said = error.to_string();
        let told = waits(&error).or_else(|| refuses(&error, &said));
        let told = told.or_else(|| passkey_problems::of(&error, || sentence(&said)));
        Self::of(told.unwrap_or_else(|| unable(&error, said)))
    }
}

/// What may be tried again, some of it after so many seconds.
fn waits(error: &IdentityError) -> Option<Problem> {
    let (kind, retry_after) = match error {
        IdentityError::SignInRefused { retry_after } => (&SIGN_IN_REFUSED, *retry_after),
        IdentityError::WrongPassword { retry_after } => (&WRONG_PASSWORD, *retry_after),
        IdentityError::CodeRefused { retry_after } => (&CODE_REFUSED, *retry_after),
        IdentityError::DevicePending { slow_down: None } => (&DEVICE_PENDING, None),
        IdentityError::DevicePending { slow_down } => (&DEVICE_SLOW_DOWN, *slow_down),
        IdentityError::DeviceRefused { retry_after } => (&DEVICE_REFUSED, *retry_after),
        IdentityError::TooManyPairings { retry_after } => (&TOO_MANY_PAIRINGS, Some(*retry_after)),
        IdentityError::TooManyMails { retry_after } => (&mail_problems::TOO_MANY_MAILS, Some(*retry_after)),
        _ => return None,
    };
    let problem = Problem::new(kind);
    Some(match retry_after {
        Some(seconds) => problem.header(http::header::RETRY_AFTER, seconds.into()),
        None => problem,
    })
}

/// What whoever asks has to change.
fn refuses(error: &IdentityError, said: &str) -> Option<Problem> {
    let invalid = |status| Problem::new(&INVALID_INPUT).with_status(status).detail(sentence(said));
    Some(match error {
        IdentityError::PasswordAgain => Problem::new(&PASSWORD_AGAIN),
        IdentityError::ConfirmFirst => confirm_your_identity(People::fresh_s()),
        IdentityError::SecondFactorFirst => Problem::new(&SECOND_FACTOR_REQUIRED),
        IdentityError::ResetRefused => Problem::new(&RESET_REFUSED),
        IdentityError::LinkRefused => Problem::new(&mail_problems::LINK_REFUSED),
        IdentityError::NotLinked => Problem::new(&oidc_problems::NOT_LINKED),
        IdentityError::LinkedElsewhere => Problem::new(&oidc_problems::LINKED_ELSEWHERE),
        IdentityError::FactorExists | IdentityError::NoFactor => Problem::new(&FACTOR_CONFLICT).detail(sentence(said)),
        IdentityError::PasswordRefused(_) => {
            let field = FieldError { field: "/password".to_owned(), message: said.to_owned() };
            Problem { fields: vec![field], ..Problem::new(&PASSWORD_REFUSED).detail(sentence(said)) }
        }
        IdentityError::BadName(_) | IdentityError::Invalid(_) => Problem::new(&INVALID_INPUT).detail(sentence(said)),
        IdentityError::InvalidField { field, .. } => {
            let field = FieldError { field: format!("/{field}"), message: said.to_owned() };
            Problem { fields: vec![field], ..Problem::new(&INVALID_INPUT).detail(sentence(said)) }
        }
        IdentityError::NameTaken => Problem::new(&NAME_TAKEN),
        // Who is signed in and gone, or asks for a session that is no more, is told that it is not there.
        IdentityError::NoUser(_) => not_signed_in(),
        IdentityError::NoIssuer
        | IdentityError::NoSession(_)
        | IdentityError::NoKey(_)
        | IdentityError::NoDevice(_)
        | IdentityError::NoPasskey(_)
        | IdentityError::NoAppSession(_)
        | IdentityError::NoLink(_)
        | IdentityError::NoOrganisation(_) => invalid(StatusCode::NOT_FOUND),
        IdentityError::KeyEnded(_) | IdentityError::LastWayIn => invalid(StatusCode::CONFLICT),
        IdentityError::RefreshRefused => invalid_credential(),
        _ => return None,
    })
}

/// What is not theirs to change.
fn unable(error: &IdentityError, said: String) -> Problem {
    let unavailable = |inside: String, seconds| Problem::new(&SIGN_IN_UNAVAILABLE).inside(inside).retry_after(seconds);
    match error {
        IdentityError::IssuerRefused(_) => Problem::new(&oidc_problems::ISSUER_REFUSED).inside(said),
        IdentityError::IssuerAway(_) => Problem::new(&oidc_problems::ISSUER_AWAY).inside(said).retry_after(5),
        IdentityError::NoMail => Problem::new(&mail_problems::MAIL_UNAVAILABLE).inside(said),
        IdentityError::Busy { retry_after } => unavailable(said, retry_after.as_secs().max(1)),
        IdentityError::Store(source) => unavailable(format!("{said}: {source}"), 1),
        IdentityError::Password(source) => unavailable(format!("{said}: {source}"), 1),
        _ => unavailable(said, 1),
    }
}

/// A text as a sentence.
pub(super) fn sentence(text: &str) -> String {
    let mut signs = text.chars();
    signs.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), signs.as_str()))
}

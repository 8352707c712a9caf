//! The decision on who a request is from.

use std::borrow::Cow;

use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{AUTHORIZATION, CACHE_CONTROL, COOKIE, SET_COOKIE},
};
use seawall_core::{
    authenticator::{Credential, Credentials, Found, Presented, Refreshed, invalid_credential},
    clock::Now,
    http::strip_own_fields,
    meter::{Handle, Meter, Metric, MetricKind},
    principal::Principal,
    problem::{Fault, Problem, ProblemType, Severity},
    reply::{BoxFuture, PortError, Reply},
    settings::{BadSetting, Secret, Values},
};

use super::{
    config::{WHEN_UNAVAILABLE, WhenUnavailable},
    cookie::{self, Sent},
    jwt,
};
use crate::{AnswerHead, Context, Guard, Head, Verdict, engine::Settle};

/// How long the store may take to say whose a session is, in microseconds.
const PATIENCE_US: u64 = 3_000_000;

static USER: HeaderName = HeaderName::from_static("x-seawall-user");
static USER_NAME: HeaderName = HeaderName::from_static("x-seawall-user-name");
static ROLES: HeaderName = HeaderName::from_static("x-seawall-roles");
static TOKEN: HeaderName = HeaderName::from_static("x-seawall-token");

/// Whose a credential is could not be found out, and the route needs to know.
pub static UNAVAILABLE: ProblemType = ProblemType {
    slug: "identity-unavailable",
    code: "SERVICE_UNAVAILABLE",
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "It cannot be found out who you are",
    retryable: true,
    fault: Fault::Us,
    severity: Severity::High,
    documentation: "The request came with a session, and the store that knows sessions did not answer, so it was not let in. The session \
        still holds; try again in a moment.\n\nFor the operator: see that the store works (`seawall status`, `[store]`). Which routes need \
        to know who asks is said by `require` in `[access]`, and by `when_unavailable` in `[authentication]`.",
};

/// Credentials that could not be looked up.
pub static FAILURES: Metric = Metric {
    name: "seawall_authentication_failures",
    help: "Requests with a credential that could not be looked up, because the store did not answer.",
    kind: MetricKind::Counter,
    labels: &[],
};

/// Finds out who a request is from.
#[derive(Debug)]
pub struct AuthenticationGuard {
    deciding: Option<Deciding>,
}

/// What the decision takes; shared with answers that come later.
#[derive(Clone, Debug)]
struct Deciding {
    credentials: Credentials,
    when_unavailable: WhenUnavailable,
    failures: Handle,
}

impl AuthenticationGuard {
    /// Reads the settings. Without credentials of this installation, every request is nobody's.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values, credentials: Option<Credentials>, meter: &dyn Meter) -> Result<Self, BadSetting> {
        let when_unavailable = values.get(&WHEN_UNAVAILABLE)?;
        let deciding = |credentials| Deciding { credentials, when_unavailable, failures: meter.series(&FAILURES, &[]) };
        Ok(Self { deciding: credentials.map(deciding) })
    }
}

impl Guard for AuthenticationGuard {
    fn head(&self, head: &mut Head, context: &mut Context) -> Verdict {
        strip_own_fields(&mut head.headers);
        match &self.deciding {
            Some(deciding) => deciding.head(head, context),
            None => Verdict::Pass,
        }
    }

    fn dress(&self, answer: &mut AnswerHead, context: &Context) {
        give_cookies(&mut answer.headers, &context.cookies);
    }
}

impl Deciding {
    /// A token in the `Authorization` field decides, when it is one of ours; else the cookie does.
    fn head(&self, head: &mut Head, context: &mut Context) -> Verdict {
        let Some(token) = jwt::find(&head.headers) else { return self.cookies(head, context) };
        match self.authenticate(Credential::Token(token), context) {
            Reply::Ready(found) => self.bearer(found, head, context),
            Reply::Later(wait) => self.later(wait, Self::bearer),
        }
    }

    fn bearer(&self, found: Result<Found, PortError>, head: &mut Head, context: &mut Context) -> Verdict {
        match found {
            Ok(Found::Foreign) => return self.cookies(head, context),
            // Whoever it shows, the application has no use for it, nor for a session beside it.
            Ok(_) => {
                head.headers.remove(AUTHORIZATION);
                self.remove_cookies(head);
            }
            Err(_) => {}
        }
        match found {
            // Who has to show something expired to get something fresh is let through as nobody.
            Ok(Found::Refused) if self.credentials.open_paths.iter().any(|path| **path == *head.uri.path()) => {
                Verdict::Pass
            }
            Ok(Found::Refused) => Verdict::Refuse(Box::new(invalid_credential())),
            other => self.judge(other, head, context),
        }
    }

    fn cookies(&self, head: &mut Head, context: &mut Context) -> Verdict {
        if !head.headers.contains_key(COOKIE) {
            return Verdict::Pass;
        }
        let Credentials { cookie, refresh, .. } = &self.credentials;
        if let Some(refresh) = refresh
            && let Sent::Once(value) = cookie::find(&head.headers, &refresh.name)
        {
            context.refresh = std::str::from_utf8(value).ok().map(|value| Secret::from(value.to_owned()));
        }
        let reply = match cookie::find(&head.headers, cookie) {
            Sent::Nothing if context.refresh.is_none() => return Verdict::Pass,
            Sent::Nothing | Sent::Ambiguous => Reply::Ready(Ok(Found::Nobody)),
            Sent::Once(value) => {
                let credential = if refresh.is_some() { Credential::Token(value) } else { Credential::Session(value) };
                self.authenticate(credential, context)
            }
        };
        // Whosever it is, the application has no use for it.
        self.remove_cookies(head);
        match reply {
            Reply::Ready(found) => self.judge_cookie(found, head, context),
            Reply::Later(wait) => self.later(wait, Self::judge_cookie),
        }
    }

    /// A cookie that does not hold is nobody's, as if none had been sent; unless the one beside it gives another.
    fn judge_cookie(&self, found: Result<Found, PortError>, head: &mut Head, context: &mut Context) -> Verdict {
        let nobody = matches!(found, Ok(Found::Nobody | Found::Foreign | Found::Refused));
        let (Some(refresh), Some(token), true) = (&self.credentials.refresh, &context.refresh, nobody) else {
            return self.judge(found, head, context);
        };
        match refresh.refresher.refresh(token.expose().as_bytes(), &presented(Credential::Token(b""), context)) {
            Reply::Ready(refreshed) => self.refreshed(refreshed, head, context),
            Reply::Later(wait) => self.later(wait, Self::refreshed),
        }
    }

    fn refreshed(
        &self,
        refreshed: Result<Option<Refreshed>, PortError>,
        head: &mut Head,
        context: &mut Context,
    ) -> Verdict {
        let found = refreshed.map(|refreshed| match refreshed {
            Some(Refreshed { principal, cookies }) => {
                context.cookies = cookies;
                Found::Principal(principal)
            }
            None => Found::Nobody,
        });
        self.judge(found, head, context)
    }

    fn judge(&self, found: Result<Found, PortError>, head: &mut Head, context: &mut Context) -> Verdict {
        let told = match found {
            Ok(Found::Principal(principal)) => self.tell(&mut head.headers, &principal, context.now).map(|()| {
                context.principal = Some(principal);
            }),
            Ok(Found::Nobody | Found::Foreign | Found::Refused) => Ok(()),
            Err(error) => Err(error),
        };
        let Err(error) = told else { return Verdict::Pass };
        self.failures.increment();
        context.unproven = Some(error);
        match self.when_unavailable {
            WhenUnavailable::Anonymous => Verdict::Pass,
            WhenUnavailable::Closed => Verdict::Refuse(unavailable(error)),
        }
    }

    /// Tells the application whose request it is; all of it, or nothing.
    fn tell(&self, headers: &mut HeaderMap, principal: &Principal, now: Now) -> Result<(), PortError> {
        if let Some(prover) = &self.credentials.prover {
            headers.insert(&TOKEN, prover.prove(principal, now).ok_or(PortError::Unavailable)?);
        }
        headers.insert(&USER, principal.told.id.clone());
        headers.insert(&USER_NAME, principal.told.name.clone());
        headers.insert(&ROLES, principal.told.roles.clone());
        Ok(())
    }

    fn authenticate(&self, credential: Credential<'_>, context: &Context) -> Reply<Found> {
        self.credentials.authenticator.authenticate(&presented(credential, context))
    }

    fn remove_cookies(&self, head: &mut Head) {
        if !head.headers.contains_key(COOKIE) {
            return;
        }
        cookie::remove(&mut head.headers, &self.credentials.cookie);
        if let Some(refresh) = &self.credentials.refresh {
            cookie::remove(&mut head.headers, &refresh.name);
        }
    }

    /// Goes on once the answer is here.
    fn later<T: Send + 'static>(
        &self,
        wait: BoxFuture<'static, Result<T, PortError>>,
        go_on: fn(&Self, Result<T, PortError>, &mut Head, &mut Context) -> Verdict,
    ) -> Verdict {
        let own = self.clone();
        Verdict::Later(Box::pin(async move {
            let answer = wait.await;
            Box::new(move |head: &mut Head, context: &mut Context| go_on(&own, answer, head, context)) as Settle
        }))
    }
}

fn presented<'a>(credential: Credential<'a>, context: &Context) -> Presented<'a> {
    let now = context.now;
    let deadline_us = now.monotonic_us.saturating_add(PATIENCE_US).min(context.deadline_us);
    Presented { credential, client: context.client, now, deadline_us }
}

/// Gives cookies with an answer that does not set them itself, and keeps such an answer out of every cache.
fn give_cookies(headers: &mut HeaderMap, cookies: &[HeaderValue]) {
    fn name(cookie: &HeaderValue) -> &[u8] {
        cookie.as_bytes().split(|&byte| byte == b'=').next().unwrap_or_default()
    }
    for cookie in cookies {
        if !headers.get_all(SET_COOKIE).iter().any(|set| name(set) == name(cookie)) {
            headers.append(SET_COOKIE, cookie.clone());
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
    }
}

/// The refusal of a request whose credential could not be looked up.
pub(crate) fn unavailable(error: PortError) -> Box<Problem> {
    Box::new(Problem::new(&UNAVAILABLE).inside(Cow::Owned(error.to_string())).retry_after(1))
}

//! The decision on who a request is from.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, header::COOKIE};
use seawall_core::{
    authenticator::{Credential, Credentials, Found, Presented},
    http::strip_own_fields,
    limit::Standing,
    meter::{Handle, Metric, MetricKind},
    principal::Principal,
    reply::{PortError, Reply},
    settings::{BadSetting, Values},
};

use super::{
    bearer,
    config::{WHEN_UNAVAILABLE, WhenUnavailable},
    cookie::{self, Sent},
    problems::{self, unavailable},
    rate::{self, KeyRates, Moment},
};
use crate::{
    Context, Guard, Head, Verdict,
    engine::{Settle, Shared},
};

/// How long the store may take to say whose a session is, in microseconds.
const PATIENCE_US: u64 = 3_000_000;

static USER: HeaderName = HeaderName::from_static("x-seawall-user");
static USER_NAME: HeaderName = HeaderName::from_static("x-seawall-user-name");
static ROLES: HeaderName = HeaderName::from_static("x-seawall-roles");
static KEY: HeaderName = HeaderName::from_static("x-seawall-key");
static SCOPES: HeaderName = HeaderName::from_static("x-seawall-scopes");

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
    credentials: Option<Credentials>,
    judge: Judge,
}

/// What an answer about a credential means; shared with answers that come later.
#[derive(Clone, Debug)]
struct Judge {
    when_unavailable: WhenUnavailable,
    failures: Handle,
    rates: KeyRates,
}

/// Which kind of credential was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// A cookie, which browsers send whether it is meant or not.
    Session,
    /// A key, which is meant.
    Key,
}

impl AuthenticationGuard {
    /// Reads the settings. Without credentials of this installation, every request is nobody's.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values, shared: &Shared) -> Result<Self, BadSetting> {
        let Shared { rates, local_rates, meter, credentials, .. } = shared;
        let failures = if credentials.is_some() { meter.series(&FAILURES, &[]) } else { Handle::none() };
        let rates = KeyRates { rates: Arc::clone(rates), local: local_rates.clone() };
        let when_unavailable = values.get(&WHEN_UNAVAILABLE)?;
        Ok(Self { credentials: credentials.clone(), judge: Judge { when_unavailable, failures, rates } })
    }
}

impl Guard for AuthenticationGuard {
    fn head(&self, head: &mut Head, context: &mut Context) -> Verdict {
        strip_own_fields(&mut head.headers);
        let Some(credentials) = &self.credentials else { return Verdict::Pass };
        let deadline_us = context.now.monotonic_us.saturating_add(PATIENCE_US).min(context.deadline_us);
        let ask = |credential| {
            let presented = Presented { credential, client: context.client, now: context.now, deadline_us };
            credentials.authenticator.authenticate(&presented)
        };
        let key = bearer::find(&head.headers);
        let (shown, reply) = match (key, session(&head.headers, &credentials.cookie)) {
            (Sent::Nothing, Sent::Nothing) => return Verdict::Pass,
            (Sent::Once(key), _) => (Shown::Key, ask(Credential::Key(key))),
            (Sent::Ambiguous, _) => (Shown::Key, Reply::Ready(Ok(Found::Nobody))),
            (Sent::Nothing, Sent::Once(value)) => (Shown::Session, ask(Credential::Session(value))),
            (Sent::Nothing, Sent::Ambiguous) => (Shown::Session, Reply::Ready(Ok(Found::Nobody))),
        };
        // Whosever they are, the application has no use for them.
        cookie::remove(&mut head.headers, &credentials.cookie);
        bearer::remove(&mut head.headers);
        match reply {
            Reply::Ready(found) => self.judge.found(shown, found, head, context),
            Reply::Later(wait) => {
                let judge = self.judge.clone();
                Verdict::Later(Box::pin(async move {
                    let found = wait.await;
                    Box::new(move |head: &mut Head, context: &mut Context| judge.found(shown, found, head, context))
                        as Settle
                }))
            }
        }
    }
}

/// The session cookie that was sent.
fn session<'a>(headers: &'a HeaderMap, name: &str) -> Sent<'a> {
    if headers.contains_key(COOKIE) { cookie::find(headers, name) } else { Sent::Nothing }
}

impl Judge {
    fn found(&self, shown: Shown, found: Result<Found, PortError>, head: &mut Head, context: &mut Context) -> Verdict {
        match found {
            Ok(Found::Principal(principal)) => self.count(principal, head, context),
            Ok(Found::Nobody) if shown == Shown::Session => Verdict::Pass,
            Ok(Found::Nobody) => Verdict::Refuse(problems::invalid()),
            Ok(Found::Elsewhere) => Verdict::Refuse(problems::elsewhere()),
            Err(error) => {
                self.failures.increment();
                context.unproven = Some(error);
                match (self.when_unavailable, shown) {
                    (WhenUnavailable::Anonymous, Shown::Session) => Verdict::Pass,
                    (WhenUnavailable::Closed, _) | (_, Shown::Key) => Verdict::Refuse(unavailable(error)),
                }
            }
        }
    }

    /// Counts the request of a credential that has a rate of its own.
    fn count(&self, principal: Arc<Principal>, head: &mut Head, context: &mut Context) -> Verdict {
        let moment = Moment::of(context);
        match self.rates.take(&principal, moment) {
            None => {
                admit(principal, head, context);
                Verdict::Pass
            }
            Some(Reply::Ready(standing)) => self.counted(principal, moment, standing, head, context),
            Some(Reply::Later(wait)) => {
                let judge = self.clone();
                Verdict::Later(Box::pin(async move {
                    let standing = wait.await;
                    Box::new(move |head: &mut Head, context: &mut Context| {
                        judge.counted(principal, moment, standing, head, context)
                    }) as Settle
                }))
            }
        }
    }

    fn counted(
        &self,
        principal: Arc<Principal>,
        moment: Moment,
        standing: Result<Standing, PortError>,
        head: &mut Head,
        context: &mut Context,
    ) -> Verdict {
        match self.rates.settle(&principal, moment, standing) {
            Some(standing) if !standing.accepted => {
                // What the answer says of a rate is that of the key, and not that of the address.
                context.charged = None;
                Verdict::Refuse(rate::limited(&principal, &standing))
            }
            _ => {
                admit(principal, head, context);
                Verdict::Pass
            }
        }
    }
}

/// Makes it the principal's request, and tells the application.
fn admit(principal: Arc<Principal>, head: &mut Head, context: &mut Context) {
    let (headers, told) = (&mut head.headers, &principal.told);
    headers.insert(&USER, told.id.clone());
    headers.insert(&USER_NAME, told.name.clone());
    headers.insert(&ROLES, told.roles.clone());
    headers.extend(told.key.clone().map(|key| (KEY.clone(), key)));
    headers.extend(told.scopes.clone().map(|scopes| (SCOPES.clone(), scopes)));
    context.principal = Some(principal);
}

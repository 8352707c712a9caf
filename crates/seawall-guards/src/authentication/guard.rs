//! The decision on who a request is from.

use std::{borrow::Cow, sync::Arc};

use http::{HeaderMap, HeaderName, StatusCode, header::COOKIE};
use seawall_core::{
    authenticator::{Credential, Credentials, Found, Presented},
    http::strip_own_fields,
    meter::{Handle, Meter, Metric, MetricKind},
    principal::Principal,
    problem::{Fault, Problem, ProblemType, Severity},
    reply::{PortError, Reply},
    settings::{BadSetting, Values},
};

use super::{
    config::{WHEN_UNAVAILABLE, WhenUnavailable},
    cookie::{self, Sent},
};
use crate::{Context, Guard, Head, Verdict, engine::Settle};

/// How long the store may take to say whose a session is, in microseconds.
const PATIENCE_US: u64 = 3_000_000;

static USER: HeaderName = HeaderName::from_static("x-seawall-user");
static USER_NAME: HeaderName = HeaderName::from_static("x-seawall-user-name");
static ROLES: HeaderName = HeaderName::from_static("x-seawall-roles");

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
    credentials: Option<Credentials>,
    failing: Failing,
    /// Whether Seawall answers itself.
    own_path: bool,
}

/// What is done when the store does not answer; shared with answers that come later.
#[derive(Clone, Debug)]
struct Failing {
    when_unavailable: WhenUnavailable,
    failures: Handle,
}

impl AuthenticationGuard {
    /// Reads the settings. Without credentials of this installation, every request is nobody's.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values, credentials: Option<Credentials>, meter: &dyn Meter) -> Result<Self, BadSetting> {
        let failures = if credentials.is_some() { meter.series(&FAILURES, &[]) } else { Handle::none() };
        Ok(Self {
            credentials,
            failing: Failing { when_unavailable: values.get(&WHEN_UNAVAILABLE)?, failures },
            own_path: false,
        })
    }
}

impl AuthenticationGuard {
    /// On Seawall's own paths, which read the cookie that nobody else gets.
    #[must_use]
    pub fn on_own_path(self, own_path: bool) -> Self {
        Self { own_path, ..self }
    }
}

impl Guard for AuthenticationGuard {
    fn head(&self, head: &mut Head, context: &mut Context) -> Verdict {
        strip_own_fields(&mut head.headers);
        let Some(credentials) = self.credentials.as_ref().filter(|_| head.headers.contains_key(COOKIE)) else {
            return Verdict::Pass;
        };
        if !self.own_path && cookie::find(&head.headers, &credentials.withheld) != Sent::Nothing {
            cookie::remove(&mut head.headers, &credentials.withheld);
        }
        let reply = match cookie::find(&head.headers, &credentials.cookie) {
            Sent::Nothing => return Verdict::Pass,
            Sent::Ambiguous => Reply::Ready(Ok(Found::Nobody)),
            Sent::Once(value) => {
                let now = context.now;
                let deadline_us = now.monotonic_us.saturating_add(PATIENCE_US).min(context.deadline_us);
                let credential = Credential::Session(value);
                let presented = Presented { credential, client: context.client, now, deadline_us };
                credentials.authenticator.authenticate(&presented)
            }
        };
        // Whosever it is, the application has no use for it.
        cookie::remove(&mut head.headers, &credentials.cookie);
        match reply {
            Reply::Ready(found) => self.failing.judge(found, head, context),
            Reply::Later(wait) => {
                let failing = self.failing.clone();
                Verdict::Later(Box::pin(async move {
                    let found = wait.await;
                    Box::new(move |head: &mut Head, context: &mut Context| failing.judge(found, head, context))
                        as Settle
                }))
            }
        }
    }
}

impl Failing {
    fn judge(&self, found: Result<Found, PortError>, head: &mut Head, context: &mut Context) -> Verdict {
        match found {
            Ok(Found::Principal(principal)) => {
                tell(&mut head.headers, &principal);
                context.principal = Some(principal);
                Verdict::Pass
            }
            Ok(Found::Nobody) => Verdict::Pass,
            Err(error) => {
                self.failures.increment();
                context.unproven = Some(error);
                match self.when_unavailable {
                    WhenUnavailable::Anonymous => Verdict::Pass,
                    WhenUnavailable::Closed => Verdict::Refuse(unavailable(error)),
                }
            }
        }
    }
}

/// The refusal of a request whose credential could not be looked up.
pub(crate) fn unavailable(error: PortError) -> Box<Problem> {
    Box::new(Problem::new(&UNAVAILABLE).inside(Cow::Owned(error.to_string())).retry_after(1))
}

/// Tells the application whose request it is.
fn tell(headers: &mut HeaderMap, principal: &Arc<Principal>) {
    headers.insert(&USER, principal.told.id.clone());
    headers.insert(&USER_NAME, principal.told.name.clone());
    headers.insert(&ROLES, principal.told.roles.clone());
}

//! The decision on a client's frequency.

use std::{iter, sync::Arc};

use http::StatusCode;
use seawall_core::{
    http::ClientKey,
    limit::{Ask, Limits, RateKey, RateKeys, RateStore, ScopedQuota, Standing},
    meter::{Meter, Metric, MetricKind},
    problem::{Fault, ProblemType, Severity},
    reply::{PortError, Reply},
    settings::{BadSetting, Values},
};

use super::{
    config::{LEGACY_HEADERS, LIMITS, WHEN_UNAVAILABLE},
    decision::{Decision, PATIENCE_US, verdict},
    headers,
    measure::{self, IN_SECTION},
};
use crate::{AnswerHead, Context, Guard, Head, Needs, Verdict, engine::Settle, report::Gauge};

/// The client asked too often.
pub static LIMITED: ProblemType = ProblemType {
    slug: "quota-exceeded",
    code: "RATE_LIMITED",
    status: StatusCode::TOO_MANY_REQUESTS,
    title: "Too many requests",
    retryable: true,
    fault: Fault::Client,
    severity: Severity::Medium,
    documentation: "The client, the user, the key or the organisation made more requests than the limit of this route allows. The `RateLimit` field says how it stands, \
        `Retry-After` when the next request fits. Wait that long; asking sooner is refused again, but is not counted.\n\nFor the \
        operator: limits are `limits` in `[rate_limit]`, per route under `[route.\"METHOD /path\"]`, for tiers `[identity.tiers.NAME]`, and what a key was given; the name in `RateLimit` says which it was. If all clients seem to share one \
        address, a proxy stands in front: add it to `trusted` in `[client_address]`.",
};

/// The counters could not be asked, and the route refuses rather than lets pass.
pub static UNAVAILABLE: ProblemType = ProblemType {
    slug: "limiter-unavailable",
    code: "SERVICE_UNAVAILABLE",
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "The request could not be counted",
    retryable: true,
    fault: Fault::Us,
    severity: Severity::High,
    documentation: "The counters behind the rate limit could not be asked, and this route refuses uncounted requests.\n\nFor the \
        operator: see that the store of the counters is up; with `when_unavailable = \"local\"` in `[rate_limit]` each process counts alone meanwhile, \
        and with \"open\" requests pass.",
};

/// Requests that were judged without the shared counters.
pub static FALLBACKS: Metric = Metric {
    name: "seawall_rate_limit_fallbacks",
    help: "Requests judged while shared counters could not be asked, by what `when_unavailable` says: local, open, closed.",
    kind: MetricKind::Counter,
    labels: &["policy"],
};

/// What was charged for a request, for the headers of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charged {
    /// Whether the quotas for unsafe methods were charged too.
    pub(super) unsafe_method: bool,
    pub(super) standing: Standing,
}

/// Limits how often a client may ask.
#[derive(Debug)]
pub struct RateLimitGuard {
    decision: Arc<Decision>,
    store: Arc<dyn RateStore>,
    limits: Limits,
    legacy_headers: bool,
}

impl RateLimitGuard {
    /// Reads the settings; nothing when there is no limit. `scope` names the counters.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values, scope: &str, store: Arc<dyn RateStore>) -> Result<Option<Self>, BadSetting> {
        let limits = values.get(&LIMITS)?.into_iter().filter(|quota| !quota.per.principal()).collect::<Vec<_>>();
        if limits.is_empty() {
            return Ok(None);
        }
        let decision = Arc::new(Decision::new(values.get(&WHEN_UNAVAILABLE)?));
        let limits = Limits::new(&ScopedQuota::all(scope, &limits));
        Ok(Some(Self { decision, store, limits, legacy_headers: values.get(&LEGACY_HEADERS)? }))
    }

    /// With counters of this process, for `when_unavailable = "local"`. Without them, requests then pass.
    #[must_use]
    pub fn with_local(mut self, local: Arc<dyn RateStore>, meter: &dyn Meter) -> Self {
        self.decision = Arc::new(self.decision.with_local(local, meter));
        self
    }
}

/// By what the guard counts.
fn keys(context: &Context) -> RateKeys {
    RateKey::address(ClientKey::of(context.client)).into()
}

/// Keeps what was charged for the answer, and says what becomes of the request.
fn judge(
    decision: &Decision,
    reply: Result<Standing, PortError>,
    ask: &Ask<'_>,
    unsafe_method: bool,
    context: &mut Context,
) -> Verdict {
    match decision.standing(reply, ask) {
        Ok(Some(standing)) => {
            context.charged = Some(Charged { unsafe_method, standing });
            verdict(&standing, "You have made as many requests as this route accepts for now.")
        }
        Ok(None) => Verdict::Pass,
        Err(problem) => Verdict::Refuse(problem),
    }
}

impl Guard for RateLimitGuard {
    fn head(&self, head: &mut Head, context: &mut Context) -> Verdict {
        let unsafe_method = !head.method.is_safe();
        let quotas = &self.limits.of(unsafe_method).quotas;
        if quotas.is_empty() {
            return Verdict::Pass;
        }
        let (keys, now) = (keys(context), context.now);
        let deadline_us = now.monotonic_us.saturating_add(PATIENCE_US).min(context.deadline_us);
        let ask = Ask { keys, quotas, cost: 1, now, deadline_us };
        match self.store.take(&ask) {
            Reply::Ready(reply) => judge(&self.decision, reply, &ask, unsafe_method, context),
            Reply::Later(wait) => {
                let (decision, quotas) = (Arc::clone(&self.decision), Arc::clone(quotas));
                Verdict::Later(Box::pin(async move {
                    let reply = wait.await;
                    Box::new(move |_: &mut Head, context: &mut Context| {
                        let ask = Ask { keys, quotas: &quotas, cost: 1, now, deadline_us };
                        judge(&decision, reply, &ask, unsafe_method, context)
                    }) as Settle
                }))
            }
        }
    }

    fn measure(&self, head: Option<&Head>, gauge: &Gauge<'_>) {
        let Some(head) = head else { return };
        let quotas = &self.limits.of(!head.method.is_safe()).quotas;
        let quotas = quotas.iter().map(|scoped| (IN_SECTION, scoped));
        measure::measure(gauge, keys(gauge.context), quotas, gauge.context.charged);
    }

    fn dress(&self, answer: &mut AnswerHead, context: &Context) {
        if let Some(Charged { unsafe_method, standing }) = context.charged {
            let asked = iter::once(self.limits.of(unsafe_method));
            headers::put(&mut answer.headers, asked, &standing, self.legacy_headers);
        }
    }

    fn needs(&self) -> Needs {
        Needs { dresses: true, ..Needs::default() }
    }
}

//! The decision on a client's frequency.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use seawall_core::{
    http::ClientKey,
    limit::{Ask, Methods, Quota, RateKey, RateStore, ScopedQuota, Standing},
    meter::{Handle, Meter, Metric, MetricKind},
    problem::{Fault, Problem, ProblemType, Severity},
    reply::{PortError, Reply},
    settings::{BadSetting, Values},
};

use super::{
    config::{LEGACY_HEADERS, LIMITS, WHEN_UNAVAILABLE, WhenUnavailable},
    headers::Announced,
};
use crate::{AnswerHead, Context, Guard, Head, Verdict, engine::Settle};

/// How long a store may take to answer, in microseconds (checklist WK-4: within 3 s).
const PATIENCE_US: u64 = 3_000_000;

/// The client asked too often.
pub static LIMITED: ProblemType = ProblemType {
    slug: "quota-exceeded",
    code: "RATE_LIMITED",
    status: StatusCode::TOO_MANY_REQUESTS,
    title: "Too many requests",
    retryable: true,
    fault: Fault::Client,
    severity: Severity::Medium,
    documentation: "The client made more requests than the limit of this route allows. The `RateLimit` field says how it stands, \
        `Retry-After` when the next request fits. Wait that long; asking sooner is refused again, but is not counted.\n\nFor the \
        operator: limits are `limits` in `[rate_limit]`, per route under `[route.\"METHOD /path\"]`. If all clients seem to share one \
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
    unsafe_method: bool,
    standing: Standing,
}

/// Limits how often a client may ask.
#[derive(Debug)]
pub struct RateLimitGuard {
    decision: Arc<Decision>,
    store: Arc<dyn RateStore>,
    safe: Applicable,
    all: Applicable,
    legacy_headers: bool,
}

/// The quotas that one kind of request must fit.
#[derive(Debug)]
struct Applicable {
    quotas: Arc<[ScopedQuota]>,
    announced: Announced,
}

/// What a standing means; shared with decisions that come later.
#[derive(Debug)]
struct Decision {
    when_unavailable: WhenUnavailable,
    /// Counters of this process, when those that are asked are shared.
    local: Option<Arc<dyn RateStore>>,
    fallbacks: Handle,
}

impl RateLimitGuard {
    /// Reads the settings; nothing when there is no limit. `scope` names the counters.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values, scope: &str, store: Arc<dyn RateStore>) -> Result<Option<Self>, BadSetting> {
        let limits = values.get(&LIMITS)?;
        if limits.is_empty() {
            return Ok(None);
        }
        let legacy_headers = values.get(&LEGACY_HEADERS)?;
        let safe = limits.iter().filter(|quota| quota.methods == Methods::Any).copied().collect::<Vec<_>>();
        let when_unavailable = values.get(&WHEN_UNAVAILABLE)?;
        Ok(Some(Self {
            decision: Arc::new(Decision { when_unavailable, local: None, fallbacks: Handle::none() }),
            store,
            safe: Applicable::new(scope, &safe),
            all: Applicable::new(scope, &limits),
            legacy_headers,
        }))
    }

    /// With counters of this process, for `when_unavailable = "local"`. Without them, requests then pass.
    #[must_use]
    pub fn with_local(mut self, local: Arc<dyn RateStore>, meter: &dyn Meter) -> Self {
        let when_unavailable = self.decision.when_unavailable;
        let fallbacks = meter.series(&FALLBACKS, &[when_unavailable.name()]);
        self.decision = Arc::new(Decision { when_unavailable, local: Some(local), fallbacks });
        self
    }

    fn applicable(&self, unsafe_method: bool) -> &Applicable {
        if unsafe_method { &self.all } else { &self.safe }
    }
}

impl Applicable {
    fn new(scope: &str, quotas: &[Quota]) -> Self {
        let scoped = quotas.iter().enumerate().map(|(place, &quota)| {
            let earlier = quotas.iter().take(place).filter(|earlier| same_counter(earlier, &quota)).count();
            counted(scope, quota, earlier)
        });
        Self { quotas: scoped.collect(), announced: Announced::new(quotas) }
    }
}

impl Decision {
    fn judge(
        &self,
        reply: Result<Standing, PortError>,
        ask: &Ask<'_>,
        unsafe_method: bool,
        context: &mut Context,
    ) -> Verdict {
        let standing = match reply {
            Ok(standing) => self.confirmed(standing, ask),
            Err(error) => {
                self.fallbacks.increment();
                match (self.when_unavailable, self.local(ask)) {
                    (WhenUnavailable::Closed, _) => return uncounted(error),
                    (WhenUnavailable::Local, Some(standing)) => standing,
                    (WhenUnavailable::Open | WhenUnavailable::Local, _) => return Verdict::Pass,
                }
            }
        };
        context.charged = Some(Charged { unsafe_method, standing });
        if standing.accepted { Verdict::Pass } else { Verdict::Refuse(Box::new(limited(standing))) }
    }

    /// What was accepted is charged in this process too, and refused when this process alone has let pass as many. While the shared
    /// counters work that is never so: they count these requests and those of others.
    fn confirmed(&self, standing: Standing, ask: &Ask<'_>) -> Standing {
        if !standing.accepted {
            return standing;
        }
        self.local(ask).filter(|local| !local.accepted).unwrap_or(standing)
    }

    /// Counts in this process, when that is what the policy falls back to.
    fn local(&self, ask: &Ask<'_>) -> Option<Standing> {
        let local = self.local.as_ref().filter(|_| self.when_unavailable == WhenUnavailable::Local)?;
        match local.take(ask) {
            Reply::Ready(standing) => standing.ok(),
            // Counters in this process answer at once.
            Reply::Later(_) => None,
        }
    }
}

impl Guard for RateLimitGuard {
    fn head(&self, head: &mut Head, context: &mut Context) -> Verdict {
        let unsafe_method = !head.method.is_safe();
        let quotas = &self.applicable(unsafe_method).quotas;
        if quotas.is_empty() {
            return Verdict::Pass;
        }
        let (key, now) = (RateKey::address(ClientKey::of(context.client)), context.now);
        let deadline_us = now.monotonic_us.saturating_add(PATIENCE_US).min(context.deadline_us);
        let ask = Ask { key, quotas, cost: 1, now, deadline_us };
        match self.store.take(&ask) {
            Reply::Ready(reply) => self.decision.judge(reply, &ask, unsafe_method, context),
            Reply::Later(wait) => {
                let (decision, quotas) = (Arc::clone(&self.decision), Arc::clone(quotas));
                Verdict::Later(Box::pin(async move {
                    let reply = wait.await;
                    Box::new(move |_: &mut Head, context: &mut Context| {
                        let ask = Ask { key, quotas: &quotas, cost: 1, now, deadline_us };
                        decision.judge(reply, &ask, unsafe_method, context)
                    }) as Settle
                }))
            }
        }
    }

    fn dress(&self, answer: &mut AnswerHead, context: &Context) {
        if let Some(charged) = context.charged {
            self.applicable(charged.unsafe_method).announced.put(
                &mut answer.headers,
                &charged.standing,
                self.legacy_headers,
            );
        }
    }
}

fn uncounted(error: PortError) -> Verdict {
    Verdict::Refuse(Box::new(Problem::new(&UNAVAILABLE).inside(error.to_string()).retry_after(1)))
}

fn limited(standing: Standing) -> Problem {
    let seconds = standing.reset_us.div_ceil(1_000_000).max(1);
    Problem::new(&LIMITED).detail("You have made as many requests as this route accepts for now.").retry_after(seconds)
}

/// Writes how a client stands against one quota.
pub(crate) fn announce(quota: &Quota, standing: &Standing, headers: &mut HeaderMap) {
    Announced::new(std::slice::from_ref(quota)).put(headers, standing, true);
}

/// Whether two quotas count the same requests over the same time, whatever their numbers are.
fn same_counter(one: &Quota, other: &Quota) -> bool {
    (one.window, one.per, one.methods) == (other.window, other.per, other.methods)
}

/// A quota with its counter, named by what it counts. The number allowed is no part of the name, so that one that is changed
/// holds at once for what was counted before.
fn counted(scope: &str, quota: Quota, earlier: usize) -> ScopedQuota {
    let Quota { window, methods, .. } = quota;
    ScopedQuota::named(&format!("{scope}\n{window} {methods:?} {earlier}"), quota)
}

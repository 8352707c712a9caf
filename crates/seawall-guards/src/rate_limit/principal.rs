//! The decision on how often a person, a key or an organisation asks.
//!
//! A request is counted in all quotas of whoever asks or, when it does not fit one, in none: an organisation that has used up its own
//! costs its members nothing of theirs, and a member who floods costs the organisation no more than the member's own limit.

use std::sync::Arc;

use seawall_core::{
    limit::{Ask, LimitSet, Limits, Per, Quota, RateStore, ScopedQuota, Standing},
    meter::Meter,
    principal::{Principal, PrincipalKind},
    reply::{PortError, Reply},
    settings::{BadSetting, Values},
};
use smallvec::SmallVec;

use super::{
    Charged,
    config::{LEGACY_HEADERS, LIMITS, WHEN_UNAVAILABLE},
    decision::{Decision, PATIENCE_US, verdict},
    headers,
    measure::{self, IN_SECTION, OF_PRINCIPAL},
    memory::MOST_LIMITS,
};
use crate::{AnswerHead, Context, Guard, Head, Needs, Verdict, engine::Settle, report::Gauge};

/// Quotas of one request.
type Quotas = SmallVec<[ScopedQuota; MOST_LIMITS]>;

/// Limits how often whoever is known may ask.
#[derive(Debug)]
pub struct PrincipalRateLimitGuard {
    decision: Arc<Decision>,
    store: Arc<dyn RateStore>,
    /// The limits of the settings: for those who have no organisation and no key, for those with a key, with an organisation, with both.
    own: [Option<Limits>; 4],
    /// Whether the limits of a tier take the place of those of the settings.
    general: bool,
    legacy_headers: bool,
}

impl PrincipalRateLimitGuard {
    /// Reads the settings. Without limits in them, those of keys and tiers hold. `scope` names the counters; with `general` the settings
    /// are those of all routes, whose limits a tier may replace.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values, scope: &str, general: bool, store: Arc<dyn RateStore>) -> Result<Self, BadSetting> {
        let limits = values.get(&LIMITS)?;
        let own = [[].as_slice(), &[Per::Key], &[Per::Organisation], &[Per::Key, Per::Organisation]]
            .map(|more| Self::counted(&limits, scope, more));
        let decision = Arc::new(Decision::new(values.get(&WHEN_UNAVAILABLE)?));
        Ok(Self { decision, store, own, general, legacy_headers: values.get(&LEGACY_HEADERS)? })
    }

    /// With counters of this process, for `when_unavailable = "local"`. Without them, requests then pass.
    #[must_use]
    pub fn with_local(mut self, local: Arc<dyn RateStore>, meter: &dyn Meter) -> Self {
        self.decision = Arc::new(self.decision.with_local(local, meter));
        self
    }

    /// The limits by user, and by what else there is.
    fn counted(limits: &[Quota], scope: &str, more: &[Per]) -> Option<Limits> {
        let counted = limits.iter().filter(|quota| quota.per == Per::User || more.contains(&quota.per));
        let counted = counted.copied().collect::<Vec<_>>();
        (!counted.is_empty()).then(|| Limits::new(&ScopedQuota::all(scope, &counted)))
    }

    /// What a request of the principal must fit: the limits of the settings, then its own.
    fn sets<'a>(&'a self, principal: &'a Principal, unsafe_method: bool) -> [Option<&'a LimitSet>; 2] {
        let tier = principal.membership.as_ref().is_some_and(|membership| membership.limited);
        let place =
            usize::from(principal.kind != PrincipalKind::User) + 2 * usize::from(principal.membership.is_some());
        let own = self.own.get(place).and_then(Option::as_ref).filter(|_| !(self.general && tier));
        [own, principal.limits.as_deref()].map(|limits| limits.map(|limits| limits.of(unsafe_method)))
    }
}

impl Guard for PrincipalRateLimitGuard {
    fn head(&self, head: &mut Head, context: &mut Context) -> Verdict {
        let Some(principal) = &context.principal else { return Verdict::Pass };
        let unsafe_method = !head.method.is_safe();
        let sets = self.sets(principal, unsafe_method);
        let quotas: Quotas = sets.iter().flatten().flat_map(|set| set.quotas.iter().copied()).collect();
        if quotas.is_empty() {
            return Verdict::Pass;
        }
        let (keys, now) = (principal.rate_keys, context.now);
        let deadline_us = now.monotonic_us.saturating_add(PATIENCE_US).min(context.deadline_us);
        let ask = Ask { keys, quotas: &quotas, cost: 1, now, deadline_us };
        match self.store.take(&ask) {
            Reply::Ready(reply) => judge(&self.decision, reply, &ask, unsafe_method, context),
            Reply::Later(wait) => {
                let decision = Arc::clone(&self.decision);
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
        let (Some(head), Some(principal)) = (head, &gauge.context.principal) else { return };
        let sets = self.sets(principal, !head.method.is_safe());
        let quotas = sets.iter().zip([IN_SECTION, OF_PRINCIPAL]).filter_map(|(set, written)| Some(((*set)?, written)));
        let quotas = quotas.flat_map(|(set, written)| set.quotas.iter().map(move |scoped| (written, scoped)));
        measure::measure(gauge, principal.rate_keys, quotas, gauge.context.charged_to);
    }

    fn dress(&self, answer: &mut AnswerHead, context: &Context) {
        if let (Some(principal), Some(Charged { unsafe_method, standing })) = (&context.principal, context.charged_to) {
            let sets = self.sets(principal, unsafe_method);
            headers::put(&mut answer.headers, sets.into_iter().flatten(), &standing, self.legacy_headers);
        }
    }

    fn needs(&self) -> Needs {
        Needs { dresses: true, ..Needs::default() }
    }
}

/// Keeps what was charged, unless the address stands closer to its limit, and says what becomes of the request.
fn judge(
    decision: &Decision,
    reply: Result<Standing, PortError>,
    ask: &Ask<'_>,
    unsafe_method: bool,
    context: &mut Context,
) -> Verdict {
    let standing = match decision.standing(reply, ask) {
        Ok(Some(standing)) => standing,
        Ok(None) => return Verdict::Pass,
        Err(problem) => return Verdict::Refuse(problem),
    };
    let address = context.charged.map(|charged| charged.standing.remaining);
    if !standing.accepted || address.is_none_or(|remaining| standing.remaining <= remaining) {
        context.charged = None;
        context.charged_to = Some(Charged { unsafe_method, standing });
    }
    let detail = match ask.quotas.get(standing.tightest).map(|scoped| scoped.quota.per) {
        Some(Per::Key) => "This key has made as many requests as it may for now.",
        Some(Per::Organisation) => "Your organisation has made as many requests as it may for now.",
        Some(Per::User | Per::Ip) | None => "You have made as many requests as you may for now.",
    };
    verdict(&standing, detail)
}

//! How often one API key may ask: counted where all requests are counted, by the key.

use std::sync::Arc;

use http::HeaderMap;
use seawall_core::{
    clock::Now,
    limit::{Ask, RateKey, RateStore, ScopedQuota, Standing},
    principal::Principal,
    problem::Problem,
    reply::{PortError, Reply},
};

use crate::{
    Context,
    rate_limit::{LIMITED, announce},
};

/// How long the counters may take to answer, in microseconds.
const PATIENCE_US: u64 = 3_000_000;

/// Counts the requests of keys that have a rate of their own.
#[derive(Clone, Debug)]
pub(super) struct KeyRates {
    /// What all processes share, or this one's.
    pub(super) rates: Arc<dyn RateStore>,
    /// This process's, when the others are shared.
    pub(super) local: Option<Arc<dyn RateStore>>,
}

/// When a request came, and until when an answer about it is of use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    now: Now,
    deadline_us: u64,
}

impl Moment {
    pub(super) fn of(context: &Context) -> Self {
        let deadline_us = context.now.monotonic_us.saturating_add(PATIENCE_US).min(context.deadline_us);
        Self { now: context.now, deadline_us }
    }
}

impl KeyRates {
    /// Counts one request; nothing when the principal's are not counted.
    pub(super) fn take(&self, principal: &Principal, moment: Moment) -> Option<Reply<Standing>> {
        let rate = principal.rate.as_ref()?;
        Some(self.rates.take(&ask(principal, std::slice::from_ref(rate), moment)))
    }

    /// How the key stands. While the shared counters cannot be asked, those of this process decide; they count all the while, so
    /// that they go on from what this process let pass.
    pub(super) fn settle(
        &self,
        principal: &Principal,
        moment: Moment,
        standing: Result<Standing, PortError>,
    ) -> Option<Standing> {
        if standing.is_ok_and(|standing| !standing.accepted) {
            return standing.ok();
        }
        let local = self.local.as_ref().zip(principal.rate.as_ref()).and_then(|(local, rate)| {
            match local.take(&ask(principal, std::slice::from_ref(rate), moment)) {
                Reply::Ready(standing) => standing.ok(),
                // Counters in this process answer at once.
                Reply::Later(_) => None,
            }
        });
        local.filter(|local| !local.accepted).or(standing.ok()).or(local)
    }
}

fn ask<'a>(principal: &Principal, quotas: &'a [ScopedQuota], moment: Moment) -> Ask<'a> {
    Ask { key: RateKey::api_key(&principal.id), quotas, cost: 1, now: moment.now, deadline_us: moment.deadline_us }
}

/// The refusal of a key that asks too often, with the fields that say how it stands.
pub(super) fn limited(principal: &Principal, standing: &Standing) -> Box<Problem> {
    let seconds = standing.reset_us.div_ceil(1_000_000).max(1);
    let problem =
        Problem::new(&LIMITED).detail("This key has made as many requests as it may for now.").retry_after(seconds);
    let mut fields = HeaderMap::new();
    if let Some(rate) = &principal.rate {
        announce(&rate.quota, standing, &mut fields);
    }
    Box::new(
        fields
            .into_iter()
            .filter_map(|(name, value)| Some((name?, value)))
            .fold(problem, |problem, (name, value)| problem.header(name, value)),
    )
}

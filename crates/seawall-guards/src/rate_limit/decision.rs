//! What the counters' answer means: for one that comes at once, for one that comes later, and for none.

use std::{borrow::Cow, sync::Arc};

use seawall_core::{
    limit::{Ask, RateStore, Standing},
    meter::{Handle, Meter},
    problem::Problem,
    reply::{PortError, Reply},
};

use super::{LIMITED, UNAVAILABLE, config::WhenUnavailable, guard::FALLBACKS};
use crate::Verdict;

/// How long a store may take to answer, in microseconds (checklist WK-4: within 3 s).
pub(super) const PATIENCE_US: u64 = 3_000_000;

/// What a standing means; shared with decisions that come later.
#[derive(Debug)]
pub(super) struct Decision {
    pub(super) when_unavailable: WhenUnavailable,
    /// Counters of this process, when those that are asked are shared.
    local: Option<Arc<dyn RateStore>>,
    fallbacks: Handle,
}

impl Decision {
    /// Without counters of this process.
    pub(super) fn new(when_unavailable: WhenUnavailable) -> Self {
        Self { when_unavailable, local: None, fallbacks: Handle::none() }
    }

    /// With counters of this process, for `when_unavailable = "local"`. Without them, requests then pass.
    pub(super) fn with_local(&self, local: Arc<dyn RateStore>, meter: &dyn Meter) -> Self {
        let when_unavailable = self.when_unavailable;
        let fallbacks = meter.series(&FALLBACKS, &[when_unavailable.name()]);
        Self { when_unavailable, local: Some(local), fallbacks }
    }

    /// How whoever asks stands; nothing when the request passes uncounted.
    ///
    /// # Errors
    /// The refusal of a request that nobody counted.
    pub(super) fn standing(
        &self,
        reply: Result<Standing, PortError>,
        ask: &Ask<'_>,
    ) -> Result<Option<Standing>, Box<Problem>> {
        let error = match reply {
            Ok(standing) => return Ok(Some(self.confirmed(standing, ask))),
            Err(error) => error,
        };
        self.fallbacks.increment();
        match (self.when_unavailable, self.local(ask)) {
            (WhenUnavailable::Closed, _) => {
                Err(Box::new(Problem::new(&UNAVAILABLE).inside(error.to_string()).retry_after(1)))
            }
            (WhenUnavailable::Local, standing) => Ok(standing),
            (WhenUnavailable::Open, _) => Ok(None),
        }
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

/// What becomes of a request that stands so.
pub(super) fn verdict(standing: &Standing, detail: impl Into<Cow<'static, str>>) -> Verdict {
    if standing.accepted {
        return Verdict::Pass;
    }
    let seconds = standing.reset_us.div_ceil(1_000_000).max(1);
    Verdict::Refuse(Box::new(Problem::new(&LIMITED).detail(detail).retry_after(seconds)))
}

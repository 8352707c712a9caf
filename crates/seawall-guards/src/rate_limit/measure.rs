//! Which limits a client is beyond, for reports.

use seawall_core::limit::{Quota, RateKeys, ScopedQuota};

use super::Charged;
use crate::report::{Gauge, Need};

/// Limits that are written in the section.
pub(super) const IN_SECTION: &str = "`limits` in `[rate_limit]`";
/// Limits that are no route's.
pub(super) const OF_PRINCIPAL: &str = "the limit of the tier or of the key";

/// Counts a request in all the quotas it is asked for, refused or not, and tells those that are beyond what they allow. Each quota comes
/// with where it is written; `charged` is what the guard has charged.
pub(super) fn measure<'a>(
    gauge: &Gauge<'_>,
    keys: RateKeys,
    quotas: impl IntoIterator<Item = (&'static str, &'a ScopedQuota)>,
    charged: Option<Charged>,
) {
    let tightest = charged.filter(|charged| gauge.refused && !charged.standing.accepted);
    let tightest = tightest.map(|charged| charged.standing.tightest);
    for (place, (setting, scoped)) in quotas.into_iter().enumerate() {
        let asked = gauge.demand(keys, scoped);
        let refused = tightest == Some(place);
        let Quota { limit, .. } = scoped.quota;
        if asked > limit || refused {
            // A counter in Redis may know of more than this process has seen.
            let needed = asked.max(limit.saturating_add(1));
            let fitting = Quota { limit: needed, ..scoped.quota };
            let (set, fitting) = (scoped.quota.to_string(), fitting.to_string());
            gauge.needs(Need { setting, set, needed: needed.into(), fitting, refused });
        }
    }
}

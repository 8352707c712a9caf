//! How a guard says what its settings would have to be: what all guards have in common of it.

use seawall_core::limit::{Ask, Quota, RateKeys, RateStore, ScopedQuota};
use seawall_core::reply::Reply;

use super::Reporter;
use crate::Context;

/// A setting beyond which a request lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Where it is written: "`max` in `[body]`".
    pub setting: &'static str,
    /// As it is written now: "10 MB".
    pub set: String,
    /// What the request needed, as a number that grows.
    pub needed: u64,
    /// As it would have to be written: "12 MB".
    pub fitting: String,
    /// Whether this is what the request would have been refused for; of several settings, another may have been first.
    pub refused: bool,
}

/// What a guard measures a request with, while it only reports.
#[derive(Debug)]
pub struct Gauge<'a> {
    pub(crate) reporter: &'a Reporter,
    /// The facts of the request.
    pub context: &'a Context,
    /// Whether it would have been refused by this guard.
    pub refused: bool,
}

impl Gauge<'_> {
    /// Records that a setting would have to be more than it is.
    pub fn needs(&self, need: Need) {
        self.reporter.needs(need, self.context);
    }

    /// Counts the request, whatever becomes of it, and gives how many whoever asks has made in the quota's window: what the quota would
    /// have to allow. It is counted in this process, apart from what limits requests.
    #[must_use]
    pub fn demand(&self, keys: RateKeys, scoped: &ScopedQuota) -> u32 {
        let boundless = ScopedQuota { quota: Quota { limit: u32::MAX, ..scoped.quota }, ..*scoped };
        let now = self.context.now;
        let ask = Ask { keys, quotas: &[boundless], cost: 1, now, deadline_us: u64::MAX };
        match self.reporter.demand().take(&ask) {
            Reply::Ready(Ok(standing)) => u32::MAX - standing.remaining,
            // Counters in memory answer at once.
            Reply::Ready(Err(_)) | Reply::Later(_) => 0,
        }
    }
}

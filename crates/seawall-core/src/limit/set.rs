//! Quotas that hold together, with what an answer says of them, prepared.

use std::sync::Arc;

use http::HeaderValue;

use super::{Methods, ScopedQuota};

/// Quotas that one kind of request must fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitSet {
    /// The quotas.
    pub quotas: Arc<[ScopedQuota]>,
    /// All of them, as a list for `RateLimit-Policy`.
    pub policy: Option<HeaderValue>,
    /// Each of them, in the order of the quotas.
    pub announced: Box<[Announced]>,
}

/// What can be prepared of how a client stands against one quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// `"NAME";r=`
    pub start: String,
    /// How many are allowed.
    pub limit: HeaderValue,
}

impl LimitSet {
    /// Prepares them.
    #[must_use]
    pub fn new(quotas: &[ScopedQuota]) -> Self {
        let policy = quotas.iter().map(|ScopedQuota { quota, .. }| {
            format!("\"{quota}\";q={};w={}", quota.limit, quota.window.ms().div_ceil(1_000))
        });
        let policy = policy.collect::<Vec<_>>().join(", ");
        let announced = quotas.iter().map(|ScopedQuota { quota, .. }| Announced {
            start: format!("\"{quota}\";r="),
            limit: HeaderValue::from(quota.limit),
        });
        Self { policy: HeaderValue::try_from(policy).ok(), announced: announced.collect(), quotas: quotas.into() }
    }
}

/// Quotas for requests of all methods, of which safe ones need not fit all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    safe: LimitSet,
    all: LimitSet,
}

impl Limits {
    /// Prepares them.
    #[must_use]
    pub fn new(quotas: &[ScopedQuota]) -> Self {
        let safe = quotas.iter().filter(|scoped| scoped.quota.methods == Methods::Any).copied().collect::<Vec<_>>();
        Self { safe: LimitSet::new(&safe), all: LimitSet::new(quotas) }
    }

    /// Those that a request must fit.
    #[must_use]
    pub const fn of(&self, unsafe_method: bool) -> &LimitSet {
        if unsafe_method { &self.all } else { &self.safe }
    }
}

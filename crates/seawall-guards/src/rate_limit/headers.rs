//! The fields that tell a client how it stands: `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers)
//! and the older `X-RateLimit-*`.

use http::{HeaderMap, HeaderName, HeaderValue};
use seawall_core::limit::{Quota, Standing};
use smallvec::SmallVec;

static POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
static LIMIT: HeaderName = HeaderName::from_static("ratelimit");
static OLD_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
static OLD_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
static OLD_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// What can be prepared of the fields.
#[derive(Debug)]
pub(super) struct Announced {
    policy: Option<HeaderValue>,
    quotas: Box<[Prepared]>,
}

#[derive(Debug)]
struct Prepared {
    /// `"NAME";r=`
    start: String,
    limit: HeaderValue,
}

impl Announced {
    pub(super) fn new(quotas: &[Quota]) -> Self {
        let policy =
            quotas.iter().map(|quota| format!("\"{quota}\";q={};w={}", quota.limit, quota.window.ms().div_ceil(1_000)));
        let policy = policy.collect::<Vec<_>>().join(", ");
        let prepared = quotas
            .iter()
            .map(|quota| Prepared { start: format!("\"{quota}\";r="), limit: HeaderValue::from(quota.limit) });
        Self { policy: HeaderValue::try_from(policy).ok(), quotas: prepared.collect() }
    }

    pub(super) fn put(&self, headers: &mut HeaderMap, standing: &Standing, legacy: bool) {
        let (Some(policy), Some(tightest)) = (&self.policy, self.quotas.get(standing.tightest)) else { return };
        let reset_s = standing.reset_us.div_ceil(1_000_000);
        let mut line: SmallVec<[u8; 96]> = SmallVec::new();
        line.extend_from_slice(tightest.start.as_bytes());
        line.extend_from_slice(itoa::Buffer::new().format(standing.remaining).as_bytes());
        line.extend_from_slice(b";t=");
        line.extend_from_slice(itoa::Buffer::new().format(reset_s).as_bytes());
        if let Ok(line) = HeaderValue::from_bytes(&line) {
            headers.insert(&LIMIT, line);
        }
        headers.insert(&POLICY, policy.clone());
        if legacy {
            headers.insert(&OLD_LIMIT, tightest.limit.clone());
            headers.insert(&OLD_REMAINING, HeaderValue::from(standing.remaining));
            headers.insert(&OLD_RESET, HeaderValue::from(reset_s));
        }
    }
}

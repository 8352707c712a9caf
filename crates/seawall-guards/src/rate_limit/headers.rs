//! The fields that tell a client how it stands: `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers)
//! and the older `X-RateLimit-*`.

use http::{HeaderMap, HeaderName, HeaderValue};
use seawall_core::limit::{LimitSet, Standing};
use smallvec::SmallVec;

static POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
static LIMIT: HeaderName = HeaderName::from_static("ratelimit");
static OLD_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
static OLD_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
static OLD_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Writes how a client stands against the quotas of these sets, which were asked in this order.
pub(super) fn put(headers: &mut HeaderMap, sets: &[Option<&LimitSet>], standing: &Standing, legacy: bool) {
    let asked = sets.iter().flatten();
    let Some(tightest) = asked.clone().flat_map(|set| set.announced.iter()).nth(standing.tightest) else { return };
    let reset_s = standing.reset_us.div_ceil(1_000_000);
    let mut line: SmallVec<[u8; 96]> = SmallVec::new();
    line.extend_from_slice(tightest.start.as_bytes());
    line.extend_from_slice(itoa::Buffer::new().format(standing.remaining).as_bytes());
    line.extend_from_slice(b";t=");
    line.extend_from_slice(itoa::Buffer::new().format(reset_s).as_bytes());
    if let Ok(line) = HeaderValue::from_bytes(&line) {
        headers.insert(&LIMIT, line);
    }
    // Lines of a list are one list (RFC 9110 section 5.2). The first takes the place of what the application says.
    let mut policies = asked.filter(|set| !set.quotas.is_empty()).filter_map(|set| set.policy.as_ref());
    match policies.next() {
        Some(first) => drop(headers.insert(&POLICY, first.clone())),
        None => drop(headers.remove(&POLICY)),
    }
    for policy in policies {
        headers.append(&POLICY, policy.clone());
    }
    if legacy {
        headers.insert(&OLD_LIMIT, tightest.limit.clone());
        for (name, number) in [(&OLD_REMAINING, u64::from(standing.remaining)), (&OLD_RESET, reset_s)] {
            // Of the very length, so that the value takes no more memory than its digits.
            if let Ok(value) = HeaderValue::from_str(itoa::Buffer::new().format(number)) {
                headers.insert(name, value);
            }
        }
    }
}

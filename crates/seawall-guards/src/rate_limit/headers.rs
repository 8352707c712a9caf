//! The fields that tell a client how it stands: `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers)
//! and the older `X-RateLimit-*`.

use http::{HeaderMap, HeaderName, HeaderValue};
use seawall_core::limit::{Announced, LimitSet, Standing};

use super::number;

// Constants, for each is put into a map by value: of a static that would be a clone.
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const OLD_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const OLD_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const OLD_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Writes how a client stands against the quotas of these sets, which were asked in this order.
pub(super) fn put<'s>(
    headers: &mut HeaderMap,
    asked: impl Iterator<Item = &'s LimitSet> + Clone,
    standing: &Standing,
    legacy: bool,
) {
    let Some(tightest) = announced(asked.clone(), standing.tightest) else { return };
    let reset_s = standing.reset_us.div_ceil(1_000_000);
    let (mut remaining, mut reset) = (itoa::Buffer::new(), itoa::Buffer::new());
    let (remaining, reset) = (remaining.format(standing.remaining), reset.format(reset_s));
    // Of its very length, so that it stays in the memory that it is written into.
    let pieces = [&tightest.start, remaining, ";t=", reset];
    let mut line = Vec::with_capacity(pieces.iter().map(|piece| piece.len()).sum());
    for piece in pieces {
        line.extend_from_slice(piece.as_bytes());
    }
    if let Ok(line) = HeaderValue::try_from(line) {
        headers.insert(LIMIT, line);
    }
    // Lines of a list are one list (RFC 9110 section 5.2). The first takes the place of what the application says.
    let mut policies = asked.filter(|set| !set.quotas.is_empty()).filter_map(|set| set.policy.as_ref());
    match policies.next() {
        Some(first) => drop(headers.insert(POLICY, first.clone())),
        None => drop(headers.remove(POLICY)),
    }
    for policy in policies {
        headers.append(POLICY, policy.clone());
    }
    if legacy {
        headers.insert(OLD_LIMIT, tightest.limit.clone());
        for (name, number, digits) in
            [(OLD_REMAINING, u64::from(standing.remaining), remaining), (OLD_RESET, reset_s, reset)]
        {
            if let Some(value) = number::value(number, digits) {
                headers.insert(name, value);
            }
        }
    }
}

/// What is prepared of the quota at this place among those of all sets.
fn announced<'s>(sets: impl Iterator<Item = &'s LimitSet>, place: usize) -> Option<&'s Announced> {
    let mut place = place;
    for set in sets {
        match set.announced.get(place) {
            Some(announced) => return Some(announced),
            None => place -= set.announced.len(),
        }
    }
    None
}

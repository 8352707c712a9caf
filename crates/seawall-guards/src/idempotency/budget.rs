//! How much of answers is kept for one address, whatever its clients call themselves.
//!
//! Whoever was verified has a bound of its own in the store. Anybody else is who it says it is, by a value of `Authorization` that only
//! the application reads, and says another in each request if it likes: without this it could fill the disk.

use std::{net::IpAddr, sync::Arc};

use seawall_core::{
    clock::Now,
    http::ClientKey,
    limit::{Ask, Methods, Per, Quota, RateKey, RateStore, ScopedQuota},
    reply::Reply,
    settings::Span,
};

/// What is kept for an address, in KiB, while keys are kept: as much as for one caller.
const MOST_KIB: u32 = 256 * 1024;

/// Counts what is kept.
#[derive(Debug)]
pub(super) struct Budget {
    rates: Arc<dyn RateStore>,
    quotas: [ScopedQuota; 1],
}

impl Budget {
    /// For as long as keys are kept, with counters of this process.
    pub(super) fn new(rates: Arc<dyn RateStore>, ttl_us: u64) -> Self {
        let window = Span::from_ms(ttl_us / 1_000);
        let quota = Quota { limit: MOST_KIB, window, per: Per::Ip, methods: Methods::Any };
        Self { rates, quotas: [ScopedQuota::named("idempotency answers", quota)] }
    }

    /// Whether an answer with so many bytes may be kept; it is counted then. What cannot be counted at once is not kept.
    pub(super) fn takes(&self, client: IpAddr, bytes: usize, now: Now) -> bool {
        let cost = u32::try_from(bytes / 1024).unwrap_or(u32::MAX).saturating_add(1);
        let keys = RateKey::address(ClientKey::of(client)).into();
        let ask = Ask { keys, quotas: &self.quotas, cost, now, deadline_us: now.monotonic_us };
        matches!(self.rates.take(&ask), Reply::Ready(Ok(standing)) if standing.accepted)
    }
}

#[cfg(test)]
mod tests {
    use seawall_core::meter::NoMeter;

    use super::*;
    use crate::rate_limit::MemoryRates;

    #[test]
    fn an_address_has_so_much_kept_and_its_next_answers_are_not() {
        let day_us = 24 * 60 * 60 * 1_000_000;
        let budget = Budget::new(MemoryRates::new(1_024, &NoMeter), day_us);
        let at = |monotonic_us| Now { monotonic_us, unix_us: 0 };
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        for _ in 0..255 {
            assert!(budget.takes(one, 1024 * 1024, at(0)));
        }
        assert!(!budget.takes(one, 1024 * 1024, at(1)), "a KiB more for each is counted");
        assert!(budget.takes(one, 0, at(1)), "what fits is kept");
        assert!(budget.takes(other, 1024 * 1024, at(1)));
        assert!(budget.takes(one, 1024 * 1024, at(3 * day_us)), "when those have expired");
    }
}

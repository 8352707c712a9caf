//! The port to whatever counts requests: memory by default, or one that several processes share.

use std::fmt;

use super::Quota;
use crate::{clock::Now, http::ClientKey, reply::Reply};

/// Whose request it is: the kind of key and its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RateKey {
    kind: Kind,
    id: [u8; 16],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Address,
    ApiKey,
}

impl RateKey {
    /// A client's address.
    #[must_use]
    pub const fn address(client: ClientKey) -> Self {
        Self { kind: Kind::Address, id: client.bytes() }
    }

    /// An API key, by its id; of a longer one the first sixteen bytes.
    #[must_use]
    pub fn api_key(id: &str) -> Self {
        let mut bytes = [0; 16];
        for (own, byte) in bytes.iter_mut().zip(id.bytes()) {
            *own = byte;
        }
        Self { kind: Kind::ApiKey, id: bytes }
    }
}

/// The kind and the bytes in hexadecimal: the same in every process.
impl fmt::Display for RateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Address => "ip",
            Kind::ApiKey => "key",
        };
        write!(f, "{kind}-{:032x}", u128::from_be_bytes(self.id))
    }
}

/// A quota and the counter it belongs to. Two policies with the same scope count together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScopedQuota {
    /// Names the counter: the same over reloads and processes.
    pub scope: u64,
    /// How much is allowed.
    pub quota: Quota,
}

impl ScopedQuota {
    /// A quota whose counter has this name: the same in every process and after every reload (FNV-1a).
    #[must_use]
    pub fn named(name: &str, quota: Quota) -> Self {
        let mix = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Self { scope: name.bytes().fold(0xcbf2_9ce4_8422_2325, mix), quota }
    }
}

/// One question: may this key make one more request, or several at once?
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Whose request it is.
    pub key: RateKey,
    /// The quotas it must fit, all of them.
    pub quotas: &'a [ScopedQuota],
    /// As how many requests it counts; 1 but for what is measured otherwise, such as bytes.
    pub cost: u32,
    /// When it came.
    pub now: Now,
    /// When the answer is of no more use, as monotonic microseconds.
    pub deadline_us: u64,
}

/// How a key stands against its tightest quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether the request fits all quotas; only then was it counted, in each.
    pub accepted: bool,
    /// Which of the asked quotas is the tightest: the one with the least left, or the one that refuses the longest.
    pub tightest: usize,
    /// Requests left in it.
    pub remaining: u32,
    /// Microseconds until it has one more.
    pub reset_us: u64,
}

impl Standing {
    /// How a request of this cost stands against its quotas, of which each has so many left before it, and one more after so many
    /// microseconds; zero when all are left. It fits when all have as many left as it costs.
    #[must_use]
    pub fn of(quotas: &[ScopedQuota], cost: u32, looked: impl IntoIterator<Item = (u32, u64)>) -> Self {
        let mut standing = Self { accepted: true, tightest: 0, remaining: u32::MAX, reset_us: 0 };
        for (tightest, (remaining, reset_us)) in looked.into_iter().enumerate() {
            let tighter = if standing.accepted {
                remaining < standing.remaining
            } else {
                remaining < cost && reset_us > standing.reset_us
            };
            if tighter {
                standing = Self { accepted: remaining >= cost, tightest, remaining, reset_us };
            }
        }
        if standing.accepted {
            standing.remaining = standing.remaining.saturating_sub(cost);
            standing.reset_us = match quotas.get(standing.tightest) {
                Some(scoped) if standing.reset_us == 0 => scoped.quota.window.us(),
                _ => standing.reset_us,
            };
        }
        standing
    }
}

/// Counts requests. A request is counted in all its quotas or, when it does not fit one, in none.
pub trait RateStore: fmt::Debug + Send + Sync {
    /// Counts a request when it fits with all that it costs.
    fn take(&self, ask: &Ask<'_>) -> Reply<Standing>;
}

//! The port to whatever counts requests: memory by default, or one that several processes share.

use std::{
    fmt,
    hash::{Hash, Hasher},
};

use super::{Per, Quota};
use crate::{clock::Now, http::ClientKey, reply::Reply};

/// Whose request it is: the kind of key and its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateKey {
    kind: Kind,
    id: [u8; 16],
}

/// In one piece, without the lengths that a derived one would write: a key is hashed for each request, and a keyed hash costs by the
/// byte and by the piece.
impl Hash for RateKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let mut bytes = [self.kind as u8; 17];
        if let Some(id) = bytes.first_chunk_mut() {
            *id = self.id;
        }
        state.write(&bytes);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Address,
    User,
    Key,
    Organisation,
}

impl RateKey {
    /// A client's address.
    #[must_use]
    pub const fn address(client: ClientKey) -> Self {
        Self { kind: Kind::Address, id: client.bytes() }
    }

    /// A person, by its id.
    #[must_use]
    pub fn user(id: &str) -> Self {
        Self { kind: Kind::User, id: sixteen(id) }
    }

    /// An API key or a device, by its id.
    #[must_use]
    pub fn key(id: &str) -> Self {
        Self { kind: Kind::Key, id: sixteen(id) }
    }

    /// An organisation, by its id.
    #[must_use]
    pub fn organisation(id: &str) -> Self {
        Self { kind: Kind::Organisation, id: sixteen(id) }
    }
}

/// An id as sixteen bytes, the same in every process: itself, or a hash of a longer one (FNV-1a of 128 bits). Ids are given by this
/// installation, so that nobody chooses two that fall together.
fn sixteen(id: &str) -> [u8; 16] {
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    let mut bytes = [0; 16];
    if id.len() > bytes.len() {
        return id.bytes().fold(BASIS, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME)).to_be_bytes();
    }
    for (own, byte) in bytes.iter_mut().zip(id.bytes()) {
        *own = byte;
    }
    bytes
}

/// Whose request it is, for quotas that are counted by different things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateKeys {
    /// All quotas are counted by this.
    One(RateKey),
    /// Each is counted by what it names. Quotas by what a principal has not are not asked for it.
    Principal {
        /// The person.
        user: RateKey,
        /// The API key or device; the person's when it is none.
        key: RateKey,
        /// The organisation; the person's when there is none.
        organisation: RateKey,
    },
}

impl RateKeys {
    /// By what a quota is counted.
    #[must_use]
    pub const fn of(&self, per: Per) -> RateKey {
        match (self, per) {
            (Self::One(key), _) | (Self::Principal { key, .. }, Per::Key) => *key,
            (Self::Principal { user, .. }, Per::Ip | Per::User) => *user,
            (Self::Principal { organisation, .. }, Per::Organisation) => *organisation,
        }
    }
}

impl From<RateKey> for RateKeys {
    fn from(key: RateKey) -> Self {
        Self::One(key)
    }
}

/// The kind and the bytes in hexadecimal: the same in every process.
impl fmt::Display for RateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Address => "ip",
            Kind::User => "user",
            Kind::Key => "key",
            Kind::Organisation => "org",
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

    /// Quotas that hold together, each with its counter, named by what it counts. The number allowed is no part of the name, so that
    /// one that is changed holds at once for what was counted before.
    #[must_use]
    pub fn all(scope: &str, quotas: &[Quota]) -> Vec<Self> {
        let same =
            |one: &Quota, other: &Quota| (one.window, one.per, one.methods) == (other.window, other.per, other.methods);
        let scoped = quotas.iter().enumerate().map(|(place, &quota)| {
            let earlier = quotas.iter().take(place).filter(|earlier| same(earlier, &quota)).count();
            let Quota { window, methods, .. } = quota;
            Self::named(&format!("{scope}\n{window} {methods:?} {earlier}"), quota)
        });
        scoped.collect()
    }
}

/// One question: may whoever asks make one more request, or several at once?
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Whose request it is.
    pub keys: RateKeys,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_the_same_moment_are_counted_apart() {
        let (one, other) = ("01990000-0000-7000-8000-000000000001", "01990000-0000-7000-8000-000000000002");
        assert_ne!(RateKey::user(one), RateKey::user(other));
        assert_ne!(RateKey::user(one), RateKey::organisation(one), "a person is no organisation");
        assert_eq!(RateKey::key("k1").to_string(), "key-6b310000000000000000000000000000");
        assert_eq!(RateKey::user(one).to_string(), RateKey::user(one).to_string());
        assert!(RateKey::user(one).to_string().starts_with("user-"));
    }

    #[test]
    fn each_quota_is_counted_by_what_it_names() {
        let (user, key, organisation) = (RateKey::user("u"), RateKey::key("k"), RateKey::organisation("o"));
        let keys = RateKeys::Principal { user, key, organisation };
        assert_eq!([Per::User, Per::Key, Per::Organisation].map(|per| keys.of(per)), [user, key, organisation]);
        assert_eq!(RateKeys::from(user).of(Per::Organisation), user);
    }
}

//! The connections of the whole process: how many there are, from whom, and on which core. Touched when one comes or goes, never
//! by a request.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use seawall_core::http::{ClientKey, Networks};

use crate::ServerSettings;

/// Parts of the table of addresses, so that cores seldom meet.
const SHARDS: usize = 64;

/// A core with fewer connections than this hands none over: so few never hurt.
const NEVER_HANDED_OVER: usize = 16;

/// Everyone who is connected.
#[derive(Debug)]
pub(crate) struct Crowd {
    open: AtomicUsize,
    loads: Box<[Load]>,
    /// Bounded by the number of connections: an address without one has no entry.
    addresses: Box<[Mutex<HashMap<ClientKey, usize>>]>,
    hasher: RandomState,
}

/// A core's connections, on a cache line of their own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Load(AtomicUsize);

/// Why a connection is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The most are open.
    Full,
    /// The most are open from its address.
    TooManyOfOne,
}

/// How many may come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits<'a> {
    /// In all.
    pub(crate) most: usize,
    /// From one address.
    pub(crate) most_per_address: usize,
    /// Proxies whose connections carry many clients; they are not counted by address.
    pub(crate) exempt: &'a Networks,
}

/// A connection's place in the crowd; given back when dropped.
#[derive(Debug)]
pub(crate) struct Member {
    crowd: Arc<Crowd>,
    core: usize,
    _counted: Option<Counted>,
}

/// A connection counted by its address; given back when dropped.
#[derive(Debug)]
pub(crate) struct Counted {
    crowd: Arc<Crowd>,
    key: ClientKey,
}

impl<'a> Limits<'a> {
    /// Those of the public listener.
    pub(crate) const fn of(settings: &'a ServerSettings) -> Self {
        Self {
            most: settings.max_connections,
            most_per_address: settings.max_connections_per_address,
            exempt: &settings.trusted,
        }
    }
}

impl Crowd {
    pub(crate) fn new(cores: usize) -> Arc<Self> {
        Arc::new(Self {
            open: AtomicUsize::new(0),
            loads: (0..cores).map(|_| Load::default()).collect(),
            addresses: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
        })
    }

    /// Takes in a connection, if there is room for one more, and for one more of its address (IPv6 by /64). Trusted proxies and
    /// this machine itself are not counted by address.
    pub(crate) fn enter(self: &Arc<Self>, core: usize, peer: IpAddr, limits: &Limits<'_>) -> Result<Member, Refusal> {
        if self.open.fetch_add(1, Ordering::Relaxed) >= limits.most {
            self.open.fetch_sub(1, Ordering::Relaxed);
            return Err(Refusal::Full);
        }
        let counted = match self.count(peer, limits) {
            Ok(counted) => counted,
            Err(refusal) => {
                self.open.fetch_sub(1, Ordering::Relaxed);
                return Err(refusal);
            }
        };
        if let Some(load) = self.loads.get(core) {
            load.0.fetch_add(1, Ordering::Relaxed);
        }
        Ok(Member { crowd: Arc::clone(self), core, _counted: counted })
    }

    /// The core that should have the next connection instead of this one: the least loaded, when this one has more than a
    /// quarter above the mean.
    pub(crate) fn lighter_than(&self, core: usize) -> Option<usize> {
        let load = |load: &Load| load.0.load(Ordering::Relaxed);
        let own = load(self.loads.get(core)?);
        if own < NEVER_HANDED_OVER {
            return None;
        }
        let sum: usize = self.loads.iter().map(load).sum();
        // own > 1.25 × sum / cores, in whole numbers.
        if own.saturating_mul(4).saturating_mul(self.loads.len()) <= sum.saturating_mul(5) {
            return None;
        }
        let (lightest, _) = self.loads.iter().enumerate().min_by_key(|(_, other)| load(other))?;
        (lightest != core).then_some(lightest)
    }

    /// Counts a connection by its address, unless that is exempt; by itself for one that a proxy announced, whose own connection is in
    /// the crowd already.
    pub(crate) fn count(self: &Arc<Self>, address: IpAddr, limits: &Limits<'_>) -> Result<Option<Counted>, Refusal> {
        if address.to_canonical().is_loopback() || limits.exempt.contains(address) {
            return Ok(None);
        }
        let key = ClientKey::of(address);
        let Some(shard) = self.shard(key) else { return Ok(None) };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let count = shard.entry(key).or_default();
        if *count >= limits.most_per_address {
            return Err(Refusal::TooManyOfOne);
        }
        *count += 1;
        Ok(Some(Counted { crowd: Arc::clone(self), key }))
    }

    fn uncount(&self, key: ClientKey) {
        let Some(shard) = self.shard(key) else { return };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = shard.get_mut(&key) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                shard.remove(&key);
            }
        }
    }

    fn shard(&self, key: ClientKey) -> Option<&Mutex<HashMap<ClientKey, usize>>> {
        let hash = self.hasher.hash_one(key);
        self.addresses.get(usize::try_from(hash % (SHARDS as u64)).unwrap_or_default())
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.crowd.open.fetch_sub(1, Ordering::Relaxed);
        if let Some(load) = self.crowd.loads.get(self.core) {
            load.0.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.crowd.uncount(self.key);
    }
}

#[cfg(test)]
mod tests {
    use seawall_core::http::Network;

    use super::*;

    fn enter(crowd: &Arc<Crowd>, core: usize, peer: &str) -> Result<Member, Refusal> {
        let exempt = vec![Network::parse("10.0.0.0/8").unwrap()].into();
        crowd.enter(core, peer.parse().unwrap(), &Limits { most: 6, most_per_address: 2, exempt: &exempt })
    }

    #[test]
    fn so_many_of_one_address_and_so_many_in_all() {
        let crowd = Crowd::new(1);
        let mut kept = vec![enter(&crowd, 0, "2001:db8::1").unwrap(), enter(&crowd, 0, "2001:db8::ffff").unwrap()];
        assert_eq!(enter(&crowd, 0, "2001:db8::2").unwrap_err(), Refusal::TooManyOfOne);
        kept.push(enter(&crowd, 0, "2001:db8:0:1::1").unwrap());
        kept.extend((0..3).map(|_| enter(&crowd, 0, "10.1.2.3").unwrap()));
        assert_eq!(enter(&crowd, 0, "192.0.2.1").unwrap_err(), Refusal::Full);
        kept.truncate(1);
        kept.push(enter(&crowd, 0, "2001:db8::2").unwrap());
        kept.extend((0..4).map(|_| enter(&crowd, 0, "127.0.0.1").unwrap()));
    }

    #[test]
    fn announced_addresses_count_as_those_that_come_themselves() {
        let crowd = Crowd::new(1);
        let exempt = vec![Network::parse("10.0.0.0/8").unwrap()].into();
        let limits = Limits { most: 6, most_per_address: 2, exempt: &exempt };
        let count = |address: &str| crowd.count(address.parse().unwrap(), &limits);
        let _itself = enter(&crowd, 0, "192.0.2.1").unwrap();
        let announced = count("192.0.2.1").unwrap();
        assert_eq!(count("192.0.2.1").unwrap_err(), Refusal::TooManyOfOne);
        assert_eq!(enter(&crowd, 0, "192.0.2.1").unwrap_err(), Refusal::TooManyOfOne);
        drop(announced);
        assert!(count("192.0.2.1").unwrap().is_some() && count("10.0.0.1").unwrap().is_none());
        assert_eq!(crowd.open.load(Ordering::Relaxed), 1, "they are in the crowd already");
    }

    #[test]
    fn nobody_leaves_a_trace() {
        let crowd = Crowd::new(2);
        drop(enter(&crowd, 1, "192.0.2.1").unwrap());
        assert_eq!(crowd.open.load(Ordering::Relaxed), 0);
        assert!(crowd.addresses.iter().all(|shard| shard.lock().unwrap().is_empty()));
        assert!(crowd.loads.iter().all(|load| load.0.load(Ordering::Relaxed) == 0));
    }

    #[test]
    fn a_core_a_quarter_above_the_mean_hands_over_to_the_lightest() {
        let crowd = Crowd::new(3);
        let limits = Limits { most: 1_000, most_per_address: 1, exempt: &Networks::default() };
        let enter = |core, count| -> Vec<_> {
            (0..count).map(|_| crowd.enter(core, "127.0.0.1".parse().unwrap(), &limits).unwrap()).collect()
        };
        let _few = enter(0, 15);
        assert_eq!(crowd.lighter_than(0), None, "so few never hurt");
        let _more = (enter(0, 5), enter(1, 16), enter(2, 15));
        assert_eq!(crowd.lighter_than(0), None, "20 of 51 are less than a quarter above 17");
        let _most = enter(0, 8);
        assert_eq!(crowd.lighter_than(0), Some(2));
        assert_eq!(crowd.lighter_than(2), None);
    }
}

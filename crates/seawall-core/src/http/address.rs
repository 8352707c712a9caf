//! Addresses: networks that are trusted, and the key by which a client is counted.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

use ipnet::{IpNet, Ipv4Net};

use crate::settings::{Raw, Setting, Shape};

/// A network in CIDR form; a bare address is a network of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

impl Network {
    /// The network in `text`; one of IPv4-mapped addresses is that of IPv4.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        text.parse::<IpNet>()
            .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
            .ok()
            .map(|net| Self(canonical(net).trunc()))
    }
}

/// How many bits of an IPv4-mapped address say that it is one.
const MAPPED_BITS: u8 = 96;

fn canonical(net: IpNet) -> IpNet {
    let mapped = match net {
        IpNet::V6(v6) => v6.addr().to_ipv4_mapped().zip(v6.prefix_len().checked_sub(MAPPED_BITS)),
        IpNet::V4(_) => None,
    };
    mapped.and_then(|(v4, bits)| Ipv4Net::new(v4, bits).ok()).map_or(net, IpNet::V4)
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Setting for Network {
    const SHAPE: Shape = Shape::Text("network", "10.0.0.0/8");

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else {
            return Err(format!("expected a network as text, such as \"10.0.0.0/8\", found {}", raw.kind()));
        };
        Self::parse(text).ok_or_else(|| format!("\"{text}\" is not an address or a network such as \"10.0.0.0/8\""))
    }
}

/// A set of networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<Network>);

impl Networks {
    /// Whether the set holds this address. IPv4-mapped addresses are looked up as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.0.contains(&address))
    }

    /// Whether the set is empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Vec<Network>> for Networks {
    fn from(networks: Vec<Network>) -> Self {
        Self(networks)
    }
}

/// The address by which a client is counted: IPv4 whole, IPv6 by its /64, because one subscriber holds at least that
/// much and could change the rest at will.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientKey(IpAddr);

impl ClientKey {
    /// The key of an address.
    #[must_use]
    pub const fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self(IpAddr::V4(v4)),
            IpAddr::V6(v6) => Self(IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64))),
        }
    }

    /// The key as sixteen bytes, IPv4 in its mapped form.
    #[must_use]
    pub const fn bytes(self) -> [u8; 16] {
        match self.0 {
            IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
            IpAddr::V6(v6) => v6.octets(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_addresses_in_any_spelling() {
        let networks = Networks::from(vec![Network::parse("10.1.2.3/8").unwrap(), Network::parse("::1").unwrap()]);
        for inside in ["10.200.0.1", "::ffff:10.0.0.1", "::1"] {
            assert!(networks.contains(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["11.0.0.1", "::2"] {
            assert!(!networks.contains(outside.parse().unwrap()), "{outside}");
        }
        for mapped in ["::ffff:192.0.2.0/120", "::ffff:192.0.2.7"] {
            let networks = Networks::from(vec![Network::parse(mapped).unwrap()]);
            let holds = |address: &str| networks.contains(address.parse().unwrap());
            assert!(holds("192.0.2.7") && holds("::ffff:192.0.2.7") && !holds("192.0.3.7"), "{mapped}");
        }
    }

    #[test]
    fn ipv6_clients_are_counted_by_64() {
        let key = |text: &str| ClientKey::of(text.parse().unwrap());
        assert_eq!(key("2001:db8:1:2:3::4"), key("2001:db8:1:2:ffff::1"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
    }
}

//! Which addresses a request of ours may be led to by a name: those of the internet, and none of this machine or its networks.
//!
//! A name that somebody else controls can resolve to the metadata service of a cloud, to a database beside us or to ourselves
//! (server-side request forgery). The ranges are those that the registries of IANA (RFC 6890) do not call globally reachable.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether the address is somewhere on the internet.
#[must_use]
pub fn globally_reachable(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4_reachable(v4),
        IpAddr::V6(v6) => v6_reachable(v6),
    }
}

fn v4_reachable(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let reserved = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        // Shared between a provider and its customers (RFC 6598); some clouds answer metadata there.
        || (a == 100 && (64..128).contains(&b))
        // Protocols of IETF (RFC 6890), and relays of 6to4.
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        // Measurements between networks (RFC 2544).
        || (a == 198 && (b == 18 || b == 19))
        || a >= 240;
    !reserved
}

fn v6_reachable(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    // Only 2000::/3 is given out; the rest is local, multicast, reserved, or carries an IPv4 address.
    let given_out = first & 0xe000 == 0x2000;
    let reserved = match (first, second) {
        // Teredo, benchmarks, ORCHID and their like (2001::/23), and documentation.
        (0x2001, second) => second < 0x0200 || second == 0x0db8,
        // 6to4 leads to the IPv4 address inside.
        (0x2002, _) => true,
        (0x3fff, second) => second < 0x1000,
        _ => false,
    };
    given_out && !reserved
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reachable(text: &str) -> bool {
        globally_reachable(text.parse().unwrap())
    }

    #[test]
    fn addresses_of_the_internet_may_be_asked() {
        for address in
            ["1.1.1.1", "93.184.216.34", "172.32.0.1", "100.128.0.1", "192.0.1.1", "2606:4700::1111", "2a00::1"]
        {
            assert!(reachable(address), "{address}");
        }
    }

    #[test]
    fn addresses_of_this_machine_and_its_networks_may_not() {
        for address in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.100.100.200",
            "192.0.0.192",
            "192.0.2.1",
            "198.18.0.1",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:0:1::",
            "2001:db8::1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "fec0::1",
            "3fff::1",
        ] {
            assert!(!reachable(address), "{address}");
        }
    }
}

//! Who a forwarded request came from: the walk over `Forwarded` (RFC 7239) and `X-Forwarded-For`, from right to left.

use std::net::IpAddr;

use http::HeaderMap;

use super::Networks;
use crate::settings::{Raw, Setting, Shape, choice};

/// The most addresses that are walked; beyond them the walk stops where it is.
const LONGEST_CHAIN: usize = 32;

/// What the headers of a trusted peer say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The nearest address that is not a trusted proxy.
    pub client: IpAddr,
    /// Whether the client's own connection was `https`, when the headers say so.
    pub secure: Option<bool>,
}

/// Which header the trusted proxies write. Only that one is believed: a proxy that writes one usually passes the other on as
/// a stranger sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// `X-Forwarded-For` and `X-Forwarded-Proto`.
    XForwardedFor,
    /// `Forwarded`.
    Forwarded,
}

impl Setting for Source {
    const SHAPE: Shape = Shape::Choice(&["x-forwarded-for", "forwarded"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("x-forwarded-for", Self::XForwardedFor), ("forwarded", Self::Forwarded)])
    }
}

/// The client of a request that came from `peer`. An untrusted peer is the client, whatever its headers say. Behind a
/// trusted one the chain is walked from the right until the first address that is not trusted; what stands left of it
/// was written by strangers. A hop that is not an address (`unknown`, `_hidden`) ends the walk at the last proxy known.
#[must_use]
pub fn client(peer: IpAddr, headers: &HeaderMap, trusted: &Networks, source: Source) -> Claimed {
    let peer = peer.to_canonical();
    if trusted.is_empty() || !trusted.contains(peer) {
        return Claimed { client: peer, secure: None };
    }
    if source == Source::Forwarded {
        let client =
            walk(peer, values(headers, "forwarded").map(|hop| parameter(hop, "for").and_then(address)), trusted);
        let secure = values(headers, "forwarded").next_back().and_then(|hop| parameter(hop, "proto")).and_then(scheme);
        return Claimed { client, secure };
    }
    let client = walk(peer, values(headers, "x-forwarded-for").map(address), trusted);
    let secure = values(headers, "x-forwarded-proto").next_back().and_then(scheme);
    Claimed { client, secure }
}

/// The comma-separated parts of all lines of a header, in order.
fn values<'a>(headers: &'a HeaderMap, name: &'static str) -> impl DoubleEndedIterator<Item = &'a str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

fn walk(peer: IpAddr, hops: impl DoubleEndedIterator<Item = Option<IpAddr>>, trusted: &Networks) -> IpAddr {
    let mut client = peer;
    for hop in hops.rev().take(LONGEST_CHAIN) {
        let Some(address) = hop else { break };
        client = address;
        if !trusted.contains(address) {
            break;
        }
    }
    client
}

/// The value of one parameter of a `Forwarded` element, unquoted.
fn parameter<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    element.split(';').find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
    })
}

/// An address with or without brackets and port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim_matches('"');
    if let Some(rest) = text.strip_prefix('[') {
        return rest.split_once(']').and_then(|(inside, _)| inside.parse().ok());
    }
    let without_port = match text.split_once(':') {
        Some((host, port)) if !port.contains(':') => host,
        _ => text,
    };
    without_port.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

fn scheme(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("https") || text.eq_ignore_ascii_case("wss") => Some(true),
        _ if text.eq_ignore_ascii_case("http") || text.eq_ignore_ascii_case("ws") => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::{super::Network, *};

    fn check(peer: &str, headers: &[(&'static str, &str)], expect: &str, secure: Option<bool>) {
        let trusted = Networks::from(vec![Network::parse("10.0.0.0/8").unwrap(), Network::parse("fd00::/8").unwrap()]);
        let headers =
            headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
        let headers = headers.collect::<HeaderMap>();
        let source = if headers.contains_key("forwarded") { Source::Forwarded } else { Source::XForwardedFor };
        let claimed = client(peer.parse().unwrap(), &headers, &trusted, source);
        assert_eq!(claimed, Claimed { client: expect.parse().unwrap(), secure });
    }

    #[test]
    fn an_untrusted_peer_is_the_client_whatever_it_says() {
        check("192.0.2.1", &[("x-forwarded-for", "10.0.0.1"), ("x-forwarded-proto", "https")], "192.0.2.1", None);
        check("::ffff:192.0.2.1", &[], "192.0.2.1", None);
    }

    #[test]
    fn the_chain_is_walked_from_the_right_to_the_first_stranger() {
        check("10.0.0.1", &[("x-forwarded-for", "1.1.1.1, 198.51.100.7, 10.0.0.2")], "198.51.100.7", None);
        check(
            "10.0.0.1",
            &[("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "198.51.100.7:4711")],
            "198.51.100.7",
            None,
        );
        check("10.0.0.1", &[("x-forwarded-for", "10.0.0.3, 10.0.0.2")], "10.0.0.3", None);
        check("10.0.0.1", &[], "10.0.0.1", None);
        check("10.0.0.1", &[("x-forwarded-for", "198.51.100.7, nonsense, 10.0.0.2")], "10.0.0.2", None);
    }

    #[test]
    fn forwarded_gives_client_and_scheme() {
        let line = r#"for="[2001:db8::1]:4711";proto=http, for=198.51.100.7;proto=https, for=10.0.0.9;proto=https"#;
        check("fd00::1", &[("forwarded", line), ("x-forwarded-for", "9.9.9.9")], "198.51.100.7", Some(true));
        check("fd00::1", &[("forwarded", "for=unknown")], "fd00::1", None);
        check("10.0.0.1", &[("x-forwarded-for", "9.9.9.9"), ("x-forwarded-proto", "https")], "9.9.9.9", Some(true));
    }

    #[test]
    fn only_the_header_that_the_proxies_write_is_believed() {
        let trusted = Networks::from(vec![Network::parse("10.0.0.1").unwrap()]);
        let both = HeaderMap::from_iter([
            (HeaderName::from_static("forwarded"), HeaderValue::from_static("for=6.6.6.6")),
            (HeaderName::from_static("x-forwarded-for"), HeaderValue::from_static("203.0.113.7")),
        ]);
        let found = |source| client("10.0.0.1".parse().unwrap(), &both, &trusted, source).client.to_string();
        assert_eq!(found(Source::XForwardedFor), "203.0.113.7");
        assert_eq!(found(Source::Forwarded), "6.6.6.6");
    }
}

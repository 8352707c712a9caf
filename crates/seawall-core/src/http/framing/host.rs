//! Hosts: a name or an address, and perhaps a port.

use std::net::Ipv6Addr;

/// The longest name that the domain name system has (RFC 1035 section 2.3.4).
const LONGEST_NAME: usize = 255;

/// The name and the port of a host; nothing when it is malformed. Percent-encoding, sub-delimiters and user information
/// (RFC 3986 section 3.2) are refused: no real host has them, and servers read them differently.
pub(super) fn split(host: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let end = if host.starts_with(b"[") {
        host.iter().position(|&byte| byte == b']')? + 1
    } else {
        host.iter().position(|&byte| byte == b':').unwrap_or(host.len())
    };
    let (name, rest) = host.split_at_checked(end)?;
    let port = match rest {
        [] => None,
        [b':', digits @ ..] if is_port(digits) => Some(digits),
        _ => return None,
    };
    is_name(name).then_some((name, port))
}

fn is_name(name: &[u8]) -> bool {
    match name {
        [b'[', address @ .., b']'] => std::str::from_utf8(address).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok()),
        name => {
            let named = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_".contains(byte);
            name.len() <= LONGEST_NAME && name.iter().all(named) && name.iter().any(u8::is_ascii_alphanumeric)
        }
    }
}

fn is_port(digits: &[u8]) -> bool {
    let number = digits.iter().all(u8::is_ascii_digit).then(|| std::str::from_utf8(digits).ok()).flatten();
    number.is_some_and(|text| text.parse::<u16>().is_ok())
}

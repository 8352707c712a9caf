//! The header that a proxy in front sends before all else to say whose connection it hands on: the PROXY protocol, versions 1
//! and 2 (haproxy.org, `doc/proxy-protocol.txt`).
//!
//! A pure parser of the bytes that have come so far. It is as strict as the specification allows, because whoever gets past it
//! chooses the address it is counted by. Its answer stands: once it is not [`Parsed::NeedMore`], further bytes change nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The longest header of version 1 (section 2.1: 107 characters with the line's end).
pub const LONGEST_LINE_BYTES: usize = 107;

/// The longest header of version 2 that is read. The format allows 64 KiB; two addresses and what proxies add fit easily.
pub const LONGEST_BINARY_BYTES: usize = 4_096;

const LINE_START: &[u8] = b"PROXY ";
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version and command, family, length.
const BINARY_START_BYTES: usize = 16;
/// The kind of record that holds a CRC32C of the whole header (section 2.2.3).
const CHECKSUM_KIND: u8 = 0x03;

/// What the bytes are so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// The beginning of a header: all of these bytes belong to it, and it is not complete.
    NeedMore,
    /// A header.
    Header {
        /// Whose connection it is.
        conveyed: Conveyed,
        /// How many of the bytes it takes; what follows is the client's.
        length: usize,
    },
    /// No header, or one that cannot be believed.
    Refused(Refusal),
}

/// Whose connection a header announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conveyed {
    /// A client's, handed on.
    Client {
        /// Where the client is.
        source: SocketAddr,
        /// Where it connected to.
        destination: SocketAddr,
    },
    /// The proxy's own, such as a health check.
    Local,
    /// One whose ends cannot be said as addresses of the internet.
    Unknown,
}

/// Why there is no header to believe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The connection begins with something else.
    #[error("the connection does not begin with a PROXY header")]
    Absent,
    /// The line does not end where it must.
    #[error("the PROXY line is longer than 107 bytes, or ends without a carriage return")]
    LineEnd,
    /// The line is not spelled as the specification has it.
    #[error("the PROXY line is not spelled as it must be")]
    Line,
    /// A version, command or family that the specification does not know.
    #[error("the binary PROXY header has an unknown version, command or family")]
    Kind,
    /// It announces packets; this is a connection.
    #[error("the binary PROXY header announces datagrams")]
    Datagrams,
    /// The lengths in it do not fit together, or it is too long.
    #[error("the lengths in the binary PROXY header do not fit")]
    Length,
    /// Its checksum is not that of its bytes.
    #[error("the checksum of the binary PROXY header is wrong")]
    Checksum,
}

/// Reads what has come so far.
#[must_use]
pub fn parse(bytes: &[u8]) -> Parsed {
    if begins(bytes, LINE_START) {
        line(bytes)
    } else if begins(bytes, SIGNATURE) {
        binary(bytes).unwrap_or_else(Parsed::Refused)
    } else {
        Parsed::Refused(Refusal::Absent)
    }
}

/// Whether the bytes begin with these, or are their beginning.
fn begins(bytes: &[u8], with: &[u8]) -> bool {
    bytes.starts_with(with) || with.starts_with(bytes)
}

fn line(bytes: &[u8]) -> Parsed {
    let within = bytes.get(..LONGEST_LINE_BYTES).unwrap_or(bytes);
    let Some(end) = within.iter().position(|byte| matches!(byte, b'\r' | b'\n')) else {
        let room = bytes.len() < LONGEST_LINE_BYTES;
        return if room { Parsed::NeedMore } else { Parsed::Refused(Refusal::LineEnd) };
    };
    let (text, ending) = within.split_at(end);
    match ending {
        [b'\r'] if bytes.len() < LONGEST_LINE_BYTES => Parsed::NeedMore,
        [b'\r', b'\n', ..] => match text.strip_prefix(LINE_START).and_then(said) {
            Some(conveyed) => Parsed::Header { conveyed, length: end + 2 },
            None => Parsed::Refused(Refusal::Line),
        },
        _ => Parsed::Refused(Refusal::LineEnd),
    }
}

/// What stands in a line of version 1 between its first word and its end.
fn said(text: &[u8]) -> Option<Conveyed> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.bytes().all(|byte| matches!(byte, b' '..=b'~')))?;
    let mut words = text.split(' ');
    let read: fn(&str) -> Option<IpAddr> = match words.next()? {
        // Whatever follows is to be passed over.
        "UNKNOWN" => return Some(Conveyed::Unknown),
        "TCP4" => |word| word.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        "TCP6" => |word| word.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        _ => return None,
    };
    let (source, destination) = (read(words.next()?)?, read(words.next()?)?);
    let (source_port, destination_port) = (port(words.next()?)?, port(words.next()?)?);
    words.next().is_none().then(|| Conveyed::Client {
        source: SocketAddr::new(source, source_port),
        destination: SocketAddr::new(destination, destination_port),
    })
}

/// A port as digits only, without leading zeros (section 2.1).
fn port(word: &str) -> Option<u16> {
    let plain = word.bytes().all(|byte| byte.is_ascii_digit()) && (word == "0" || !word.starts_with('0'));
    plain.then(|| word.parse().ok()).flatten()
}

fn binary(bytes: &[u8]) -> Result<Parsed, Refusal> {
    let Some(rest) = bytes.strip_prefix(SIGNATURE) else { return Ok(Parsed::NeedMore) };
    let Some((&version_and_command, rest)) = rest.split_first() else { return Ok(Parsed::NeedMore) };
    let local = match version_and_command {
        0x20 => true,
        0x21 => false,
        _ => return Err(Refusal::Kind),
    };
    let Some((&family, rest)) = rest.split_first() else { return Ok(Parsed::NeedMore) };
    let family = if local { Family::Unspecified } else { Family::parse(family)? };
    let Some((length, rest)) = rest.split_first_chunk::<2>() else { return Ok(Parsed::NeedMore) };
    let length = usize::from(u16::from_be_bytes(*length));
    let whole = BINARY_START_BYTES + length;
    if whole > LONGEST_BINARY_BYTES || length < family.addresses() {
        return Err(Refusal::Length);
    }
    let (Some(content), Some(header)) = (rest.get(..length), bytes.get(..whole)) else {
        return Ok(Parsed::NeedMore);
    };
    let conveyed = if local { Conveyed::Local } else { family.read(content, header)? };
    Ok(Parsed::Header { conveyed, length: whole })
}

/// The kinds of address that version 2 knows for connections.
#[derive(Clone, Copy)]
enum Family {
    Unspecified,
    V4,
    V6,
    Unix,
}

impl Family {
    fn parse(byte: u8) -> Result<Self, Refusal> {
        match byte {
            0x00 => Ok(Self::Unspecified),
            0x11 => Ok(Self::V4),
            0x21 => Ok(Self::V6),
            0x31 => Ok(Self::Unix),
            0x12 | 0x22 | 0x32 => Err(Refusal::Datagrams),
            _ => Err(Refusal::Kind),
        }
    }

    /// The length of both addresses with their ports.
    const fn addresses(self) -> usize {
        match self {
            Self::Unspecified => 0,
            Self::V4 => 12,
            Self::V6 => 36,
            Self::Unix => 216,
        }
    }

    fn read(self, content: &[u8], header: &[u8]) -> Result<Conveyed, Refusal> {
        let (conveyed, records) = match self {
            // Where its records begin is not said, so all of it is passed over.
            Self::Unspecified => return Ok(Conveyed::Unknown),
            Self::Unix => (Conveyed::Unknown, content.get(self.addresses()..)),
            Self::V4 => ends::<4>(content),
            Self::V6 => ends::<16>(content),
        };
        check_records(records.ok_or(Refusal::Length)?, header)?;
        Ok(conveyed)
    }
}

/// Both ends of a connection, and what follows them.
fn ends<const N: usize>(content: &[u8]) -> (Conveyed, Option<&[u8]>)
where
    IpAddr: From<[u8; N]>,
{
    let read = || {
        let (source, rest) = content.split_first_chunk::<N>()?;
        let (destination, rest) = rest.split_first_chunk::<N>()?;
        let (source_port, rest) = rest.split_first_chunk::<2>()?;
        let (destination_port, rest) = rest.split_first_chunk::<2>()?;
        let end = |address: [u8; N], port: [u8; 2]| SocketAddr::new(address.into(), u16::from_be_bytes(port));
        let (source, destination) = (end(*source, *source_port), end(*destination, *destination_port));
        Some((Conveyed::Client { source, destination }, rest))
    };
    read().map_or((Conveyed::Unknown, None), |(conveyed, rest)| (conveyed, Some(rest)))
}

/// Passes over the records after the addresses; they must fill the header exactly, and a checksum among them must hold.
fn check_records(mut records: &[u8], header: &[u8]) -> Result<(), Refusal> {
    while let Some((&kind, rest)) = records.split_first() {
        let (length, rest) = rest.split_first_chunk::<2>().ok_or(Refusal::Length)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (value, rest) = rest.split_at_checked(length).ok_or(Refusal::Length)?;
        if kind == CHECKSUM_KIND {
            let stated = u32::from_be_bytes(value.try_into().map_err(|_| Refusal::Length)?);
            let place = header.len() - rest.len() - length;
            if checksum(header, place) != stated {
                return Err(Refusal::Checksum);
            }
        }
        records = rest;
    }
    Ok(())
}

/// CRC32C (RFC 4960 appendix B) of the header, in which the four bytes of the checksum itself count as zeros.
fn checksum(header: &[u8], place: usize) -> u32 {
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    let mut crc = u32::MAX;
    for (index, &byte) in header.iter().enumerate() {
        let byte = if (place..place + 4).contains(&index) { 0 } else { byte };
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ if crc & 1 == 1 { POLYNOMIAL } else { 0 };
        }
    }
    !crc
}

#[cfg(test)]
mod tests;

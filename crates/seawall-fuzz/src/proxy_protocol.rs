//! Target: the header with which a proxy says whose connection it hands on, in both versions.
//!
//! Input: four bytes that say how the bytes are cut, one that says whether they are taken as they come or put together of the
//! parts of a binary header.

use std::net::{IpAddr, SocketAddr};

use arbitrary::{Arbitrary, Unstructured};
use seawall_core::http::proxy_protocol::{Conveyed, LONGEST_BINARY_BYTES, LONGEST_LINE_BYTES, Parsed, Refusal, parse};

use crate::pieces::Cuts;

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const CHECKSUM_KIND: u8 = 3;

/// Up to this length an input is looked at after every byte.
const SHORT: usize = 300;

/// Panics when something does not hold for the bytes.
pub fn check(input: &[u8]) {
    let Some((cuts, [kind, rest @ ..])) = Cuts::take(input) else { return };
    if kind & 1 == 0 {
        holds(rest, cuts);
        return;
    }
    // Too few bytes to put a header together are of no interest.
    let Ok(header) = Header::arbitrary_take_rest(Unstructured::new(rest)) else { return };
    let Some(bytes) = header.bytes() else { return };
    let parsed = holds(&[&bytes, header.after].concat(), cuts);
    // A right checksum is no reason to refuse, and a wrong one always is, where records are read at all.
    if header.checksum_off_by == 0 || matches!(header.family, Family::Unspecified) {
        assert!(matches!(parsed, Parsed::Header { length, .. } if length == bytes.len()), "{parsed:?} of {header:?}");
    } else {
        assert_eq!(parsed, Parsed::Refused(Refusal::Checksum), "{header:?}");
    }
}

fn holds(bytes: &[u8], cuts: Cuts) -> Parsed {
    let parsed = parse(bytes);
    same_in_pieces(bytes, cuts, parsed);
    if let Parsed::Header { conveyed, length } = parsed {
        let (header, _) = bytes.split_at(length);
        let text = || format!("{conveyed:?}: {}", header.escape_ascii());
        if header.starts_with(SIGNATURE) {
            assert!(length <= LONGEST_BINARY_BYTES, "{}", text());
            assert_eq!(length, 16 + usize::from(u16::from_be_bytes([header[14], header[15]])), "{}", text());
        } else {
            assert!(length <= LONGEST_LINE_BYTES, "{}", text());
            let line = header.strip_suffix(b"\r\n").unwrap_or_else(|| panic!("{}", text()));
            assert!(line.iter().all(|byte| (b' '..=b'~').contains(byte)), "{}", text());
        }
        if let Conveyed::Client { source, destination } = conveyed {
            as_it_was_sent(header, source, destination);
            survives(source, destination);
        }
    }
    parsed
}

/// More is needed until the answer is known, and then the answer stands.
fn same_in_pieces(bytes: &[u8], cuts: Cuts, whole: Parsed) {
    let mut end = 0;
    let mut fronts: Vec<usize> = cuts
        .pieces(bytes)
        .map(|piece| {
            end += piece.len();
            end
        })
        .collect();
    if bytes.len() <= SHORT {
        fronts.extend(0..bytes.len());
    }
    for end in fronts {
        match (parse(&bytes[..end]), whole) {
            (Parsed::NeedMore, Parsed::Header { length, .. }) => assert!(end < length, "{}", bytes.escape_ascii()),
            (Parsed::NeedMore, _) => {}
            (early, _) => assert_eq!(early, whole, "after {end} bytes: {}", bytes.escape_ascii()),
        }
    }
}

/// The addresses are those in the bytes, read where the specification has them.
fn as_it_was_sent(header: &[u8], source: SocketAddr, destination: SocketAddr) {
    let text = || format!("{source} {destination}: {}", header.escape_ascii());
    assert_eq!(source.is_ipv4(), destination.is_ipv4(), "{}", text());
    if let Some(binary) = header.strip_prefix(SIGNATURE) {
        let expected = [octets(source.ip()), octets(destination.ip()), ports(source, destination)].concat();
        assert_eq!(binary[1], if source.is_ipv4() { 0x11 } else { 0x21 }, "{}", text());
        assert!(binary[4..].starts_with(&expected), "{}", text());
    } else if source.is_ipv4() {
        // There is one spelling of each address only.
        assert_eq!(header, line(source, destination).as_bytes(), "{}", text());
    } else {
        assert!(header.starts_with(b"PROXY TCP6 "), "{}", text());
    }
}

/// Written anew in either version, the addresses are read as they were.
fn survives(source: SocketAddr, destination: SocketAddr) {
    let conveyed = Conveyed::Client { source, destination };
    let line = line(source, destination).into_bytes();
    assert_eq!(parse(&line), Parsed::Header { conveyed, length: line.len() });
    let addresses = [octets(source.ip()), octets(destination.ip()), ports(source, destination)].concat();
    let binary = binary(0x21, if source.is_ipv4() { 0x11 } else { 0x21 }, &addresses).expect("a short header");
    assert_eq!(parse(&binary), Parsed::Header { conveyed, length: binary.len() });
}

fn line(source: SocketAddr, destination: SocketAddr) -> String {
    let family = if source.is_ipv4() { "TCP4" } else { "TCP6" };
    let ports = format!("{} {}", source.port(), destination.port());
    format!("PROXY {family} {} {} {ports}\r\n", source.ip(), destination.ip())
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

fn ports(source: SocketAddr, destination: SocketAddr) -> Vec<u8> {
    [source.port().to_be_bytes(), destination.port().to_be_bytes()].concat()
}

/// A header of version 2; nothing when it would be longer than is read.
fn binary(command: u8, family: u8, content: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(content.len()).ok()?.to_be_bytes();
    let header = [SIGNATURE, &[command, family], &length, content].concat();
    (header.len() <= LONGEST_BINARY_BYTES).then_some(header)
}

/// A binary header in which all is right but perhaps its checksum.
#[derive(Debug, Arbitrary)]
struct Header<'a> {
    family: Family,
    records: Vec<(u8, &'a [u8])>,
    checksum_off_by: u32,
    after: &'a [u8],
}

#[derive(Debug, Arbitrary)]
enum Family {
    Unspecified,
    V4([u8; 12]),
    V6([u8; 36]),
    Unix,
}

impl Header<'_> {
    fn bytes(&self) -> Option<Vec<u8>> {
        let (family, addresses) = match &self.family {
            Family::Unspecified => (0x00, vec![]),
            Family::V4(addresses) => (0x11, addresses.to_vec()),
            Family::V6(addresses) => (0x21, addresses.to_vec()),
            Family::Unix => (0x31, vec![0; 216]),
        };
        let mut content = addresses;
        for (kind, value) in self.records.iter().filter(|(kind, _)| *kind != CHECKSUM_KIND) {
            content.push(*kind);
            content.extend(u16::try_from(value.len()).ok()?.to_be_bytes());
            content.extend(*value);
        }
        content.extend([CHECKSUM_KIND, 0, 4, 0, 0, 0, 0]);
        let mut header = binary(0x21, family, &content)?;
        let sum = crc32c(&header) ^ self.checksum_off_by;
        let place = header.len() - 4;
        header[place..].copy_from_slice(&sum.to_be_bytes());
        Some(header)
    }
}

/// CRC32C as RFC 3720 section 12.1 has it, with bits in the order in which they are divided.
fn crc32c(bytes: &[u8]) -> u32 {
    let bits = bytes.iter().flat_map(|byte| (0..8).map(move |place| byte >> place & 1 == 1));
    let rest = bits.fold(u32::MAX, |rest, bit| {
        let divide = (rest >> 31 == 1) != bit;
        (rest << 1) ^ if divide { 0x1edc_6f41 } else { 0 }
    });
    !rest.reverse_bits()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }
}

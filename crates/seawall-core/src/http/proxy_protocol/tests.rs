//! Headers as proxies write them, headers that nobody should believe, and every place where one can be cut.

use proptest::prelude::*;

use super::*;

fn client(source: &str, destination: &str) -> Conveyed {
    Conveyed::Client { source: source.parse().unwrap(), destination: destination.parse().unwrap() }
}

/// A header of version 2.
fn binary_header(command: u8, family: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [SIGNATURE, &[command, family], &length, content].concat()
}

fn record(kind: u8, value: &[u8]) -> Vec<u8> {
    [&[kind][..], &u16::try_from(value.len()).unwrap().to_be_bytes(), value].concat()
}

const V4: [u8; 12] = [192, 0, 2, 1, 198, 51, 100, 7, 0x1f, 0x90, 0x01, 0xbb];

/// A header with a checksum in it that holds.
fn with_checksum() -> Vec<u8> {
    let mut header = binary_header(0x21, 0x11, &[&V4[..], &record(0x04, b"pad"), &record(3, &[0; 4])].concat());
    let place = header.len() - 4;
    let sum = checksum(&header, place).to_be_bytes();
    header[place..].copy_from_slice(&sum);
    header
}

fn good() -> Vec<(Vec<u8>, Conveyed)> {
    let v4 = client("192.0.2.1:8080", "198.51.100.7:443");
    let mut v6 = Vec::new();
    v6.extend("2001:db8::1".parse::<Ipv6Addr>().unwrap().octets());
    v6.extend("2001:db8::2".parse::<Ipv6Addr>().unwrap().octets());
    v6.extend([0, 1, 0xff, 0xff]);
    let longest = format!("PROXY UNKNOWN {}\r\n", "f".repeat(LONGEST_LINE_BYTES - 16));
    vec![
        (b"PROXY TCP4 192.0.2.1 198.51.100.7 8080 443\r\n".to_vec(), v4),
        (b"PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n".to_vec(), client("0.0.0.0:0", "255.255.255.255:65535")),
        (b"PROXY TCP6 2001:DB8::1 ::1 1 2\r\n".to_vec(), client("[2001:db8::1]:1", "[::1]:2")),
        (b"PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n".to_vec(), client("[::ffff:192.0.2.1]:1", "[::1]:2")),
        (b"PROXY UNKNOWN\r\n".to_vec(), Conveyed::Unknown),
        (b"PROXY UNKNOWN whatever it is\r\n".to_vec(), Conveyed::Unknown),
        (longest.into_bytes(), Conveyed::Unknown),
        (binary_header(0x21, 0x11, &V4), v4),
        (binary_header(0x21, 0x11, &[&V4[..], &record(1, b"h2"), &record(0x30, b"")].concat()), v4),
        (binary_header(0x21, 0x21, &v6), client("[2001:db8::1]:1", "[2001:db8::2]:65535")),
        (binary_header(0x21, 0x31, &[0; 216]), Conveyed::Unknown),
        (binary_header(0x21, 0x00, &[]), Conveyed::Unknown),
        (binary_header(0x21, 0x00, &[9; 30]), Conveyed::Unknown),
        (binary_header(0x20, 0x00, &[]), Conveyed::Local),
        (binary_header(0x20, 0x77, &[1; 5]), Conveyed::Local),
        (binary_header(0x20, 0x00, &[0; LONGEST_BINARY_BYTES - 16]), Conveyed::Local),
        (with_checksum(), v4),
    ]
}

#[test]
fn headers_are_read_and_what_follows_is_the_clients() {
    for (header, conveyed) in good() {
        let expected = Parsed::Header { conveyed, length: header.len() };
        assert_eq!(parse(&header), expected, "{:?}", header.escape_ascii().to_string());
        for after in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\r\n", b"\0", b"PROXY UNKNOWN\r\n"] {
            assert_eq!(parse(&[&header[..], after].concat()), expected);
        }
    }
}

#[test]
fn a_header_cut_anywhere_needs_more() {
    for (header, _) in good() {
        for cut in 0..header.len() {
            assert_eq!(parse(&header[..cut]), Parsed::NeedMore, "cut at {cut} of {}", header.escape_ascii());
        }
    }
}

#[test]
fn lines_that_are_not_spelled_exactly_are_refused() {
    for line in [
        "PROXY \r\n",
        "PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
        "PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n",
        "PROXY TCP4 192.0.2.1\t192.0.2.2 1 2\r\n",
        "PROXY TCP4 ::1 ::1 1 2\r\n",
        "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP6 [::1] ::1 1 2\r\n",
        "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
        "PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY UNKNOWNX\r\n",
        "PROXY unknown\r\n",
        "PROXY UNKNOWN \u{e9}\r\n",
        "PROXY UNKNOWN \0\r\n",
    ] {
        assert_eq!(parse(line.as_bytes()), Parsed::Refused(Refusal::Line), "{line:?}");
    }
}

#[test]
fn lines_end_with_both_characters_and_in_time() {
    for line in ["PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n", "PROXY UNKNOWN\rX", "PROXY UNKNOWN\r\r\n"] {
        assert_eq!(parse(line.as_bytes()), Parsed::Refused(Refusal::LineEnd), "{line:?}");
    }
    let endless = format!("PROXY UNKNOWN {}", "f".repeat(200));
    assert_eq!(parse(&endless.as_bytes()[..LONGEST_LINE_BYTES - 1]), Parsed::NeedMore);
    assert_eq!(parse(&endless.as_bytes()[..LONGEST_LINE_BYTES]), Parsed::Refused(Refusal::LineEnd));
    let one_too_long = format!("PROXY UNKNOWN {}\r\n", "f".repeat(LONGEST_LINE_BYTES - 15));
    assert_eq!(parse(one_too_long.as_bytes()), Parsed::Refused(Refusal::LineEnd));
}

#[test]
fn binary_headers_that_do_not_fit_are_refused() {
    let short = |family, length: usize| binary_header(0x21, family, &vec![0; length]);
    let with = |records: &[u8]| binary_header(0x21, 0x11, &[&V4[..], records].concat());
    let mut broken = with_checksum();
    broken[16] ^= 1;
    for (header, refusal) in [
        (binary_header(0x11, 0x11, &V4), Refusal::Kind),
        (binary_header(0x22, 0x11, &V4), Refusal::Kind),
        (binary_header(0x21, 0x10, &V4), Refusal::Kind),
        (binary_header(0x21, 0x41, &V4), Refusal::Kind),
        (binary_header(0x21, 0x12, &V4), Refusal::Datagrams),
        (short(0x11, 11), Refusal::Length),
        (short(0x21, 35), Refusal::Length),
        (short(0x31, 215), Refusal::Length),
        (binary_header(0x20, 0, &[0; LONGEST_BINARY_BYTES - 15]), Refusal::Length),
        (with(&[1]), Refusal::Length),
        (with(&[1, 0]), Refusal::Length),
        (with(&[1, 0, 1]), Refusal::Length),
        (with(&[1, 0xff, 0xff, 0]), Refusal::Length),
        (with(&record(3, &[0; 3])), Refusal::Length),
        (with(&record(3, &[0; 4])), Refusal::Checksum),
        (broken, Refusal::Checksum),
    ] {
        assert_eq!(parse(&header), Parsed::Refused(refusal), "{}", header.escape_ascii());
    }
}

#[test]
fn what_is_no_header_is_known_at_once() {
    for bytes in [&b"GET / HTTP/1.1\r\n"[..], b"P\r", b"PROXYTCP4", b"\x16\x03\x01", b"\r\n\r\n\0\r\nQUIT\r", b" PROXY"]
    {
        assert_eq!(parse(bytes), Parsed::Refused(Refusal::Absent), "{}", bytes.escape_ascii());
    }
    assert_eq!(parse(b""), Parsed::NeedMore);
}

#[test]
fn the_checksum_is_crc32c() {
    // RFC 3720 appendix B.4: thirty-two bytes of zeros.
    assert_eq!(checksum(&[0; 32], 40), 0x8a91_36aa);
}

/// Bytes that are nearly a header: one that is good, changed in a place, with something behind it.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let known = good().into_iter().map(|(header, _)| header).collect::<Vec<_>>();
    (prop::sample::select(known), any::<prop::sample::Index>(), any::<u8>(), prop::collection::vec(any::<u8>(), 0..40))
        .prop_map(|(mut header, place, byte, after)| {
            let place = place.index(header.len());
            header[place] = byte;
            header.extend(after);
            header
        })
}

proptest! {
    #[test]
    fn an_answer_stands_whatever_comes_after(bytes in nearly()) {
        let mut stands = None;
        for cut in 0..=bytes.len() {
            let parsed = parse(&bytes[..cut]);
            match stands {
                Some(earlier) => prop_assert_eq!(parsed, earlier),
                None if parsed == Parsed::NeedMore => {}
                None => {
                    if let Parsed::Header { length, .. } = parsed {
                        prop_assert_eq!(length, cut);
                    }
                    stands = Some(parsed);
                }
            }
        }
    }

    #[test]
    fn no_bytes_make_it_wait_for_ever_or_fail(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _any = parse(&bytes);
        let _any = parse(&[SIGNATURE, &bytes].concat());
        let line = parse(&[LINE_START, &bytes].concat());
        prop_assert!(line != Parsed::NeedMore || bytes.len() + LINE_START.len() < LONGEST_LINE_BYTES);
    }

    #[test]
    fn addresses_survive_the_way(source: (IpAddr, u16), destination: (u32, u128, u16)) {
        let (source, destination) = match source.0 {
            IpAddr::V4(_) => (SocketAddr::from(source), SocketAddr::new(Ipv4Addr::from(destination.0).into(), destination.2)),
            IpAddr::V6(_) => (SocketAddr::from(source), SocketAddr::new(Ipv6Addr::from(destination.1).into(), destination.2)),
        };
        let word = if source.is_ipv4() { "TCP4" } else { "TCP6" };
        let line = format!("PROXY {word} {} {} {} {}\r\n", source.ip(), destination.ip(), source.port(), destination.port());
        let expected = Parsed::Header { conveyed: Conveyed::Client { source, destination }, length: line.len() };
        prop_assert_eq!(parse(line.as_bytes()), expected);
    }
}

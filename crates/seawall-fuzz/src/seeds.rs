//! What a fuzzer begins with: the corpus of requests that the end-to-end tests send, and examples from the standards.
//!
//! Inputs that fuzzers found are files in `fuzz/seeds/`.

#[expect(dead_code, reason = "what must become of a case is another test's question")]
#[path = "../../seawall/tests/it/corpus/cases.rs"]
mod cases;

use seawall_core::websocket::{CloseCode, close, ping, pong};

/// Each byte comes on its own.
const CUTS: [u8; 4] = [0; 4];

/// Longer seeds make a fuzzer slow.
const LONGEST: usize = 2_000;

pub(crate) fn request_lines() -> Vec<Vec<u8>> {
    let line = |bytes: Vec<u8>| bytes.split(|&byte| byte == b'\r').next().map(|line| [&CUTS, line].concat());
    corpus().filter_map(line).collect()
}

pub(crate) fn messages() -> Vec<Vec<u8>> {
    let answers = [
        "200 OK\r\nContent-Length: 3\r\n\r\nabc",
        "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX-T: a\r\n\r\n",
        "200 OK\n\nuntil the end",
        "103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
        "304 Not Modified\r\nContent-Length: 5\r\n\r\n",
        "101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
    ];
    let answers = answers.map(|answer| [&CUTS, &b"\x01HTTP/1.1 "[..], answer.as_bytes()].concat());
    corpus().map(|bytes| [&CUTS, &b"\0"[..], &bytes].concat()).chain(answers).collect()
}

pub(crate) fn chunked_bodies() -> Vec<Vec<u8>> {
    let body = |bytes: Vec<u8>| {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let (head, body) = bytes.split_at(end);
        let chunked = head.to_ascii_lowercase().windows(7).any(|word| word == b"chunked");
        chunked.then(|| [[&CUTS, &b"\0"[..], body].concat(), [&CUTS, &b"\x01"[..], body].concat()])
    };
    corpus().filter_map(body).flatten().collect()
}

pub(crate) fn frames() -> Vec<Vec<u8>> {
    let key = Some([0x37, 0xfa, 0x21, 0x3d]);
    let from_client = [
        [ping(b"a", key), close(CloseCode::NORMAL, "bye", key)].concat(),
        // RFC 6455 section 5.7.
        b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58".to_vec(),
    ];
    let from_application = [
        [pong(b"", None), close(CloseCode::TOO_BIG, "too big", None)].concat(),
        b"\x81\x05Hello".to_vec(),
        b"\x01\x03Hel\x89\x00\x80\x02lo".to_vec(),
        b"\x01\x02\xe6\xbc\x80\x01\xa2".to_vec(),
        [&b"\x82\x7e\x01\x00"[..], &[7; 256]].concat(),
    ];
    let client = from_client.into_iter().map(|stream| [&CUTS, &b"\0"[..], &stream].concat());
    let application = from_application.into_iter().map(|stream| [&CUTS, &b"\x01"[..], &stream].concat());
    client.chain(application).collect()
}

pub(crate) fn proxy_headers() -> Vec<Vec<u8>> {
    const BINARY: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
    let headers = [
        b"PROXY TCP4 192.0.2.1 198.51.100.7 8080 443\r\nGET / HTTP/1.1\r\n".to_vec(),
        b"PROXY TCP6 2001:db8::1 ::ffff:192.0.2.1 1 65535\r\n".to_vec(),
        b"PROXY UNKNOWN whatever it is\r\n".to_vec(),
        [BINARY, b"\x21\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x07\x1f\x90\x01\xbb"].concat(),
        [BINARY, b"\x21\x11\0\x11\xc0\0\x02\x01\xc6\x33\x64\x07\x1f\x90\x01\xbb\x01\0\x02h2GET"].concat(),
        [BINARY, b"\x21\x21\0\x24", &[1; 36]].concat(),
        [BINARY, b"\x21\x31\0\xd8", &[0; 216]].concat(),
        [BINARY, b"\x20\0\0\0"].concat(),
    ];
    let of_parts = [&CUTS, &b"\x01\x40"[..], &[0; 60]].concat();
    headers.into_iter().map(|header| [&CUTS, &b"\0"[..], &header].concat()).chain([of_parts]).collect()
}

pub(crate) fn paths() -> Vec<Vec<u8>> {
    let path = |bytes: Vec<u8>| {
        let target = bytes.split(|byte| b" \r\n".contains(byte)).nth(1)?;
        target.split(|&byte| byte == b'?').next().map(<[u8]>::to_vec)
    };
    let spelled = ["/a%2fb", "/%2e%2E/b", "/.%2e;x=1/b", "/caf%c3%a9%20x", "/a\\b", "/a//b", "/%252e/%00"];
    let paths = corpus().filter_map(path).chain(spelled.map(|path| path.as_bytes().to_vec()));
    paths.flat_map(|path| [[b"\0", &path[..]].concat(), [b"\x01", &path[..]].concat()]).collect()
}

/// All that such a target begins with are files.
pub(crate) const fn none() -> Vec<Vec<u8>> {
    Vec::new()
}

pub(crate) fn payloads() -> Vec<Vec<u8>> {
    let attacks = [
        include_str!("../../seawall-guards/tests/data/payload_filter/attacks/sql.txt"),
        include_str!("../../seawall-guards/tests/data/payload_filter/attacks/xss.txt"),
        include_str!("../../seawall-guards/tests/data/payload_filter/attacks/path.txt"),
        include_str!("../../seawall-guards/tests/data/payload_filter/attacks/command.txt"),
    ];
    attacks.into_iter().flat_map(str::lines).map(|line| line.as_bytes().to_vec()).collect()
}

fn corpus() -> impl Iterator<Item = Vec<u8>> {
    cases::cases().into_iter().map(|case| case.bytes).filter(|bytes| bytes.len() <= LONGEST)
}

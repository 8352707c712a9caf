//! Target: heads, of requests and of answers.
//!
//! Input: four bytes that say how the bytes are cut, one that says whose they are and whether they are taken as they come or
//! put together of fields.

use arbitrary::{Arbitrary, Unstructured};
use seawall_core::http::framing::ResponseTo;

use crate::{framing, pieces::Cuts, verdict::Side};

/// Bits of the fifth byte.
const ANSWER: u8 = 1;
const OF_FIELDS: u8 = 2;
const TO_HEAD: u8 = 4;

/// Panics when something does not hold for the bytes.
pub fn check(input: &[u8]) {
    let Some((cuts, [kind, rest @ ..])) = Cuts::take(input) else { return };
    let to = if kind & TO_HEAD == 0 { ResponseTo::Other } else { ResponseTo::Head };
    let side = if kind & ANSWER == 0 { Side::Requests } else { Side::Answer(to) };
    if kind & OF_FIELDS == 0 {
        framing::check(side, rest, cuts);
        return;
    }
    // Too few bytes to put a head together are of no interest.
    if let Ok(head) = Head::arbitrary_take_rest(Unstructured::new(rest)) {
        framing::check(side, &head.bytes(side), cuts);
    }
}

/// A head in which most things are right.
#[derive(Debug, Arbitrary)]
struct Head<'a> {
    old_version: bool,
    status: Option<u16>,
    fields: Vec<Field<'a>>,
    body: &'a [u8],
}

#[derive(Debug, Arbitrary)]
struct Field<'a> {
    name: Name<'a>,
    colon: Colon,
    value: Value<'a>,
    end: End,
}

#[derive(Debug, Arbitrary)]
enum Name<'a> {
    Host,
    ContentLength,
    TransferEncoding,
    Connection,
    Upgrade,
    Expect,
    Other(&'a [u8]),
}

#[derive(Debug, Arbitrary)]
enum Colon {
    Plain,
    Spaced,
    Tab,
    Before,
    Missing,
}

#[derive(Debug, Arbitrary)]
enum Value<'a> {
    Host,
    Number(u8),
    Signed(i64),
    Chunked,
    Codings(&'a [u8]),
    Close,
    Continue,
    Other(&'a [u8]),
}

#[derive(Debug, Arbitrary)]
enum End {
    Both,
    Space,
    LineFeed,
    CarriageReturn,
    Folded,
}

impl Head<'_> {
    fn bytes(&self, side: Side) -> Vec<u8> {
        let version = if self.old_version { "HTTP/1.0" } else { "HTTP/1.1" };
        let start = match side {
            Side::Requests => format!("POST / {version}\r\nHost: a\r\n"),
            Side::Answer(_) => format!("{version} {} OK\r\n", self.status.map_or(200, |status| status % 1_000)),
        };
        let fields = self.fields.iter().flat_map(Field::bytes).collect::<Vec<_>>();
        [start.as_bytes(), &fields, b"\r\n", self.body].concat()
    }
}

impl Field<'_> {
    fn bytes(&self) -> Vec<u8> {
        let name: &[u8] = match self.name {
            Name::Host => b"hOst",
            Name::ContentLength => b"Content-Length",
            Name::TransferEncoding => b"Transfer-Encoding",
            Name::Connection => b"Connection",
            Name::Upgrade => b"Upgrade",
            Name::Expect => b"Expect",
            Name::Other(name) => name,
        };
        let colon: &[u8] = match self.colon {
            Colon::Plain => b":",
            Colon::Spaced => b": ",
            Colon::Tab => b":\t",
            Colon::Before => b" :",
            Colon::Missing => b"",
        };
        let end: &[u8] = match self.end {
            End::Both => b"\r\n",
            End::Space => b" \r\n",
            End::LineFeed => b"\n",
            End::CarriageReturn => b"\r",
            End::Folded => b"\r\n ",
        };
        [name, colon, &self.value.bytes(), end].concat()
    }
}

impl Value<'_> {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Host => b"a.example:80".to_vec(),
            Self::Number(number) => number.to_string().into_bytes(),
            Self::Signed(number) => number.to_string().into_bytes(),
            Self::Chunked => b"chunked".to_vec(),
            Self::Codings(other) => [other, &b", chunked"[..]].concat(),
            Self::Close => b"close".to_vec(),
            Self::Continue => b"100-continue".to_vec(),
            Self::Other(value) => value.to_vec(),
        }
    }
}

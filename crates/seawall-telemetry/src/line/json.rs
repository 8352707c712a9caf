//! The fields of a JSON line. Names are ours and need no escaping; values come from anywhere.

use std::{io::Write, net::IpAddr};

use tracing::Level;

use super::{escape::capped, stamp::Stamp};

/// Appends `,"name":`. Always inlined: the length of a name is then known, and it is copied by a few moves.
#[inline(always)]
pub(crate) fn key(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

/// Appends `,"name":"value"`, at most `most` bytes of it.
#[inline(always)]
pub(crate) fn text_field(out: &mut Vec<u8>, name: &str, value: &[u8], most: usize) {
    key(out, name);
    out.push(b'"');
    capped(out, value, most);
    out.push(b'"');
}

/// Appends `,"name":12`.
#[inline(always)]
pub(crate) fn number_field(out: &mut Vec<u8>, name: &str, value: u64) {
    key(out, name);
    number(out, value);
}

/// Appends a number.
pub(crate) fn number(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends microseconds as milliseconds: `12.345`.
pub(crate) fn milliseconds(out: &mut Vec<u8>, us: u64) {
    number(out, us / 1_000);
    out.push(b'.');
    digits::<3>(out, us % 1_000);
}

/// Appends an address, without quotes. One of the fourth version, which most are, needs no formatting machinery.
pub(crate) fn address(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(address) => {
            let [first, rest @ ..] = address.octets();
            number(out, first.into());
            for octet in rest {
                out.push(b'.');
                number(out, octet.into());
            }
        }
        IpAddr::V6(address) => {
            // Writing to a vector does not fail.
            let _ = write!(out, "{address}");
        }
    }
}

/// Appends the last digits of a number, as many as `WIDTH`.
pub(super) fn digits<const WIDTH: usize>(out: &mut Vec<u8>, value: u64) {
    let mut text = [b'0'; WIDTH];
    let mut rest = value;
    for digit in text.iter_mut().rev() {
        *digit += u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
    }
    out.extend_from_slice(&text);
}

/// The fields that every line begins with: `{"time":"…","level":"info","msg":"…","service":"seawall"`.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    /// `,"service":"seawall"`
    service: Vec<u8>,
}

/// The most bytes of a message.
pub(crate) const LONGEST_MESSAGE: usize = 8_192;

/// The most bytes of the service's name.
const LONGEST_SERVICE: usize = 64;

impl Head {
    pub(crate) fn new(service: &str) -> Self {
        let mut field = Vec::new();
        text_field(&mut field, "service", service.as_bytes(), LONGEST_SERVICE);
        Self { service: field }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>, stamp: &mut Stamp, unix_us: u64, level: Level, message: &[u8]) {
        out.extend_from_slice(b"{\"time\":\"");
        stamp.write(out, unix_us);
        out.extend_from_slice(b"\",\"level\":\"");
        out.extend_from_slice(word(level));
        out.push(b'"');
        text_field(out, "msg", message, LONGEST_MESSAGE);
        out.extend_from_slice(&self.service);
    }
}

const fn word(level: Level) -> &'static [u8] {
    match level {
        Level::ERROR => b"error",
        Level::WARN => b"warn",
        Level::INFO => b"info",
        Level::DEBUG => b"debug",
        Level::TRACE => b"trace",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_times_are_written_as_they_are_displayed() {
        for text in ["0.0.0.0", "127.0.0.1", "203.0.113.255", "::1", "2001:db8::ff00:1"] {
            let mut out = Vec::new();
            address(&mut out, text.parse().unwrap());
            assert_eq!(out, text.as_bytes());
        }
        for (us, expected) in [(0, "0.000"), (999, "0.999"), (12_345, "12.345"), (1_000_000, "1000.000")] {
            let mut out = Vec::new();
            milliseconds(&mut out, us);
            assert_eq!(out, expected.as_bytes());
        }
    }
}

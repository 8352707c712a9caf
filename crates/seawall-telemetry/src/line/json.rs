//! The fields of a JSON line. Names are ours and need no escaping; values come from anywhere.

use tracing::Level;

use super::{escape::capped, stamp::Stamp};

/// Appends `,"name":`.
pub(crate) fn key(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

/// Appends `,"name":"value"`, at most `most` bytes of it.
pub(crate) fn text_field(out: &mut Vec<u8>, name: &str, value: &[u8], most: usize) {
    key(out, name);
    out.push(b'"');
    capped(out, value, most);
    out.push(b'"');
}

/// Appends `,"name":12`.
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
    digits(out, us % 1_000, 3);
}

/// Appends the last `width` digits of a number.
pub(super) fn digits(out: &mut Vec<u8>, value: u64, width: u32) {
    for place in (0..width).rev() {
        let digit = value / 10_u64.pow(place) % 10;
        out.push(b'0' + u8::try_from(digit).unwrap_or_default());
    }
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

//! Frames put together out of parts, so that a fuzzer need not find masks and lengths that fit.

use arbitrary::Arbitrary;
use seawall_core::websocket::Sender;

use super::plain::{self, Passed};

/// A frame in which most things are right.
#[derive(Debug, Arbitrary)]
pub(super) struct Frame<'a> {
    opcode: Opcode,
    more: bool,
    length: Length,
    key: [u8; 4],
    payload: &'a [u8],
}

#[derive(Debug, Arbitrary)]
enum Opcode {
    Continuation,
    Text,
    Binary,
    Close(Option<u16>),
    Ping,
    Pong,
    Other(u8),
}

/// How the length is written.
#[derive(Debug, Arbitrary)]
enum Length {
    Shortest,
    TwoBytes,
    EightBytes,
    OneMore,
    Other(u64),
}

impl Frame<'_> {
    pub(super) fn bytes(&self, sender: Sender) -> Vec<u8> {
        let (opcode, code) = match self.opcode {
            Opcode::Continuation => (0, None),
            Opcode::Text => (1, None),
            Opcode::Binary => (2, None),
            Opcode::Close(code) => (8, code),
            Opcode::Ping => (9, None),
            Opcode::Pong => (10, None),
            Opcode::Other(bits) => (bits & 127, None),
        };
        let payload = [code.map(u16::to_be_bytes).as_ref().map_or(&[][..], |code| code), self.payload].concat();
        let key = if sender == Sender::Client { self.key } else { [0; 4] };
        let length = payload.len() as u64;
        let stated = match self.length {
            Length::OneMore => length + 1,
            Length::Other(other) => other,
            _ => length,
        };
        let mut bytes = plain::write(&Passed { last: !self.more, opcode, key, length: stated, payload }, sender);
        let extra: &[u8] = match self.length {
            Length::TwoBytes => &[0, 0],
            Length::EightBytes => &[0; 8],
            _ => &[],
        };
        if length < 126 && !extra.is_empty() {
            let masked = bytes[1] & 128;
            let mut long = extra.to_vec();
            *long.last_mut().unwrap() = bytes[1] & 127;
            bytes[1] = masked | if extra.len() == 2 { 126 } else { 127 };
            bytes.splice(2..2, long);
        }
        bytes
    }
}

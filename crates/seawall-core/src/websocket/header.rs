//! A frame's header (RFC 6455 section 5.2): what its own bits say, whatever came before it.

use super::{CONTROL_BYTES, Sender, Violation};

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Opcode {
    fn parse(bits: u8) -> Result<Self, Violation> {
        match bits {
            0x0 => Ok(Self::Continuation),
            0x1 => Ok(Self::Text),
            0x2 => Ok(Self::Binary),
            0x8 => Ok(Self::Close),
            0x9 => Ok(Self::Ping),
            0xa => Ok(Self::Pong),
            _ => Err(Violation::ReservedOpcode),
        }
    }

    /// The four bits in the header.
    pub(super) const fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0x0,
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xa,
        }
    }

    const fn controls(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// A header that keeps every rule that can be told from it alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) opcode: Opcode,
    /// Whether the frame ends its message.
    pub(super) last: bool,
    /// The masking key; zeros when the frame is not masked.
    pub(super) key: [u8; 4],
    /// How long the header is.
    pub(super) header_bytes: usize,
    /// How long the payload is.
    pub(super) payload_bytes: u64,
}

impl Header {
    /// The header at the start of `input`. Nothing when it is not whole; its faults show with the first byte that has them.
    pub(super) fn read(input: &[u8], sender: Sender) -> Result<Option<Self>, Violation> {
        let Some((&first, rest)) = input.split_first() else { return Ok(None) };
        let last = first & 0x80 != 0;
        if first & 0x70 != 0 {
            return Err(Violation::ReservedBits);
        }
        let opcode = Opcode::parse(first & 0x0f)?;
        if opcode.controls() && !last {
            return Err(Violation::ControlFragmented);
        }
        let Some((&second, rest)) = rest.split_first() else { return Ok(None) };
        match (sender, second & 0x80 != 0) {
            (Sender::Client, false) => return Err(Violation::Unmasked),
            (Sender::Application, true) => return Err(Violation::Masked),
            (Sender::Client, true) | (Sender::Application, false) => {}
        }
        let length = second & 0x7f;
        if opcode.controls() && usize::from(length) > CONTROL_BYTES {
            return Err(Violation::ControlTooLong);
        }
        let Some((payload_bytes, rest)) = read_length(length, rest)? else { return Ok(None) };
        let Some((key, rest)) = read_key(sender, rest) else { return Ok(None) };
        Ok(Some(Self { opcode, last, key, header_bytes: input.len() - rest.len(), payload_bytes }))
    }
}

/// The payload's length, and what stands after it.
fn read_length(length: u8, rest: &[u8]) -> Result<Option<(u64, &[u8])>, Violation> {
    let (bytes, shortest, rest) = match length {
        126 => {
            let Some((bytes, rest)) = rest.split_first_chunk() else { return Ok(None) };
            (u64::from(u16::from_be_bytes(*bytes)), 126, rest)
        }
        127 => {
            let Some((bytes, rest)) = rest.split_first_chunk() else { return Ok(None) };
            (u64::from_be_bytes(*bytes), 0x1_0000, rest)
        }
        short => (u64::from(short), 0, rest),
    };
    if bytes >> 63 != 0 {
        return Err(Violation::LengthOverflow);
    }
    if bytes < shortest {
        return Err(Violation::LengthNotShortest);
    }
    Ok(Some((bytes, rest)))
}

/// The masking key, and what stands after it.
fn read_key(sender: Sender, rest: &[u8]) -> Option<([u8; 4], &[u8])> {
    match sender {
        Sender::Client => rest.split_first_chunk().map(|(key, rest)| (*key, rest)),
        Sender::Application => Some(([0; 4], rest)),
    }
}

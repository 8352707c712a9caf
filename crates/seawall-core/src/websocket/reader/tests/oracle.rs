//! A reader of whole streams, written from RFC 6455 alone: slow, simple, and of another shape than the one it judges.

use super::*;

/// What a stream is worth.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// The code that the connection must be closed with.
    pub(super) refused: Option<u16>,
    /// The bytes that may be passed on: up to the first that breaks a rule.
    pub(super) good: usize,
    /// The bytes that must be passed on: all but a frame's start that tells nothing yet.
    pub(super) due: usize,
}

/// One frame as it lies in the stream: its payload without the mask, as much of it as there is.
struct Frame {
    last: bool,
    opcode: u8,
    length: u128,
    payload_at: usize,
    payload: Vec<u8>,
}

impl Frame {
    /// Reads the bytes from `at` on; otherwise whether they are refused, and not just too few.
    fn read(stream: &[u8], at: usize, sender: Sender) -> Result<Self, bool> {
        let byte = |offset: usize| stream.get(at + offset).copied().ok_or(false);
        let first = byte(0)?;
        let (last, opcode) = (first >= 0x80, first % 16);
        let control = opcode >= 8;
        if (first / 16) % 8 != 0 || ![0, 1, 2, 8, 9, 10].contains(&opcode) || (control && !last) {
            return Err(true);
        }
        let second = byte(1)?;
        if (second >= 0x80) != (sender == Sender::Client) || (control && second % 128 > 125) {
            return Err(true);
        }
        let (extra, mut length) = match second % 128 {
            126 => (2, 0),
            127 => (8, 0),
            short => (0, u128::from(short)),
        };
        for offset in 2..2 + extra {
            length = length * 256 + u128::from(byte(offset)?);
        }
        if length >= 1 << 63 || (extra == 2 && length < 126) || (extra == 8 && length < 65_536) {
            return Err(true);
        }
        let key_at = at + 2 + extra;
        let payload_at = if sender == Sender::Client { key_at + 4 } else { key_at };
        let payload = stream.get(payload_at..).ok_or(false)?;
        let key = if sender == Sender::Client { &stream[key_at..payload_at] } else { &[0; 4] };
        let masked = payload.iter().take(usize::try_from(length).unwrap_or(usize::MAX));
        let payload = masked.zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        Ok(Self { last, opcode, length, payload_at, payload })
    }

    fn whole(&self) -> bool {
        self.payload.len() as u128 == self.length
    }

    fn end(&self) -> usize {
        self.payload_at + self.payload.len()
    }
}

/// Whether a Close frame's payload is refused, and with which code.
fn refuse_close(payload: &[u8]) -> Option<u16> {
    match payload {
        [] => None,
        [_] => Some(1002),
        [high, low, reason @ ..] => match u16::from(*high) * 256 + u16::from(*low) {
            ..=999 | 1004..=1006 | 1015..=2999 | 5000.. => Some(1002),
            _ => String::from_utf8(reason.to_vec()).is_err().then_some(1007),
        },
    }
}

/// Where in a frame's payload a text stops being one that could still become UTF-8.
fn bad_byte(before: &[u8], frame: &Frame) -> Option<usize> {
    let mut text = before.to_vec();
    let ends = frame.last && frame.whole();
    if ends && frame.payload.is_empty() && std::str::from_utf8(&text).is_err() {
        return Some(0);
    }
    frame.payload.iter().enumerate().position(|(place, byte)| {
        text.push(*byte);
        let complete = ends && place + 1 == frame.payload.len();
        std::str::from_utf8(&text).is_err_and(|error| complete || error.error_len().is_some())
    })
}

/// Judges a stream.
pub(super) fn judge(stream: &[u8], sender: Sender, limits: Limits) -> Verdict {
    let mut at = 0;
    // Whether it is a text, its payload, its length, its frames.
    let mut message: Option<(bool, Vec<u8>, u128, u32)> = None;
    loop {
        let verdict = |refused| Verdict { refused, good: at, due: at };
        let frame = match Frame::read(stream, at, sender) {
            Ok(frame) => frame,
            Err(refused) => return verdict(refused.then_some(1002)),
        };
        let end = frame.end();
        if frame.opcode >= 8 {
            if !frame.whole() {
                return verdict(None);
            }
            if frame.opcode == 8 {
                let refused = refuse_close(&frame.payload);
                return if refused.is_some() { verdict(refused) } else { Verdict { refused, good: end, due: end } };
            }
            at = end;
            continue;
        }
        if (frame.opcode == 0) != message.is_some() {
            return verdict(Some(1002));
        }
        let (text, mut before, length, frames) = message.take().unwrap_or((frame.opcode == 1, Vec::new(), 0, 0));
        if length + frame.length > u128::from(limits.message_bytes) || frames == limits.frames_per_message {
            return verdict(Some(1009));
        }
        if let Some(place) = bad_byte(&before, &frame).filter(|_| text) {
            // The header is passed on with the first byte of the payload, so not when that is the bad one.
            let good = if place == 0 { at } else { frame.payload_at + place };
            return Verdict { refused: Some(1007), good, due: at };
        }
        if !frame.whole() {
            let passed = if frame.payload.is_empty() { at } else { end };
            return Verdict { refused: None, good: passed, due: passed };
        }
        before.extend(frame.payload);
        message = (!frame.last).then_some((text, before, length + frame.length, frames + 1));
        at = end;
    }
}

//! Target: streams of WebSocket frames, from clients and from applications.
//!
//! Input: four bytes that say how the bytes are cut, one that says who sends them, how much a message may hold, and whether the
//! bytes are taken as they come or put together of frames.

mod library;
mod made;
mod plain;

use arbitrary::{Arbitrary, Unstructured};
use bytes::BytesMut;
use seawall_core::websocket::{CloseCode, ControlKind, FrameReader, Limits, Piece, Sender, Violation};

use crate::pieces::Cuts;
use made::Frame;
use plain::Message;

/// Bits of the fifth byte.
const FROM_APPLICATION: u8 = 1;
const TIGHT: u8 = 2;
const OF_FRAMES: u8 = 4;

/// Panics when something does not hold for the stream.
pub fn check(input: &[u8]) {
    let Some((cuts, [kind, rest @ ..])) = Cuts::take(input) else { return };
    let sender = if kind & FROM_APPLICATION == 0 { Sender::Client } else { Sender::Application };
    let tight = Limits { message_bytes: 24, frames_per_message: 3 };
    let limits = if kind & TIGHT == 0 { Limits::default() } else { tight };
    if kind & OF_FRAMES == 0 {
        return holds(sender, limits, rest, cuts);
    }
    // Too few bytes to put a frame together are of no interest.
    if let Ok(frames) = Vec::<Frame<'_>>::arbitrary_take_rest(Unstructured::new(rest)) {
        let stream: Vec<u8> = frames.iter().flat_map(|frame| frame.bytes(sender)).collect();
        holds(sender, limits, &stream, cuts);
    }
}

fn holds(sender: Sender, limits: Limits, stream: &[u8], cuts: Cuts) {
    let slow = read(sender, limits, stream.chunks(1));
    let text = || format!("{slow:?} from {sender:?}: {}", stream.escape_ascii());
    assert!(stream.starts_with(&slow.wire), "bytes are passed on as they came, {}", text());
    for other in [read(sender, limits, std::iter::once(stream)), read(sender, limits, cuts.pieces(stream))] {
        assert_eq!((other.violation, other.closed), (slow.violation, slow.closed), "{other:?}, {}", text());
        // A byte that breaks a rule takes with it those that came in the same piece.
        assert!(slow.wire.starts_with(&other.wire), "{other:?}, {}", text());
        assert!(
            other.violation.is_some() || (other.wire == slow.wire && other.controls == slow.controls),
            "{}",
            text()
        );
    }
    let frames = plain::frames(&slow.wire, sender);
    let written: Vec<u8> = frames.iter().flat_map(|frame| plain::write(frame, sender)).collect();
    assert!(written.starts_with(&slow.wire), "{frames:?}, {}", text());

    let messages = plain::messages(&frames);
    assert_eq!(library::messages(&slow.wire, sender), library::known(&messages), "{}", text());
    let controls: Vec<_> = messages.into_iter().filter(|message| message.opcode >= 8).collect();
    assert_eq!(controls, slow.controls, "{}", text());
}

/// What the reader made of a stream.
#[derive(Debug)]
struct Outcome {
    violation: Option<Violation>,
    closed: bool,
    /// All that was passed on.
    wire: Vec<u8>,
    /// The control frames.
    controls: Vec<Message>,
}

fn read<'a>(sender: Sender, limits: Limits, pieces: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let mut reader = FrameReader::new(sender, limits);
    let mut outcome = Outcome { violation: None, closed: false, wire: Vec::new(), controls: Vec::new() };
    let mut input = BytesMut::new();
    // How many bytes and frames the message that is being read has.
    let mut message: Option<u64> = None;
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            match reader.next(&mut input) {
                Ok(None) => break,
                Ok(Some(Piece::Data { wire, starts_message, ends_message, payload_bytes })) => {
                    assert_eq!(starts_message, message.is_none(), "a message starts where none is open");
                    let length = message.unwrap_or_default() + payload_bytes;
                    assert!(length <= limits.message_bytes, "a message is longer than the limit");
                    message = (!ends_message).then_some(length);
                    outcome.wire.extend(&wire);
                }
                Ok(Some(Piece::Control { kind, wire, payload })) => {
                    let opcode = match kind {
                        ControlKind::Close { code } => {
                            let stated = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
                            assert_eq!(code.map(CloseCode::value), stated);
                            8
                        }
                        ControlKind::Ping => 9,
                        ControlKind::Pong => 10,
                    };
                    outcome.controls.push(Message { opcode, content: payload.to_vec() });
                    outcome.wire.extend(&wire);
                }
                Err(violation) => {
                    assert_eq!(reader.next(&mut BytesMut::from(&b"\x81\0"[..])), Err(violation), "a violation stands");
                    outcome.violation = Some(violation);
                    break;
                }
            }
        }
        if outcome.violation.is_some() {
            break;
        }
    }
    outcome.closed = reader.closed();
    outcome
}

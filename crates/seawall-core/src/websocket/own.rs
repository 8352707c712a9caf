//! Frames of our own: what a proxy puts in between the frames it passes on.
//!
//! A frame to the application goes in the client's name and is masked with a key that nobody can foresee (RFC 6455
//! section 5.3); a frame to the client is not masked.

use bytes::{BufMut, Bytes, BytesMut};

use super::header::Opcode;
use super::text::unmask;
use super::{CONTROL_BYTES, CloseCode};

/// A Ping. Bytes of the payload after the 125th are left out.
#[must_use]
pub fn ping(payload: &[u8], mask: Option<[u8; 4]>) -> Bytes {
    control(Opcode::Ping, payload, mask)
}

/// A Pong, which carries the payload of the Ping it answers.
#[must_use]
pub fn pong(payload: &[u8], mask: Option<[u8; 4]>) -> Bytes {
    control(Opcode::Pong, payload, mask)
}

/// A Close. A reason of more than 123 bytes is cut at the end of a character.
#[must_use]
pub fn close(code: CloseCode, reason: &str, mask: Option<[u8; 4]>) -> Bytes {
    let mut payload = Vec::with_capacity(CONTROL_BYTES);
    payload.put_u16(code.value());
    let end = reason.floor_char_boundary(CONTROL_BYTES - payload.len());
    payload.extend(reason.bytes().take(end));
    control(Opcode::Close, &payload, mask)
}

fn control(opcode: Opcode, payload: &[u8], mask: Option<[u8; 4]>) -> Bytes {
    let payload = payload.get(..CONTROL_BYTES).unwrap_or(payload);
    let mut frame = BytesMut::with_capacity(6 + CONTROL_BYTES);
    frame.put_u8(0x80 | opcode.bits());
    frame.put_u8(u8::try_from(payload.len()).unwrap_or_default() | if mask.is_some() { 0x80 } else { 0 });
    frame.put_slice(mask.as_ref().map_or(&[], <[u8; 4]>::as_slice));
    let mut sent = [0_u8; CONTROL_BYTES];
    unmask(payload, mask.unwrap_or_default(), &mut sent);
    frame.extend(sent.iter().take(payload.len()));
    frame.freeze()
}

#[cfg(test)]
mod tests {
    use super::super::{ControlKind, FrameReader, Limits, Piece, Sender};
    use super::*;

    /// What the strict reader makes of one of our own frames.
    fn read(frame: &Bytes, sender: Sender) -> (ControlKind, Bytes) {
        let mut input = BytesMut::from(frame.as_ref());
        match FrameReader::new(sender, Limits::default()).next(&mut input) {
            Ok(Some(Piece::Control { kind, wire, payload })) if input.is_empty() && wire == frame => (kind, payload),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn our_own_frames_are_read_by_the_strict_reader() {
        for (sender, mask) in [(Sender::Application, None), (Sender::Client, Some([0xa1, 2, 0, 0xff]))] {
            assert_eq!(read(&ping(b"12345", mask), sender), (ControlKind::Ping, Bytes::from_static(b"12345")));
            assert_eq!(read(&pong(b"", mask), sender), (ControlKind::Pong, Bytes::new()));
            assert_eq!(
                read(&close(CloseCode::TOO_BIG, "too big", mask), sender),
                (ControlKind::Close { code: Some(CloseCode::TOO_BIG) }, Bytes::from_static(b"\x03\xf1too big"))
            );
        }
    }

    #[test]
    fn examples_of_the_standard_come_out_as_printed() {
        // RFC 6455 section 5.7.
        assert_eq!(ping(b"Hello", None), b"\x89\x05Hello"[..]);
        assert_eq!(pong(b"Hello", Some([0x37, 0xfa, 0x21, 0x3d])), b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"[..]);
    }

    #[test]
    fn what_is_too_long_is_cut() {
        let (_, payload) = read(&ping(&[7; 200], None), Sender::Application);
        assert_eq!(payload, [7; 125][..]);
        let (_, payload) = read(&close(CloseCode::NORMAL, &"é".repeat(100), Some([1; 4])), Sender::Client);
        assert_eq!(payload.len(), 2 + 122, "half a character would make the reason invalid");
    }
}

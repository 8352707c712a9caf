//! Every rule by name, in both directions.

use super::*;

mod oracle;
mod streams;

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const BOTH: [Sender; 2] = [Sender::Client, Sender::Application];

/// A frame in its shortest form, as its sender must write it.
fn frame(sender: Sender, first: u8, payload: &[u8]) -> Vec<u8> {
    let length = match payload.len() {
        short @ 0..=125 => vec![u8::try_from(short).unwrap()],
        middle @ 126..=0xffff => [&[126][..], &u16::try_from(middle).unwrap().to_be_bytes()].concat(),
        long => [&[127][..], &(long as u64).to_be_bytes()].concat(),
    };
    frame_with_length(sender, first, length, payload)
}

fn frame_with_length(sender: Sender, first: u8, mut length: Vec<u8>, payload: &[u8]) -> Vec<u8> {
    match sender {
        Sender::Application => [&[first], length.as_slice(), payload].concat(),
        Sender::Client => {
            length[0] |= 0x80;
            let masked: Vec<u8> = payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
            [&[first], length.as_slice(), &KEY, &masked].concat()
        }
    }
}

/// What the reader made of a stream.
#[derive(Debug)]
struct Outcome {
    reader: FrameReader,
    pieces: Vec<Piece>,
    violation: Option<Violation>,
}

impl Outcome {
    /// The bytes passed on.
    fn wire(&self) -> Vec<u8> {
        let wires = self.pieces.iter().map(|piece| match piece {
            Piece::Data { wire, .. } | Piece::Control { wire, .. } => wire.as_ref(),
        });
        wires.collect::<Vec<_>>().concat()
    }
}

/// Reads a stream that arrives in the given parts.
fn read_parts<'a>(sender: Sender, limits: Limits, parts: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let mut outcome = Outcome { reader: FrameReader::new(sender, limits), pieces: Vec::new(), violation: None };
    let mut input = BytesMut::new();
    for part in parts {
        input.extend_from_slice(part);
        loop {
            match outcome.reader.next(&mut input) {
                Ok(None) => break,
                Ok(Some(_)) if outcome.violation.is_some() => panic!("a piece after a violation"),
                Ok(Some(piece)) => outcome.pieces.push(piece),
                Err(violation) => {
                    assert!(outcome.violation.is_none_or(|first| first == violation));
                    outcome.violation = Some(violation);
                    break;
                }
            }
        }
    }
    outcome
}

/// Reads frames that arrive at once.
fn read(sender: Sender, frames: &[Vec<u8>]) -> Outcome {
    read_parts(sender, Limits::default(), frames.iter().map(Vec::as_slice))
}

/// The frames are refused at the last one, whether they come at once or byte by byte.
fn refused(sender: Sender, frames: &[Vec<u8>], violation: Violation) {
    let before = frames[..frames.len() - 1].concat();
    let outcome = read(sender, frames);
    assert_eq!(outcome.violation, Some(violation), "{sender:?}");
    assert_eq!(outcome.wire(), before, "nothing of the bad frame is passed on");
    let slowly = read_parts(sender, Limits::default(), frames.concat().chunks(1));
    assert_eq!(slowly.violation, Some(violation), "{sender:?}");
}

/// The frames pass as they are.
fn accepted(sender: Sender, frames: &[Vec<u8>]) -> Vec<Piece> {
    let slowly = read_parts(sender, Limits::default(), frames.concat().chunks(1));
    assert_eq!((slowly.violation, slowly.wire()), (None, frames.concat()), "{sender:?}");
    let outcome = read(sender, frames);
    assert_eq!((outcome.violation, outcome.wire()), (None, frames.concat()), "{sender:?}");
    assert!(outcome.reader.between_frames());
    outcome.pieces
}

#[test]
fn a_client_masks_and_an_application_does_not() {
    refused(Sender::Client, &[frame(Sender::Application, 0x81, b"x")], Violation::Unmasked);
    refused(Sender::Client, &[frame(Sender::Application, 0x89, b"")], Violation::Unmasked);
    refused(Sender::Application, &[frame(Sender::Client, 0x81, b"x")], Violation::Masked);
    refused(Sender::Application, &[frame(Sender::Client, 0x89, b"")], Violation::Masked);
}

#[test]
fn reserved_bits_are_refused() {
    for sender in BOTH {
        for first in [0xc1, 0xa2, 0x91, 0x41, 0xc9, 0xf8] {
            refused(sender, &[frame(sender, 0x82, b"a"), frame(sender, first, b"x")], Violation::ReservedBits);
        }
    }
}

#[test]
fn reserved_opcodes_are_refused() {
    for sender in BOTH {
        for opcode in (0x3..=0x7).chain(0xb..=0xf) {
            refused(sender, &[frame(sender, 0x80 | opcode, b"")], Violation::ReservedOpcode);
        }
    }
}

#[test]
fn control_frames_are_whole_and_short() {
    for sender in BOTH {
        for opcode in 0x8..=0xa {
            refused(sender, &[frame(sender, opcode, b"")], Violation::ControlFragmented);
            refused(sender, &[frame(sender, 0x80 | opcode, &[0; 126])], Violation::ControlTooLong);
        }
        let longest = frame(sender, 0x89, &[7; 125]);
        let expect = Piece::Control {
            kind: ControlKind::Ping,
            wire: Bytes::from(longest.clone()),
            payload: Bytes::from_static(&[7; 125]),
        };
        assert_eq!(accepted(sender, &[longest]), [expect]);
    }
}

#[test]
fn a_message_may_come_in_fragments_with_control_frames_between() {
    for sender in BOTH {
        let frames = [
            frame(sender, 0x01, "hé".as_bytes()),
            frame(sender, 0x89, b"ping"),
            frame(sender, 0x00, b""),
            frame(sender, 0x8a, b""),
            frame(sender, 0x80, b"llo"),
            frame(sender, 0x82, b"\xff\xff"),
        ];
        let expect = [(true, false, 3), (false, false, 0), (false, true, 3), (true, true, 2)];
        let pieces = accepted(sender, &frames);
        let data = pieces.iter().filter_map(|piece| match piece {
            Piece::Data { starts_message, ends_message, payload_bytes, .. } => {
                Some((*starts_message, *ends_message, *payload_bytes))
            }
            Piece::Control { .. } => None,
        });
        assert_eq!(data.collect::<Vec<_>>(), expect);
    }
}

#[test]
fn fragments_come_in_order() {
    for sender in BOTH {
        refused(sender, &[frame(sender, 0x80, b"x")], Violation::NothingToContinue);
        refused(sender, &[frame(sender, 0x82, b"x"), frame(sender, 0x00, b"x")], Violation::NothingToContinue);
        for first in [0x01, 0x82] {
            refused(
                sender,
                &[frame(sender, 0x02, b"x"), frame(sender, 0x89, b""), frame(sender, first, b"x")],
                Violation::MessageInsideMessage,
            );
        }
    }
}

#[test]
fn a_length_is_written_in_its_shortest_form() {
    for sender in BOTH {
        for length in [vec![126, 0, 0], vec![126, 0, 125], vec![127, 0, 0, 0, 0, 0, 0, 0xff, 0xff], vec![127; 9]] {
            let violation = match length[..] {
                [127, 127, ..] => Violation::MessageTooBig,
                _ => Violation::LengthNotShortest,
            };
            refused(sender, &[frame_with_length(sender, 0x82, length, b"")], violation);
        }
        let top_bit = vec![127, 0x80, 0, 0, 0, 0, 0, 0, 1];
        refused(sender, &[frame_with_length(sender, 0x82, top_bit, b"")], Violation::LengthOverflow);
        for length in [0, 125, 126, 127, 0xffff, 0x1_0000] {
            accepted(sender, &[frame(sender, 0x82, &vec![1; length])]);
        }
    }
}

#[test]
fn a_message_that_is_too_big_is_refused_at_its_header() {
    let limits = Limits { message_bytes: 10, frames_per_message: 4 };
    for sender in BOTH {
        let good = [frame(sender, 0x02, b"12345"), frame(sender, 0x80, b"67890"), frame(sender, 0x82, b"1234567890")];
        assert_eq!(read_parts(sender, limits, good.iter().map(Vec::as_slice)).wire(), good.concat());
        let start = frame(sender, 0x02, b"12345");
        let next = frame(sender, 0x80, b"678901");
        let header = &next[..next.len() - 6];
        let outcome = read_parts(sender, limits, [start.as_slice(), header]);
        assert_eq!(outcome.violation, Some(Violation::MessageTooBig));
        assert_eq!(outcome.wire(), start);
        let huge = frame_with_length(sender, 0x82, vec![127, 0x7f, 255, 255, 255, 255, 255, 255, 255], b"");
        refused(sender, &[frame(sender, 0x02, b"x"), huge.clone()], Violation::MessageInsideMessage);
        refused(sender, &[huge], Violation::MessageTooBig);
    }
}

#[test]
fn a_message_of_endless_empty_frames_is_refused() {
    let limits = Limits { message_bytes: 10, frames_per_message: 4 };
    for sender in BOTH {
        let frames = [&[frame(sender, 0x01, b"")][..], &vec![frame(sender, 0x00, b""); 4]].concat();
        let outcome = read_parts(sender, limits, frames.iter().map(Vec::as_slice));
        assert_eq!(outcome.violation, Some(Violation::TooManyFrames));
        assert_eq!(outcome.wire(), frames[..4].concat());
    }
}

#[test]
fn a_character_may_be_cut_between_frames_but_not_left_half() {
    for sender in BOTH {
        accepted(
            sender,
            &[
                frame(sender, 0x01, b"\xf0\x9f"),
                frame(sender, 0x89, b"\xff"),
                frame(sender, 0x00, b"\x98"),
                frame(sender, 0x80, b"\x80"),
                frame(sender, 0x81, b"a"),
            ],
        );
        refused(sender, &[frame(sender, 0x81, b"a\xf0\x9f")], Violation::TextNotUtf8);
        refused(sender, &[frame(sender, 0x01, b"\xe6\xbc"), frame(sender, 0x80, b"")], Violation::TextNotUtf8);
        refused(sender, &[frame(sender, 0x01, b"\xe6\xbc"), frame(sender, 0x80, b"a")], Violation::TextNotUtf8);
    }
}

#[test]
fn a_fault_in_a_text_is_found_before_the_frame_is_whole() {
    for sender in BOTH {
        let text = frame(sender, 0x81, b"good \xed\xa0\x80 and more");
        let outcome = read_parts(sender, Limits::default(), text.chunks(1));
        assert_eq!(outcome.violation, Some(Violation::TextNotUtf8));
        assert_eq!(outcome.wire(), text[..text.len() - 11], "half a character was passed on, its faulty rest was not");
    }
}

#[test]
fn a_close_frame_holds_nothing_or_a_code_and_a_reason() {
    for sender in BOTH {
        refused(sender, &[frame(sender, 0x88, b"\x03")], Violation::CloseTooShort);
        refused(sender, &[frame(sender, 0x88, b"\x03\xe8ab\xff")], Violation::CloseReasonNotUtf8);
        refused(sender, &[frame(sender, 0x88, b"\x03\xe8\xc3")], Violation::CloseReasonNotUtf8);
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, u16::MAX] {
            refused(sender, &[frame(sender, 0x88, &u16::to_be_bytes(code))], Violation::CloseCodeInvalid);
        }
        for (payload, code) in [(&b""[..], None), (b"\x03\xe9", Some(1001)), (b"\x0f\xa0bye \xc3\xa9", Some(4000))] {
            let close = frame(sender, 0x88, payload);
            let kind = ControlKind::Close { code: code.and_then(CloseCode::parse) };
            let wire = Bytes::from(close.clone());
            assert_eq!(
                accepted(sender, &[close]),
                [Piece::Control { kind, wire, payload: Bytes::copy_from_slice(payload) }]
            );
        }
    }
}

#[test]
fn nothing_passes_after_a_close_frame() {
    for sender in BOTH {
        let before = [frame(sender, 0x01, b"half a message"), frame(sender, 0x88, b"\x03\xe8")];
        for after in [frame(sender, 0x80, b"x"), frame(sender, 0x89, b""), frame(sender, 0x88, b""), vec![0xff; 9]] {
            let outcome = read(sender, &[&before[..], &[after]].concat());
            assert!(outcome.reader.closed());
            assert_eq!((outcome.violation, outcome.wire()), (None, before.concat()));
        }
    }
}

#[test]
fn a_frame_of_our_own_fits_only_between_frames() {
    let sender = Sender::Client;
    let text = frame(sender, 0x01, b"abc");
    let (header, payload) = text.split_at(6);
    for (parts, between) in [
        (vec![], true),
        (vec![header], true),
        (vec![header, &payload[..1]], false),
        (vec![header, payload], true),
        (vec![&text, &[0x89]], true),
    ] {
        let outcome = read_parts(sender, Limits::default(), parts.iter().copied());
        assert_eq!(outcome.reader.between_frames(), between, "{parts:?}");
        assert_eq!(outcome.wire().is_empty(), parts.len() < 2, "a header waits for its payload");
    }
}

#[test]
fn a_violation_ends_the_stream() {
    for sender in BOTH {
        let mut reader = FrameReader::new(sender, Limits::default());
        let mut input = BytesMut::from(frame(sender, 0x83, b"").as_slice());
        assert_eq!(reader.next(&mut input), Err(Violation::ReservedOpcode));
        let mut good = BytesMut::from(frame(sender, 0x81, b"good").as_slice());
        assert_eq!(reader.next(&mut good), Err(Violation::ReservedOpcode), "whatever comes later");
    }
}

#[test]
fn a_payload_is_passed_on_without_a_copy() {
    let mut input = BytesMut::from(frame(Sender::Client, 0x81, &[b'x'; 10_000]).as_slice());
    let start = input.as_ptr();
    match FrameReader::new(Sender::Client, Limits::default()).next(&mut input) {
        Ok(Some(Piece::Data { wire, .. })) => assert_eq!(wire.as_ptr(), start),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_violation_names_the_code_to_close_with() {
    assert_eq!(Violation::Unmasked.close_code().value(), 1002);
    assert_eq!(Violation::TextNotUtf8.close_code().value(), 1007);
    assert_eq!(Violation::CloseReasonNotUtf8.close_code().value(), 1007);
    assert_eq!(Violation::MessageTooBig.close_code().value(), 1009);
}

//! Whole streams, cut anywhere: good ones, good ones with a fault, and noise.

use proptest::prelude::*;

use super::oracle::{Verdict, judge};
use super::*;

const LIMITS: Limits = Limits { message_bytes: 1_000, frames_per_message: 6 };

fn sender() -> impl Strategy<Value = Sender> {
    prop_oneof![Just(Sender::Client), Just(Sender::Application)]
}

/// A control frame that closes nothing: its first byte and its payload.
fn ping_or_pong() -> impl Strategy<Value = (u8, Vec<u8>)> {
    (prop_oneof![Just(0x89_u8), Just(0x8a)], prop::collection::vec(any::<u8>(), 0..=125))
}

fn close() -> impl Strategy<Value = (u8, Vec<u8>)> {
    let code = prop_oneof![1000_u16..=1003, 1007_u16..=1014, 3000_u16..=4999];
    prop_oneof![
        1 => Just((0x88, Vec::new())),
        4 => (code, ".{0,30}").prop_map(|(code, reason)| (0x88, [&code.to_be_bytes(), reason.as_bytes()].concat())),
    ]
}

/// A message in one to five fragments, cut without regard to characters, with control frames between them.
fn message() -> impl Strategy<Value = Vec<(u8, Vec<u8>)>> {
    let content = prop_oneof![
        3 => ".{0,60}".prop_map(|text| (1_u8, text.into_bytes())),
        1 => "[a-zé漢😀]{100,300}".prop_map(|text| (1_u8, text.chars().take(240).collect::<String>().into_bytes())),
        2 => prop::collection::vec(any::<u8>(), 0..300).prop_map(|bytes| (2_u8, bytes)),
    ];
    let cuts = prop::collection::vec((any::<prop::sample::Index>(), prop::option::weighted(0.3, ping_or_pong())), 0..5);
    (content, cuts).prop_map(|((opcode, content), cuts)| {
        let mut places: Vec<_> = cuts.iter().map(|(place, _)| place.index(content.len() + 1)).collect();
        places.sort_unstable();
        let mut frames = Vec::new();
        let (mut start, mut first) = (0, opcode);
        for (place, (_, between)) in places.iter().zip(cuts) {
            frames.push((first, content[start..*place].to_vec()));
            frames.extend(between);
            (start, first) = (*place, 0);
        }
        frames.push((first | 0x80, content[start..].to_vec()));
        frames
    })
}

/// A stream that keeps every rule, as its sender writes it.
fn good_stream() -> impl Strategy<Value = (Sender, Vec<u8>)> {
    let part = prop_oneof![4 => message(), 1 => ping_or_pong().prop_map(|frame| vec![frame])];
    (sender(), prop::collection::vec(part, 0..6), prop::option::weighted(0.3, close())).prop_map(
        |(sender, parts, close)| {
            let frames = parts.into_iter().flatten().chain(close);
            (sender, frames.flat_map(|(first, payload)| frame(sender, first, &payload)).collect())
        },
    )
}

/// One thing that goes wrong with a stream.
#[derive(Clone, Debug)]
enum Fault {
    Flip(prop::sample::Index, u8),
    Set(prop::sample::Index, u8),
    Insert(prop::sample::Index, u8),
    Remove(prop::sample::Index),
    Truncate(prop::sample::Index),
    Append(Vec<u8>),
}

fn fault() -> impl Strategy<Value = Fault> {
    let place = any::<prop::sample::Index>;
    prop_oneof![
        4 => (place(), 0_u32..8).prop_map(|(place, bit)| Fault::Flip(place, 1 << bit)),
        2 => (place(), any::<u8>()).prop_map(|(place, byte)| Fault::Set(place, byte)),
        1 => (place(), any::<u8>()).prop_map(|(place, byte)| Fault::Insert(place, byte)),
        1 => place().prop_map(Fault::Remove),
        1 => place().prop_map(Fault::Truncate),
        1 => prop::collection::vec(any::<u8>(), 1..12).prop_map(Fault::Append),
    ]
}

fn spoil(stream: &mut Vec<u8>, fault: Fault) {
    if let Fault::Append(bytes) = fault {
        stream.extend(bytes);
    } else if !stream.is_empty() {
        let length = stream.len();
        match fault {
            Fault::Flip(place, bits) => stream[place.index(length)] ^= bits,
            Fault::Set(place, byte) => stream[place.index(length)] = byte,
            Fault::Insert(place, byte) => stream.insert(place.index(length), byte),
            Fault::Remove(place) => drop(stream.remove(place.index(length))),
            Fault::Truncate(place) => stream.truncate(place.index(length)),
            Fault::Append(_) => {}
        }
    }
}

/// How many bytes come at a time, over and over.
fn cuts() -> impl Strategy<Value = Vec<usize>> {
    let cut = prop_oneof![2 => 1_usize..4, 2 => 1_usize..40, 1 => 1_usize..2_000];
    prop_oneof![1 => Just(vec![1]), 1 => Just(vec![usize::MAX]), 6 => prop::collection::vec(cut, 1..12)]
}

fn read_cut(sender: Sender, stream: &[u8], cuts: &[usize]) -> Outcome {
    let mut rest = stream;
    let parts = cuts.iter().cycle().map_while(|cut| {
        let (part, after) = rest.split_at(rest.len().min(*cut));
        rest = after;
        (!part.is_empty()).then_some(part)
    });
    read_parts(sender, LIMITS, parts)
}

/// The reader and the oracle say the same, and nothing passes that must not.
fn agree(sender: Sender, stream: &[u8], cuts: &[usize]) -> Result<(), TestCaseError> {
    let Verdict { refused, good, due } = judge(stream, sender, LIMITS);
    let outcome = read_cut(sender, stream, cuts);
    prop_assert_eq!(outcome.violation.map(|violation| violation.close_code().value()), refused);
    let wire = outcome.wire();
    prop_assert!(stream.starts_with(&wire), "what is passed on is what came");
    prop_assert!((due..=good).contains(&wire.len()), "passed {} of {due} to {good}", wire.len());
    if cuts == [1] {
        prop_assert_eq!(wire.len(), good, "byte by byte, everything before the fault passes");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn good_streams_pass_as_they_are((sender, stream) in good_stream(), cuts in cuts()) {
        let outcome = read_cut(sender, &stream, &cuts);
        prop_assert_eq!(outcome.violation, None);
        prop_assert_eq!(outcome.wire(), stream);
        prop_assert!(outcome.reader.between_frames());
        let edges = outcome.pieces.iter().fold((0, 0, 0), |(starts, ends, bytes), piece| match piece {
            Piece::Data { starts_message, ends_message, payload_bytes, .. } =>
                (starts + u32::from(*starts_message), ends + u32::from(*ends_message), bytes + payload_bytes),
            Piece::Control { .. } => (starts, ends, bytes),
        });
        prop_assert_eq!(edges.0, edges.1, "each message that starts ends");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn an_oracle_agrees_about_spoiled_streams(
        (sender, mut stream) in good_stream(),
        faults in prop::collection::vec(fault(), 1..3),
        cuts in cuts(),
    ) {
        for fault in faults {
            spoil(&mut stream, fault);
        }
        agree(sender, &stream, &cuts)?;
    }

    #[test]
    fn an_oracle_agrees_about_noise(
        sender in sender(),
        // Mostly bytes that begin a frame, so that the noise is read for more than one byte.
        stream in prop::collection::vec(
            prop_oneof![2 => any::<u8>(), 3 => prop::sample::select(vec![0, 1, 2, 3, 0x80, 0x81, 0x82, 0x84, 0x88, 0x89, 0xfe])],
            0..60,
        ),
        cuts in cuts(),
    ) {
        agree(sender, &stream, &cuts)?;
    }
}

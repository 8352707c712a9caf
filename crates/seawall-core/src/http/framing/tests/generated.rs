//! Generated connections: right ones pass whole, with their ends where they were put; changed ones never panic and never
//! pass a part of a head.

use proptest::prelude::*;

use super::{
    super::{Limits, Outcome, ResponseTo},
    feeding::{Checker, feed},
};

const CASES: u32 = 5_000;

/// A body and the fields that frame it.
fn body() -> impl Strategy<Value = (String, Vec<u8>, u64)> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..40);
    let length = bytes().prop_map(|body| {
        let length = body.len();
        (format!("Content-Length: {length}\r\n"), body, length as u64)
    });
    let chunk = (
        bytes().prop_filter("a last chunk is empty", |data| !data.is_empty()),
        "(;[a-z]{1,4}(=[a-z]{1,4}|=\"[a-z ;,]{0,5}\")?){0,2}",
    );
    let trailers = "(X-[a-z]{1,5}: [a-z]{0,5}\r\n){0,2}";
    let chunks = (proptest::collection::vec(chunk, 0..4), trailers).prop_map(|(chunks, trailers)| {
        let mut body = Vec::new();
        let mut content = 0;
        for (data, extension) in chunks {
            content += data.len() as u64;
            body.extend_from_slice(format!("{:X}{extension}\r\n", data.len()).as_bytes());
            body.extend_from_slice(&data);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("0\r\n{trailers}\r\n").as_bytes());
        ("Transfer-Encoding: chunked\r\n".to_owned(), body, content)
    });
    prop_oneof![Just((String::new(), Vec::new(), 0)), length, chunks]
}

/// One request, and how much content it has.
fn request() -> impl Strategy<Value = (Vec<u8>, u64)> {
    let line = "(GET|POST|PUT|OPTIONS) (/[a-z0-9%;=.]{0,12}([?][a-z&=/?]{0,8})?|http://a[.]example/[a-z]{0,5})";
    let fields = "([A-Za-z][A-Za-z0-9-]{0,12}x:[ \t]?[ -~\u{a0}-\u{ff}]{0,20}\r\n){0,4}";
    (line, fields, fields, body()).prop_map(|(line, before, after, (framing, body, content))| {
        let head = format!("{line} HTTP/1.1\r\n{before}Host: a.example\r\n{framing}{after}\r\n");
        ([head.as_bytes(), &body].concat(), content)
    })
}

/// One answer, and how much content it has.
fn answer() -> impl Strategy<Value = (Vec<u8>, u64)> {
    ("HTTP/1[.]1 (200 OK|404 Not Found|500)", body()).prop_map(|(line, (framing, body, content))| {
        let framing = if framing.is_empty() { "Content-Length: 0\r\n".to_owned() } else { framing };
        ([format!("{line}\r\n{framing}\r\n").as_bytes(), &body].concat(), content)
    })
}

/// Pieces of the lengths that `cuts` name, in turn.
fn pieces<'a>(bytes: &'a [u8], cuts: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = bytes;
    let mut cuts = cuts.iter().cycle();
    std::iter::from_fn(move || {
        let length = (*cuts.next()?).min(rest.len());
        let (piece, after) = rest.split_at(length);
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

fn check_right(checker: impl Fn() -> Checker, messages: &[(Vec<u8>, u64)], cuts: &[usize]) {
    let bytes = messages.iter().flat_map(|(bytes, _)| bytes.iter().copied()).collect::<Vec<_>>();
    let verdict = feed(checker(), pieces(&bytes, cuts), |_| {});
    assert_eq!((verdict.outcome, verdict.whole), (Outcome::Go, Ok(())), "{}", bytes.escape_ascii());
    assert_eq!(verdict.progress.bytes, bytes.len() as u64);
    assert_eq!(verdict, feed(checker(), std::iter::once(&bytes[..]), |_| {}));

    let mut ends = Vec::new();
    let single = feed(checker(), bytes.chunks(1), |progress| {
        if progress.messages > ends.len() as u64 {
            ends.push((progress.bytes, progress.content_bytes));
        }
    });
    assert_eq!(verdict, single);
    let placed = messages.iter().scan((0, 0), |end, (bytes, content)| {
        *end = (end.0 + bytes.len() as u64, end.1 + content);
        Some(*end)
    });
    assert_eq!(ends, placed.collect::<Vec<_>>(), "{}", bytes.escape_ascii());
}

fn check_changed(
    checker: impl Fn() -> Checker,
    messages: &[(Vec<u8>, u64)],
    changes: &[(usize, u8, u8)],
    cuts: &[usize],
) {
    let mut bytes = messages.iter().flat_map(|(bytes, _)| bytes.iter().copied()).collect::<Vec<_>>();
    change(&mut bytes, changes);
    let verdict = feed(checker(), pieces(&bytes, cuts), |_| {});
    assert_eq!(verdict, feed(checker(), std::iter::once(&bytes[..]), |_| {}), "{}", bytes.escape_ascii());
    assert_eq!(verdict, feed(checker(), bytes.chunks(1), |_| {}), "{}", bytes.escape_ascii());
    if let Outcome::Refuse(refusal) = verdict.outcome {
        assert!(verdict.progress.bytes <= refusal.offset && refusal.offset <= bytes.len() as u64);
        // What passed is right by itself: a checker that sees only that refuses nothing and holds nothing.
        let front = &bytes[..usize::try_from(verdict.progress.bytes).unwrap()];
        let again = feed(checker(), std::iter::once(front), |_| {});
        assert_eq!((again.outcome, again.progress), (Outcome::Go, verdict.progress), "{}", bytes.escape_ascii());
    }
}

/// Replaces, removes, inserts or doubles bytes; inserted ones are often those that framing is made of.
fn change(bytes: &mut Vec<u8>, changes: &[(usize, u8, u8)]) {
    for &(place, kind, byte) in changes {
        let place = place % (bytes.len() + 1);
        let byte = b"\r\n \t:;,\0#0+x\xff".get(usize::from(byte)).copied().unwrap_or(byte);
        match kind {
            _ if place == bytes.len() => bytes.push(byte),
            0 => bytes[place] = byte,
            1 => drop(bytes.remove(place)),
            2 => bytes.insert(place, byte),
            _ => bytes.insert(place, bytes[place]),
        }
    }
}

fn changes() -> impl Strategy<Value = Vec<(usize, u8, u8)>> {
    proptest::collection::vec((any::<usize>(), 0..4_u8, prop_oneof![0..13_u8, any::<u8>()]), 1..4)
}

fn cuts() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(1..50_usize, 1..6)
}

fn answers(count: usize) -> Checker {
    Checker::response(&vec![ResponseTo::Other; count], Limits::responses())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn right_requests_pass_whole(requests in proptest::collection::vec(request(), 1..4), cuts in cuts()) {
        check_right(Checker::request, &requests, &cuts);
    }

    #[test]
    fn right_answers_pass_whole(messages in proptest::collection::vec(answer(), 1..5), cuts in cuts()) {
        check_right(|| answers(messages.len()), &messages, &cuts);
    }

    #[test]
    fn changed_requests_pass_no_part_of_a_refused_head(requests in proptest::collection::vec(request(), 1..4), changes in changes(), cuts in cuts()) {
        check_changed(Checker::request, &requests, &changes, &cuts);
    }

    #[test]
    fn changed_answers_pass_no_part_of_a_refused_head(messages in proptest::collection::vec(answer(), 1..4), changes in changes(), cuts in cuts()) {
        check_changed(|| answers(messages.len()), &messages, &changes, &cuts);
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), cuts in cuts()) {
        check_changed(Checker::request, &[(bytes.clone(), 0)], &[], &cuts);
        check_changed(|| answers(1), &[(bytes, 0)], &[], &cuts);
    }
}

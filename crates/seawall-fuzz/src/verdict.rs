//! What a framing checker finds in the bytes of a connection, which must be the same however they were cut.

use seawall_core::http::framing::{
    Checked, Limits, Outcome, Progress, Refusal, RequestChecker, ResponseChecker, ResponseTo,
};

use crate::pieces::Cuts;

/// Limits that short inputs reach.
const TIGHT: Limits = Limits {
    head_bytes: 96,
    request_line_bytes: 40,
    fields: 3,
    chunk_extension_bytes: 8,
    trailer_bytes: 24,
    interim_answers: 1,
    ..Limits::requests()
};

/// Whose bytes are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// A client's.
    Requests,
    /// An application's answer to one request.
    Answer(ResponseTo),
}

/// What came of the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) outcome: Outcome,
    pub(crate) progress: Progress,
    /// Whether the connection may end after these bytes.
    pub(crate) whole: Result<(), Refusal>,
}

/// The verdict, and after how many bytes each message ended.
pub(crate) fn of(side: Side, bytes: &[u8], cuts: Cuts) -> (Verdict, Vec<u64>) {
    let limits = match side {
        Side::Requests => Limits::requests(),
        Side::Answer(_) => Limits::responses(),
    };
    with_limits(side, Limits { line_ends: limits.line_ends, ..TIGHT }, bytes, cuts);
    with_limits(side, limits, bytes, cuts)
}

fn with_limits(side: Side, limits: Limits, bytes: &[u8], cuts: Cuts) -> (Verdict, Vec<u64>) {
    let (slow, ends) = feed(Checker::new(side, limits), bytes.chunks(1));
    let (whole, _) = feed(Checker::new(side, limits), std::iter::once(bytes));
    assert_eq!(whole, slow, "byte by byte: {}", bytes.escape_ascii());
    let (cut, cut_ends) = feed(Checker::new(side, limits), cuts.pieces(bytes));
    assert_eq!(cut, slow, "{cuts:?}: {}", bytes.escape_ascii());
    assert!(cut_ends.len() <= ends.len(), "a look can see more than one message end: {}", bytes.escape_ascii());
    if let Outcome::Refuse(refusal) = slow.outcome {
        let length = bytes.len() as u64;
        assert!(slow.progress.bytes <= refusal.offset && refusal.offset <= length, "{}", bytes.escape_ascii());
    }
    (slow, ends)
}

/// Feeds the pieces as a socket does: one buffer, from whose front the bytes that passed are dropped.
fn feed<'a>(mut checker: Checker, pieces: impl Iterator<Item = &'a [u8]>) -> (Verdict, Vec<u64>) {
    let (mut buffer, mut ends, mut outcome) = (Vec::new(), Vec::new(), Outcome::Go);
    let mut messages = 0;
    for piece in pieces {
        buffer.extend_from_slice(piece);
        let checked = checker.check(&buffer);
        buffer.drain(..checked.passed);
        outcome = checked.outcome;
        let progress = checker.progress();
        if progress.messages > messages {
            messages = progress.messages;
            ends.push(progress.bytes);
        }
        if matches!(outcome, Outcome::Refuse(_)) {
            let again = checker.check(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            assert_eq!(again, Checked { passed: 0, outcome }, "once refused, always refused");
            break;
        }
    }
    (Verdict { outcome, progress: checker.progress(), whole: checker.at_end() }, ends)
}

/// Either checker.
enum Checker {
    Request(RequestChecker),
    Response(ResponseChecker),
}

impl Checker {
    fn new(side: Side, limits: Limits) -> Self {
        match side {
            Side::Requests => Self::Request(RequestChecker::new(limits)),
            Side::Answer(to) => {
                let mut checker = ResponseChecker::new(limits);
                checker.expect(to);
                Self::Response(checker)
            }
        }
    }

    fn check(&mut self, held: &[u8]) -> Checked {
        match self {
            Self::Request(checker) => checker.check(held),
            Self::Response(checker) => checker.check(held),
        }
    }

    fn progress(&self) -> Progress {
        match self {
            Self::Request(checker) => checker.progress(),
            Self::Response(checker) => checker.progress(),
        }
    }

    fn at_end(&self) -> Result<(), Refusal> {
        match self {
            Self::Request(checker) => checker.at_end(),
            Self::Response(checker) => checker.at_end(),
        }
    }
}

//! Bytes that arrive whole, byte by byte, or cut in two anywhere: the verdict must be the same.

use super::super::{Checked, Limits, Outcome, Progress, Refusal, RequestChecker, ResponseChecker, ResponseTo, Rule};

/// Either checker.
pub(super) enum Checker {
    Request(RequestChecker),
    Response(ResponseChecker),
}

impl Checker {
    pub(super) fn request() -> Self {
        Self::Request(RequestChecker::new(Limits::requests()))
    }

    pub(super) fn response(answers: &[ResponseTo], limits: Limits) -> Self {
        let mut checker = ResponseChecker::new(limits);
        for answer in answers {
            checker.expect(*answer);
        }
        Self::Response(checker)
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

/// What came of a connection's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) outcome: Outcome,
    pub(super) progress: Progress,
    /// Whether the connection may end after these bytes.
    pub(super) whole: Result<(), Rule>,
}

impl Verdict {
    pub(super) fn rule(&self) -> Option<Rule> {
        match self.outcome {
            Outcome::Refuse(refusal) => Some(refusal.rule),
            _ => None,
        }
    }
}

/// Feeds the pieces as a socket adapter does: one buffer, from whose front the passed bytes are dropped. `each` sees how far
/// the checker has come after each piece.
pub(super) fn feed<'a>(
    mut checker: Checker,
    pieces: impl Iterator<Item = &'a [u8]>,
    mut each: impl FnMut(Progress),
) -> Verdict {
    let mut buffer = Vec::new();
    let mut outcome = Outcome::Go;
    for piece in pieces {
        buffer.extend_from_slice(piece);
        let checked = checker.check(&buffer);
        buffer.drain(..checked.passed);
        outcome = checked.outcome;
        each(checker.progress());
        if matches!(outcome, Outcome::Refuse(_)) {
            for again in [&b""[..], &buffer, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"] {
                assert_eq!(checker.check(again), Checked { passed: 0, outcome }, "once refused, always refused");
            }
            break;
        }
    }
    Verdict { outcome, progress: checker.progress(), whole: checker.at_end().map_err(|refusal| refusal.rule) }
}

/// The verdict on these bytes, which must be the same however they arrive. Long ones are not cut at every place.
pub(super) fn verdict(checker: impl Fn() -> Checker, bytes: &[u8]) -> Verdict {
    let whole = feed(checker(), std::iter::once(bytes), |_| {});
    let single = feed(checker(), bytes.chunks(1), |_| {});
    assert_eq!(whole, single, "byte by byte: {}", bytes.escape_ascii());
    let stride = if bytes.len() < 2_000 { 1 } else { bytes.len() / 64 };
    for cut in (0..bytes.len()).step_by(stride) {
        let (front, back) = bytes.split_at(cut);
        let pieces = feed(checker(), [front, back].into_iter(), |_| {});
        assert_eq!(whole, pieces, "cut at {cut}: {}", bytes.escape_ascii());
    }
    whole
}

/// The verdict on a client's bytes.
pub(super) fn requests(bytes: impl AsRef<[u8]>) -> Verdict {
    verdict(Checker::request, bytes.as_ref())
}

/// The bytes are refused by the rule after `messages` whole ones, and nothing of what breaks it passes.
#[track_caller]
pub(super) fn refused(verdict: &Verdict, rule: Rule, messages: u64, text: &[u8]) {
    assert_eq!(verdict.rule(), Some(rule), "{}", text.escape_ascii());
    assert_eq!(verdict.progress.messages, messages, "{}", text.escape_ascii());
}

/// All bytes pass as so many whole messages.
#[track_caller]
pub(super) fn passed(verdict: &Verdict, messages: u64, text: &[u8]) {
    assert_eq!((verdict.outcome, verdict.whole), (Outcome::Go, Ok(())), "{}", text.escape_ascii());
    assert_eq!(verdict.progress.messages, messages, "{}", text.escape_ascii());
    assert_eq!(verdict.progress.bytes, text.len() as u64, "{}", text.escape_ascii());
}

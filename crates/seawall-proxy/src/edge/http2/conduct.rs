//! What a client may make an HTTP/2 connection do for nothing: a budget of streams given up and of frames without content.

use std::time::Duration;

use tokio::time::Instant;

use super::frames::{Frame, kind};

/// What is counted at once.
const WINDOW: Duration = Duration::from_secs(10);

/// Frames without content that any client may send.
const FREE_CONTROL_FRAMES: u64 = 1_000;

/// Frames without content for each stream and for each frame of answers: a client may enlarge both windows and measure the way
/// for each, and more than that nobody does.
const CONTROL_FRAMES_PER_FRAME: u64 = 10;

/// Error codes of RST_STREAM with which the server says that the client broke a rule (RFC 9113 section 7).
const CLIENTS_FAULT: [u32; 7] = [0x1, 0x3, 0x5, 0x6, 0x7, 0x9, 0xb];

/// How a client has gone beyond what it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Abuse {
    /// Streams that were opened and given up: reset by the client (CVE-2023-44487), or by the server because the client broke a
    /// rule on purpose (CVE-2025-8671), or refused because too many were open.
    Resets,
    /// Frames that cost work and bring nothing: PING, SETTINGS, PRIORITY, WINDOW_UPDATE, and kinds that nobody knows.
    Control,
}

/// What one client does.
#[derive(Debug)]
pub(super) struct Conduct {
    /// As many streams may be given up as may be open at once: a client that leaves may end them all.
    free_resets: u64,
    since: Instant,
    last_stream: u32,
    opened: u64,
    given_up: u64,
    control: u64,
    answered: u64,
}

impl Conduct {
    pub(super) fn new(max_streams: u32, now: Instant) -> Self {
        Self {
            free_resets: u64::from(max_streams),
            since: now,
            last_stream: 0,
            opened: 0,
            given_up: 0,
            control: 0,
            answered: 0,
        }
    }

    /// The client sent a frame.
    pub(super) fn received(&mut self, frame: Frame) {
        match frame.kind {
            kind::HEADERS if frame.stream > self.last_stream => {
                self.last_stream = frame.stream;
                self.opened += 1;
            }
            kind::RST_STREAM => self.given_up += 1,
            // The protocol's implementation bounds these, by what they hold and by their number.
            kind::DATA | kind::HEADERS | kind::CONTINUATION => {}
            _ => self.control += 1,
        }
    }

    /// A frame was sent to the client.
    pub(super) fn sent(&mut self, frame: Frame) {
        match frame.kind {
            kind::DATA | kind::HEADERS => self.answered += 1,
            kind::RST_STREAM if CLIENTS_FAULT.contains(&frame.code) => self.given_up += 1,
            _ => {}
        }
    }

    /// The newest stream of the client.
    pub(super) const fn last_stream(&self) -> u32 {
        self.last_stream
    }

    /// Whether the client went beyond its budget. Counting begins again when it took longer than the window to use it up.
    pub(super) fn judge(&mut self, now: Instant) -> Option<Abuse> {
        let resets = self.given_up > self.free_resets && self.given_up * 2 > self.opened;
        let useful = self.opened + self.answered;
        let control = self.control > FREE_CONTROL_FRAMES + CONTROL_FRAMES_PER_FRAME * useful;
        if !resets && !control {
            return None;
        }
        if now.duration_since(self.since) > WINDOW {
            *self = Self {
                last_stream: self.last_stream,
                ..Self::new(u32::try_from(self.free_resets).unwrap_or(u32::MAX), now)
            };
            return None;
        }
        Some(if resets { Abuse::Resets } else { Abuse::Control })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, stream: u32, code: u32) -> Frame {
        Frame { kind, stream, length: 4, code }
    }

    struct Case {
        conduct: Conduct,
        now: Instant,
        next: u32,
    }

    impl Case {
        fn new() -> Self {
            let now = Instant::now();
            Self { conduct: Conduct::new(100, now), now, next: 1 }
        }

        fn judge_after(&mut self, seconds: u64) -> Option<Abuse> {
            self.now += Duration::from_secs(seconds);
            self.conduct.judge(self.now)
        }

        fn open(&mut self, streams: u32) {
            for _ in 0..streams {
                self.conduct.received(frame(kind::HEADERS, self.next, 0));
                self.next += 2;
            }
        }

        fn reset(&mut self, streams: u32) {
            for _ in 0..streams {
                self.conduct.received(frame(kind::RST_STREAM, 1, 8));
            }
        }
    }

    #[test]
    fn all_streams_at_once_may_be_given_up_and_not_one_more() {
        let mut case = Case::new();
        case.open(100);
        case.reset(100);
        assert_eq!(case.judge_after(0), None);
        case.open(1);
        case.reset(1);
        assert_eq!(case.judge_after(0), Some(Abuse::Resets));
    }

    #[test]
    fn a_client_that_ends_most_of_its_streams_may_give_up_many() {
        let mut case = Case::new();
        case.open(1_000);
        case.reset(500);
        assert_eq!(case.judge_after(0), None);
        case.reset(1);
        assert_eq!(case.judge_after(0), Some(Abuse::Resets));
    }

    #[test]
    fn resets_are_counted_over_ten_seconds() {
        let mut case = Case::new();
        for _ in 0..20 {
            case.open(60);
            case.reset(60);
            assert_eq!(case.judge_after(11), None);
        }
        case.open(120);
        case.reset(120);
        assert_eq!(case.judge_after(1), Some(Abuse::Resets));
    }

    #[test]
    fn resets_by_the_server_count_when_the_client_provoked_them() {
        for (code, verdict) in [(1, Some(Abuse::Resets)), (7, Some(Abuse::Resets)), (0, None), (2, None), (8, None)] {
            let mut case = Case::new();
            case.open(150);
            for stream in 0..150 {
                case.conduct.sent(frame(kind::RST_STREAM, stream, code));
            }
            assert_eq!(case.judge_after(0), verdict, "code {code}");
        }
    }

    #[test]
    fn frames_without_content_must_stand_beside_streams_or_answers() {
        let flood = |case: &mut Case, frames: u32| (0..frames).for_each(|_| case.conduct.received(frame(8, 0, 0)));
        let mut case = Case::new();
        flood(&mut case, 1_000);
        assert_eq!(case.judge_after(0), None);
        flood(&mut case, 1);
        assert_eq!(case.judge_after(0), Some(Abuse::Control));
        let mut case = Case::new();
        case.open(1);
        (0..10_000).for_each(|_| case.conduct.sent(frame(kind::DATA, 1, 0)));
        flood(&mut case, 100_000);
        assert_eq!(case.judge_after(0), None, "windows are enlarged while an answer is taken");
    }
}

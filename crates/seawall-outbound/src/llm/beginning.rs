//! The beginning of a streamed answer, held back until it says something: until then it can fail, and another be asked, without anybody's
//! noticing. What was held is passed on as it came.

use std::time::Duration;

use http::{HeaderValue, header::CONTENT_TYPE};
use seawall_resilience::{Deadline, ReadError};
use tokio::time::timeout;

use super::{
    account::Account,
    estimate::Length,
    opening::{Says, says},
    operation::Operation,
    record::Outcome,
    route::End,
    sse::Events,
    target::Target,
    watch::{Passes, Watch},
};
use crate::endpoint::{Answer, AnswerBody, CallError};

/// The most that is held, in bytes. The first event of OpenAI's responses repeats instructions and tools; what is longer is passed on.
const MOST_HELD: usize = 256 * 1024;

/// How the part of one provider in a call ended.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) ended: Result<Answer, CallError>,
    /// Nothing where another would tell the same, or it answers.
    pub(super) end: Option<End>,
    /// As what it is paid for, where another is asked.
    pub(super) outcome: Outcome,
}

impl Part {
    /// What its head says is all that is waited for.
    pub(super) fn of(ended: Result<Answer, CallError>) -> Self {
        Self { end: End::of(&ended), ended, outcome: Outcome::Failed }
    }
}

/// A stream that ended before it said anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unsaid(Option<End>, Outcome);

/// Waits until an answer that streams says something, as long as its head had time, too. Whoever fails before is known to its breaker.
pub(super) async fn awaited(
    mut ended: Result<Answer, CallError>,
    target: &Target,
    account: &mut Account,
    deadline: Deadline,
) -> Part {
    let Some(answer) = ended.as_mut().ok().filter(|answer| streams(answer)) else { return Part::of(ended) };
    let attempts = answer.attempts;
    account.answered(answer.head.status.as_u16(), attempts);
    // A picture may take all the time there is, as its head may.
    let patient = account.operation() == Operation::Images;
    let first_byte = if patient { Duration::MAX } else { target.provider.endpoint.settings().clocks.first_byte };
    let heard = timeout(first_byte, heard(&mut answer.body, account)).await;
    let Some(Unsaid(end, outcome)) = heard.unwrap_or(Some(Unsaid(Some(End::Late), Outcome::Failed))) else {
        return Part::of(ended);
    };
    if let Some(End::Late | End::Unreachable | End::Failing) = end {
        answer.body.failed();
    }
    if deadline.passed() {
        // Nothing was passed on, so it can still be told by a status.
        return Part { ended: Err(CallError::TimedOut { attempts }), end, outcome };
    }
    Part { ended, end, outcome }
}

fn streams(answer: &Answer) -> bool {
    let events = |kind: &HeaderValue| kind.as_bytes().starts_with(b"text/event-stream");
    answer.head.status.is_success() && answer.head.headers.get(CONTENT_TYPE).is_some_and(events)
}

async fn heard(body: &mut AnswerBody, account: &mut Account) -> Option<Unsaid> {
    let mut listener = Listener::new(Watch::new(account.dialect(), account.operation(), false));
    loop {
        let heard = match body.read_ahead().await {
            Some(Ok(data)) => {
                account.first_part();
                listener.hear(&data)
            }
            Some(Err(error)) => {
                let late = matches!(error, ReadError::Late(_));
                return Some(Unsaid(Some(if late { End::Late } else { End::Unreachable }), Outcome::Failed));
            }
            None => listener.end(),
        };
        account.learnt(listener.watch.usage(), Length::default());
        match heard {
            Heard::Nothing => {}
            Heard::Something => return None,
            Heard::Failure(unsaid) => return Some(unsaid),
        }
    }
}

/// What a part of a stream says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    Nothing,
    Something,
    Failure(Unsaid),
}

/// Listens to a stream that has said nothing yet.
struct Listener {
    events: Events,
    watch: Watch,
    held_bytes: usize,
}

impl Listener {
    fn new(watch: Watch) -> Self {
        Self { events: Events::default(), watch, held_bytes: 0 }
    }

    fn hear(&mut self, data: &[u8]) -> Heard {
        self.held_bytes += data.len();
        if self.held_bytes > MOST_HELD || self.events.push(data).is_err() {
            return Heard::Something;
        }
        while let Some(event) = self.events.next() {
            if self.watch.look(&event) == Passes::Broken {
                return Heard::Failure(Unsaid(Some(End::Failing), Outcome::Failed));
            }
            match says(&event.data) {
                Says::Nothing => {}
                Says::Something => return Heard::Something,
                Says::Failure(status) => return Heard::Failure(Unsaid(End::of_status(status), Outcome::Refused)),
            }
        }
        Heard::Nothing
    }

    /// The connection is at its end.
    fn end(&mut self) -> Heard {
        // Some servers leave out the empty line behind the last event.
        match if self.events.rest().is_empty() { Heard::Nothing } else { self.hear(b"\n\n") } {
            Heard::Nothing => Heard::Failure(Unsaid(Some(End::Unreachable), Outcome::Failed)),
            heard => heard,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llm::operation::Dialect;

    fn listener() -> Listener {
        Listener::new(Watch::new(Dialect::OpenAi, Operation::Chat, false))
    }

    const ROLE: &[u8] = b"data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n";

    #[test]
    fn a_stream_is_listened_to_until_it_says_something() {
        let mut listener = listener();
        assert_eq!(listener.hear(b": keep-alive\n\n"), Heard::Nothing);
        assert_eq!(listener.hear(ROLE), Heard::Nothing);
        assert_eq!(listener.hear(b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}"), Heard::Nothing);
        assert_eq!(listener.hear(b"\n\n"), Heard::Something);
    }

    #[test]
    fn each_failure_before_that_has_its_end() {
        let failure = |end, outcome| Heard::Failure(Unsaid(end, outcome));
        for (told, end, outcome) in [
            (&b"data: {\"error\":{\"message\":\"m\",\"code\":503}}\n\n"[..], Some(End::Failing), Outcome::Refused),
            (b"data: {\"error\":{\"code\":\"rate_limit_exceeded\"}}\n\n", Some(End::Limited), Outcome::Refused),
            (b"data: {\"error\":{\"type\":\"invalid_request_error\"}}\n\n", None, Outcome::Refused),
            (b"data: {\"choices\":[{\n\n", Some(End::Failing), Outcome::Failed),
        ] {
            let mut listener = listener();
            assert_eq!(listener.hear(ROLE), Heard::Nothing);
            assert_eq!(listener.hear(told), failure(end, outcome), "{}", String::from_utf8_lossy(told));
        }
        let mut cut = listener();
        cut.hear(ROLE);
        assert_eq!(cut.end(), failure(Some(End::Unreachable), Outcome::Failed));
        let mut whole = listener();
        whole.hear(b"data: [DONE]");
        assert_eq!(whole.end(), Heard::Something, "its last event has no empty line behind it");
    }

    #[test]
    fn no_more_is_held_than_there_is_room_for() {
        let mut listener = listener();
        let comment = [b": ".as_slice(), &[b'a'; 1022]].concat();
        let held = (0..10_000).take_while(|_| listener.hear(&comment) == Heard::Nothing).count();
        assert_eq!(held, MOST_HELD / comment.len());
    }
}

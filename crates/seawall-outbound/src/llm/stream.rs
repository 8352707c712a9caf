//! A stream on its way: each event looked at and passed on at once; and an end that cannot be taken for a good one when it is none.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame};
use pin_project_lite::pin_project;
use seawall_core::problem::Problem;
use seawall_resilience::ReadError;

use super::{
    account::Account,
    record::Outcome,
    refusal,
    sse::Events,
    translate::Live,
    watch::{Passes, Watch},
};
use crate::{body::BodyError, endpoint::AnswerBody, problem};

pin_project! {
    /// The body of a streamed answer.
    pub(crate) struct Streamed {
        // Nothing once it has ended, which closes what did not come to its end.
        #[pin]
        body: Option<AnswerBody>,
        events: Events,
        watch: Watch,
        ready: VecDeque<Bytes>,
        account: Account,
        // Where the caller speaks another dialect.
        live: Option<Live>,
    }
}

impl Streamed {
    pub(crate) fn new(body: AnswerBody, watch: Watch, account: Account) -> Self {
        Self { body: Some(body), events: Events::default(), watch, ready: VecDeque::new(), account, live: None }
    }

    /// The same, told in the words of another dialect.
    pub(crate) fn translated(body: AnswerBody, watch: Watch, account: Account, live: Live) -> Self {
        Self { live: Some(live), ..Self::new(body, watch, account) }
    }
}

impl Body for Streamed {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut this = self.project();
        loop {
            if let Some(bytes) = this.ready.pop_front() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            let Some(body) = this.body.as_mut().as_pin_mut() else { return Poll::Ready(None) };
            let ended = match std::task::ready!(body.poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        this.account.first_part();
                        let ended = pass(&data, this.events, (this.watch, this.account), (this.live, this.ready));
                        this.account.passed(this.watch.passed());
                        this.account.learnt(this.watch.usage(), this.watch.text());
                        ended
                    }
                    // Trailers belong to the connection.
                    Err(_) => None,
                },
                Some(Err(error)) => Some(Err(broken(&error))),
                None => Some(end(this.events, (this.watch, this.account), (this.live, this.ready))),
            };
            let Some(ended) = ended else { continue };
            this.body.set(None);
            match ended {
                Ok(()) if this.watch.failed() => {
                    this.account.settle(Outcome::Refused, Some("the provider told of a failure".to_owned()));
                }
                Ok(()) => this.account.settle(Outcome::Answered, None),
                Err((problem, why)) => {
                    let account = &mut *this.account;
                    let (dialect, operation) = (account.dialect(), account.operation());
                    let event = match this.live {
                        Some(live) => live.fail(&problem),
                        None => {
                            let number = this.watch.next_number();
                            refusal::event(dialect, operation, &problem, account.request_id(), number)
                        }
                    };
                    this.ready.push_back(event);
                    account.settle(Outcome::Failed, Some(why));
                }
            }
        }
    }
}

/// A failure as the caller is told of it, and as it is recorded.
type Broken = (Box<Problem>, String);

/// Who looks at them on their way.
type Looking<'a> = (&'a mut Watch, &'a mut Account);

/// Where events go: by way of a translation, where there is one.
type Out<'a> = (&'a mut Option<Live>, &'a mut VecDeque<Bytes>);

/// Passes on the events that are here as a whole; says so when the stream cannot go on.
fn pass(
    data: &[u8],
    events: &mut Events,
    (watch, account): Looking<'_>,
    (live, ready): Out<'_>,
) -> Option<Result<(), Broken>> {
    if let Err(error) = events.push(data) {
        return Some(Err(failed(error.to_string())));
    }
    while let Some(event) = events.next() {
        let passes = watch.look(&event);
        account.hear(&event.data);
        let told = match (passes, &mut *live) {
            (Passes::On, Some(live)) => live.take(&event, watch.failed(), ready).is_ok(),
            (Passes::On, None) => {
                ready.push_back(event.bytes);
                true
            }
            (Passes::Stays, _) => true,
            (Passes::Broken, _) => false,
        };
        if !told {
            return Some(Err(failed("an event of the stream is none of its dialect".to_owned())));
        }
    }
    None
}

/// The connection is at its end: the stream is, too, or it was cut.
fn end(events: &mut Events, (watch, account): Looking<'_>, (live, ready): Out<'_>) -> Result<(), Broken> {
    // Some servers leave out the empty line behind the last event.
    if !events.rest().is_empty()
        && let Some(broken) = pass(b"\n\n", events, (&mut *watch, account), (&mut *live, &mut *ready))
    {
        return broken;
    }
    if !watch.ended() {
        return Err(failed("the stream was cut before its end".to_owned()));
    }
    let closed = live.as_mut().map_or(Ok(()), |live| live.close(ready));
    closed.map_err(|_| failed("a call of a tool in the stream is no JSON".to_owned()))
}

fn broken(error: &BodyError) -> Broken {
    match error {
        ReadError::Late(late) => {
            (Problem::new(&problem::LATE).detail("The answer stopped before its end.").into(), late.to_string())
        }
        ReadError::Broken(error) => failed(error.to_string()),
    }
}

fn failed(why: String) -> Broken {
    (Problem::new(&problem::FAILED).detail("The answer ended before its end.").into(), why)
}

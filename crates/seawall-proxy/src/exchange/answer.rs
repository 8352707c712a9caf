//! The way out: an answer is dressed, and its body carries the exchange to its end.

use std::{
    borrow::Cow,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header::CONNECTION};
use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use super::{Exchange, at_length::Streamed, compress::Compressed, follow::Followed, hold::Front, upload::Upload};
use crate::{
    edge::{self, AnswerClock, Incoming, UpstreamConnection},
    timer::{Timer, Timers},
    upstream::Lease,
};

/// What an answer's body is made of.
#[derive(Debug)]
pub(crate) enum Payload {
    /// Bytes that are all here.
    Whole(Bytes),
    /// What the application sends.
    /// Boxed, because an answer is moved many times before it is sent.
    Upstream(Box<FromUpstream>),
    /// What the application sends, compressed.
    Compressed(Box<Compressed>),
    /// What the control plane sends.
    Streamed(Box<Streamed>),
    /// Nothing: the connection changes its protocol.
    Switched,
}

/// The body of an answer, and the exchange that ends with it.
#[derive(Debug)]
pub(crate) struct Outbound {
    payload: Payload,
    clock: Option<Rc<AnswerClock>>,
    exchange: Box<Exchange>,
}

impl Outbound {
    /// Dresses an answer and makes it ready to be sent.
    pub(super) fn dress(mut exchange: Box<Exchange>, answer: Response<Payload>) -> Response<Self> {
        let (mut head, payload) = answer.into_parts();
        exchange.route().policy.dress(&mut head, &exchange.context);
        if !exchange.http1 {
            head.headers.remove(CONNECTION);
        } else if exchange.core.ending() && head.status != StatusCode::SWITCHING_PROTOCOLS {
            head.headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            exchange.activity.switch();
        }
        exchange.status = (!exchange.client_left).then_some(head.status);
        let clock = exchange.activity.watch_answer();
        Response::from_parts(head, Self { payload, clock, exchange })
    }
}

impl Body for Outbound {
    type Data = Bytes;
    type Error = AnswerBroken;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, AnswerBroken>>> {
        let this = self.get_mut();
        let frame = match &mut this.payload {
            Payload::Whole(bytes) if bytes.is_empty() => None,
            Payload::Whole(bytes) => Some(Ok(Frame::data(std::mem::take(bytes)))),
            Payload::Switched => None,
            Payload::Upstream(upstream) => {
                let frame = upstream.poll_frame(cx, &this.exchange);
                ready!(asked(this.clock.as_deref(), frame))
            }
            Payload::Compressed(compressed) => {
                let frame = compressed.poll_frame(cx, &this.exchange);
                ready!(asked(this.clock.as_deref(), frame))
            }
            Payload::Streamed(streamed) => {
                let frame = streamed.poll_frame(cx);
                ready!(asked(this.clock.as_deref(), frame))
            }
        };
        match &frame {
            Some(Ok(frame)) => this.exchange.bytes_out += frame.data_ref().map_or(0, |data| data.len() as u64),
            Some(Err(AnswerBroken(inside))) => this.exchange.context.inside = Some(inside.clone()),
            None => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.payload {
            Payload::Whole(bytes) => bytes.is_empty(),
            Payload::Upstream(upstream) => upstream.complete(),
            Payload::Compressed(compressed) => compressed.over(),
            Payload::Streamed(streamed) => streamed.over(),
            Payload::Switched => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.payload {
            Payload::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Payload::Upstream(upstream) => upstream.size_hint(),
            Payload::Compressed(_) | Payload::Streamed(_) => SizeHint::default(),
            Payload::Switched => SizeHint::with_exact(0),
        }
    }
}

/// Tells the watchdog that the connection asked for more, and whether it has to wait for the application.
fn asked<T>(clock: Option<&AnswerClock>, frame: Poll<T>) -> Poll<T> {
    if let Some(clock) = clock {
        clock.asked(frame.is_pending());
    }
    frame
}

impl Drop for Outbound {
    fn drop(&mut self) {
        let (complete, upstream) = match &mut self.payload {
            Payload::Upstream(upstream) => (upstream.complete(), Some(&mut **upstream)),
            Payload::Compressed(compressed) => (compressed.over(), Some(compressed.upstream())),
            Payload::Streamed(streamed) => (streamed.over(), None),
            Payload::Whole(_) | Payload::Switched => (true, None),
        };
        if !complete && self.exchange.context.inside.is_none() {
            let cut = self.exchange.activity.was_cut();
            let inside = if cut {
                "the client took too little for too long; its connection was cut"
            } else {
                "the client left before the end of the answer"
            };
            self.exchange.context.inside = Some(inside.into());
        }
        if let Some(upstream) = upstream {
            upstream.followed();
            let now = Instant::now();
            upstream.give_back(now);
            self.exchange.over_at = Some(now);
        }
    }
}

/// An answer that broke off; the client's connection is cut, so that it cannot take the part for the whole.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct AnswerBroken(pub(super) Cow<'static, str>);

/// What the log says of an answer that is cut because its time is over.
pub(super) const OVERDUE: &str = "the whole exchange took as long as it may";

/// The body of the application's answer, and the connection it comes over.
#[derive(Debug)]
pub(crate) struct FromUpstream {
    /// What was read of it already, and comes first.
    front: Option<Box<Front>>,
    body: Incoming,
    /// Who looks at what the application sends.
    follow: Option<Box<Followed>>,
    lease: Lease,
    connection: Option<UpstreamConnection>,
    /// Whether a part of it came.
    begun: bool,
    /// Whether the body said that it is over; one of unknown length never shows it otherwise.
    ended: bool,
    upload: Rc<Upload>,
    idle: Duration,
    /// When the application last sent something; armed when it first makes us wait.
    silence: Option<(Timer, Instant)>,
}

impl FromUpstream {
    pub(super) fn new(
        body: Incoming,
        lease: Lease,
        connection: UpstreamConnection,
        upload: Rc<Upload>,
        idle: Duration,
    ) -> Box<Self> {
        Box::new(Self {
            front: None,
            body,
            follow: None,
            lease,
            connection: Some(connection),
            begun: false,
            ended: false,
            upload,
            idle,
            silence: None,
        })
    }

    /// It is shown to these as it comes.
    pub(super) fn shown_to(&mut self, follow: Option<Box<Followed>>) {
        self.follow = follow;
    }

    /// No more of it comes: those who looked at it say what they saw.
    pub(super) fn followed(&mut self) {
        if let Some(follow) = self.follow.take() {
            follow.end(self.ended || self.body.is_end_stream());
        }
    }

    /// It begins with what was read of it.
    pub(super) fn begin_with(&mut self, front: Front) {
        self.front = (!front.is_empty()).then(|| Box::new(front));
    }

    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
        exchange: &Exchange,
    ) -> Poll<Option<Result<Frame<Bytes>, AnswerBroken>>> {
        if let Some(front) = &mut self.front {
            let frame = front.next();
            self.front.take_if(|front| front.is_empty());
            if let Some(frame) = frame {
                return Poll::Ready(Some(Ok(frame)));
            }
        }
        if self.ended {
            return Poll::Ready(None);
        }
        match Pin::new(&mut self.body).poll_frame(cx) {
            // One that never pauses is never asked for the time otherwise. The first part comes right behind the head, which came in time.
            Poll::Ready(Some(Ok(_))) if std::mem::replace(&mut self.begun, true) && exchange.overdue() => {
                Poll::Ready(Some(Err(AnswerBroken(OVERDUE.into()))))
            }
            Poll::Ready(Some(Ok(frame))) => {
                self.ended = frame.is_trailers();
                if let (Some(follow), Some(data)) = (&mut self.follow, frame.data_ref())
                    && !follow.part(data)
                {
                    self.follow = None;
                }
                if let Some((_, moved_at)) = &mut self.silence {
                    *moved_at = Instant::now();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                exchange.core.meters.upstream_failed("broken-body");
                let inside = match edge::refusal(&error) {
                    Some(refusal) => format!("the application's answer broke off its framing: {refusal}").into(),
                    None => "the application broke off in the middle of its answer".into(),
                };
                Poll::Ready(Some(Err(AnswerBroken(inside))))
            }
            Poll::Ready(None) => {
                self.ended = true;
                Poll::Ready(None)
            }
            Poll::Pending => self.poll_silence(cx, exchange),
        }
    }

    /// Whether the application has been silent for too long, or the whole exchange takes too long.
    fn poll_silence(
        &mut self,
        cx: &mut Context<'_>,
        exchange: &Exchange,
    ) -> Poll<Option<Result<Frame<Bytes>, AnswerBroken>>> {
        let timers: &Timers = &exchange.core.timers;
        let moved_at = self.silence.as_ref().map_or_else(Instant::now, |(_, moved_at)| *moved_at);
        let silent = moved_at + self.idle;
        let due = exchange.due(&exchange.route().policy).map_or(silent, |due| silent.min(due));
        let (timer, _) = self.silence.get_or_insert_with(|| (timers.at(due), moved_at));
        while Pin::new(&mut *timer).poll(cx).is_ready() {
            if due <= Instant::now() {
                if exchange.overdue() {
                    return Poll::Ready(Some(Err(AnswerBroken(OVERDUE.into()))));
                }
                exchange.core.meters.upstream_failed("silent-body");
                let inside = "the application fell silent in the middle of its answer".into();
                return Poll::Ready(Some(Err(AnswerBroken(inside))));
            }
            timer.reset(due);
        }
        Poll::Pending
    }

    /// Nothing of it is sent any more. Its connection is kept when all of it was read.
    pub(super) fn dismiss(&mut self, now: Instant) {
        self.front = None;
        self.give_back(now);
    }

    /// Whether trailers follow on what was read.
    pub(super) fn trailed(&self) -> bool {
        self.front.as_ref().is_some_and(|front| front.trailed())
    }

    /// Whether all of the answer was passed on.
    pub(super) fn complete(&self) -> bool {
        self.front.is_none() && (self.ended || self.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let Some(front) = &self.front else { return self.body.size_hint() };
        let (rest, read) = (self.body.size_hint(), front.bytes());
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(read));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(read));
        }
        hint
    }

    /// Keeps the connection when both messages on it are complete.
    fn give_back(&mut self, now: Instant) {
        let Some(connection) = self.connection.take() else { return };
        if self.upload.done() && self.complete() {
            self.lease.give_back(connection, now);
        }
    }
}

//! An answer's body, compressed while it streams.
//!
//! What holds memory is bounded: one frame of the application's, one slice of output, and the encoder's own windows. What holds
//! the core is bounded too: a slice is compressed at a time, and everybody else has a turn between two slices. When the
//! application pauses, what it has said so far is flushed, so that a line of a stream arrives before the next is written. When it
//! breaks off, nothing is finished: the client's connection is cut as for every other answer.

mod encoder;

use std::{
    borrow::Cow,
    future::Future,
    pin::pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use seawall_guards::{AnswerHead, compression::relabel};

use self::encoder::Encoder;
use super::{
    Exchange,
    answer::{AnswerBroken, FromUpstream, Payload},
};

const FAILED: AnswerBroken = AnswerBroken(Cow::Borrowed("the answer could not be compressed"));

type Next = Poll<Option<Result<Frame<Bytes>, AnswerBroken>>>;

/// The payload of an answer: compressed, and its head made true for that, when the guard decided so.
pub(super) fn or_as_it_is(head: &mut AnswerHead, upstream: Box<FromUpstream>, exchange: &Exchange) -> Payload {
    // An encoder that cannot be made has nothing to do with the answer, which goes out as it is.
    let made = exchange.context.compression.chosen().and_then(|coding| Some((coding, Encoder::new(coding).ok()?)));
    let Some((coding, encoder)) = made else { return Payload::Upstream(upstream) };
    relabel(head, coding);
    Payload::Compressed(Box::new(Compressed::new(upstream, encoder)))
}

/// The application's body on its way through an encoder.
#[derive(Debug)]
pub(super) struct Compressed {
    upstream: Box<FromUpstream>,
    stage: Stage,
    /// What the application sent and the encoder has not seen.
    input: Bytes,
    /// Bytes that the encoder may still be given in this turn.
    budget: usize,
    held: Held,
}

/// How far the body is.
#[derive(Debug)]
enum Stage {
    /// It streams.
    Streaming(Encoder),
    /// All of it is compressed; these trailers follow.
    Trailers(HeaderMap),
    /// It is over.
    Done,
}

/// Whether the encoder keeps back something that the client could use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    Nothing,
    /// It does, and more may come at once.
    Something,
    /// It does, and everybody else has had a turn without more having come.
    Long,
}

impl Compressed {
    const fn new(upstream: Box<FromUpstream>, encoder: Encoder) -> Self {
        let budget = encoder.slice();
        Self { upstream, stage: Stage::Streaming(encoder), input: Bytes::new(), budget, held: Held::Nothing }
    }

    /// The body before it is compressed.
    pub(super) fn upstream(&mut self) -> &mut FromUpstream {
        &mut self.upstream
    }

    /// Whether all of it was passed on.
    pub(super) const fn over(&self) -> bool {
        matches!(self.stage, Stage::Done)
    }

    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>, exchange: &Exchange) -> Next {
        loop {
            let Stage::Streaming(encoder) = &mut self.stage else { return Poll::Ready(self.trailers()) };
            if !self.input.is_empty() {
                if self.budget == 0 {
                    self.budget = encoder.slice();
                    return give_way(cx);
                }
                let Ok((taken, output)) = encoder.compress(&mut self.input, self.budget) else {
                    return Poll::Ready(Some(Err(FAILED)));
                };
                self.budget = self.budget.saturating_sub(taken);
                self.held = Held::Something;
                exchange.core.meters.compression_in.observe(taken as u64);
                if let Some(frame) = framed(output, exchange) {
                    return Poll::Ready(Some(Ok(frame)));
                }
                continue;
            }
            match self.upstream.poll_frame(cx, exchange) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => self.input = data,
                    Err(frame) => return Poll::Ready(self.finish(frame.into_trailers().ok(), exchange)),
                },
                Poll::Ready(None) => return Poll::Ready(self.finish(None, exchange)),
                Poll::Ready(Some(Err(broken))) => return Poll::Ready(Some(Err(broken))),
                Poll::Pending => return self.pause(cx, exchange),
            }
        }
    }

    /// The application makes us wait. What comes in the same breath is waited for, so that a body that arrives in many small
    /// pieces is not flushed after each.
    fn pause(&mut self, cx: &mut Context<'_>, exchange: &Exchange) -> Next {
        let Stage::Streaming(encoder) = &mut self.stage else { return Poll::Pending };
        self.budget = encoder.slice();
        match self.held {
            Held::Nothing => Poll::Pending,
            Held::Something => {
                self.held = Held::Long;
                give_way(cx)
            }
            Held::Long => {
                self.held = Held::Nothing;
                let Ok(output) = encoder.flush() else { return Poll::Ready(Some(Err(FAILED))) };
                framed(output, exchange).map_or(Poll::Pending, |frame| Poll::Ready(Some(Ok(frame))))
            }
        }
    }

    fn finish(
        &mut self,
        trailers: Option<HeaderMap>,
        exchange: &Exchange,
    ) -> Option<Result<Frame<Bytes>, AnswerBroken>> {
        let after = trailers.map_or(Stage::Done, Stage::Trailers);
        let Stage::Streaming(encoder) = std::mem::replace(&mut self.stage, after) else { return None };
        let Ok(output) = encoder.finish() else { return Some(Err(FAILED)) };
        framed(output, exchange).map(Ok).or_else(|| self.trailers())
    }

    fn trailers(&mut self) -> Option<Result<Frame<Bytes>, AnswerBroken>> {
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Trailers(trailers) => Some(Ok(Frame::trailers(trailers))),
            Stage::Streaming(_) | Stage::Done => None,
        }
    }
}

/// Everybody else has a turn, and what has come over the network is seen, before this body goes on.
fn give_way<T>(cx: &mut Context<'_>) -> Poll<T> {
    // Asked once, it has arranged to be woken; it need not be kept.
    let _woken_later = pin!(tokio::task::yield_now()).poll(cx);
    Poll::Pending
}

fn framed(output: Vec<u8>, exchange: &Exchange) -> Option<Frame<Bytes>> {
    exchange.core.meters.compression_out.observe(output.len() as u64);
    (!output.is_empty()).then(|| Frame::data(output.into()))
}

//! A body that was read in part, or whole, before it is sent on.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::{Counted, CountedError, Kept};

/// What was read of a body, then the rest of it.
#[derive(Debug)]
pub struct Reread<B: Body> {
    read: VecDeque<Bytes>,
    failed: Option<CountedError<B::Error>>,
    /// Nothing once it is over, or when another body takes its place.
    rest: Option<Pin<Box<Counted<B>>>>,
}

impl<B: Body<Data = Bytes>> Reread<B> {
    /// A body of which nothing was read.
    #[must_use]
    pub fn new(rest: Counted<B>) -> Self {
        Self { read: VecDeque::new(), failed: None, rest: Some(Box::pin(rest)) }
    }

    /// The next part of the rest; nothing when it is over, also because it failed.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        while let Some(rest) = &mut self.rest {
            match std::future::poll_fn(|cx| rest.as_mut().poll_frame(cx)).await {
                Some(Ok(frame)) => {
                    // Trailers of a body that was looked at are not sent on (RFC 9110 section 6.5.1).
                    if let Ok(data) = frame.into_data() {
                        return Some(data);
                    }
                }
                Some(Err(error)) => {
                    self.failed = Some(error);
                    self.rest = None;
                }
                None => self.rest = None,
            }
        }
        None
    }

    /// Whether it broke off.
    pub(super) const fn failed(&self) -> bool {
        self.failed.is_some()
    }

    /// It begins with these parts, which were read.
    pub(super) fn begin_with(&mut self, kept: Kept) {
        self.read = kept.into_parts().into();
    }

    /// This takes its place.
    pub(super) fn replace(&mut self, body: Bytes) {
        self.read = VecDeque::from([body]);
        self.rest = None;
    }
}

impl<B: Body<Data = Bytes>> Body for Reread<B> {
    type Data = Bytes;
    type Error = CountedError<B::Error>;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Some(part) = self.read.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(part))));
        }
        if let Some(error) = self.failed.take() {
            return Poll::Ready(Some(Err(error)));
        }
        self.rest.as_mut().map_or(Poll::Ready(None), |rest| rest.as_mut().poll_frame(cx))
    }

    fn is_end_stream(&self) -> bool {
        self.read.is_empty() && self.failed.is_none() && self.rest.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let read = self.read.iter().map(Bytes::len).sum::<usize>() as u64;
        let rest = match (&self.rest, &self.failed) {
            (Some(rest), _) => rest.size_hint(),
            (None, None) => SizeHint::with_exact(0),
            (None, Some(_)) => SizeHint::new(),
        };
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(read));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(read));
        }
        hint
    }
}

// Its parts are moved freely, and the rest is pinned where it is.
impl<B: Body> Unpin for Reread<B> {}

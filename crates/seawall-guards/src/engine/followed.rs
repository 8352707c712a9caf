//! An answer's body that is shown, as it passes, to those who look at it.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::Following;

/// How much is shown at once.
const PART_BYTES: usize = 64 * 1024;

pin_project! {
    /// A body that somebody looks at, or nobody. What looking at it leaves to do is done when the last of it was taken.
    #[derive(Debug)]
    pub struct Followed<B> {
        #[pin]
        body: B,
        following: Option<Following>,
    }
}

impl<B: Body<Data = Bytes>> Followed<B> {
    /// A body of which nothing was taken.
    #[must_use]
    pub fn new(body: B, following: Option<Following>) -> Self {
        let mut following = following;
        if body.is_end_stream() {
            end(&mut following);
        }
        Self { body, following }
    }
}

impl<B: Body<Data = Bytes>> Body for Followed<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut this = self.project();
        let frame = ready!(this.body.as_mut().poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                if let (Some(following), Some(data)) = (&mut *this.following, frame.data_ref())
                    && !data.chunks(PART_BYTES).all(|slice| following.part(slice))
                {
                    *this.following = None;
                }
                if this.body.is_end_stream() {
                    end(this.following);
                }
            }
            Some(Err(_)) => *this.following = None,
            None => end(this.following),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// All of the body was shown.
fn end(following: &mut Option<Following>) {
    let rest = following.take().map(|following| following.end(true)).unwrap_or_default();
    rest.into_iter().for_each(|rest| rest());
}

//! An answer on its way to the first who asked, recorded for the others. What does not come to a good end is recorded for nobody.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use http_body::{Body as HttpBody, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::{kept::Form, recording::Keep};
use crate::{
    body::{Body, BodyError},
    llm::{
        sse::Events,
        watch::{Passes, Watch},
    },
};

/// How an answer is looked at.
enum Looked {
    /// Part by part.
    Parts,
    /// Event by event, so that the one that tells its usage is recorded, and passed on only where it is wanted.
    Events { events: Events, watch: Box<Watch>, ready: VecDeque<Bytes> },
}

pin_project! {
    /// The body of an answer that is recorded.
    pub(super) struct Recorder {
        #[pin]
        body: Body,
        looked: Looked,
        copy: BytesMut,
        // Nothing once it is clear what becomes of the record.
        keep: Option<Keep>,
    }
}

impl Recorder {
    pub(super) fn new(body: Body, form: Form, keep: Keep) -> Self {
        let looked = match form {
            Form::Whole => Looked::Parts,
            Form::Events => Looked::Events {
                events: Events::default(),
                watch: Box::new(Watch::new(keep.wanted.dialect, keep.wanted.operation, !keep.wanted.usage)),
                ready: VecDeque::new(),
            },
        };
        Self { body, looked, copy: BytesMut::new(), keep: Some(keep) }
    }
}

impl HttpBody for Recorder {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut this = self.project();
        loop {
            if let Looked::Events { ready, .. } = this.looked
                && let Some(bytes) = ready.pop_front()
            {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            match ready!(this.body.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => {
                    let Ok(data) = frame.into_data() else { continue };
                    match this.looked {
                        Looked::Parts => {
                            record(this.copy, this.keep, &data);
                            if this.body.is_end_stream() {
                                end(this.keep, Form::Whole, this.copy);
                            }
                            return Poll::Ready(Some(Ok(Frame::data(data))));
                        }
                        Looked::Events { events, watch, ready } => {
                            pass(&data, (events, watch, ready), this.copy, this.keep);
                        }
                    }
                }
                Some(Err(error)) => {
                    // Whoever waits asks for itself.
                    drop(this.keep.take());
                    return Poll::Ready(Some(Err(error)));
                }
                None => {
                    match this.looked {
                        Looked::Parts => end(this.keep, Form::Whole, this.copy),
                        Looked::Events { events, watch, ready } => {
                            if events.rest().is_empty() && watch.ended() && !watch.failed() {
                                end(this.keep, Form::Events, this.copy);
                            } else {
                                drop(this.keep.take());
                            }
                            let rest = Bytes::copy_from_slice(events.rest());
                            *events = Events::default();
                            if !rest.is_empty() {
                                ready.push_back(rest);
                                continue;
                            }
                        }
                    }
                    return Poll::Ready(None);
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.looked, Looked::Parts) && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match self.looked {
            Looked::Parts => self.body.size_hint(),
            Looked::Events { .. } => SizeHint::default(),
        }
    }
}

/// Passes on the events that are here as a whole.
fn pass(
    data: &Bytes,
    (events, watch, ready): (&mut Events, &mut Watch, &mut VecDeque<Bytes>),
    copy: &mut BytesMut,
    keep: &mut Option<Keep>,
) {
    if events.push(data).is_err() {
        // Whoever passed it on holds no longer event either; this one goes on unseen.
        drop(keep.take());
        ready.push_back(Bytes::copy_from_slice(events.rest()));
        ready.push_back(data.clone());
        *events = Events::default();
        return;
    }
    while let Some(event) = events.next() {
        let passes = watch.look(&event);
        // Comments, by which a connection is kept open, are none of the answer.
        if !event.data.is_empty() {
            record(copy, keep, &event.bytes);
        }
        if passes != Passes::Stays {
            ready.push_back(event.bytes);
        }
    }
}

/// Records a part, as long as the answer is one that can be kept.
fn record(copy: &mut BytesMut, keep: &mut Option<Keep>, data: &[u8]) {
    let Some(largest) = keep.as_ref().map(Keep::largest_bytes) else { return };
    if copy.len() + data.len() > largest {
        *copy = BytesMut::new();
        if let Some(keep) = keep.take() {
            keep.alone();
        }
        return;
    }
    copy.extend_from_slice(data);
}

fn end(keep: &mut Option<Keep>, form: Form, copy: &mut BytesMut) {
    if let Some(keep) = keep.take() {
        keep.finish(form, std::mem::take(copy).freeze());
    }
}

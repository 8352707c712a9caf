//! The body of an answer, sent step by step.

use std::{
    collections::VecDeque,
    io::{Error, ErrorKind},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::time::{Sleep, sleep};

use super::{call::Ending, state::Watch, steps::Step};

#[derive(Debug)]
pub(super) struct Played {
    steps: VecDeque<Step>,
    sleep: Option<Pin<Box<Sleep>>>,
    /// Whether what came before a cut had its chance to leave.
    flushed: bool,
    watch: Watch,
}

impl Played {
    pub(super) fn new(steps: Vec<Step>, watch: Watch) -> Self {
        Self { steps: steps.into(), sleep: None, flushed: false, watch }
    }
}

impl Body for Played {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        loop {
            if let Some(sleep) = &mut self.sleep {
                ready!(sleep.as_mut().poll(context));
                self.sleep = None;
            }
            let bytes = match self.steps.pop_front() {
                None => return Poll::Ready(None),
                Some(Step::Send(bytes)) => bytes,
                Some(Step::Wait(duration)) => {
                    self.sleep = Some(Box::pin(sleep(duration)));
                    continue;
                }
                Some(Step::Fill(bytes, times)) => {
                    if times > 1 {
                        self.steps.push_front(Step::Fill(bytes.clone(), times - 1));
                    }
                    bytes
                }
                Some(Step::FillForever(bytes)) => {
                    self.steps.push_front(Step::FillForever(bytes.clone()));
                    bytes
                }
                Some(Step::Stay) => {
                    self.steps.push_front(Step::Stay);
                    // The connection notices by itself when the client leaves.
                    return Poll::Pending;
                }
                Some(Step::Cut) if !self.flushed => {
                    // hyper writes what it holds before it asks again.
                    self.flushed = true;
                    self.steps.push_front(Step::Cut);
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Some(Step::Cut) => {
                    self.watch.end(Ending::Cut);
                    return Poll::Ready(Some(Err(Error::new(
                        ErrorKind::ConnectionAborted,
                        "the model's name asks for a cut",
                    ))));
                }
            };
            if self.steps.is_empty() {
                self.watch.end(Ending::Whole);
            }
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty()
    }
}

//! Answers the requests of one conversation over HTTP/1, which come one after another.
//!
//! The future of an exchange has some four kilobytes. hyper moves what a service gives it into place for each request, and the reads
//! and writes of that push out of the processor's nearest memory what the request needs. So one future answers all requests of a
//! conversation where it is, and hyper gets a small one that looks at it.

use std::{
    cell::{Cell, RefCell},
    convert::Infallible,
    future::{Future, poll_fn},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use http::Response;

use crate::exchange::{Begun, Outbound};

/// Answers one request at a time.
#[derive(Default)]
pub(super) struct Answerer {
    desk: Rc<Desk>,
    /// Made with the first request, and anew after one that was given up.
    worker: RefCell<Option<Pin<Box<dyn Future<Output = Infallible>>>>>,
}

/// What goes in and out.
#[derive(Default)]
struct Desk {
    request: Cell<Option<Begun>>,
    answer: Cell<Option<Response<Outbound>>>,
}

/// The answer to one request.
pub(super) struct Answer<'a>(State<'a>);

enum State<'a> {
    /// It is worked on.
    Awaited(&'a Answerer),
    /// It was there at once.
    Given(Box<Response<Outbound>>),
    Over,
}

impl Answerer {
    /// Begins to answer. The answer before was taken, or given up.
    pub(super) fn answer(&self, begun: Begun) -> Answer<'_> {
        self.desk.request.set(Some(begun));
        self.worker.borrow_mut().get_or_insert_with(|| Box::pin(work(Rc::clone(&self.desk))));
        Answer(State::Awaited(self))
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<Response<Outbound>> {
        if let Some(worker) = self.worker.borrow_mut().as_mut() {
            match worker.as_mut().poll(cx) {
                Poll::Pending => {}
                Poll::Ready(never) => match never {},
            }
        }
        self.desk.answer.take().map_or(Poll::Pending, Poll::Ready)
    }
}

async fn work(desk: Rc<Desk>) -> Infallible {
    loop {
        let begun = poll_fn(|_| desk.request.take().map_or(Poll::Pending, Poll::Ready)).await;
        let answer = begun.answer().await;
        desk.answer.set(Some(answer));
    }
}

impl Answer<'_> {
    /// One that is there already.
    pub(super) const fn given(answer: Box<Response<Outbound>>) -> Self {
        Self(State::Given(answer))
    }
}

impl Future for Answer<'_> {
    type Output = Result<Response<Outbound>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let state = &mut self.get_mut().0;
        if let State::Awaited(answerer) = state {
            let answered = answerer.poll(cx).map(Ok);
            if answered.is_ready() {
                *state = State::Over;
            }
            return answered;
        }
        match std::mem::replace(state, State::Over) {
            State::Given(answer) => Poll::Ready(Ok(*answer)),
            State::Awaited(_) | State::Over => Poll::Pending,
        }
    }
}

impl Drop for Answer<'_> {
    fn drop(&mut self) {
        // Nobody waits for it any more: the exchange ends here, as it would if it were part of this.
        if let State::Awaited(answerer) = self.0 {
            answerer.desk.request.take();
            answerer.worker.borrow_mut().take();
        }
    }
}

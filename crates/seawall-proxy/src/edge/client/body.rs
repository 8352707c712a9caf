//! A request's body on a connection that others share. hyper gives it a task of its own, which does not ask the body again before
//! the server takes what it has; so a body that the server does not take ends only with its task.

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
};

use bytes::Bytes;
use http_body::Frame;
use hyper::rt::Executor;
use tokio::task::AbortHandle;

/// What sends a request's body.
#[derive(Debug)]
pub(crate) struct BodyTask(RefCell<Stage>);

/// How far a body is.
#[derive(Debug)]
enum Stage {
    /// It has no task, and needs none when all of it can be sent at once.
    Begun,
    /// A task sends it.
    Sent(AbortHandle),
    /// Nobody wants the rest.
    Ended,
}

impl BodyTask {
    pub(crate) fn new() -> Rc<Self> {
        Rc::new(Self(RefCell::new(Stage::Begun)))
    }

    /// Nobody wants the rest of the body. With the answer's end dropped too, the server is told by a reset.
    pub(crate) fn end(&self) {
        if let Stage::Sent(task) = self.0.replace(Stage::Ended) {
            task.abort();
        }
    }

    /// Whether nobody wants the rest of the body.
    pub(crate) fn ended(&self) -> bool {
        matches!(*self.0.borrow(), Stage::Ended)
    }
}

/// Runs the tasks of one connection on its core, and knows which of them sends which body.
#[derive(Clone, Debug, Default)]
pub(super) struct Tasks {
    asked: Rc<RefCell<Weak<BodyTask>>>,
}

impl Tasks {
    /// A body is asked for more.
    pub(super) fn asked(&self, body: &Rc<BodyTask>) {
        if matches!(*body.0.borrow(), Stage::Begun) {
            self.asked.replace(Rc::downgrade(body));
        }
    }
}

impl<F: Future<Output: 'static> + 'static> Executor<F> for Tasks {
    fn execute(&self, future: F) {
        // Invariant: hyper asks a body before it makes the task for it, and does nothing else in between. A body that it can send at
        // once gets no task, and is gone by then.
        let body = self.asked.take().upgrade();
        let task = tokio::task::spawn_local(future).abort_handle();
        if let Some(body) = body {
            body.0.replace(Stage::Sent(task));
        }
    }
}

/// The parts of a body, cut so that its end is never before what the server takes. h2 holds a part back of which the server takes
/// the start, and once the end of the body is behind it, a stream whose answer is over can neither be reset nor ends.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    sent: usize,
    /// The last byte of a part. hyper gives it to h2 when the server takes all that was before.
    last: Bytes,
}

impl Parts {
    /// What is left of the part before.
    pub(crate) fn rest(&mut self) -> Option<Frame<Bytes>> {
        (!self.last.is_empty()).then(|| Frame::data(std::mem::take(&mut self.last)))
    }

    /// How much is left of it.
    pub(crate) const fn rest_bytes(&self) -> usize {
        self.last.len()
    }

    /// The next part, when a server takes so many bytes unasked.
    pub(crate) fn cut(&mut self, frame: Frame<Bytes>, window: usize) -> Frame<Bytes> {
        frame.map_data(|mut part| {
            self.sent = self.sent.saturating_add(part.len());
            if self.sent > window && part.len() > 1 {
                self.last = part.split_off(part.len() - 1);
            }
            part
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_window_the_last_byte_of_each_part_comes_by_itself() {
        let mut parts = Parts::default();
        let mut sent = Vec::new();
        for part in ["1234", "56", "7", "890"] {
            sent.push(parts.cut(Frame::data(Bytes::from(part)), 5).into_data().unwrap());
            sent.extend(parts.rest().map(|rest| rest.into_data().unwrap()));
            assert_eq!(parts.rest_bytes(), 0);
        }
        assert_eq!(sent, ["1234", "5", "6", "7", "89", "0"]);
    }
}

//! One core's connections to one server that many requests share (HTTP/2): which of them takes one more, and who waits for one
//! that is being opened.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::{Rc, Weak},
};

use bytes::Bytes;
use http::Request;
use http_body::Frame;
use tokio::{sync::oneshot, time::Instant};

use super::slot::Slot;
use crate::{
    edge::{self, Answered, BodyTask, Multiplexed, Parts, UpstreamConnection},
    exchange::Sending,
};

/// Connections that are shared, in the order they were opened.
#[derive(Debug)]
pub(super) struct Streams {
    open: RefCell<Vec<Rc<Multiplexed>>>,
    /// How many are being opened.
    opening: Cell<usize>,
    /// How many requests one of them is expected to carry.
    expected: Cell<usize>,
    /// Requests that wait for one that is being opened. At most as many as those are expected to carry.
    waiting: RefCell<VecDeque<oneshot::Sender<UpstreamConnection>>>,
}

/// A request's place on a connection that others share, as its exchange holds it.
///
/// Dropping it ends the request, however far it is: nobody wants the rest of its body.
#[derive(Debug)]
pub(crate) struct Stream {
    place: Rc<Place>,
    body: Weak<BodyTask>,
}

/// The same place as the request's body holds it. It is given back when both are dropped.
#[derive(Debug)]
pub(crate) struct BodyPlace {
    place: Rc<Place>,
    task: Rc<BodyTask>,
    parts: Parts,
}

#[derive(Debug)]
struct Place {
    connection: Rc<Multiplexed>,
    slot: Weak<Slot>,
}

impl Stream {
    pub(super) fn new(connection: Rc<Multiplexed>, slot: &Rc<Slot>) -> Self {
        connection.enter();
        Self { place: Rc::new(Place { connection, slot: Rc::downgrade(slot) }), body: Weak::new() }
    }

    /// Sends a request and waits for the head of its answer.
    pub(crate) fn send(&mut self, mut request: Request<Sending>) -> impl Future<Output = Answered> + use<> {
        let task = BodyTask::new();
        self.body = Rc::downgrade(&task);
        request.body_mut().goes_over(BodyPlace { place: Rc::clone(&self.place), task, parts: Parts::default() });
        self.place.connection.send(request)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(body) = self.body.upgrade() {
            body.end();
        }
    }
}

impl BodyPlace {
    /// Whether nobody wants the rest of the body.
    pub(crate) fn ended(&self) -> bool {
        self.task.ended()
    }

    /// The body is asked for more; gives what is left of the part before.
    pub(crate) fn asked(&mut self) -> Option<Frame<Bytes>> {
        self.place.connection.asks(&self.task);
        self.parts.rest()
    }

    /// How much is left of the part before.
    pub(crate) const fn rest_bytes(&self) -> usize {
        self.parts.rest_bytes()
    }

    /// A part as it goes over the connection.
    pub(crate) fn carry(&mut self, frame: Frame<Bytes>) -> Frame<Bytes> {
        edge::clean_trailers(self.parts.cut(frame, self.place.connection.stream_window()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connection.leave();
        if let Some(slot) = self.slot.upgrade() {
            slot.stream_ended(&self.connection);
        }
    }
}

impl Streams {
    pub(super) fn new(max_streams: u32) -> Self {
        Self {
            open: RefCell::default(),
            opening: Cell::new(0),
            expected: Cell::new(max_streams as usize),
            waiting: RefCell::default(),
        }
    }

    /// The first connection that takes one more request: later ones become idle when there is less to do.
    pub(super) fn with_room(&self) -> Option<Rc<Multiplexed>> {
        self.open.borrow().iter().find(|connection| connection.has_room()).cloned()
    }

    /// Whether a further connection is needed for one more request.
    pub(super) fn need_another(&self) -> bool {
        self.waiting.borrow().len() >= self.opening.get() * self.expected.get()
    }

    /// A connection is being opened until what this gives is dropped. Then whoever still waits looks again.
    pub(super) fn open_another(&self) -> Opening<'_> {
        self.opening.set(self.opening.get() + 1);
        Opening(self)
    }

    /// Waits for one that is being opened.
    pub(super) fn wait(&self) -> oneshot::Receiver<UpstreamConnection> {
        let (hand_over, handed) = oneshot::channel();
        self.waiting.borrow_mut().push_back(hand_over);
        handed
    }

    /// The first who still waits.
    pub(super) fn next_waiting(&self) -> Option<oneshot::Sender<UpstreamConnection>> {
        let mut waiting = self.waiting.borrow_mut();
        loop {
            let first = waiting.pop_front()?;
            if !first.is_closed() {
                return Some(first);
            }
        }
    }

    /// A connection is open.
    pub(super) fn add(&self, connection: Rc<Multiplexed>) {
        self.expected.set((connection.most_streams() as usize).max(1));
        self.open.borrow_mut().push(connection);
    }

    /// How many carry nothing.
    pub(super) fn idle(&self) -> usize {
        self.open.borrow().iter().filter(|connection| connection.idle_since().is_some()).count()
    }

    /// Closes up to so many of those that are for closing.
    pub(super) fn close(&self, most: usize, mut which: impl FnMut(&Multiplexed) -> bool) {
        let mut closed = Vec::new();
        self.open.borrow_mut().retain(|connection| {
            let closes = closed.len() < most && which(connection);
            if closes {
                connection.retire();
                closed.push(Rc::clone(connection));
            }
            !closes
        });
        // Dropped once nobody looks at the list: what ends with a connection may.
        drop(closed);
    }

    /// Closes what is over, and what has carried nothing since `before`.
    pub(super) fn reap(&self, before: Option<Instant>) {
        let stale = |connection: &Multiplexed| {
            !connection.is_open() || connection.idle_since().zip(before).is_some_and(|(since, before)| since < before)
        };
        self.close(usize::MAX, stale);
    }
}

/// One connection that is being opened.
#[must_use]
pub(super) struct Opening<'a>(&'a Streams);

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        self.0.opening.set(self.0.opening.get().saturating_sub(1));
        // Whoever is told nothing looks again: one of them opens the next.
        drop(self.0.waiting.take());
    }
}

//! One server as one core sees it: the core's idle connections to it, its requests in flight, and who waits for a connection.

use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::VecDeque,
    future::poll_fn,
    io,
    rc::{Rc, Weak},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use seawall_resilience::{Deadline, Outcome, Pass, Permit};
use tokio::{sync::oneshot, task::AbortHandle, time::Instant};

use super::{Over, Protocol, Server, Sharing, Spoken, Stream, Tuning, streams::Streams};
use crate::{
    edge::{Http1Connection, Multiplexed, UpstreamConnection},
    meters::Refusals,
};

/// How often in a row a core may hand its connections on to requests of its own while those of other cores wait too.
const OWN_TURNS: u32 = 8;

/// A server and what a core has to do with it.
#[derive(Debug)]
pub(crate) struct Slot {
    server: Arc<Server>,
    core: usize,
    max_idle: Cell<usize>,
    keep: Cell<Duration>,
    protocol: Cell<Protocol>,
    sharing: Cell<Sharing>,
    /// What the server spoke the last time it could choose.
    chosen: Cell<Spoken>,
    idle: RefCell<VecDeque<Idle>>,
    streams: Streams,
    in_flight: Cell<u32>,
    /// Requests of this core that wait for a connection, the first first.
    waiting: RefCell<VecDeque<oneshot::Sender<UpstreamConnection>>>,
    /// Connections handed on in a row while others waited elsewhere.
    own_turns: Cell<u32>,
    /// Whether the server was replaced: its connections are not kept.
    retired: Cell<bool>,
    giver: OnceCell<AbortHandle>,
}

#[derive(Debug)]
struct Idle {
    connection: Http1Connection,
    since: Instant,
}

/// A connection, and where it comes from.
#[derive(Debug)]
pub(crate) enum Connected {
    /// It was made.
    New(UpstreamConnection),
    /// Another request has just finished with it.
    HandedOn(UpstreamConnection),
}

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum NoConnection {
    /// All places are taken, and too many wait for one already, or no place became free in time.
    Busy,
    /// The server could not be reached.
    Failed(io::Error),
}

/// What waiting gave.
enum Waited {
    Place(Permit),
    Connection(UpstreamConnection),
}

impl Slot {
    pub(super) fn new(server: Arc<Server>, core: usize, tuning: &Tuning) -> Rc<Self> {
        let slot = Rc::new(Self {
            server,
            core,
            max_idle: Cell::new(tuning.max_idle),
            keep: Cell::new(tuning.keep),
            protocol: Cell::new(tuning.protocol),
            sharing: Cell::new(tuning.sharing),
            chosen: Cell::new(Spoken::Http2),
            idle: RefCell::default(),
            streams: Streams::new(tuning.sharing.max_streams),
            in_flight: Cell::new(0),
            waiting: RefCell::default(),
            own_turns: Cell::new(0),
            retired: Cell::new(false),
            giver: OnceCell::new(),
        });
        let giver = tokio::task::spawn_local(give_up_idle(Arc::clone(&slot.server), Rc::downgrade(&slot)));
        let _set_once = slot.giver.set(giver.abort_handle());
        slot
    }

    /// The server.
    pub(crate) const fn server(&self) -> &Arc<Server> {
        &self.server
    }

    /// Requests of this core in flight.
    pub(super) const fn in_flight(&self) -> u32 {
        self.in_flight.get()
    }

    /// Whether a request would get a connection without waiting for one.
    pub(super) fn has_room(&self) -> bool {
        !self.server.connections.full() || !self.idle.borrow().is_empty() || self.streams.with_room().is_some()
    }

    /// Takes over changed numbers.
    pub(super) fn configure(&self, tuning: &Tuning) {
        self.max_idle.set(tuning.max_idle);
        self.keep.set(tuning.keep);
        let changed = self.protocol.replace(tuning.protocol) != tuning.protocol
            || self.sharing.replace(tuning.sharing) != tuning.sharing;
        if changed {
            self.streams.close(usize::MAX, |_| true);
        }
    }

    /// The server was replaced.
    pub(super) fn retire(&self) {
        self.retired.set(true);
        self.idle.borrow_mut().clear();
        self.streams.close(usize::MAX, |_| true);
    }

    /// A place on a connection that others share, or an idle connection that is still open, the latest used first.
    pub(crate) fn take_idle(self: &Rc<Self>, now: Instant, over: Over) -> Option<UpstreamConnection> {
        if self.protocol.get() != Protocol::Http1 && over == Over::Any {
            let stream = self.stream();
            if stream.is_some() || self.protocol.get() == Protocol::Http2 {
                return stream;
            }
        }
        loop {
            let Idle { connection, since } = self.idle.borrow_mut().pop_back()?;
            if now.saturating_duration_since(since) <= self.keep.get() && connection.is_open() {
                return Some(UpstreamConnection::Http1(connection));
            }
        }
    }

    /// A place on a connection that has room.
    fn stream(self: &Rc<Self>) -> Option<UpstreamConnection> {
        Some(UpstreamConnection::Http2(Stream::new(self.streams.with_room()?, self)))
    }

    /// Whether a connection that is opened for such a request will be shared with others.
    fn shares(&self, over: Over) -> bool {
        over == Over::Any
            && match self.protocol.get() {
                Protocol::Http1 => false,
                Protocol::Http2 => true,
                Protocol::Auto => self.server.negotiates() && self.chosen.get() == Spoken::Http2,
            }
    }

    /// Connects within `limit`. When all places are taken, waits for one, or for a connection of this core to become idle.
    pub(crate) async fn connect(
        self: &Rc<Self>,
        limit: Duration,
        over: Over,
        refusals: &Refusals,
    ) -> Result<Connected, NoConnection> {
        let deadline = Instant::now() + limit;
        let mut waited = false;
        if self.shares(over) {
            if let Some(connected) = self.connect_shared(deadline, refusals).await? {
                return Ok(connected);
            }
            // The server turned out to speak HTTP/1.1, for which nobody has to wait for another's connection.
            if let Some(connection) = self.take_idle(Instant::now(), over) {
                return Ok(Connected::HandedOn(connection));
            }
            waited = true;
        }
        let (place, waited) = match self.server.connections.try_acquire() {
            Ok(place) => (place, waited),
            Err(_) => match self.wait(deadline).await? {
                Waited::Place(place) => (place, true),
                Waited::Connection(connection) => return Ok(Connected::HandedOn(connection)),
            },
        };
        self.open(place, deadline, over, refusals).await.map(Connected::New).map_err(|error| not_opened(error, waited))
    }

    /// Connects for a request that others will share the connection with: to one that is there, or is being opened, or to one
    /// more. Gives nothing when it waited for one that was opened and cannot be shared.
    async fn connect_shared(
        self: &Rc<Self>,
        deadline: Instant,
        refusals: &Refusals,
    ) -> Result<Option<Connected>, NoConnection> {
        while self.shares(Over::Any) {
            if let Some(stream) = self.stream() {
                return Ok(Some(Connected::HandedOn(stream)));
            }
            if !self.streams.need_another() {
                match tokio::time::timeout_at(deadline, self.streams.wait()).await {
                    Ok(Ok(stream)) => return Ok(Some(Connected::HandedOn(stream))),
                    Ok(Err(_)) => continue,
                    Err(_) => return Err(NoConnection::Failed(io::ErrorKind::TimedOut.into())),
                }
            }
            let (place, waited) = match self.server.connections.try_acquire() {
                Ok(place) => (place, false),
                Err(_) => match self.wait(deadline).await? {
                    Waited::Place(place) => (place, true),
                    Waited::Connection(stream) => return Ok(Some(Connected::HandedOn(stream))),
                },
            };
            let opening = self.streams.open_another();
            let opened = self.open(place, deadline, Over::Any, refusals).await;
            drop(opening);
            return opened.map(|opened| Some(Connected::New(opened))).map_err(|error| not_opened(error, waited));
        }
        Ok(None)
    }

    /// Opens a connection that holds a place.
    async fn open(
        self: &Rc<Self>,
        place: Permit,
        deadline: Instant,
        over: Over,
        refusals: &Refusals,
    ) -> io::Result<UpstreamConnection> {
        let protocol = if over == Over::Http1 { Protocol::Http1 } else { self.protocol.get() };
        let left = deadline.saturating_duration_since(Instant::now());
        let (link, spoken) = self.server.connect(left, protocol).await?;
        if protocol == Protocol::Auto {
            self.chosen.set(spoken);
        }
        if spoken == Spoken::Http1 {
            return Http1Connection::open(link, place, refusals.clone()).await.map(UpstreamConnection::Http1);
        }
        let opened = Multiplexed::open(link, place, self.sharing.get());
        let connection = tokio::time::timeout_at(deadline, opened).await.map_err(|_| io::ErrorKind::TimedOut)??;
        if connection.most_streams() == 0 {
            return Err(io::Error::other("the server allows no requests on an HTTP/2 connection"));
        }
        let stream = Stream::new(Rc::clone(&connection), self);
        if !self.retired.get() {
            self.streams.add(connection);
            self.hand_out_streams();
        }
        Ok(UpstreamConnection::Http2(stream))
    }

    /// Gives room on shared connections to those who wait for it.
    fn hand_out_streams(self: &Rc<Self>) {
        while let Some(connection) = self.streams.with_room() {
            let Some(waiting) = self.next_waiting() else { return };
            // Who stopped waiting in this moment drops it, which gives it to the next.
            let _left = waiting.send(UpstreamConnection::Http2(Stream::new(connection, self)));
        }
    }

    /// The first of those who wait for a connection.
    fn next_waiting(&self) -> Option<oneshot::Sender<UpstreamConnection>> {
        loop {
            let first = self.waiting.borrow_mut().pop_front();
            match first {
                Some(first) if first.is_closed() => {}
                Some(first) => return Some(first),
                None => return self.streams.next_waiting(),
            }
        }
    }

    /// A request on a shared connection is over.
    pub(super) fn stream_ended(self: &Rc<Self>, connection: &Rc<Multiplexed>) {
        if self.server.connections.waiting() > self.waiting.borrow().len() {
            let own_turns = self.own_turns.get() + 1;
            self.own_turns.set(own_turns % OWN_TURNS);
            // Somebody on another core waits for the place that this connection holds; those who wait here wait for one too.
            if own_turns >= OWN_TURNS || (connection.idle_since().is_some() && self.waiting.borrow().is_empty()) {
                connection.retire();
            }
        }
        self.hand_out_streams();
        if connection.idle_since().is_some() && self.streams.idle() > self.max_idle.get() {
            connection.retire();
        }
        self.streams.reap(None);
    }

    /// Waits for a place, or for a connection of this core to become idle.
    async fn wait(&self, deadline: Instant) -> Result<Waited, NoConnection> {
        let mut place = std::pin::pin!(self.server.connections.acquire(Deadline::at(deadline)));
        if let Poll::Ready(place) = poll_fn(|cx| Poll::Ready(place.as_mut().poll(cx))).await {
            return place.map(Waited::Place).map_err(|_| NoConnection::Busy);
        }
        let (hand_over, handed) = oneshot::channel();
        self.waiting.borrow_mut().push_back(hand_over);
        // Counted among those who wait by now. An idle connection holds its place; whichever core has one gives it up.
        self.server.wanted.notify_waiters();
        tokio::select! {
            biased;
            Ok(connection) = handed => Ok(Waited::Connection(connection)),
            place = place => place.map(Waited::Place).map_err(|_| NoConnection::Busy),
        }
    }

    /// Keeps a connection for the next request: one that waits for it on this core, else any.
    fn give_back(&self, connection: UpstreamConnection, now: Instant) {
        // A place on a shared one is given back by whoever ends last: the answer, or the request's body.
        let UpstreamConnection::Http1(mut connection) = connection else { return };
        if self.retired.get() || !connection.is_free() {
            return;
        }
        let elsewhere = self.server.connections.waiting() > self.waiting.borrow().len();
        let own_turns = if elsewhere { self.own_turns.get() } else { 0 };
        if own_turns >= OWN_TURNS {
            // Its place goes to whoever has waited longest, on any core.
            self.own_turns.set(0);
            return;
        }
        while let Some(first) = self.waiting.borrow_mut().pop_front() {
            match first.send(UpstreamConnection::Http1(connection)) {
                Ok(()) => return self.own_turns.set(own_turns + 1),
                Err(UpstreamConnection::Http1(unwanted)) => connection = unwanted,
                Err(UpstreamConnection::Http2(_)) => return,
            }
        }
        // Somebody on another core waits for the place that this connection holds.
        if self.server.connections.waiting() > 0 {
            return;
        }
        let mut idle = self.idle.borrow_mut();
        if idle.len() < self.max_idle.get() {
            idle.push_back(Idle { connection, since: now });
        }
    }

    /// Closes what has been idle for too long.
    pub(super) fn reap(&self, now: Instant) {
        let mut idle = self.idle.borrow_mut();
        while idle.front().is_some_and(|oldest| {
            now.saturating_duration_since(oldest.since) > self.keep.get() || !oldest.connection.is_open()
        }) {
            idle.pop_front();
        }
        drop(idle);
        self.streams.reap(now.checked_sub(self.keep.get()));
        self.waiting.borrow_mut().retain(|waiting| !waiting.is_closed());
    }

    /// Closes all idle connections.
    pub(super) fn clear(&self) {
        self.idle.borrow_mut().clear();
        self.streams.close(usize::MAX, |connection| connection.idle_since().is_some());
    }

    fn count(&self, in_flight: u32) {
        self.in_flight.set(in_flight);
        self.server.count_in_flight(self.core, in_flight);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(giver) = self.giver.get() {
            giver.abort();
        }
    }
}

/// Why no connection was opened for whoever waited for its place, or did not.
fn not_opened(error: io::Error, waited: bool) -> NoConnection {
    // The time went by in the queue; that says nothing of how fast the server can be reached.
    let late = waited && error.kind() == io::ErrorKind::TimedOut;
    if late { NoConnection::Busy } else { NoConnection::Failed(error) }
}

/// Closes as many idle connections as there are requests that wait for their places.
async fn give_up_idle(server: Arc<Server>, slot: Weak<Slot>) {
    let mut wanted = std::pin::pin!(server.wanted.notified());
    loop {
        wanted.as_mut().await;
        // Listens again before it looks: of two calls in quick succession, the second must not be lost.
        wanted.set(server.wanted.notified());
        let Some(slot) = slot.upgrade() else { return };
        let mut idle = slot.idle.borrow_mut();
        let given_up = idle.len().min(server.connections.waiting());
        idle.drain(..given_up);
        drop(idle);
        let wanted = server.connections.waiting().saturating_sub(given_up);
        slot.streams.close(wanted, |connection| connection.idle_since().is_some());
    }
}

/// One request's claim on a server: counted as in flight, and owing the breaker an outcome. Dropped without one, the request
/// counts neither way.
#[derive(Debug)]
pub(crate) struct Lease {
    slot: Rc<Slot>,
    pass: Option<Pass>,
}

impl Lease {
    pub(super) fn new(slot: Rc<Slot>, pass: Pass) -> Self {
        slot.count(slot.in_flight.get() + 1);
        Self { slot, pass: Some(pass) }
    }

    /// The server and this core's connections to it.
    pub(crate) const fn slot(&self) -> &Rc<Slot> {
        &self.slot
    }

    /// Whether it tries a server that failed, which others wait for.
    pub(crate) fn probes(&self) -> bool {
        self.pass.is_some_and(Pass::probe)
    }

    /// Lets another request try the server; this one goes on and counts neither way. Otherwise a client that dawdles over its
    /// body would keep everyone out for as long as it likes.
    pub(crate) fn probes_no_longer(&mut self) {
        if self.probes() {
            self.record(Outcome::Abandoned);
        }
    }

    /// The server answered.
    pub(crate) fn succeeded(&mut self) {
        self.slot.server.reached(true);
        self.record(Outcome::Succeeded);
    }

    /// The server failed the request.
    pub(crate) fn failed(&mut self) {
        self.record(Outcome::Failed);
    }

    /// No connection to the server could be made.
    pub(crate) fn not_reached(&self) {
        self.slot.server.reached(false);
    }

    /// Keeps a connection on which both messages are complete.
    pub(crate) fn give_back(&self, connection: UpstreamConnection, now: Instant) {
        self.slot.give_back(connection, now);
    }

    fn record(&mut self, outcome: Outcome) {
        if let Some(pass) = self.pass.take() {
            self.slot.server.breaker.record(pass, outcome);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.record(Outcome::Abandoned);
        self.slot.count(self.slot.in_flight.get().saturating_sub(1));
    }
}

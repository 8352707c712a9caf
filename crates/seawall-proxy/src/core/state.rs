//! The state of one core.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    net::IpAddr,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use seawall_core::{clock::Clock, principal::Revoked};
use seawall_telemetry::{LogHandle, RequestLog, trace::Spans};
use tokio::sync::{Notify, mpsc};

use super::{
    BodyMemory, Command, Flights, Room, Sockets, Talkers, Turns,
    crowd::{Counted, Crowd, Limits, Member, Refusal},
};
use crate::{
    ServerSettings, Site,
    edge::{Activity, SendQueues},
    meters::Meters,
    timer::Timers,
    tls::{self, Terminator},
    upstream::{Upstream, View},
};

/// What a core is made of.
#[derive(Debug)]
pub(crate) struct CoreParts {
    pub(crate) index: usize,
    pub(crate) site: Site,
    pub(crate) settings: ServerSettings,
    pub(crate) upstream: Upstream,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) meter: Arc<dyn seawall_core::meter::Meter>,
    pub(crate) log: Option<RequestLog>,
    pub(crate) spans: Spans,
    pub(crate) seed: u64,
    pub(crate) tls: Option<Terminator>,
    /// Connections of all cores.
    pub(crate) crowd: Arc<Crowd>,
    /// What bodies take that guards look at, on all cores.
    pub(crate) body_memory: Arc<BodyMemory>,
    /// Who changes a resource, on all cores.
    pub(crate) turns: Arc<Turns>,
    /// Requests that others can join, on all cores.
    pub(crate) flights: Arc<Flights>,
    /// The ways to all cores, this one among them; they hold no core up when the plane is gone.
    pub(crate) cores: Vec<mpsc::WeakSender<Command>>,
    /// Whether there was no room to tell this core of a revocation.
    pub(crate) missed: Arc<AtomicBool>,
}

/// What a core serves, and how: all that a reload replaces.
#[derive(Debug)]
pub(crate) struct Serving {
    pub(crate) site: Site,
    pub(crate) settings: ServerSettings,
    /// The way to the request log; nothing when it is off.
    pub(crate) log: Option<LogHandle>,
}

/// One core's state, shared by its connections.
#[derive(Debug)]
pub(crate) struct Core {
    site: RefCell<Rc<Site>>,
    settings: RefCell<Rc<ServerSettings>>,
    pub(crate) upstream: View,
    pub(crate) timers: Timers,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: RefCell<fastrand::Rng>,
    pub(crate) log: RefCell<Option<RequestLog>>,
    pub(crate) spans: Spans,
    pub(crate) meters: Meters,
    /// How connections are encrypted, when they are.
    pub(crate) tls: Option<tls::View>,
    connections: RefCell<BTreeMap<u64, Rc<Activity>>>,
    pub(crate) talkers: Talkers,
    pub(crate) send_queues: SendQueues,
    next_connection: Cell<u64>,
    index: usize,
    crowd: Arc<Crowd>,
    pub(crate) body_memory: Arc<BodyMemory>,
    pub(crate) turns: Arc<Turns>,
    pub(crate) flights: Arc<Flights>,
    cores: Vec<mpsc::WeakSender<Command>>,
    missed: Arc<AtomicBool>,
    pub(crate) sockets: Rc<Sockets>,
    ending: Cell<bool>,
    closing: Cell<bool>,
    closed: Notify,
    emptied: Notify,
}

impl Core {
    pub(super) fn new(parts: CoreParts) -> Rc<Self> {
        Rc::new(Self {
            site: RefCell::new(Rc::new(parts.site)),
            upstream: View::new(parts.upstream, parts.index, parts.clock.now()),
            settings: RefCell::new(Rc::new(parts.settings)),
            timers: Timers::default(),
            clock: parts.clock,
            random: RefCell::new(fastrand::Rng::with_seed(parts.seed)),
            log: RefCell::new(parts.log),
            spans: parts.spans,
            meters: Meters::new(parts.meter),
            tls: parts.tls.map(tls::View::new),
            connections: RefCell::default(),
            talkers: Talkers::default(),
            send_queues: SendQueues::default(),
            next_connection: Cell::new(0),
            index: parts.index,
            crowd: parts.crowd,
            body_memory: parts.body_memory,
            turns: parts.turns,
            flights: parts.flights,
            cores: parts.cores,
            missed: parts.missed,
            sockets: Rc::default(),
            ending: Cell::new(false),
            closing: Cell::new(false),
            closed: Notify::new(),
            emptied: Notify::new(),
        })
    }

    /// What is served now; a request keeps the one it began with.
    pub(crate) fn site(&self) -> Rc<Site> {
        Rc::clone(&self.site.borrow())
    }

    /// How the listener behaves now. A connection asks each time it waits for something, so that what changes holds for the
    /// connections there are too.
    pub(crate) fn settings(&self) -> Rc<ServerSettings> {
        Rc::clone(&self.settings.borrow())
    }

    /// Room for a body that is held.
    pub(crate) fn room(&self) -> Room {
        self.room_of(1)
    }

    /// Room for a body that is only looked at, which must leave memory to those that are held: it finds none beyond one `share`th of it.
    pub(crate) fn room_of(&self, share: u64) -> Room {
        self.body_memory.room(self.settings.borrow().body_memory_bytes / share, self.meters.body_bytes.clone())
    }

    /// Whether this is what is served now, and not what an older request began with.
    pub(crate) fn serves(&self, site: &Rc<Site>) -> bool {
        Rc::ptr_eq(&self.site.borrow(), site)
    }

    /// Serves something else from now on. The log's lines so far are handed over before it is dropped.
    pub(super) fn replace(&self, serving: Serving) {
        self.site.replace(Rc::new(serving.site));
        self.settings.replace(Rc::new(serving.settings));
        self.meters.forget_routes();
        let mut log = self.log.borrow_mut();
        match serving.log {
            Some(handle) => {
                log.get_or_insert_with(|| handle.request_log());
            }
            None => *log = None,
        }
    }

    /// Ends the sockets that a revocation means; all that could be meant when another one was missed.
    pub(super) fn revoke(&self, revoked: &Revoked) {
        let now_us = self.clock.monotonic_us();
        self.sockets.revoke(revoked, now_us);
        if self.missed.swap(false, Ordering::AcqRel) {
            tracing::warn!(
                "more revocations came than could be told one by one; every socket of a principal is closed"
            );
            self.sockets.revoke_all(now_us);
        }
    }

    /// Takes a place for one connection more; nothing when there is none for it.
    pub(super) fn admit(self: &Rc<Self>, peer: IpAddr, activity: Rc<Activity>) -> Option<Admission> {
        let settings = self.settings();
        let member = match self.crowd.enter(self.index, peer, &Limits::of(&settings)) {
            Ok(member) => member,
            Err(Refusal::Full) => {
                self.meters.refused_full.increment();
                return None;
            }
            Err(Refusal::TooManyOfOne) => {
                self.meters.refused_address.increment();
                return None;
            }
        };
        let number = self.next_connection.replace(self.next_connection.get() + 1);
        self.connections.borrow_mut().insert(number, activity);
        self.meters.accepted.increment();
        self.meters.connections.increment();
        Some(Admission { core: Rc::clone(self), number, _member: member })
    }

    /// Counts a connection by the address that a proxy announces for it, unless that is exempt.
    pub(crate) fn admit_announced(&self, client: IpAddr) -> Result<Option<Counted>, Refusal> {
        let counted = self.crowd.count(client, &Limits::of(&self.settings()));
        counted.inspect_err(|_| self.meters.refused_address.increment())
    }

    /// The core that should have the next connection, when it is not this one.
    pub(super) fn elsewhere(&self) -> Option<mpsc::Sender<Command>> {
        self.cores.get(self.crowd.lighter_than(self.index)?)?.upgrade()
    }

    /// Takes a place for what a connection has become; it was admitted as a connection before.
    pub(crate) fn keep_place(self: &Rc<Self>, peer: IpAddr) -> Place {
        let settings = self.settings();
        // Its connection had a place until now, so the limits are kept.
        let unlimited = Limits { most: usize::MAX, most_per_address: usize::MAX, ..Limits::of(&settings) };
        let member = self.crowd.enter(self.index, peer, &unlimited);
        Place { core: Rc::clone(self), _member: member.ok() }
    }

    /// From now on every answer tells its connection to close.
    pub(super) fn announce_end(&self) {
        self.ending.set(true);
    }

    /// The end that was announced does not come.
    pub(super) fn recant_end(&self) {
        self.ending.set(false);
    }

    /// Whether the end was announced.
    pub(crate) fn ending(&self) -> bool {
        self.ending.get()
    }

    /// Closes idle connections, and every other one after the answers due. What has become a socket stays.
    pub(super) fn part(&self) {
        for activity in self.connections.borrow().values() {
            activity.drain();
        }
    }

    /// The same, and sockets too; whoever comes from here on finds the server closing.
    pub(super) fn close_connections(&self) {
        self.closing.set(true);
        self.part();
        self.closed.notify_waiters();
        self.upstream.clear();
    }

    /// Ends once connections are being closed.
    pub(crate) async fn closed(&self) {
        let notified = self.closed.notified();
        if !self.closing.get() {
            notified.await;
        }
    }

    /// Open connections of this core.
    pub(super) fn open_connections(&self) -> usize {
        self.connections.borrow().len()
    }

    /// Hands over the log lines there are.
    pub(super) fn flush_log(&self) {
        if let Some(log) = &mut *self.log.borrow_mut() {
            log.flush();
        }
    }

    /// Ends when no connection is open, and no socket.
    pub(super) async fn emptied(&self) {
        loop {
            let notified = self.emptied.notified();
            if self.connections.borrow().is_empty() && self.sockets.open() == 0 {
                return;
            }
            notified.await;
        }
    }
}

/// A place among the open connections of all cores; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    core: Rc<Core>,
    _member: Option<Member>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.core.emptied.notify_waiters();
    }
}

/// A connection's place; given back when dropped.
#[derive(Debug)]
pub(super) struct Admission {
    core: Rc<Core>,
    number: u64,
    _member: Member,
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.core.connections.borrow_mut().remove(&self.number);
        self.core.meters.connections.add(-1);
        self.core.emptied.notify_waiters();
    }
}

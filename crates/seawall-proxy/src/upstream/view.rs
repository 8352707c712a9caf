//! The upstream as one core sees it: its servers' slots, made anew when the list changes, and the choice among them.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use http::{HeaderMap, HeaderValue, header::HOST};
use seawall_core::{clock::Now, resilience::RetryBudget};
use seawall_resilience::Pass;
use tokio::time::Instant;

use super::{
    Protocol, Server, Upstream,
    choice::{Load, Places, least_loaded},
    slot::{Lease, Slot},
};

/// One core's view.
#[derive(Debug)]
pub(crate) struct View {
    upstream: Upstream,
    core: usize,
    generation: Cell<u64>,
    slots: RefCell<Rc<[Rc<Slot>]>>,
    turn: Cell<usize>,
    budget: RefCell<RetryBudget>,
    failure_statuses: RefCell<Vec<u16>>,
    host: RefCell<Option<HeaderValue>>,
    may_share: Cell<bool>,
}

/// No server may be asked: all of them fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AllFail {
    /// How long until one is tried again.
    pub(crate) retry_after: Duration,
}

impl View {
    pub(crate) fn new(upstream: Upstream, core: usize, now: Now) -> Self {
        let budget = RefCell::new(RetryBudget::new(upstream.budget(), now));
        let view = Self {
            upstream,
            core,
            generation: Cell::new(0),
            slots: RefCell::new(Rc::new([])),
            turn: Cell::new(0),
            budget,
            failure_statuses: RefCell::default(),
            host: RefCell::default(),
            may_share: Cell::default(),
        };
        view.refresh();
        view
    }

    /// Whether a status says that the server fails.
    pub(crate) fn fails_with(&self, status: u16) -> bool {
        self.failure_statuses.borrow().contains(&status)
    }

    /// Asks for the host that is configured; for a request without any, as HTTP/1.0 allows, for the server's own.
    pub(crate) fn name_host(&self, headers: &mut HeaderMap) {
        if let Some(host) = &*self.host.borrow() {
            headers.insert(HOST, host.clone());
        } else if !headers.contains_key(HOST)
            && let Some(first) = self.slots.borrow().first()
            && let Ok(host) = HeaderValue::from_str(&first.server().address().authority())
        {
            headers.insert(HOST, host);
        }
    }

    /// Whether requests may go over connections that others share (HTTP/2).
    pub(crate) const fn may_share(&self) -> bool {
        self.may_share.get()
    }

    /// Counts a request, so that some in a hundred may be sent again.
    pub(crate) fn requested(&self, now: Now) {
        self.budget.borrow_mut().requested(now);
    }

    /// Whether one more request may be sent again.
    pub(crate) fn may_retry(&self, now: Now) -> bool {
        self.budget.borrow_mut().withdraw(now)
    }

    /// The server for a request: the least loaded of those that work, best one that was not tried for it yet and has
    /// connections to spare: tunnels take them up without being requests in flight. When the checks say that none works they may be wrong, so all are considered; one whose breaker is open never is.
    pub(crate) fn choose(&self, tried: Places) -> Result<(Lease, usize), AllFail> {
        self.refresh();
        let slots = Rc::clone(&self.slots.borrow());
        let turn = self.turn.replace(self.turn.get().wrapping_add(1));
        if let [only] = &*slots {
            return admit(only)
                .map(|pass| (Lease::new(Rc::clone(only), pass), 0))
                .map_err(|retry_after| AllFail { retry_after });
        }
        let mut refused = Places::default();
        let mut soonest: Option<Duration> = None;
        for wanted in [Wanted::WithRoom, Wanted::UpAndUntried, Wanted::Untried, Wanted::Any] {
            loop {
                let loads = slots
                    .iter()
                    .enumerate()
                    .filter(|(place, slot)| !refused.holds(*place) && wanted.is(slot, tried.holds(*place)))
                    .map(|(place, slot)| (place, Load { in_flight: slot.in_flight(), weight: slot.server().weight() }));
                let Some(place) = least_loaded(loads, slots.len(), turn) else { break };
                let Some(slot) = slots.get(place) else { break };
                match admit(slot) {
                    Ok(pass) => return Ok((Lease::new(Rc::clone(slot), pass), place)),
                    Err(after) => {
                        refused = refused.with(place);
                        soonest = Some(soonest.map_or(after, |soonest| soonest.min(after)));
                    }
                }
            }
        }
        Err(AllFail { retry_after: soonest.unwrap_or_default() })
    }

    /// Whether a server is there that was not tried and gets requests.
    pub(crate) fn has_others(&self, tried: Places) -> bool {
        self.others(tried, |slot| !slot.server().held_back())
    }

    /// Whether a server is there that was not tried, gets requests, and has nobody waiting for a connection to it.
    pub(crate) fn others_have_room(&self, tried: Places) -> bool {
        let free = |server: &Server| server.connections.waiting() == 0 && server.up() && !server.held_back();
        self.others(tried, |slot| free(slot.server()))
    }

    /// Closes what has been idle for too long.
    pub(crate) fn reap(&self, now: Instant) {
        self.refresh();
        for slot in self.slots.borrow().iter() {
            slot.reap(now);
        }
    }

    /// Closes all idle connections.
    pub(crate) fn clear(&self) {
        for slot in self.slots.borrow().iter() {
            slot.clear();
        }
    }

    fn others(&self, tried: Places, wanted: impl Fn(&Slot) -> bool) -> bool {
        self.slots.borrow().iter().enumerate().any(|(place, slot)| !tried.holds(place) && wanted(slot))
    }

    /// Takes over a changed list of servers; those that stay keep their connections.
    fn refresh(&self) {
        let generation = self.upstream.generation();
        if self.generation.replace(generation) == generation {
            return;
        }
        let (servers, tuning) = self.upstream.current();
        let old = Rc::clone(&self.slots.borrow());
        let slots = servers.iter().map(|server| match old.iter().find(|slot| Arc::ptr_eq(slot.server(), server)) {
            Some(slot) => {
                slot.configure(&tuning);
                Rc::clone(slot)
            }
            None => Slot::new(Arc::clone(server), self.core, &tuning),
        });
        let slots: Rc<[Rc<Slot>]> = slots.collect();
        for slot in old.iter().filter(|slot| !slots.iter().any(|kept| Rc::ptr_eq(kept, slot))) {
            slot.retire();
        }
        self.slots.replace(slots);
        self.budget.borrow_mut().configure(self.upstream.budget());
        self.host.replace(tuning.host.clone());
        self.may_share.set(tuning.protocol != Protocol::Http1);
        self.failure_statuses.replace(tuning.failure_statuses.clone());
    }
}

/// Which servers a round of choosing considers.
#[derive(Clone, Copy)]
enum Wanted {
    WithRoom,
    UpAndUntried,
    Untried,
    Any,
}

impl Wanted {
    fn is(self, slot: &Slot, tried: bool) -> bool {
        match self {
            Self::WithRoom => !tried && slot.server().up() && slot.has_room(),
            Self::UpAndUntried => slot.server().up() && !tried,
            Self::Untried => !tried,
            Self::Any => true,
        }
    }
}

fn admit(slot: &Slot) -> Result<Pass, Duration> {
    slot.server().breaker.admit().map_err(|open| open.retry_after)
}

//! Idle connections to the application, kept per core without a lock: the latest used first, closed when old.

use std::{cell::RefCell, collections::VecDeque, rc::Rc, time::Duration};

use tokio::time::Instant;

use crate::edge::UpstreamConnection;

/// The pool of one core.
#[derive(Clone, Debug)]
pub(crate) struct Pool(Rc<Shelf>);

#[derive(Debug)]
struct Shelf {
    idle: RefCell<VecDeque<Idle>>,
    most: usize,
    keep: Duration,
}

#[derive(Debug)]
struct Idle {
    connection: UpstreamConnection,
    since: Instant,
}

impl Pool {
    /// A pool that keeps so many connections for so long.
    pub(crate) fn new(most: usize, keep: Duration) -> Self {
        Self(Rc::new(Shelf { idle: RefCell::default(), most, keep }))
    }

    /// An idle connection that is still open, the latest used first.
    pub(crate) fn take(&self, now: Instant) -> Option<UpstreamConnection> {
        loop {
            let Idle { connection, since } = self.0.idle.borrow_mut().pop_back()?;
            if now.saturating_duration_since(since) <= self.0.keep && connection.is_open() {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection for the next request.
    pub(crate) fn put(&self, connection: UpstreamConnection, now: Instant) {
        let mut idle = self.0.idle.borrow_mut();
        if connection.is_open() && idle.len() < self.0.most {
            idle.push_back(Idle { connection, since: now });
        }
    }

    /// Closes what has been idle for too long.
    pub(crate) fn reap(&self, now: Instant) {
        let mut idle = self.0.idle.borrow_mut();
        while idle.front().is_some_and(|oldest| {
            now.saturating_duration_since(oldest.since) > self.0.keep || !oldest.connection.is_open()
        }) {
            idle.pop_front();
        }
    }

    /// Closes all idle connections.
    pub(crate) fn clear(&self) {
        self.0.idle.borrow_mut().clear();
    }
}

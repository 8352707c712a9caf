//! The connections of one core that hold what it takes to answer, so that those whose clients ask nothing can give it back.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

use tokio::time::Instant;

use crate::edge::Activity;

/// Those connections. One that rests is not among them: however many rest, looking here costs nothing.
#[derive(Debug, Default)]
pub(crate) struct Talkers {
    connections: RefCell<BTreeMap<u64, Rc<Activity>>>,
    next: Cell<u64>,
}

impl Talkers {
    /// A connection begins to hold what it takes.
    pub(crate) fn enter(&self, activity: &Rc<Activity>) -> Talking<'_> {
        let number = self.next.replace(self.next.get() + 1);
        self.connections.borrow_mut().insert(number, Rc::clone(activity));
        Talking { talkers: self, number }
    }

    /// Asks those to rest whose clients were quiet for a moment.
    pub(super) fn rest_if_quiet(&self, now: Instant) {
        for activity in self.connections.borrow().values() {
            activity.rest_if_quiet(now);
        }
    }
}

/// A connection among them, until this is dropped.
#[derive(Debug)]
pub(crate) struct Talking<'a> {
    talkers: &'a Talkers,
    number: u64,
}

impl Drop for Talking<'_> {
    fn drop(&mut self) {
        self.talkers.connections.borrow_mut().remove(&self.number);
    }
}

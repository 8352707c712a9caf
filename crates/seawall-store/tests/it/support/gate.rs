//! A gate that holds a transaction until the test opens it, so that tests wait for events and not for time.

use std::{
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

/// After so long a gate that nobody opens is the test's fault.
const LONGEST: Duration = Duration::from_secs(20);

/// Counts who has come, and holds them until it is opened.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    arrived: usize,
    open: bool,
}

impl Gate {
    /// Comes to the gate and waits until it is open.
    pub(crate) fn pass(&self) {
        self.arrive();
        self.until(|state| state.open);
    }

    /// Comes to the gate, and goes on.
    pub(crate) fn arrive(&self) {
        self.0.0.lock().unwrap().arrived += 1;
        self.0.1.notify_all();
    }

    /// Waits, on a thread of the store, until so many have come.
    pub(crate) fn gather(&self, many: usize) {
        self.until(|state| state.arrived >= many);
    }

    /// Waits until so many have come.
    pub(crate) async fn arrived(&self, many: usize) {
        let gate = self.clone();
        tokio::task::spawn_blocking(move || gate.gather(many)).await.unwrap();
    }

    /// Lets all through.
    pub(crate) fn open(&self) {
        self.0.0.lock().unwrap().open = true;
        self.0.1.notify_all();
    }

    fn until(&self, done: impl Fn(&State) -> bool) {
        let state = self.0.0.lock().unwrap();
        let waited = self.0.1.wait_timeout_while(state, LONGEST, |state| !done(state)).unwrap();
        assert!(!waited.1.timed_out(), "nobody opened the gate");
    }
}

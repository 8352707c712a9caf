//! What the fake remembers: calls, what was scripted for the next ones, and which prompts were tried.

use std::{
    collections::{HashSet, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use hyper::http::request::Parts;

use super::{
    behaviour::{Behaviour, UnknownModel},
    call::{Call, Ending},
};

/// Calls that are remembered; older ones are forgotten.
const MOST_CALLS: usize = 1_024;

/// Bytes of their bodies.
const MOST_BODY_BYTES: usize = 64 << 20;

/// Prompts of which it is known that they were tried; older ones are forgotten.
const MOST_TRIED: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    connections: AtomicUsize,
}

#[derive(Debug, Default)]
struct State {
    calls: VecDeque<Call>,
    /// The number of the first call that is remembered.
    first: usize,
    body_bytes: usize,
    always: Option<Behaviour>,
    next: VecDeque<Behaviour>,
    tried: HashSet<u64>,
    tried_in_order: VecDeque<u64>,
}

impl Shared {
    pub(super) fn calls(&self) -> Vec<Call> {
        self.state().calls.iter().cloned().collect()
    }

    pub(super) fn set_always(&self, behaviour: Option<Behaviour>) {
        self.state().always = behaviour;
    }

    pub(super) fn add_next(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.state().next.extend(behaviours);
    }

    /// What happens to a call: what was scripted, or else what the model's name says. `prompt` is the prompt's hash.
    pub(super) fn behaviour(&self, model: &str, prompt: u64) -> Result<Behaviour, UnknownModel> {
        let mut state = self.state();
        let scripted = state.next.pop_front().or_else(|| state.always.clone());
        let behaviour = scripted.map_or_else(|| Behaviour::parse(model), Ok)?;
        let again = behaviour.once && state.tries_again(prompt);
        Ok(if again { behaviour.at_second_attempt() } else { behaviour })
    }

    pub(super) fn open_connections(&self) -> usize {
        self.connections.load(Ordering::Acquire)
    }

    fn end(&self, number: usize, ending: Ending) {
        self.state().change(number, |call| {
            if call.ending == Ending::Open {
                call.ending = ending;
            }
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, call: Call) -> usize {
        self.calls.push_back(call);
        self.forget();
        self.first + self.calls.len() - 1
    }

    fn forget(&mut self) {
        // The last one stays, however long it is.
        while self.calls.len() > MOST_CALLS || (self.body_bytes > MOST_BODY_BYTES && self.calls.len() > 1) {
            if let Some(call) = self.calls.pop_front() {
                self.body_bytes -= call.body.len();
                self.first += 1;
            }
        }
    }

    fn change(&mut self, number: usize, change: impl FnOnce(&mut Call)) {
        let place = number.checked_sub(self.first);
        if let Some(call) = place.and_then(|place| self.calls.get_mut(place)) {
            change(call);
        }
    }

    fn tries_again(&mut self, prompt: u64) -> bool {
        if !self.tried.insert(prompt) {
            return true;
        }
        self.tried_in_order.push_back(prompt);
        if self.tried_in_order.len() > MOST_TRIED
            && let Some(oldest) = self.tried_in_order.pop_front()
        {
            self.tried.remove(&oldest);
        }
        false
    }
}

/// Follows a call to its end. Dropped before, the client has left.
#[derive(Debug)]
pub(super) struct Watch {
    shared: Arc<Shared>,
    number: usize,
}

impl Watch {
    pub(super) fn begin(shared: &Arc<Shared>, head: &Parts) -> Self {
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let headers = head.headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes())));
        let call = Call {
            method: head.method.to_string(),
            path: head.uri.to_string(),
            headers: headers.collect(),
            body: Bytes::new(),
            status: None,
            ending: Ending::Open,
        };
        Self { number: shared.state().add(call), shared: Arc::clone(shared) }
    }

    pub(super) fn request_id(&self) -> String {
        format!("req_fake_{:06}", self.number + 1)
    }

    pub(super) fn set_body(&self, body: &Bytes) {
        let mut state = self.shared.state();
        state.body_bytes += body.len();
        let mut kept = false;
        state.change(self.number, |call| {
            call.body = body.clone();
            kept = true;
        });
        if !kept {
            state.body_bytes -= body.len();
        }
        state.forget();
    }

    pub(super) fn set_status(&self, status: u16) {
        self.shared.state().change(self.number, |call| call.status = Some(status));
    }

    pub(super) fn end(&self, ending: Ending) {
        self.shared.end(self.number, ending);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end(Ending::Left);
    }
}

/// Counts a connection as open until it is dropped.
#[derive(Debug)]
pub(super) struct Open(Arc<Shared>);

impl Open {
    pub(super) fn count(shared: &Arc<Shared>) -> Self {
        shared.connections.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(shared))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests;

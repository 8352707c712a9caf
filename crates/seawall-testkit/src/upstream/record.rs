//! What an upstream saw: requests, broken rules and connections, shared between its connections and the test.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::kind::Kind;
use super::payload::Checksum;
use crate::client::head::Head;

/// How many bytes of each body are kept.
pub const BODY_KEPT: usize = 64 * 1024;

/// A request as it arrived, recorded when its head was whole and completed while its body comes in.
#[derive(Clone, Debug)]
pub struct SeenRequest {
    /// The number of the connection it came on; the first one is 1.
    pub connection: usize,
    /// The method as sent.
    pub method: String,
    /// The request target as sent.
    pub target: String,
    /// `HTTP/1.1` or `HTTP/1.0`.
    pub version: String,
    /// Header lines in order, names in their original case, values trimmed.
    pub headers: Vec<(String, String)>,
    /// The bytes of the head, up to and with the empty line.
    pub raw_head: Vec<u8>,
    /// The first [`BODY_KEPT`] bytes of the body; after an upgrade, what came on the connection (payloads only, for a WebSocket).
    pub body: Vec<u8>,
    /// Bytes of the body received so far.
    pub body_bytes: u64,
    /// The checksum of those bytes.
    pub body_sum: Checksum,
    /// Whether the body came to its end.
    pub body_complete: bool,
    /// The trailers of a chunked body.
    pub trailers: Vec<(String, String)>,
}

impl SeenRequest {
    pub(super) fn new(connection: usize, head: &Head) -> Self {
        let mut parts = head.start.splitn(3, ' ').map(str::to_owned);
        let mut part = || parts.next().unwrap_or_default();
        Self {
            connection,
            method: part(),
            target: part(),
            version: part(),
            headers: head.headers.clone(),
            raw_head: head.raw.clone(),
            body: Vec::new(),
            body_bytes: 0,
            body_sum: Checksum::default(),
            body_complete: false,
            trailers: Vec::new(),
        }
    }

    /// The value of the first header line with this name, compared without case.
    pub fn header(&self, name: &str) -> Option<&str> {
        crate::client::head::named(&self.headers, name).next()
    }

    fn add_body(&mut self, bytes: &[u8]) {
        let room = BODY_KEPT.saturating_sub(self.body.len());
        self.body.extend_from_slice(&bytes[..room.min(bytes.len())]);
        self.body_bytes += bytes.len() as u64;
        self.body_sum.add(bytes);
    }
}

/// The state of one upstream; it outlives a stop and a restart.
#[derive(Debug)]
pub(super) struct Record {
    state: Mutex<State>,
    changes: watch::Sender<()>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) kind: Kind,
    pub(super) requests: Vec<SeenRequest>,
    pub(super) violations: Vec<String>,
    pub(super) opened: usize,
    pub(super) open: usize,
}

impl State {
    /// Whether the connection of this request carried another one before.
    pub(super) fn carried_before(&self, index: usize) -> bool {
        let connection = self.requests[index].connection;
        self.requests[..index].iter().any(|request| request.connection == connection)
    }
}

impl Record {
    pub(super) fn new(kind: Kind) -> Self {
        let state = State { kind, requests: Vec::new(), violations: Vec::new(), opened: 0, open: 0 };
        Self { state: Mutex::new(state), changes: watch::Sender::new(()) }
    }

    pub(super) fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.lock())
    }

    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.lock());
        self.changes.send_replace(());
        result
    }

    /// Tells of every change after this call.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A test that panics while it looks must not hide its own message behind a poisoned lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one request in the record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'r> {
    pub(super) record: &'r Record,
    pub(super) index: usize,
}

impl Seen<'_> {
    pub(super) fn add_body(self, bytes: &[u8]) {
        self.change(|request| request.add_body(bytes));
    }

    pub(super) fn complete(self, trailers: &[(String, String)]) {
        self.change(|request| {
            request.body_complete = true;
            request.trailers = trailers.to_vec();
        });
    }

    pub(super) fn get(self) -> SeenRequest {
        self.record.read(|state| state.requests[self.index].clone())
    }

    fn change(self, change: impl FnOnce(&mut SeenRequest)) {
        self.record.change(|state| change(&mut state.requests[self.index]));
    }
}

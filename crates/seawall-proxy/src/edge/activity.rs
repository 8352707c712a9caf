//! What a client connection is doing, seen by its watchdog: waiting for a first byte, reading a head, serving, idle.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::Waker,
    time::Duration,
};

use tokio::time::Instant;

use super::{refused::Refused, send_queue::Ends};
use crate::ServerSettings;

/// How long a connection may be silent once the server drains: whoever has just connected is about to ask, and closing
/// before the question comes would reset it.
const JUST_CONNECTED: Duration = Duration::from_secs(1);

/// How long a client asks nothing before its connection rests: short enough that many clients who come one after the other and
/// stay take little memory.
const QUIET: Duration = Duration::from_millis(100);

/// The same for a client that came back sooner than this after the last answer: to wake costs a third of a request, so a
/// connection that is asked again and again stays awake.
const QUIET_IN_CONVERSATION: Duration = Duration::from_secs(1);

/// What a client takes of an answer at the least. Whoever takes less holds a connection and what was sent to it for nothing.
const LEAST_BYTES_A_SECOND: u64 = 64;

/// The state of one connection, shared by its socket, its exchanges and its watchdog.
#[derive(Debug)]
pub(crate) struct Activity {
    in_flight: Cell<u32>,
    wire: Arc<Wire>,
    /// The watchdog's last look, when bytes waited for room then.
    stalled: Cell<Option<Look>>,
    served: Cell<bool>,
    /// HTTP/2 has frames of its own between requests, so bytes do not mean that a head begins.
    multiplexed: Cell<bool>,
    /// Whether bytes waited for room when it was last polled.
    blocked: Cell<bool>,
    /// When the connection began to wait for what it waits for: a byte, the rest of a head, the next request.
    since: Cell<Instant>,
    head_begun: Cell<bool>,
    /// Whether the watchdog's timer was set for the head that began.
    head_armed: Cell<bool>,
    /// How long its client is quiet before it rests.
    rests_after: Cell<Duration>,
    /// The header block of HTTP/2 that has begun, by its number, and when it was first seen incomplete.
    block: Cell<Option<(u32, Instant)>>,
    draining: Cell<bool>,
    /// Whether the watchdog cut it.
    cut: Cell<bool>,
    /// The answers that are being sent over HTTP/2, where a client can refuse each by its window alone.
    answers: RefCell<Vec<Weak<AnswerClock>>>,
    waker: RefCell<Option<Waker>>,
}

/// When an answer was last taken from, and whether there was anything to take.
#[derive(Debug)]
pub(crate) struct AnswerClock {
    taken_at: Cell<Instant>,
    waits_for_upstream: Cell<bool>,
}

impl AnswerClock {
    /// The connection asked for more of the answer.
    pub(crate) fn asked(&self, waits_for_upstream: bool) {
        self.taken_at.set(Instant::now());
        self.waits_for_upstream.set(waits_for_upstream);
    }
}

/// Why the watchdog closes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expiry {
    /// No byte ever came.
    Silent,
    /// A head began and was not completed.
    SlowHead,
    /// No further request came.
    Idle,
    /// An answer waits, and the client takes nothing of it.
    SlowReader,
}

/// What the watchdog saw of a connection on which bytes wait for room.
#[derive(Clone, Copy, Debug)]
struct Look {
    at: Instant,
    /// What the client has not taken of what was written; nothing where the kernel does not tell.
    left: Option<u32>,
}

impl Look {
    /// Whether the client took enough since an earlier look. Nothing was written in between, so what is left only shrinks.
    fn moved_since(&self, earlier: &Self) -> bool {
        let seconds = self.at.saturating_duration_since(earlier.at).as_secs().max(1);
        let taken = earlier.left.zip(self.left).map(|(before, now)| before.saturating_sub(now));
        taken.is_some_and(|taken| u64::from(taken) >= seconds.saturating_mul(LEAST_BYTES_A_SECOND))
    }
}

/// What a socket and its connection tell each other. The socket must be able to change threads, so it holds nothing but this.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    came: AtomicBool,
    blocked: AtomicBool,
    moved: AtomicBool,
    /// Exchanges that are over.
    ended: AtomicU64,
    /// Whether another protocol takes over.
    switched: AtomicBool,
    /// Boxed, because few connections ever have one.
    refused: OnceLock<Box<Refused>>,
    /// Whether a refusal waits for the end of exchanges.
    waits: AtomicBool,
    /// Whether the connection is to rest if it can.
    asked_to_rest: AtomicBool,
    /// Whether it can.
    can_rest: AtomicBool,
    /// Between whom it is; known once bytes have waited for room, since few connections are ever asked.
    ends: OnceLock<Box<Ends>>,
}

impl Wire {
    /// Bytes came in.
    pub(super) fn came(&self) {
        self.came.store(true, Ordering::Relaxed);
    }

    /// How many exchanges are over.
    pub(super) fn ended(&self) -> u64 {
        self.ended.load(Ordering::Relaxed)
    }

    /// The socket must be read again when an exchange has ended.
    pub(super) fn wait_for_end(&self) {
        self.waits.store(true, Ordering::Relaxed);
    }

    /// Whether another protocol takes over.
    pub(super) fn switched(&self) -> bool {
        self.switched.load(Ordering::Relaxed)
    }

    /// What comes next is refused.
    pub(super) fn refuse(&self, refused: Refused) {
        let _refused_already = self.refused.set(Box::new(refused));
    }

    /// What was refused, if anything was.
    pub(super) fn refused(&self) -> Option<&Refused> {
        self.refused.get().map(|refused| &**refused)
    }

    /// Whether the connection is to rest if it can.
    pub(super) fn asked_to_rest(&self) -> bool {
        self.asked_to_rest.load(Ordering::Relaxed)
    }

    /// Whether nothing is due in either direction, as the socket sees it.
    pub(super) fn can_rest(&self, can: bool) {
        self.can_rest.store(can, Ordering::Relaxed);
    }

    /// Between whom the connection is, on which bytes wait for room.
    pub(super) fn is_between(&self, ends: impl FnOnce() -> Option<Ends>) {
        if self.ends.get().is_none()
            && let Some(ends) = ends()
        {
            let _known_already = self.ends.set(Box::new(ends));
        }
    }

    /// Bytes were written, or the client has no room for them.
    pub(super) fn wrote(&self, blocked: bool) {
        self.blocked.store(blocked, Ordering::Relaxed);
        if blocked {
            self.can_rest(false);
        } else {
            self.moved.store(true, Ordering::Relaxed);
        }
    }
}

impl Activity {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            in_flight: Cell::new(0),
            wire: Arc::default(),
            stalled: Cell::new(None),
            served: Cell::new(false),
            multiplexed: Cell::new(false),
            blocked: Cell::new(false),
            since: Cell::new(now),
            head_begun: Cell::new(false),
            head_armed: Cell::new(false),
            rests_after: Cell::new(QUIET),
            block: Cell::new(None),
            draining: Cell::new(false),
            cut: Cell::new(false),
            answers: RefCell::default(),
            waker: RefCell::new(None),
        }
    }

    /// The connection begins anew to wait for its first byte: what came before was not HTTP.
    pub(super) fn begin_anew(&self) {
        self.since.set(Instant::now());
    }

    /// Where the socket says what it does.
    pub(crate) fn wire(&self) -> Arc<Wire> {
        Arc::clone(&self.wire)
    }

    /// What was refused on this connection, if anything was.
    pub(crate) fn refused(&self) -> Option<&Refused> {
        self.wire.refused()
    }

    /// The client is about to be told that another protocol takes over: what it sends is no request any more.
    pub(crate) fn switch(&self) {
        self.wire.switched.store(true, Ordering::Relaxed);
    }

    /// Whether the client has taken next to nothing since the watchdog's last look, though an answer waits to be written. `left` says
    /// what of a connection's bytes it has not taken.
    pub(crate) fn stalled(&self, now: Instant, left: impl FnOnce(&Ends) -> Option<u32>) -> bool {
        let moved = self.wire.moved.swap(false, Ordering::Relaxed);
        if moved || !self.wire.blocked.load(Ordering::Relaxed) {
            self.stalled.set(None);
            return false;
        }
        let look = Look { at: now, left: self.wire.ends.get().and_then(|ends| left(ends)) };
        let Some(earlier) = self.stalled.replace(Some(look)) else { return false };
        let moved = look.moved_since(&earlier);
        if moved {
            // The answers wait for the connection, and none of them for its window.
            self.answers.borrow().iter().filter_map(Weak::upgrade).for_each(|clock| clock.taken_at.set(now));
        }
        !moved
    }

    /// The connection speaks HTTP/2.
    pub(crate) fn multiplex(&self) {
        self.multiplexed.set(true);
        self.head_begun.set(false);
    }

    /// Which header block of HTTP/2 has begun and is not complete: nothing else can be sent before its end, so its time is
    /// bounded even while other streams are served.
    pub(super) fn reads_block(&self, block: Option<u32>) {
        let same = block == self.block.get().map(|(number, _)| number);
        if !same {
            self.block.set(block.map(|number| (number, Instant::now())));
            self.head_armed.set(false);
        }
    }

    /// Looks at what the connection did when it was last polled.
    pub(crate) fn observe(&self) {
        let blocked = self.wire.blocked.load(Ordering::Relaxed);
        if self.blocked.replace(blocked) && !blocked && self.in_flight.get() == 0 {
            // The last of an answer has just left.
            self.since.set(Instant::now());
        }
        let came = self.wire.came.load(Ordering::Relaxed) && !self.multiplexed.get();
        if came && self.in_flight.get() == 0 && !self.head_begun.replace(true) {
            self.since.set(Instant::now());
            self.head_armed.set(false);
        }
    }

    /// Whether the watchdog still has to set its timer for the head that began; true once per head.
    pub(crate) fn arm_head(&self) -> bool {
        !self.head_armed.replace(true)
    }

    /// A request's head is complete.
    pub(crate) fn began(&self) {
        self.wire.came.store(false, Ordering::Relaxed);
        self.head_begun.set(false);
        self.served.set(true);
        self.in_flight.set(self.in_flight.get() + 1);
    }

    /// An exchange is over since this moment.
    pub(crate) fn ended(&self, now: Instant) {
        let left = self.in_flight.get().saturating_sub(1);
        self.in_flight.set(left);
        self.wire.ended.fetch_add(1, Ordering::Relaxed);
        if self.wire.waits.load(Ordering::Relaxed)
            && let Some(waker) = &*self.waker.borrow()
        {
            waker.wake_by_ref();
        }
        if left == 0 {
            self.wire.came.store(false, Ordering::Relaxed);
            self.since.set(now);
        }
    }

    /// When the watchdog looks next, and what it would find then; nothing while requests are served.
    pub(crate) fn deadline(&self, settings: &ServerSettings) -> Option<(Instant, Expiry)> {
        if let Some((_, since)) = self.block.get() {
            return Some((since + settings.header, Expiry::SlowHead));
        }
        let (limit, expiry) = match (self.in_flight.get(), self.head_begun.get(), self.served.get()) {
            (0, true, _) => (settings.header, Expiry::SlowHead),
            (0, false, false) if self.draining.get() => (settings.first_byte.min(JUST_CONNECTED), Expiry::Silent),
            (0, false, false) => (settings.first_byte, Expiry::Silent),
            // What is left of an answer is on its way: that is no idleness, and as slow as its reader.
            (0, false, true) if self.wire.blocked.load(Ordering::Relaxed) => return None,
            (0, false, true) => (settings.idle, Expiry::Idle),
            _ => return None,
        };
        Some((self.since.get() + limit, expiry))
    }

    /// Asks the connection to rest if nothing was asked on it for a moment.
    pub(crate) fn rest_if_quiet(&self, now: Instant) {
        let idle = self.served.get() && self.in_flight.get() == 0 && !self.head_begun.get();
        if idle
            && now.saturating_duration_since(self.since.get()) >= self.rests_after.get()
            && let Some(waker) = &*self.waker.borrow()
        {
            self.wire.asked_to_rest.store(true, Ordering::Relaxed);
            waker.wake_by_ref();
        }
    }

    /// Whether the connection was asked to rest and can, after it was polled.
    pub(super) fn rests(&self) -> bool {
        if !self.wire.asked_to_rest() {
            return false;
        }
        self.wire.asked_to_rest.store(false, Ordering::Relaxed);
        let can = self.wire.can_rest.swap(false, Ordering::Relaxed);
        can && self.in_flight.get() == 0 && !self.head_begun.get()
    }

    /// The connection has rested.
    pub(super) fn rested(&self) {
        let soon = self.since.get().elapsed() < QUIET_IN_CONVERSATION;
        self.rests_after.set(if soon { QUIET_IN_CONVERSATION } else { QUIET });
    }

    /// Whether a head has begun and is not complete.
    pub(crate) fn reading_head(&self) -> bool {
        self.head_begun.get()
    }

    /// Whether the connection was told to close after the answers due.
    pub(crate) fn draining(&self) -> bool {
        self.draining.get()
    }

    /// Watches an answer that is being sent; only HTTP/2 needs it, since over HTTP/1 the socket says the same.
    pub(crate) fn watch_answer(&self) -> Option<Rc<AnswerClock>> {
        if !self.multiplexed.get() {
            return None;
        }
        let clock = Rc::new(AnswerClock { taken_at: Cell::new(Instant::now()), waits_for_upstream: Cell::new(false) });
        let mut answers = self.answers.borrow_mut();
        // A clock that is over keeps its memory until it is let go of; looked for only when there is no room, it costs each answer a constant.
        if answers.len() == answers.capacity() {
            answers.retain(|clock| clock.strong_count() > 0);
        }
        answers.push(Rc::downgrade(&clock));
        drop(answers);
        Some(clock)
    }

    /// Whether a client leaves an answer untaken that is there to be taken.
    pub(crate) fn refuses_answer(&self, longest: Duration) -> bool {
        let mut refuses = false;
        self.answers.borrow_mut().retain(|clock| {
            let clock = clock.upgrade();
            refuses |= clock
                .as_ref()
                .is_some_and(|clock| !clock.waits_for_upstream.get() && clock.taken_at.get().elapsed() > longest);
            clock.is_some()
        });
        refuses
    }

    /// The watchdog cuts the connection.
    pub(crate) fn cut(&self) {
        self.cut.set(true);
    }

    /// Whether the watchdog cut it.
    pub(crate) fn was_cut(&self) -> bool {
        self.cut.get()
    }

    /// Tells the connection to close after the answers due.
    pub(crate) fn drain(&self) {
        self.draining.set(true);
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    /// Remembers who to wake when draining begins, or a refusal need not wait any more. A task's waker stays the same, so once is enough.
    pub(crate) fn watch(&self, waker: &Waker) {
        let mut kept = self.waker.borrow_mut();
        if kept.is_none() {
            *kept = Some(waker.clone());
        }
    }
}

//! The clock of a WebSocket: when to ping the client, when it was silent for too long, when the server drains.

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

use bytes::Bytes;
use seawall_core::websocket::{Sender, ping};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, sleep_until},
};

use super::Opened;
use crate::core::{Core, Gate};

/// For each open socket the goodbyes of a draining server are spread over so much more time, so that clients do not all come
/// back at once; half of `drain_timeout` at most.
const SPREAD_PER_SOCKET: Duration = Duration::from_millis(1);

/// How often the wall clock is compared with the end of a credential.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What both directions tell the clock.
#[derive(Debug)]
pub(super) struct Pulse {
    /// When the client last sent anything, answers to our pings too.
    heard_at: Cell<Instant>,
    /// When anything was last passed on, in either direction.
    moved_at: Cell<Instant>,
    /// The payload of the last ping of our own, until it is answered; then, and before the first, zeros.
    pinged: Cell<[u8; 8]>,
    due: RefCell<Option<Bytes>>,
    notify: Notify,
    /// How many directions wait so that the client cannot be heard or asked: what it said waits for the application, or it has yet to take
    /// the rest of a frame.
    held_up: Cell<u8>,
    /// Whether what goes to the client passes unread: nothing of our own can be said in between, so nobody can be asked.
    unread: Cell<bool>,
}

/// Why a socket's time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alarm {
    /// The client sent nothing, not even the answer to a ping.
    Silent,
    /// Neither side said anything.
    Idle,
    /// The server drains.
    Drained,
    /// The session, or all of whoever opened it, holds no longer.
    Revoked,
    /// The credential it was opened with has expired.
    Expired,
}

impl Pulse {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            heard_at: Cell::new(now),
            moved_at: Cell::new(now),
            pinged: Cell::default(),
            due: RefCell::default(),
            notify: Notify::new(),
            held_up: Cell::new(0),
            unread: Cell::new(false),
        }
    }

    /// The client sent bytes.
    pub(super) fn heard(&self) {
        self.heard_at.set(Instant::now());
    }

    /// A direction waits so that the client cannot be heard or asked, or does so no longer; then its silence begins anew.
    pub(super) fn hold_up(&self, held_up: bool) {
        let others = self.held_up.get();
        self.held_up.set(if held_up { others.saturating_add(1) } else { others.saturating_sub(1) });
        if !held_up {
            self.heard();
        }
    }

    /// Something is passed on.
    pub(super) fn moved(&self) {
        self.moved_at.set(Instant::now());
    }

    /// Whether this answers our last ping. Only the first answer does: a client that says the same again sends of its own accord.
    pub(super) fn answered(&self, payload: &[u8]) -> bool {
        let answered = self.pinged.get() != [0; 8] && payload == self.pinged.get();
        if answered {
            self.pinged.set([0; 8]);
        }
        answered
    }

    /// What this side sends passes unread from now on.
    pub(super) fn unread(&self, sender: Sender) {
        if sender == Sender::Application {
            self.unread.set(true);
        }
    }

    /// When the client will have been silent for too long; never when it cannot be asked, or is not heard.
    fn silent_at(&self, silence: Duration) -> Option<Instant> {
        (!self.unread.get() && self.held_up.get() == 0).then(|| self.heard_at.get() + silence)
    }

    /// Waits for a ping that is due.
    pub(super) async fn ping(&self) -> Bytes {
        loop {
            let due = self.due.borrow_mut().take();
            match due {
                Some(ping) => return ping,
                None => self.notify.notified().await,
            }
        }
    }

    fn make_due(&self, payload: [u8; 8]) {
        self.pinged.set(payload);
        self.due.replace(Some(ping(&payload, None)));
        self.notify.notify_one();
    }
}

/// Pings the client again and again until the socket's time is over.
pub(super) async fn alarm(core: &Core, opened: &Opened, gate: &Gate, pulse: &Pulse) -> Alarm {
    tokio::select! {
        alarm = silence(core, opened, pulse) => alarm,
        () = drained(core) => Alarm::Drained,
        () = gate.revoked() => Alarm::Revoked,
        () = expired(core, gate) => Alarm::Expired,
    }
}

async fn silence(core: &Core, opened: &Opened, pulse: &Pulse) -> Alarm {
    let mut next_ping = Instant::now() + opened.rules.ping;
    loop {
        let idle = pulse.moved_at.get() + opened.idle;
        let silent = pulse.silent_at(opened.rules.silence).unwrap_or(idle);
        sleep_until(next_ping.min(silent).min(idle)).await;
        let now = Instant::now();
        if pulse.silent_at(opened.rules.silence).is_some_and(|silent| silent <= now) {
            return Alarm::Silent;
        }
        if pulse.moved_at.get() + opened.idle <= now {
            return Alarm::Idle;
        }
        if next_ping <= now {
            next_ping = now + opened.rules.ping;
            // Never all zeros, which stands for no ping that is unanswered.
            pulse.make_due(core.random.borrow_mut().u64(1..).to_be_bytes());
        }
    }
}

/// Ends when the credential expires, by the clock that decisions read.
pub(in crate::exchange) async fn expired(core: &Core, gate: &Gate) {
    let Some(expires_at) = gate.principal().and_then(|principal| principal.expires_at_unix_us) else {
        return std::future::pending().await;
    };
    loop {
        let left = Duration::from_micros(expires_at.saturating_sub(core.clock.now().unix_us));
        if left.is_zero() {
            return;
        }
        // That clock may be set, so it is looked at again.
        sleep(left.min(LOOK_AGAIN)).await;
    }
}

async fn drained(core: &Core) {
    core.closed().await;
    let sockets = u32::try_from(core.sockets.open()).unwrap_or(u32::MAX);
    let spread = SPREAD_PER_SOCKET.saturating_mul(sockets).min(core.settings().drain_timeout / 2);
    let share = core.random.borrow_mut().f64();
    sleep(spread.mul_f64(share)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_is_held_up_is_not_silent() {
        let pulse = Pulse::new();
        let before = pulse.silent_at(Duration::from_secs(90)).map(|at| at - Duration::from_secs(90));
        pulse.hold_up(true);
        assert_eq!(pulse.silent_at(Duration::from_secs(90)), None);
        pulse.hold_up(false);
        let after = pulse.silent_at(Duration::from_secs(90)).map(|at| at - Duration::from_secs(90));
        assert!(after > before, "it begins anew");
    }
}

//! Telling the service manager how the process is, as `sd_notify(3)` does: when it serves, reloads, hands over and ends, and, where
//! that is asked for, that it is alive. Without `NOTIFY_SOCKET` nothing is told, and a manager that does not listen stops nothing.
//!
//! | when | message |
//! |---|---|
//! | it serves | `READY=1` with its `MAINPID` |
//! | a reload begins, and is over, whatever came of it | `RELOADING=1` with `MONOTONIC_USEC`; `READY=1` |
//! | another process serves | `MAINPID` of that one; from then on nothing: what is said is taken for the service's word |
//! | it ends | `STOPPING=1` |
//! | half of `WATCHDOG_USEC` has gone by | `WATCHDOG=1` |

mod socket;

use std::{
    fmt::Display,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};
use socket::Socket;

/// Where the manager listens, and how often it wants to hear that the process is alive. A process that takes over inherits both;
/// `WATCHDOG_PID`, which names the process that the manager started, says nothing of it.
const SOCKET: &str = "NOTIFY_SOCKET";
const WATCHDOG: &str = "WATCHDOG_USEC";

/// What concerns this process alone, and not what it starts: an application that found them would speak for the service.
pub(super) const OWN: [&str; 3] = [SOCKET, WATCHDOG, "WATCHDOG_PID"];

const SERVING: u8 = 0;
const STOPPING: u8 = 1;
const HANDED_OVER: u8 = 2;

/// Tells the service manager, when there is one; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Notifier(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    socket: Socket,
    watchdog: Option<Duration>,
    /// How far the process has come: what it may still say.
    stage: AtomicU8,
    warned: AtomicBool,
}

impl Notifier {
    /// As these variables say.
    #[must_use]
    pub fn of(variables: &[(String, String)]) -> Self {
        let variable = |wanted| variables.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        let Some(address) = variable(SOCKET).filter(|address| !address.is_empty()) else { return Self(None) };
        let watchdog = variable(WATCHDOG).and_then(|micros| micros.parse().ok()).filter(|micros| *micros > 0);
        match Socket::new(address) {
            Ok(socket) => Self(Some(Arc::new(Inner {
                socket,
                watchdog: watchdog.map(Duration::from_micros),
                stage: AtomicU8::new(SERVING),
                warned: AtomicBool::new(false),
            }))),
            Err(error) => {
                warn(&error);
                Self(None)
            }
        }
    }

    /// The process serves.
    pub fn ready(&self, status: impl Display) {
        self.say(&[SERVING], || format!("READY=1\nMAINPID={}\nSTATUS={status}\n", std::process::id()));
    }

    /// A reload begins. It must be followed by [`Self::ready`].
    pub(super) fn reloading(&self) {
        self.say(&[SERVING], || {
            let now = clock_gettime(ClockId::Monotonic);
            let micros = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1_000;
            format!("RELOADING=1\nMONOTONIC_USEC={micros}\nSTATUS=reading the configuration\n")
        });
    }

    /// Another process serves. Whatever this one has left to do is none of the manager's business.
    pub(super) fn handed_over(&self, successor: u32) {
        let message = || format!("MAINPID={successor}\nSTATUS=process {successor} has taken over\n");
        self.say(&[SERVING, STOPPING], message);
        if let Some(inner) = &self.0 {
            inner.stage.store(HANDED_OVER, Ordering::Relaxed);
        }
    }

    /// The process ends.
    pub fn stopping(&self) {
        if let Some(inner) = &self.0
            && inner.stage.compare_exchange(SERVING, STOPPING, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        {
            inner.send("STOPPING=1\nSTATUS=finishing the requests in flight\n");
        }
    }

    /// Says at the pace asked for that the process is alive, for as long as the future lives.
    pub async fn keep_alive(self) {
        let Some(period) = self.0.as_ref().and_then(|inner| inner.watchdog) else {
            return std::future::pending().await;
        };
        let mut ticks = tokio::time::interval((period / 2).max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.say(&[SERVING, STOPPING], || "WATCHDOG=1\n".to_owned());
        }
    }

    /// Says something, if there is somebody to hear it and the process has come to one of these stages.
    fn say(&self, stages: &[u8], message: impl FnOnce() -> String) {
        if let Some(inner) = &self.0
            && stages.contains(&inner.stage.load(Ordering::Relaxed))
        {
            inner.send(&message());
        }
    }
}

impl Inner {
    fn send(&self, message: &str) {
        if let Err(error) = self.socket.send(message.as_bytes())
            && !self.warned.swap(true, Ordering::Relaxed)
        {
            warn(&error);
        }
    }
}

fn warn(error: &std::io::Error) {
    tracing::warn!(error = %error, "the service manager at NOTIFY_SOCKET cannot be told how the server is; it serves all the same");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_without_a_socket_or_to_one_that_is_not_there() {
        for variables in
            [vec![], vec![(SOCKET, "")], vec![(SOCKET, "relative/path")], vec![(SOCKET, "/nowhere/socket")]]
        {
            let variables: Vec<_> =
                variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            let notifier = Notifier::of(&variables);
            notifier.ready("serving");
            notifier.stopping();
        }
    }
}

//! How messages fare: for operators, and for metrics.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use seawall_core::meter::{Handle, Meter, Metric, MetricKind};

static MESSAGES: Metric = Metric {
    name: "seawall_messages",
    help: "Messages between the processes of several nodes: sent, heard, lost on the way out, and missed: how often listeners were told that some may have been lost.",
    kind: MetricKind::Counter,
    labels: &["outcome"],
};
static CONNECTED: Metric = Metric {
    name: "seawall_messages_connected",
    help: "Whether messages to and from other nodes get through: 0 or 1.",
    kind: MetricKind::Gauge,
    labels: &[],
};

/// All metrics of messages.
pub(crate) const METRICS: [&Metric; 2] = [&MESSAGES, &CONNECTED];

/// How messages to and from other processes fare.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Whether they get through at the moment; within one process they do.
    pub connected: bool,
    /// Why they did not when that was last found out, without what is secret.
    pub fault: Option<String>,
    /// How many were sent.
    pub sent: u64,
    /// How many of others were heard.
    pub heard: u64,
    /// How many could not be sent.
    pub lost: u64,
    /// How often listeners were told that some may have been lost.
    pub missed: u64,
}

/// Counts them.
#[derive(Debug)]
pub(super) struct State {
    connected: AtomicBool,
    fault: Mutex<Option<String>>,
    gauge: Handle,
    sent: Count,
    heard: Count,
    lost: Count,
    missed: Count,
}

/// A count that is shown and exported.
#[derive(Debug)]
struct Count {
    total: AtomicU64,
    handle: Handle,
}

impl Count {
    fn new(meter: &dyn Meter, outcome: &str) -> Self {
        Self { total: AtomicU64::new(0), handle: meter.series(&MESSAGES, &[outcome]) }
    }

    fn one(&self) {
        self.total.fetch_add(1, Ordering::Relaxed);
        self.handle.increment();
    }

    fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }
}

impl State {
    /// Of a way to other processes that is not open yet, or of one process.
    pub(super) fn new(meter: &dyn Meter, alone: bool) -> Self {
        let count = |outcome| Count::new(meter, outcome);
        Self {
            connected: AtomicBool::new(alone),
            fault: Mutex::new(None),
            gauge: if alone { Handle::none() } else { meter.series(&CONNECTED, &[]) },
            sent: count("sent"),
            heard: count("heard"),
            lost: count("lost"),
            missed: count("missed"),
        }
    }

    pub(super) fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }

    pub(super) fn connected(&self) {
        if !self.connected.swap(true, Ordering::Relaxed) {
            self.gauge.add(1);
        }
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(super) fn broken(&self, why: &str) {
        if self.connected.swap(false, Ordering::Relaxed) {
            self.gauge.add(-1);
        }
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.to_owned());
    }

    pub(super) fn sent(&self) {
        self.sent.one();
    }

    pub(super) fn heard(&self) {
        self.heard.one();
    }

    pub(super) fn lost(&self) {
        self.lost.one();
    }

    pub(super) fn missed(&self) {
        self.missed.one();
    }

    pub(super) fn status(&self) -> Status {
        Status {
            connected: self.connected.load(Ordering::Relaxed),
            fault: self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            sent: self.sent.total(),
            heard: self.heard.total(),
            lost: self.lost.total(),
            missed: self.missed.total(),
        }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        if *self.connected.get_mut() {
            self.gauge.add(-1);
        }
    }
}

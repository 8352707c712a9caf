//! How connections of the control plane end that do not end by themselves.

use seawall_core::meter::{Handle, Meter, Metric, MetricKind};

use super::pace::Expiry;

/// Connections that were closed for what they did not do, or for want of a place.
pub(in crate::app) static CLOSED: Metric = Metric {
    name: "seawall_control_connections_closed",
    help: "Connections of operators (admin, socket) and of the application's calls (calls) that Seawall closed: none was left (full, answered 503), nothing came (silent), a head took too long (slow_head), nothing was asked any more (idle), or an answer was not taken (slow_reader).",
    kind: MetricKind::Counter,
    labels: &["listener", "reason"],
};

/// The handles of one listener.
#[derive(Debug)]
pub(super) struct Meters {
    full: Handle,
    silent: Handle,
    slow_head: Handle,
    idle: Handle,
    slow_reader: Handle,
}

impl Meters {
    pub(super) fn new(listener: &str, meter: &dyn Meter) -> Self {
        let closed = |reason| meter.series(&CLOSED, &[listener, reason]);
        Self {
            full: closed("full"),
            silent: closed("silent"),
            slow_head: closed("slow_head"),
            idle: closed("idle"),
            slow_reader: closed("slow_reader"),
        }
    }

    pub(super) fn full(&self) {
        self.full.increment();
    }

    pub(super) fn expired(&self, expiry: Expiry) {
        match expiry {
            Expiry::Silent => self.silent.increment(),
            Expiry::SlowHead => self.slow_head.increment(),
            Expiry::Idle => self.idle.increment(),
            Expiry::SlowReader => self.slow_reader.increment(),
        }
    }
}

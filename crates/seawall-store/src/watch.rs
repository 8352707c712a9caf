//! What the store measures: how long transactions and statements take, how many wait, how large groups are.

use std::sync::Arc;

use seawall_core::{
    clock::{Clock, Now},
    meter::{Handle, Meter, Metric, MetricKind},
};

use tokio::sync::watch;

use crate::{audit, backup, cache, messages, outbox, retention, work::Intent};

/// Upper bounds in microseconds: 100 µs to 10 s.
const DURATION: MetricKind = MetricKind::Histogram {
    bounds: &[
        100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000, 10_000_000,
    ],
    scale: 1_000_000,
};

static TRANSACTION: Metric = Metric {
    name: "seawall_store_transaction_duration_seconds",
    help: "Time from asking for a transaction to its answer, waiting and commit included.",
    kind: DURATION,
    labels: &["intent"],
};
static OUTCOMES: Metric = Metric {
    name: "seawall_store_transactions",
    help: "Transactions by how they ended: kept, undone by their own code, failed.",
    kind: MetricKind::Counter,
    labels: &["intent", "outcome"],
};
static COMMIT: Metric = Metric {
    name: "seawall_store_commit_duration_seconds",
    help: "Time that COMMIT took, the disk's flush included.",
    kind: DURATION,
    labels: &[],
};
static GROUP: Metric = Metric {
    name: "seawall_store_group_transactions",
    help: "Transactions that were committed together.",
    kind: MetricKind::Histogram { bounds: &[1, 2, 4, 8, 16, 32, 64, 128, 256], scale: 1 },
    labels: &[],
};
static SLOW: Metric = Metric {
    name: "seawall_store_slow_statements",
    help: "Statements that took longer than `slow_statement`; each is logged with its text, without its parameters.",
    kind: MetricKind::Counter,
    labels: &[],
};
static RETRIES: Metric = Metric {
    name: "seawall_store_transaction_retries",
    help: "Runs of a transaction beyond its first: its group failed, or others changed the same rows.",
    kind: MetricKind::Counter,
    labels: &[],
};
static LOOSE: Metric = Metric {
    name: "seawall_store_loose_writes",
    help: "Loose writes by what became of them: merged into another, written, dropped for want of room.",
    kind: MetricKind::Counter,
    labels: &["outcome"],
};

/// All metrics of the store.
pub static METRICS: [&Metric; 28] = {
    let ([deliveries, latency], [pruned]) = (outbox::METRICS, retention::METRICS);
    let ([lookups, loads, evictions, invalidations, entries, bytes], [messages, connected]) =
        (cache::METRICS, messages::METRICS);
    let [taken, verified, rpo, rto, stored, failures, waiting] = backup::METRICS;
    let [carried, carried_at, uncarried] = audit::METRICS;
    [
        &TRANSACTION,
        &OUTCOMES,
        &COMMIT,
        &GROUP,
        &SLOW,
        &RETRIES,
        &LOOSE,
        deliveries,
        latency,
        pruned,
        taken,
        verified,
        rpo,
        rto,
        stored,
        failures,
        waiting,
        lookups,
        loads,
        evictions,
        invalidations,
        entries,
        bytes,
        messages,
        connected,
        carried,
        carried_at,
        uncarried,
    ]
};

/// The clock and the handles, shared by all threads of a store.
#[derive(Debug)]
pub(crate) struct Watch {
    clock: Arc<dyn Clock>,
    slow_us: u64,
    reads: Ended,
    writes: Ended,
    commit: Handle,
    group: Handle,
    slow: Handle,
    retries: Handle,
    pub(crate) loose: LooseHandles,
    /// Told whenever messages were written to the outbox.
    pub(crate) posted: watch::Sender<()>,
}

#[derive(Debug)]
struct Ended {
    duration: Handle,
    kept: Handle,
    undone: Handle,
    failed: Handle,
}

/// Counts of loose writes.
#[derive(Debug)]
pub(crate) struct LooseHandles {
    pub(crate) merged: Handle,
    pub(crate) written: Handle,
    pub(crate) dropped: Handle,
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Committed.
    Kept,
    /// Rolled back because its code wanted it.
    Undone,
    /// Rolled back because something failed.
    Failed,
}

impl Watch {
    pub(crate) fn new(clock: Arc<dyn Clock>, meter: &dyn Meter, slow_us: u64) -> Self {
        let ended = |intent: Intent| Ended {
            duration: meter.series(&TRANSACTION, &[intent.name()]),
            kept: meter.series(&OUTCOMES, &[intent.name(), "kept"]),
            undone: meter.series(&OUTCOMES, &[intent.name(), "undone"]),
            failed: meter.series(&OUTCOMES, &[intent.name(), "failed"]),
        };
        Self {
            reads: ended(Intent::Read),
            writes: ended(Intent::Write),
            commit: meter.series(&COMMIT, &[]),
            group: meter.series(&GROUP, &[]),
            slow: meter.series(&SLOW, &[]),
            retries: meter.series(&RETRIES, &[]),
            loose: LooseHandles {
                merged: meter.series(&LOOSE, &["merged"]),
                written: meter.series(&LOOSE, &["written"]),
                dropped: meter.series(&LOOSE, &["dropped"]),
            },
            posted: watch::Sender::new(()),
            clock,
            slow_us,
        }
    }

    pub(crate) fn now(&self) -> Now {
        self.clock.now()
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// A statement has ended.
    pub(crate) fn statement(&self, sql: &'static str, begun: Now) {
        let took_us = self.now().since_us(begun);
        if took_us >= self.slow_us {
            self.slow.increment();
            tracing::warn!(sql, duration_ms = took_us / 1_000, "a statement was slow");
        }
    }

    /// A transaction has ended.
    pub(crate) fn transaction(&self, intent: Intent, asked_us: u64, outcome: Outcome) {
        let ended = match intent {
            Intent::Read => &self.reads,
            Intent::Write => &self.writes,
        };
        ended.duration.observe(self.now().monotonic_us.saturating_sub(asked_us));
        match outcome {
            Outcome::Kept => ended.kept.increment(),
            Outcome::Undone => ended.undone.increment(),
            Outcome::Failed => ended.failed.increment(),
        }
    }

    /// A commit has ended that kept so many transactions.
    pub(crate) fn commit(&self, begun: Now, transactions: usize) {
        self.commit.observe(self.now().since_us(begun));
        self.group.observe(transactions as u64);
    }

    /// A transaction is run again.
    pub(crate) fn retry(&self) {
        self.retries.increment();
    }
}

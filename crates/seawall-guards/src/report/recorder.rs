//! The memory of what was reported: one for the process, and a reporter for each guard of each policy.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, Weak,
    atomic::{AtomicU64, Ordering},
};

use seawall_core::{clock::Clock, meter::NoMeter, problem::Problem};

use super::{
    GuardReport, Need,
    refusal::{Refusal, caller},
    tally::Tally,
};
use crate::{Context, rate_limit::MemoryRates};

/// Guards times routes that are recorded at most.
const MOST: usize = 4_096;

/// What the guards of a process would have refused; cheap to clone.
#[derive(Clone, Debug)]
pub struct Reports(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Arc<dyn Clock>,
    since_unix_us: u64,
    /// The one made or taken up last comes last.
    tallies: Mutex<Vec<Arc<Tally>>>,
    left_out: AtomicU64,
    /// Takes no memory until a limiter reports.
    demand: Arc<MemoryRates>,
}

impl Reports {
    /// An empty memory, with this many counters of what callers ask of limits.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, capacity: u64) -> Self {
        let since_unix_us = clock.now().unix_us;
        let demand = MemoryRates::new(capacity, &NoMeter);
        Self(Arc::new(Inner { clock, since_unix_us, tallies: Mutex::default(), left_out: AtomicU64::new(0), demand }))
    }

    /// Where a guard of a route reports. With other settings than before (`settings` is a fingerprint of them) it counts anew.
    /// Nothing when as many are recorded as may be.
    #[must_use]
    pub fn reporter(&self, guard: &'static str, route: &str, settings: u64) -> Option<Reporter> {
        let mut tallies = self.tallies();
        let known = tallies.iter().position(|tally| tally.is(guard, route, settings));
        let tally = match known {
            Some(at) => tallies.remove(at),
            None => {
                // What was built and never served, such as for `seawall diff`, has seen nothing.
                tallies.retain(|tally| Arc::strong_count(tally) > 1 || tally.seen() > 0);
                if tallies.len() >= MOST
                    && let Some(unused) = tallies.iter().position(|tally| Arc::strong_count(tally) == 1)
                {
                    tallies.remove(unused);
                }
                if tallies.len() >= MOST {
                    self.0.left_out.fetch_add(1, Ordering::Relaxed);
                    return None;
                }
                Arc::new(Tally::new(guard, route, settings, self.0.clock.now().unix_us))
            }
        };
        tallies.push(Arc::clone(&tally));
        Some(Reporter { cell: tally.cell(), tally, reports: self.clone() })
    }

    /// Since when it is counted, in microseconds since 1970-01-01T00:00:00Z: all that came before is not known.
    #[must_use]
    pub fn since_unix_us(&self) -> u64 {
        self.0.since_unix_us
    }

    /// How many guards of routes are not recorded, because there are too many.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.0.left_out.load(Ordering::Relaxed)
    }

    /// What every guard would have refused that reports, or has reported and enforces now: those with most reports first.
    #[must_use]
    pub fn show(&self) -> Vec<GuardReport> {
        let tallies = self.tallies().clone();
        let mut shown: Vec<GuardReport> = Vec::new();
        for tally in tallies.iter().rev() {
            // One reference is the memory's own, one this list's.
            let reporting = Arc::strong_count(tally) > 2;
            let replaced = shown.iter().any(|newer| newer.guard == tally.guard() && *newer.route == *tally.route());
            if !replaced && (reporting || tally.seen() > 0) {
                shown.push(tally.show(reporting));
            }
        }
        shown.sort_by(|one, other| {
            let order = |report: &GuardReport| (std::cmp::Reverse(report.refused), report.guard, report.route.clone());
            order(one).cmp(&order(other))
        });
        shown
    }

    fn tallies(&self) -> MutexGuard<'_, Vec<Arc<Tally>>> {
        self.0.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where one guard of one policy reports.
#[derive(Clone, Debug)]
pub struct Reporter {
    tally: Arc<Tally>,
    cell: usize,
    reports: Reports,
}

impl Reporter {
    /// The guard looked at a request.
    pub(crate) fn saw(&self) {
        self.tally.saw(self.cell);
    }

    /// The guard would have refused one.
    pub(crate) fn refused(&self, problem: &Problem, context: &Context) {
        self.tally.refused(&Refusal::of(problem, &caller(context), context));
    }

    /// Its rows, for whoever outlives it.
    pub(super) fn weak(&self) -> Weak<Tally> {
        Arc::downgrade(&self.tally)
    }

    pub(super) fn needs(&self, need: Need, context: &Context) {
        self.tally.needs(need, context);
    }

    pub(super) fn demand(&self) -> &MemoryRates {
        &self.reports.0.demand
    }
}

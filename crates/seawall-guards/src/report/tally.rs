//! What one guard would have refused on one route.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use seawall_core::problem::ProblemType;

use super::{
    GuardReport, Need, NeedReport, ProblemReport,
    callers::Callers,
    example::Examples,
    refusal::{Refusal, caller},
};
use crate::Context;

/// Counters that cores take turns with, so that few of them ever write to the same one.
const CELLS: usize = 8;
/// Kinds of problem of one guard.
const MOST_PROBLEMS: usize = 16;
/// Settings of one guard that requests were beyond.
const MOST_NEEDS: usize = 16;
/// Callers that are shown.
const TOP: usize = 10;

/// A count on cache lines of its own: processors fetch lines of 64 bytes in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Cell(AtomicU64);

/// What one guard, with certain settings, would have refused on one route.
#[derive(Debug)]
pub(super) struct Tally {
    guard: &'static str,
    route: Box<str>,
    settings: u64,
    since_unix_us: u64,
    seen: [Cell; CELLS],
    next_cell: AtomicUsize,
    rows: Mutex<Rows>,
}

#[derive(Debug, Default)]
struct Rows {
    problems: Vec<Row>,
    needs: Vec<Noted>,
    /// Reports of kinds that there was no row for.
    others: u64,
}

#[derive(Debug)]
struct Row {
    kind: &'static ProblemType,
    count: u64,
    first_unix_us: u64,
    last_unix_us: u64,
    callers: Callers,
    examples: Examples,
}

/// The most that was needed of one setting.
#[derive(Debug)]
struct Noted {
    most: Need,
    refused: u64,
    caller: Box<str>,
}

impl Tally {
    pub(super) fn new(guard: &'static str, route: &str, settings: u64, since_unix_us: u64) -> Self {
        Self {
            guard,
            route: route.into(),
            settings,
            since_unix_us,
            seen: Default::default(),
            next_cell: AtomicUsize::new(0),
            rows: Mutex::default(),
        }
    }

    pub(super) fn is(&self, guard: &str, route: &str, settings: u64) -> bool {
        self.guard == guard && *self.route == *route && self.settings == settings
    }

    pub(super) const fn guard(&self) -> &'static str {
        self.guard
    }

    pub(super) const fn route(&self) -> &str {
        &self.route
    }

    /// The counter for the next core.
    pub(super) fn cell(&self) -> usize {
        self.next_cell.fetch_add(1, Ordering::Relaxed) % CELLS
    }

    pub(super) fn saw(&self, cell: usize) {
        if let Some(cell) = self.seen.get(cell) {
            cell.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn seen(&self) -> u64 {
        self.seen.iter().map(|cell| cell.0.load(Ordering::Relaxed)).sum()
    }

    pub(super) fn refused(&self, refusal: &Refusal<'_>) {
        let mut rows = self.rows();
        let at = match rows.problems.iter().position(|row| row.kind.slug == refusal.kind.slug) {
            Some(at) => at,
            None if rows.problems.len() < MOST_PROBLEMS => {
                rows.problems.push(Row::new(refusal.kind, refusal.at_unix_us));
                rows.problems.len() - 1
            }
            None => {
                rows.others += 1;
                return;
            }
        };
        if let Some(row) = rows.problems.get_mut(at) {
            row.count += 1;
            row.first_unix_us = row.first_unix_us.min(refusal.at_unix_us);
            row.last_unix_us = row.last_unix_us.max(refusal.at_unix_us);
            row.callers.add(refusal.caller);
            row.examples.add(refusal);
        }
    }

    pub(super) fn needs(&self, need: Need, context: &Context) {
        let mut rows = self.rows();
        let same = |noted: &&mut Noted| noted.most.setting == need.setting && noted.most.set == need.set;
        if let Some(noted) = rows.needs.iter_mut().find(same) {
            noted.refused += u64::from(need.refused);
            if need.needed > noted.most.needed {
                (noted.most, noted.caller) = (need, caller(context));
            }
        } else if rows.needs.len() < MOST_NEEDS {
            rows.needs.push(Noted { refused: u64::from(need.refused), caller: caller(context), most: need });
        }
    }

    pub(super) fn show(&self, reporting: bool) -> GuardReport {
        let rows = self.rows();
        let problems: Vec<ProblemReport> = rows.problems.iter().map(Row::show).collect();
        let needs = rows.needs.iter().map(Noted::show).collect();
        let refused = problems.iter().map(|problem| problem.count).sum::<u64>() + rows.others;
        drop(rows);
        GuardReport {
            guard: self.guard,
            route: self.route.clone(),
            reporting,
            since_unix_us: self.since_unix_us,
            // Counted a moment apart, and never fewer than those among them.
            seen: self.seen().max(refused),
            refused,
            problems,
            needs,
        }
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Row {
    fn new(kind: &'static ProblemType, now_us: u64) -> Self {
        let (callers, examples) = (Callers::default(), Examples::default());
        Self { kind, count: 0, first_unix_us: now_us, last_unix_us: now_us, callers, examples }
    }

    fn show(&self) -> ProblemReport {
        ProblemReport {
            kind: self.kind,
            count: self.count,
            first_unix_us: self.first_unix_us,
            last_unix_us: self.last_unix_us,
            callers: self.callers.top(TOP),
            examples: self.examples.all(),
        }
    }
}

impl Noted {
    fn show(&self) -> NeedReport {
        NeedReport { most: self.most.clone(), refused: self.refused, caller: self.caller.clone() }
    }
}

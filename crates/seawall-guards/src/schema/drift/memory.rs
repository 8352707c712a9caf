//! The memory of what differs: one for the process, bounded in findings of an operation and of all together.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use super::{Finding, finding};
use crate::schema::{Faults, Operation};

/// Findings of one operation, and of all.
const MOST_OF_OPERATION: usize = 64;
const MOST: usize = 1_024;

/// Large bodies that are compared at the same time.
const MOST_ASIDE: usize = 4;

/// In what answers differ from the document; cheap to clone. Reloads forget nothing, a restart everything.
#[derive(Clone, Debug, Default)]
pub struct Drift(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    findings: Mutex<Findings>,
    /// JSON bodies that a schema describes, and those of them that were compared.
    bodies: AtomicU64,
    compared: AtomicU64,
    aside: AtomicUsize,
}

#[derive(Debug, Default)]
struct Findings {
    known: HashMap<Key, Finding>,
    /// How often something was found that there was no room for.
    left_out: u64,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    route: Box<str>,
    operation: Box<str>,
    status: u16,
    field: Box<str>,
    rule: &'static str,
}

/// All that is known, for whoever writes it down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DriftReport {
    /// JSON bodies of answers that the document describes.
    pub bodies: u64,
    /// How many of them were compared with it.
    pub compared: u64,
    /// How often something differed that there was no room to remember.
    pub left_out: u64,
    /// What differs, the most frequent first.
    pub findings: Vec<Finding>,
}

/// The right to compare a large body aside, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Turn(Drift);

impl Drift {
    /// All that is known.
    #[must_use]
    pub fn show(&self) -> DriftReport {
        let findings = self.findings();
        let (mut shown, left_out) = (findings.known.values().cloned().collect::<Vec<_>>(), findings.left_out);
        drop(findings);
        shown.sort_by(|one, other| {
            let place = |finding: &Finding| (finding.operation.clone(), finding.status, finding.field.clone());
            other.count.cmp(&one.count).then_with(|| place(one).cmp(&place(other)))
        });
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        DriftReport { bodies: read(&self.0.bodies), compared: read(&self.0.compared), left_out, findings: shown }
    }

    /// Remembers what differs in one answer.
    pub(super) fn found(&self, route: &str, operation: &Operation, status: u16, faults: &Faults, unix_us: u64) {
        let named: Vec<_> = faults.list().iter().map(|fault| (fault, finding::field(operation, fault))).collect();
        let mut findings = self.findings();
        for (place, (fault, field)) in named.iter().enumerate() {
            // Several items of an array with one fault are one.
            if named.iter().take(place).any(|(earlier, same)| (earlier.rule, same) == (fault.rule, field)) {
                continue;
            }
            let key = Key {
                route: route.into(),
                operation: operation.name().into(),
                status,
                field: field.as_str().into(),
                rule: fault.rule,
            };
            if let Some(known) = findings.known.get_mut(&key) {
                known.count += 1;
                known.last_unix_us = unix_us;
                known.found.clone_from(&fault.found);
                continue;
            }
            let of_operation = findings.known.keys().filter(|known| known.operation == key.operation).count();
            if findings.known.len() >= MOST || of_operation >= MOST_OF_OPERATION {
                findings.left_out += 1;
                continue;
            }
            let finding = Finding {
                route: key.route.clone(),
                operation: key.operation.clone(),
                status,
                field: key.field.clone(),
                rule: fault.rule,
                expected: fault.expected.as_ref().into(),
                found: fault.found.clone(),
                count: 1,
                first_unix_us: unix_us,
                last_unix_us: unix_us,
            };
            findings.known.insert(key, finding);
        }
    }

    /// A body came that could be compared.
    pub(super) fn saw_body(&self) {
        self.0.bodies.fetch_add(1, Ordering::Relaxed);
    }

    /// One was.
    pub(super) fn compared(&self) {
        self.0.compared.fetch_add(1, Ordering::Relaxed);
    }

    /// The right to compare a large one; nothing while as many are compared as may be.
    pub(super) fn turn(&self) -> Option<Turn> {
        let free = |running: usize| (running < MOST_ASIDE).then_some(running + 1);
        let taken = self.0.aside.fetch_update(Ordering::Relaxed, Ordering::Relaxed, free);
        taken.ok().map(|_| Turn(self.clone()))
    }

    fn findings(&self) -> MutexGuard<'_, Findings> {
        self.0.findings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.0.aside.fetch_sub(1, Ordering::Relaxed);
    }
}

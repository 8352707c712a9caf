//! One series: a counter, a gauge or a histogram, in cells.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
};

use seawall_core::meter::{Handle, MetricKind, Series};

use super::cells::{Padded, PerCore};

/// A series as the registry keeps it.
#[derive(Clone, Debug)]
pub(super) enum Kept {
    Counter(Arc<Counter>),
    Gauge(Arc<Gauge>),
    Histogram(Arc<Histogram>),
}

impl Kept {
    pub(super) fn new(kind: MetricKind, cores: usize) -> Self {
        match kind {
            MetricKind::Counter => Self::Counter(Arc::new(Counter::new(cores))),
            MetricKind::Gauge => Self::Gauge(Arc::new(Gauge(PerCore::new(cores)))),
            MetricKind::Histogram { bounds, .. } => Self::Histogram(Arc::new(Histogram::new(bounds, cores))),
        }
    }

    pub(super) fn handle(&self) -> Handle {
        match self.clone() {
            Self::Counter(counter) => Handle::new(counter),
            Self::Gauge(gauge) => Handle::new(gauge),
            Self::Histogram(histogram) => Handle::new(histogram),
        }
    }
}

/// Only grows; what would shrink it is ignored.
#[derive(Debug)]
pub(super) struct Counter(PerCore<Padded<AtomicU64>>);

impl Counter {
    pub(super) const fn new(cores: usize) -> Self {
        Self(PerCore::new(cores))
    }

    pub(super) fn sum(&self) -> u64 {
        self.0.iter().fold(0, |sum, cell| sum.wrapping_add(cell.0.load(Relaxed)))
    }
}

impl Series for Counter {
    fn add(&self, value: i64) {
        if let (Some(cell), Ok(value)) = (self.0.mine(Padded::default), u64::try_from(value)) {
            cell.0.fetch_add(value, Relaxed);
        }
    }
}

/// Goes up and down; one core may add what another takes away.
#[derive(Debug)]
pub(super) struct Gauge(PerCore<Padded<AtomicI64>>);

impl Gauge {
    pub(super) fn sum(&self) -> i64 {
        self.0.iter().fold(0, |sum, cell| sum.wrapping_add(cell.0.load(Relaxed)))
    }
}

impl Series for Gauge {
    fn add(&self, value: i64) {
        if let Some(cell) = self.0.mine(Padded::default) {
            cell.0.fetch_add(value, Relaxed);
        }
    }
}

/// Observations by upper bound. A core's slots: the sum, then one count per bound, then the count above all bounds.
#[derive(Debug)]
pub(super) struct Histogram {
    bounds: &'static [u64],
    cells: PerCore<Box<[Padded<[AtomicU64; SLOTS]>]>>,
}

/// Slots on one pair of cache lines.
const SLOTS: usize = 16;

/// What a histogram holds, summed over the cores.
#[derive(Debug, PartialEq)]
pub(super) struct Distribution {
    pub(super) sum: u64,
    /// Observations between the bound before and this one; the last is above all bounds.
    pub(super) counts: Vec<u64>,
}

impl Histogram {
    const fn new(bounds: &'static [u64], cores: usize) -> Self {
        Self { bounds, cells: PerCore::new(cores) }
    }

    pub(super) fn distribution(&self) -> Distribution {
        let mut slots = vec![0_u64; self.bounds.len() + 2];
        for cell in self.cells.iter() {
            let values = cell.iter().flat_map(|line| &line.0);
            for (slot, value) in slots.iter_mut().zip(values) {
                *slot = slot.wrapping_add(value.load(Relaxed));
            }
        }
        let counts = slots.split_off(1);
        Distribution { sum: slots.first().copied().unwrap_or_default(), counts }
    }

    pub(super) fn count(&self) -> u64 {
        self.distribution().counts.iter().sum()
    }
}

impl Series for Histogram {
    fn add(&self, value: i64) {
        let value = u64::try_from(value).unwrap_or(0);
        let above = self.bounds.partition_point(|&bound| bound < value);
        let lines = (self.bounds.len() + 2).div_ceil(SLOTS);
        let Some(cell) = self.cells.mine(|| (0..lines).map(|_| Padded::default()).collect()) else { return };
        let slot = |at: usize| cell.get(at / SLOTS).and_then(|line| line.0.get(at % SLOTS));
        if let (Some(sum), Some(count)) = (slot(0), slot(above + 1)) {
            sum.fetch_add(value, Relaxed);
            count.fetch_add(1, Relaxed);
        }
    }
}

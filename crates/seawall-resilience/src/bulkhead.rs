//! The bulkhead: so many at once, so many waiting for their turn, the rest refused at once.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::Deadline;

/// A bulkhead. Cheap to clone; clones are the same bulkhead.
#[derive(Clone, Debug)]
pub struct Bulkhead(Arc<Shared>);

/// The right to be one of those at work; dropping it gives the place to whoever waits longest.
#[derive(Debug)]
#[must_use = "dropping a permit gives its place back"]
pub struct Permit(Arc<Shared>);

/// Why there is no permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BulkheadFull {
    /// All permits are in use and as many wait as may.
    #[error("all places are taken, and all places to wait")]
    Full,
    /// No permit came free before the deadline.
    #[error("no place came free before the deadline")]
    TimedOut,
}

#[derive(Debug)]
struct Shared {
    places: Semaphore,
    /// How many permits there are to be. Held while that changes.
    permits: Mutex<usize>,
    /// Permits in use that are to vanish when they come back, because there are to be fewer.
    owed: AtomicUsize,
    most_waiting: AtomicUsize,
    waiting: AtomicUsize,
}

/// A place in the waiting room.
struct Waiter<'a>(&'a AtomicUsize);

impl Bulkhead {
    /// At most `permits` at once and at most `waiting` waiters. Without permits everything waits.
    #[must_use]
    pub fn new(permits: usize, waiting: usize) -> Self {
        let permits = permits.min(Semaphore::MAX_PERMITS);
        Self(Arc::new(Shared {
            places: Semaphore::new(permits),
            permits: Mutex::new(permits),
            owed: AtomicUsize::new(0),
            most_waiting: AtomicUsize::new(waiting),
            waiting: AtomicUsize::new(0),
        }))
    }

    /// Waits for a permit, first come, first served. Dropping the future gives the waiting place back.
    ///
    /// # Errors
    /// [`BulkheadFull::Full`] at once when the waiting room is full, [`BulkheadFull::TimedOut`] at the deadline.
    pub async fn acquire(&self, deadline: Deadline) -> Result<Permit, BulkheadFull> {
        if let Ok(permit) = self.try_acquire() {
            return Ok(permit);
        }
        let waiter = Waiter::enter(&self.0).ok_or(BulkheadFull::Full)?;
        let place = deadline.run(self.0.places.acquire()).await;
        drop(waiter);
        match place {
            Ok(Ok(place)) => Ok(self.permit(place)),
            // The semaphore is never closed: that would be the first error.
            Ok(Err(_)) => Err(BulkheadFull::Full),
            Err(_) => Err(BulkheadFull::TimedOut),
        }
    }

    /// A permit when there is one, without waiting and not before those who wait.
    ///
    /// # Errors
    /// [`BulkheadFull::Full`] when all are in use.
    pub fn try_acquire(&self) -> Result<Permit, BulkheadFull> {
        let place = self.0.places.try_acquire().map_err(|_| BulkheadFull::Full)?;
        Ok(self.permit(place))
    }

    /// Permits in use. A snapshot: more or fewer may be in use when it is read.
    #[must_use]
    pub fn in_use(&self) -> usize {
        let permits = self.0.permits.lock().unwrap_or_else(PoisonError::into_inner);
        (*permits + self.0.owed.load(Ordering::Relaxed)).saturating_sub(self.0.places.available_permits())
    }

    /// Whether a permit would have to be waited for, without taking one. Reading it disturbs nobody.
    #[must_use]
    pub fn full(&self) -> bool {
        self.0.places.available_permits() == 0
    }

    /// How many wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.waiting.load(Ordering::Relaxed)
    }

    /// Changes how many may be at work at once. More are let in at once; when there are to be fewer, nobody is
    /// interrupted, and places vanish as they come back.
    pub fn resize(&self, permits: usize) {
        let permits = permits.min(Semaphore::MAX_PERMITS);
        let mut held = self.0.permits.lock().unwrap_or_else(PoisonError::into_inner);
        if permits > *held {
            let more = permits - *held;
            self.0.places.add_permits(more - self.0.pay(more));
        } else {
            let fewer = *held - permits;
            // Owed first, then what is free pays for it; when places that come back meanwhile have paid too, the difference
            // returns. One that came back in the same moment without seeing the debt may be handed out once more: the next
            // to come back pays.
            let owed = self.0.owed.fetch_add(fewer, Ordering::AcqRel) + fewer;
            let found = self.0.places.forget_permits(owed);
            self.0.places.add_permits(found - self.0.pay(found));
        }
        *held = permits;
    }

    /// Changes how many may wait. Who waits already goes on to wait.
    pub fn let_wait(&self, waiting: usize) {
        self.0.most_waiting.store(waiting, Ordering::Relaxed);
    }

    /// The place is forgotten by the semaphore and given back by the permit, which thus holds one `Arc` and not two.
    fn permit(&self, place: SemaphorePermit<'_>) -> Permit {
        place.forget();
        Permit(Arc::clone(&self.0))
    }
}

impl Shared {
    /// Pays off up to this many of the places owed; how many were.
    fn pay(&self, most: usize) -> usize {
        let before = self
            .owed
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |owed| Some(owed - owed.min(most)))
            .unwrap_or_default();
        before.min(most)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        // The load spares every request a write to what almost never changes.
        let vanishes = self.0.owed.load(Ordering::Acquire) > 0 && self.0.pay(1) == 1;
        if !vanishes {
            self.0.places.add_permits(1);
        }
    }
}

impl<'a> Waiter<'a> {
    fn enter(shared: &'a Shared) -> Option<Self> {
        let most = shared.most_waiting.load(Ordering::Relaxed);
        let room = |waiting| (waiting < most).then_some(waiting + 1);
        shared.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).ok()?;
        Some(Self(&shared.waiting))
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;

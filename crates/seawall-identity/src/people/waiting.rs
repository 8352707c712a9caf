//! How many sign-ins are under way at most. A refusal takes a while, so that all take as long, and keeps its request in memory meanwhile.

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::IdentityError;

/// Of everybody. At 300 ms each these are more than 3,000 a second.
const MOST: usize = 1_024;

/// Of known devices besides, so that a flood keeps none of them out.
const MOST_KNOWN: usize = 128;

/// Places for sign-ins.
#[derive(Debug)]
pub(super) struct Waiting {
    all: Semaphore,
    known: Semaphore,
}

impl Default for Waiting {
    fn default() -> Self {
        Self { all: Semaphore::new(MOST), known: Semaphore::new(MOST_KNOWN) }
    }
}

impl Waiting {
    /// A place until it is dropped.
    ///
    /// # Errors
    /// [`IdentityError::Crowded`] when none is free. Nobody waits for one.
    pub(super) fn place(&self, known: bool) -> Result<SemaphorePermit<'_>, IdentityError> {
        let own = known.then(|| self.known.try_acquire().ok()).flatten();
        own.or_else(|| self.all.try_acquire().ok()).ok_or(IdentityError::Crowded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_shed_and_known_devices_still_have_a_place() {
        let waiting = Waiting::default();
        let flood: Vec<_> = (0..MOST).map(|_| waiting.place(false).unwrap()).collect();
        assert!(matches!(waiting.place(false), Err(IdentityError::Crowded)));
        let known: Vec<_> = (0..MOST_KNOWN).map(|_| waiting.place(true).unwrap()).collect();
        assert!(waiting.place(true).is_err());
        drop(known);
        assert!(waiting.place(true).is_ok());
        drop(flood);
        assert!(waiting.place(false).is_ok());
    }
}

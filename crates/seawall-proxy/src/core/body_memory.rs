//! The memory that bodies take while they are held, on their way in or out, on all cores together.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use seawall_core::meter::Handle;

/// Bytes that are held, against a limit.
#[derive(Debug, Default)]
pub(crate) struct BodyMemory {
    held_bytes: AtomicU64,
}

impl BodyMemory {
    /// Whether more than half of the memory is taken.
    pub(crate) fn short(&self, limit_bytes: u64) -> bool {
        self.held_bytes.load(Ordering::Relaxed) > limit_bytes / 2
    }

    /// Room for a body, of no bytes yet, that grows while no more than `limit_bytes` are held in all. What it takes is given back when it
    /// is dropped.
    pub(crate) fn room(self: &Arc<Self>, limit_bytes: u64, gauge: Handle) -> Room {
        Room { memory: Arc::clone(self), gauge, limit_bytes, bytes: 0 }
    }
}

/// Room for one body.
#[derive(Debug)]
pub(crate) struct Room {
    memory: Arc<BodyMemory>,
    gauge: Handle,
    limit_bytes: u64,
    bytes: u64,
}

impl Room {
    /// Makes it large enough for so many more bytes, unless more than the limit would be held in all.
    #[must_use]
    pub(crate) fn grow(&mut self, bytes: u64) -> bool {
        let held = self.memory.held_bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if held > self.limit_bytes {
            self.memory.held_bytes.fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        self.bytes += bytes;
        self.gauge.add(signed(bytes));
        true
    }

    /// Gives a part of it, no larger than it is, a life of its own.
    pub(crate) fn split_off(&mut self, bytes: u64) -> Self {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        Self { memory: Arc::clone(&self.memory), gauge: self.gauge.clone(), limit_bytes: self.limit_bytes, bytes }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.memory.held_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        self.gauge.add(-signed(self.bytes));
    }
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_stays_within_the_limit_and_is_given_back() {
        let memory = Arc::new(BodyMemory::default());
        let (mut first, mut second) = (memory.room(100, Handle::none()), memory.room(100, Handle::none()));
        assert!(first.grow(60) && !second.grow(41));
        assert!(first.grow(40) && !first.grow(1));
        drop(first);
        assert!(second.grow(100) && !second.grow(1));
    }

    #[test]
    fn a_part_that_is_split_off_is_given_back_by_itself() {
        let memory = Arc::new(BodyMemory::default());
        let mut whole = memory.room(100, Handle::none());
        assert!(whole.grow(100));
        let part = whole.split_off(70);
        assert!(!whole.grow(1), "both are held");
        drop(whole);
        let mut other = memory.room(100, Handle::none());
        assert!(other.grow(30) && !other.grow(1));
        drop(part);
        assert!(other.grow(70));
        drop(other.split_off(u64::MAX));
        assert!(memory.room(100, Handle::none()).grow(100), "no more than there was");
    }
}

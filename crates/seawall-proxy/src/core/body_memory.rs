//! The memory that bodies take while guards look at them, on all cores together.

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

    /// Room for a body, of no bytes yet. What it takes is given back when it is dropped.
    pub(crate) fn room(self: &Arc<Self>, gauge: Handle) -> Room {
        Room { memory: Arc::clone(self), gauge, bytes: 0 }
    }
}

/// Room for one body.
#[derive(Debug)]
pub(crate) struct Room {
    memory: Arc<BodyMemory>,
    gauge: Handle,
    bytes: u64,
}

impl Room {
    /// Makes it large enough for so many more bytes, unless more than `limit_bytes` would be held in all.
    pub(crate) fn grow(&mut self, bytes: u64, limit_bytes: u64) -> bool {
        let held = self.memory.held_bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if held > limit_bytes {
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
        Self { memory: Arc::clone(&self.memory), gauge: self.gauge.clone(), bytes }
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
        let (mut first, mut second) = (memory.room(Handle::none()), memory.room(Handle::none()));
        assert!(first.grow(60, 100) && !second.grow(41, 100));
        assert!(first.grow(40, 100) && !first.grow(1, 100));
        drop(first);
        assert!(second.grow(100, 100) && !second.grow(1, 100));
    }

    #[test]
    fn a_part_that_is_split_off_is_given_back_by_itself() {
        let memory = Arc::new(BodyMemory::default());
        let mut whole = memory.room(Handle::none());
        assert!(whole.grow(100, 100));
        let part = whole.split_off(70);
        assert!(!whole.grow(1, 100), "both are held");
        drop(whole);
        let mut other = memory.room(Handle::none());
        assert!(other.grow(30, 100) && !other.grow(1, 100));
        drop(part);
        assert!(other.grow(70, 100));
        drop(other.split_off(u64::MAX));
        assert!(memory.room(Handle::none()).grow(100, 100), "no more than there was");
    }
}

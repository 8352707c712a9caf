//! One cell per core, so that cores never write to the same cache line.

use std::cell::Cell;

thread_local! {
    static CORE: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// Says that this thread is the core of this index, counted from zero.
pub fn bind_core(index: usize) {
    CORE.set(index);
}

/// A value on cache lines of its own: 128 bytes, because processors fetch lines of 64 bytes in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Padded<T>(pub(super) T);

/// A cell for each core and one for all other threads.
#[derive(Debug)]
pub(super) struct PerCore<T>(Box<[T]>);

impl<T> PerCore<T> {
    pub(super) fn new(cores: usize, cell: impl Fn() -> T) -> Self {
        Self((0..=cores).map(|_| cell()).collect())
    }

    /// This thread's cell; the last one when the thread is bound to no core of ours.
    pub(super) fn mine(&self) -> Option<&T> {
        self.0.get(CORE.get()).or_else(|| self.0.last())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_on_lines_of_their_own() {
        assert_eq!(size_of::<Padded<u64>>(), 128);
        assert_eq!(size_of::<Padded<[u64; 16]>>(), 128);
    }

    #[test]
    fn a_thread_bound_to_no_core_has_the_last_cell() {
        let cells = PerCore::new(2, || Cell::new(0));
        for core in [usize::MAX, 2, 0, 1, 1] {
            bind_core(core);
            let mine = cells.mine().unwrap();
            mine.set(mine.get() + 1);
        }
        assert_eq!(cells.iter().map(Cell::get).collect::<Vec<_>>(), [1, 2, 2]);
    }
}

//! One cell per core, so that cores never write to the same cache line.

use std::{cell::Cell, sync::OnceLock};

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

/// A cell for each core and one for all other threads. They are made with the first use: most series never count anything, such as the
/// refusals of most guards on most routes.
#[derive(Debug)]
pub(super) struct PerCore<T> {
    cores: usize,
    cells: OnceLock<Box<[T]>>,
}

impl<T> PerCore<T> {
    pub(super) const fn new(cores: usize) -> Self {
        Self { cores, cells: OnceLock::new() }
    }

    /// This thread's cell; the last one when the thread is bound to no core of ours.
    pub(super) fn mine(&self, cell: impl Fn() -> T) -> Option<&T> {
        let cells = self.cells.get_or_init(|| (0..=self.cores).map(|_| cell()).collect());
        cells.get(CORE.get()).or_else(|| cells.last())
    }

    /// All cells; none when nobody has used one.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.cells.get().into_iter().flatten()
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
        let cells = PerCore::new(2);
        assert_eq!(cells.iter().count(), 0, "made before the first use");
        for core in [usize::MAX, 2, 0, 1, 1] {
            bind_core(core);
            let mine = cells.mine(|| Cell::new(0)).unwrap();
            mine.set(mine.get() + 1);
        }
        assert_eq!(cells.iter().map(Cell::get).collect::<Vec<_>>(), [1, 2, 2]);
    }
}

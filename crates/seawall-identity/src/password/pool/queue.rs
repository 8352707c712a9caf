//! A bounded queue from callers to the pool's threads.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Items for the threads, the oldest first.
#[derive(Debug)]
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    capacity: usize,
}

#[derive(Debug)]
struct State<T> {
    items: VecDeque<T>,
    closed: bool,
}

/// Why an item was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rejected {
    /// As many wait as may.
    Full,
    /// Nobody takes items any more.
    Closed,
}

/// What waiting for an item came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Popped<T> {
    Item(T),
    /// None came in time.
    Nothing,
    Closed,
}

impl<T> Queue<T> {
    pub(super) fn new(capacity: usize) -> Self {
        let state = State { items: VecDeque::new(), closed: false };
        Self { state: Mutex::new(state), filled: Condvar::new(), capacity }
    }

    /// Adds an item at the end, or gives it back.
    pub(super) fn push(&self, item: T) -> Result<(), (T, Rejected)> {
        let mut state = self.lock();
        if state.closed {
            return Err((item, Rejected::Closed));
        }
        if state.items.len() >= self.capacity {
            return Err((item, Rejected::Full));
        }
        state.items.push_back(item);
        drop(state);
        self.filled.notify_one();
        Ok(())
    }

    /// Takes the oldest item; waits for one as long as `longest`, without it for ever.
    pub(super) fn pop(&self, longest: Option<Duration>) -> Popped<T> {
        let empty = |state: &mut State<T>| state.items.is_empty() && !state.closed;
        let state = self.lock();
        let mut state = match longest {
            None => self.filled.wait_while(state, empty).unwrap_or_else(PoisonError::into_inner),
            Some(longest) => {
                self.filled.wait_timeout_while(state, longest, empty).unwrap_or_else(PoisonError::into_inner).0
            }
        };
        match state.items.pop_front() {
            Some(item) => Popped::Item(item),
            None if state.closed => Popped::Closed,
            None => Popped::Nothing,
        }
    }

    /// Drops all unwanted items, wherever they stand; says how many.
    pub(super) fn remove(&self, mut unwanted: impl FnMut(&T) -> bool) -> usize {
        let mut state = self.lock();
        let before = state.items.len();
        state.items.retain(|item| !unwanted(item));
        before - state.items.len()
    }

    pub(super) fn len(&self) -> usize {
        self.lock().items.len()
    }

    /// Takes no more items and drops those that wait; says how many.
    pub(super) fn close(&self) -> usize {
        let mut state = self.lock();
        state.closed = true;
        let left = std::mem::take(&mut state.items);
        drop(state);
        self.filled.notify_all();
        left.len()
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_bounded_and_hands_out_the_oldest_first() {
        let queue = Queue::new(2);
        assert_eq!((queue.push(1), queue.push(2)), (Ok(()), Ok(())));
        assert_eq!(queue.push(3), Err((3, Rejected::Full)));
        assert_eq!(queue.pop(None), Popped::Item(1));
        assert_eq!(queue.pop(None), Popped::Item(2));
        assert_eq!(queue.pop(Some(Duration::ZERO)), Popped::Nothing);
    }

    #[test]
    fn what_is_unwanted_makes_room() {
        let queue = Queue::new(3);
        assert!((1..=3).all(|item| queue.push(item).is_ok()));
        assert_eq!(queue.remove(|item| item % 2 == 1), 2);
        assert_eq!(queue.push(4), Ok(()));
        assert_eq!((queue.pop(None), queue.pop(None)), (Popped::Item(2), Popped::Item(4)));
    }

    #[test]
    fn closing_drops_what_waits_and_wakes_who_waits() {
        let queue = Queue::new(2);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| queue.pop(None));
            assert_eq!(queue.close(), 0);
            assert_eq!(waiting.join().unwrap(), Popped::Closed);
        });
        assert_eq!(queue.push(1), Err((1, Rejected::Closed)));
    }
}

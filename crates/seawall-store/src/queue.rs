//! A bounded queue to threads of the store.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Items for one or several threads, the oldest first.
#[derive(Debug)]
pub(crate) struct Queue<T> {
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
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Rejected {
    /// As many wait as may.
    Full,
    /// Nobody takes items any more.
    Closed,
}

/// What waiting for an item came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Popped<T> {
    /// The oldest item.
    Item(T),
    /// None came in time.
    Nothing,
    /// The queue is closed, and empty.
    Closed,
}

impl<T> Queue<T> {
    /// A queue for so many items.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { state: Mutex::new(State { items: VecDeque::new(), closed: false }), filled: Condvar::new(), capacity }
    }

    /// Adds an item at the end.
    pub(crate) fn push(&self, item: T) -> Result<(), Rejected> {
        self.offer(item).map_err(|(_, rejected)| rejected)
    }

    /// Adds an item at the end, or gives it back.
    pub(crate) fn offer(&self, item: T) -> Result<(), (T, Rejected)> {
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
    pub(crate) fn pop(&self, longest: Option<Duration>) -> Popped<T> {
        let empty = |state: &mut State<T>| state.items.is_empty() && !state.closed;
        let mut state = self.lock();
        state = match longest {
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

    /// Takes the oldest item if there is one.
    pub(crate) fn try_pop(&self) -> Option<T> {
        self.lock().items.pop_front()
    }

    /// Takes all items that are wanted, wherever they stand.
    pub(crate) fn take(&self, mut wanted: impl FnMut(&T) -> bool) -> Vec<T> {
        let mut state = self.lock();
        let (taken, left) = state.items.drain(..).partition::<Vec<_>, _>(|item| wanted(item));
        state.items = left.into();
        taken
    }

    /// How many items wait.
    pub(crate) fn len(&self) -> usize {
        self.lock().items.len()
    }

    /// Takes no more items; those that wait are still handed out.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
    }

    /// Takes items again.
    pub(crate) fn reopen(&self) {
        self.lock().closed = false;
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
        assert_eq!(queue.push(1), Ok(()));
        assert_eq!(queue.push(2), Ok(()));
        assert_eq!(queue.push(3), Err(Rejected::Full));
        assert_eq!(queue.pop(None), Popped::Item(1));
        assert_eq!(queue.try_pop(), Some(2));
        assert_eq!(queue.pop(Some(Duration::ZERO)), Popped::Nothing);
    }

    #[test]
    fn what_is_taken_out_of_the_middle_leaves_the_rest_in_order() {
        let queue = Queue::new(9);
        assert!((1..=5).all(|item| queue.push(item).is_ok()));
        assert_eq!(queue.take(|item| item % 2 == 0), [2, 4]);
        assert_eq!(
            [queue.try_pop(), queue.try_pop(), queue.try_pop(), queue.try_pop()],
            [Some(1), Some(3), Some(5), None]
        );
    }

    #[test]
    fn closing_hands_out_what_waits() {
        let queue = Queue::new(2);
        assert_eq!(queue.push(1), Ok(()));
        queue.close();
        assert_eq!(queue.push(2), Err(Rejected::Closed));
        assert_eq!(queue.pop(None), Popped::Item(1));
        assert_eq!(queue.pop(None), Popped::Closed);
    }
}

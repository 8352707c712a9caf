//! A bounded queue to threads: who has an item waits for nobody, and threads wait for items.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Items for one or several threads, the oldest first.
#[derive(Debug)]
pub struct Queue<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    capacity: usize,
}

#[derive(Debug)]
struct State<T> {
    items: VecDeque<T>,
    closed: bool,
    /// How many threads wait for an item; with none, nobody has to be woken, which would be a call of the system.
    waiting: usize,
}

/// Why an item was not taken.
#[derive(Debug, PartialEq, Eq)]
pub enum Rejected {
    /// As many wait as may.
    Full,
    /// Nobody takes items any more.
    Closed,
}

/// What waiting for an item came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Popped<T> {
    /// The oldest item.
    Item(T),
    /// None came in time.
    Nothing,
    /// The queue is closed, and empty.
    Closed,
}

impl<T> Queue<T> {
    /// A queue for so many items.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            state: Mutex::new(State { items: VecDeque::new(), closed: false, waiting: 0 }),
            filled: Condvar::new(),
            capacity,
        }
    }

    /// Adds an item at the end.
    ///
    /// # Errors
    /// [`Rejected`]; the item is dropped.
    pub fn push(&self, item: T) -> Result<(), Rejected> {
        self.offer(item).map_err(|(_, rejected)| rejected)
    }

    /// Adds an item at the end, or gives it back.
    ///
    /// # Errors
    /// The item, and why.
    pub fn offer(&self, item: T) -> Result<(), (T, Rejected)> {
        let mut state = self.lock();
        if state.closed {
            return Err((item, Rejected::Closed));
        }
        if state.items.len() >= self.capacity {
            return Err((item, Rejected::Full));
        }
        state.items.push_back(item);
        let waited_for = state.waiting > 0;
        drop(state);
        if waited_for {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Takes the oldest item; waits for one as long as `longest`, without it for ever.
    pub fn pop(&self, longest: Option<Duration>) -> Popped<T> {
        let empty = |state: &mut State<T>| state.items.is_empty() && !state.closed;
        let mut state = self.lock();
        if empty(&mut state) {
            state.waiting += 1;
            state = match longest {
                None => self.filled.wait_while(state, empty).unwrap_or_else(PoisonError::into_inner),
                Some(longest) => {
                    self.filled.wait_timeout_while(state, longest, empty).unwrap_or_else(PoisonError::into_inner).0
                }
            };
            state.waiting -= 1;
        }
        match state.items.pop_front() {
            Some(item) => Popped::Item(item),
            None if state.closed => Popped::Closed,
            None => Popped::Nothing,
        }
    }

    /// Takes the oldest item if there is one.
    pub fn try_pop(&self) -> Option<T> {
        self.lock().items.pop_front()
    }

    /// Takes all items that are wanted, wherever they stand.
    pub fn take(&self, mut wanted: impl FnMut(&T) -> bool) -> Vec<T> {
        let mut state = self.lock();
        let (taken, left) = state.items.drain(..).partition::<Vec<_>, _>(|item| wanted(item));
        state.items = left.into();
        taken
    }

    /// Whether no item waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many items wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().items.len()
    }

    /// Takes no more items; those that wait are still handed out.
    pub fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
    }

    /// Takes no more items, and gives back those that wait.
    pub fn end(&self) -> Vec<T> {
        let mut state = self.lock();
        state.closed = true;
        let left = std::mem::take(&mut state.items);
        drop(state);
        self.filled.notify_all();
        left.into()
    }

    /// Takes items again.
    pub fn reopen(&self) {
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
        assert_eq!(queue.pop(None), Popped::Item(2));
        assert_eq!(queue.pop(Some(Duration::ZERO)), Popped::Nothing);
    }

    #[test]
    fn who_waits_is_woken() {
        let queue = Queue::new(1);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| queue.pop(None));
            while queue.lock().waiting == 0 {
                std::thread::yield_now();
            }
            assert_eq!(queue.push(1), Ok(()));
            assert_eq!(waiting.join().unwrap(), Popped::Item(1));
        });
        assert_eq!(queue.lock().waiting, 0);
    }

    #[test]
    fn what_is_taken_out_of_the_middle_leaves_the_rest_in_order() {
        let queue = Queue::new(9);
        assert!((1..=5).all(|item| queue.push(item).is_ok()));
        assert_eq!(queue.take(|item| item % 2 == 0), [2, 4]);
        let left = [queue.try_pop(), queue.try_pop(), queue.try_pop(), queue.try_pop()];
        assert_eq!(left, [Some(1), Some(3), Some(5), None]);
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

    #[test]
    fn ending_gives_back_what_waits() {
        let queue = Queue::new(2);
        assert_eq!(queue.push(1), Ok(()));
        assert_eq!(queue.end(), [1]);
        assert_eq!(queue.push(2), Err(Rejected::Closed));
        assert_eq!(queue.pop(None), Popped::Closed);
    }
}

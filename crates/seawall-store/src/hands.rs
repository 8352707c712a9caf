//! What is in hands: begun, and not written down to its end. The store is given away when nobody has any of it.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

/// What is in hands of one kind. Cheap to clone; clones count together.
#[derive(Clone, Debug, Default)]
pub struct Hands(Arc<Table>);

#[derive(Debug, Default)]
struct Table {
    serials: Mutex<Serials>,
    /// Changes whenever one is let go of.
    let_go: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Serials {
    next: i64,
    held: BTreeSet<i64>,
}

/// One of it, until this is dropped.
#[derive(Debug)]
pub struct InHands {
    hands: Hands,
    serial: i64,
}

impl Hands {
    /// Somebody has one more.
    #[must_use]
    pub fn take(&self) -> InHands {
        let mut serials = self.serials();
        let serial = serials.next;
        serials.next += 1;
        serials.held.insert(serial);
        InHands { hands: self.clone(), serial }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.serials().held.len()
    }

    /// Whether nobody has any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.serials().held.is_empty()
    }

    /// Ends when nobody has any of those that there are when it is first polled.
    pub async fn let_go(&self) {
        let mut changes = self.0.let_go.subscribe();
        let next = self.serials().next;
        while self.serials().held.first().is_some_and(|first| *first < next) {
            // Whoever lets go holds the sender.
            let _changed = changes.changed().await;
        }
    }

    /// Ends when nobody has any, whenever it began.
    pub async fn emptied(&self) {
        let mut changes = self.0.let_go.subscribe();
        while !self.is_empty() {
            // Whoever lets go holds the sender.
            let _changed = changes.changed().await;
        }
    }

    fn serials(&self) -> MutexGuard<'_, Serials> {
        self.0.serials.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl InHands {
    /// Its number, which no other of these hands has.
    #[must_use]
    pub const fn serial(&self) -> i64 {
        self.serial
    }
}

impl Drop for InHands {
    fn drop(&mut self) {
        self.hands.serials().held.remove(&self.serial);
        self.hands.0.let_go.send_replace(());
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Waker},
    };

    use super::*;

    #[test]
    fn what_is_in_hands_is_waited_for_and_what_began_later_is_not() {
        let hands = Hands::default();
        let (first, second) = (hands.take(), hands.take());
        let mut waits = pin!(hands.let_go());
        let mut context = Context::from_waker(Waker::noop());
        assert!(waits.as_mut().poll(&mut context).is_pending());
        let later = hands.take();
        drop(second);
        assert!(waits.as_mut().poll(&mut context).is_pending());
        drop(first);
        assert!(waits.as_mut().poll(&mut context).is_ready());
        assert_eq!(hands.len(), 1);
        let mut all = pin!(hands.emptied());
        assert!(all.as_mut().poll(&mut context).is_pending());
        drop(later);
        assert!(all.as_mut().poll(&mut context).is_ready() && hands.is_empty());
    }
}

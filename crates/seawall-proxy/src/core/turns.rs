//! Turns at resources: of the requests that change one, one at a time, on all cores together.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use tokio::sync::{Mutex as Waiting, OwnedMutexGuard};

/// The most resources that are changed at once.
const MOST: usize = 4_096;

/// The turns that are taken or waited for, by resource.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<HashMap<Box<str>, Weak<Waiting<()>>>>);

/// A turn; it goes to the next when it is dropped.
pub(crate) type Turn = OwnedMutexGuard<()>;

impl Turns {
    /// Waits for a turn, behind those who came before; nothing when it does not come in time, or too many resources are changed.
    pub(crate) async fn take(&self, resource: &str, wait: Duration) -> Option<Turn> {
        let queue = self.queue(resource)?;
        tokio::time::timeout(wait, queue.lock_owned()).await.ok()
    }

    fn queue(&self, resource: &str) -> Option<Arc<Waiting<()>>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = all.get(resource).and_then(Weak::upgrade) {
            return Some(queue);
        }
        // Those that nobody holds or waits for are forgotten when the table is full.
        if all.len() >= MOST && !all.contains_key(resource) {
            all.retain(|_, queue| queue.strong_count() > 0);
            if all.len() >= MOST {
                return None;
            }
        }
        let queue = Arc::new(Waiting::new(()));
        all.insert(resource.into(), Arc::downgrade(&queue));
        drop(all);
        Some(queue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn a_resource_has_one_turn_at_a_time_and_others_have_their_own() {
        let turns = Turns::default();
        let first = turns.take("/a", SOON).await.expect("nobody has it");
        assert!(turns.take("/a", SOON).await.is_none(), "it is taken");
        assert!(turns.take("/b", SOON).await.is_some(), "another resource");
        drop(first);
        assert!(turns.take("/a", SOON).await.is_some(), "it was given back");
    }

    #[tokio::test]
    async fn the_table_is_bounded_and_forgets_what_nobody_holds() {
        let turns = Turns::default();
        let mut held = Vec::new();
        for number in 0..MOST {
            held.push(turns.take(&format!("/{number}"), SOON).await.expect("there is room"));
        }
        assert!(turns.take("/more", SOON).await.is_none(), "no room");
        held.clear();
        assert!(turns.take("/more", SOON).await.is_some());
        assert_eq!(turns.0.lock().unwrap().len(), 1);
    }
}

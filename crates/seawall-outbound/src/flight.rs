//! The same thing asked several times at once is asked once: the first leads, the others wait for what it brings.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use seawall_resilience::{Deadline, TimedOut};
use tokio::sync::watch;

/// What a leader left behind: what it brought for all, or nothing that others may have.
#[derive(Clone, Debug)]
enum Landed<V> {
    Shared(V),
    Own,
}

/// Where each that is under way will tell how it landed.
type Landings<K, V> = Mutex<HashMap<K, watch::Receiver<Option<Landed<V>>>>>;

/// Those that are under way.
#[derive(Debug)]
pub(crate) struct Flights<K, V>(Arc<Landings<K, V>>);

/// What somebody who joins gets.
#[derive(Debug)]
pub(crate) enum Joined<K: Eq + Hash, V> {
    /// Nobody else asks: ask, and say what came of it.
    Lead(Leader<K, V>),
    /// What another brought.
    Brought(V),
    /// What another brought was for itself alone: ask for yourself.
    Alone,
}

/// Whoever asks for all. Dropped without a word, another takes its place.
#[derive(Debug)]
pub(crate) struct Leader<K: Eq + Hash, V> {
    flights: Arc<Landings<K, V>>,
    key: K,
    landing: watch::Sender<Option<Landed<V>>>,
}

impl<K, V> Default for Flights<K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Clone + Eq + Hash, V: Clone> Flights<K, V> {
    /// Joins those who ask for this, or leads them. `look` is asked, under the lock, for what came while nobody led.
    pub(crate) async fn join(
        &self,
        key: &K,
        deadline: Deadline,
        look: impl Fn() -> Option<V>,
    ) -> Result<Joined<K, V>, TimedOut> {
        loop {
            let mut flight = {
                let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(value) = look() {
                    return Ok(Joined::Brought(value));
                }
                match flights.get(key) {
                    Some(flight) => flight.clone(),
                    None => {
                        let (landing, flight) = watch::channel(None);
                        flights.insert(key.clone(), flight);
                        return Ok(Joined::Lead(Leader { flights: Arc::clone(&self.0), key: key.clone(), landing }));
                    }
                }
            };
            let landed = deadline.run(flight.wait_for(Option::is_some)).await?;
            match landed.as_deref() {
                Ok(Some(Landed::Shared(value))) => return Ok(Joined::Brought(value.clone())),
                Ok(Some(Landed::Own)) => return Ok(Joined::Alone),
                // The leader is gone without a word.
                Ok(None) | Err(_) => {}
            }
        }
    }
}

impl<K: Eq + Hash, V> Leader<K, V> {
    /// Gives what came to all who wait.
    pub(crate) fn share(self, value: V) {
        self.landing.send_replace(Some(Landed::Shared(value)));
    }

    /// Sends all who wait to ask for themselves.
    pub(crate) fn keep(self) {
        self.landing.send_replace(Some(Landed::Own));
    }
}

impl<K: Eq + Hash, V> Drop for Leader<K, V> {
    fn drop(&mut self) {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn never() -> Option<u32> {
        None
    }

    #[tokio::test]
    async fn all_who_join_get_what_the_leader_brings() {
        let flights = Arc::new(Flights::<&str, u32>::default());
        let Ok(Joined::Lead(leader)) = flights.join(&"a", Deadline::none(), never).await else { panic!("no leader") };
        let others: Vec<_> = (0..3)
            .map(|_| {
                let flights = Arc::clone(&flights);
                tokio::spawn(async move {
                    matches!(flights.join(&"a", Deadline::none(), never).await, Ok(Joined::Brought(7)))
                })
            })
            .collect();
        tokio::task::yield_now().await;
        leader.share(7);
        for other in others {
            assert!(other.await.unwrap());
        }
        assert!(matches!(flights.join(&"a", Deadline::none(), never).await, Ok(Joined::Lead(_))), "it has landed");
    }

    #[tokio::test]
    async fn a_leader_who_leaves_is_replaced_and_one_who_keeps_sends_the_others_on() {
        let flights = Arc::new(Flights::<&str, u32>::default());
        let Ok(Joined::Lead(leader)) = flights.join(&"a", Deadline::none(), never).await else { panic!("no leader") };
        let other = {
            let flights = Arc::clone(&flights);
            tokio::spawn(async move {
                match flights.join(&"a", Deadline::none(), never).await {
                    Ok(Joined::Lead(leader)) => leader.keep(),
                    joined => panic!("{joined:?}"),
                }
            })
        };
        tokio::task::yield_now().await;
        drop(leader);
        other.await.unwrap();
        assert!(flights.0.lock().unwrap().is_empty());
    }
}

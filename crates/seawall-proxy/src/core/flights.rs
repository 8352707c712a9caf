//! Requests on their way whose answers others wait for, on all cores together.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use tokio::sync::watch;

/// The most requests on their way that can be joined.
const MOST: usize = 4_096;

type Key = [u8; 32];
type Landed = Option<Arc<Shared>>;

/// The application's answer, as it came.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Those that can be joined.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    open: Mutex<HashMap<Key, watch::Receiver<Landed>>>,
    /// How many there are, so that nobody takes the lock for nothing.
    number: AtomicUsize,
}

/// How a request goes on.
#[derive(Debug)]
pub(crate) enum Seat {
    /// It asks the application, for itself and those who join it.
    Leads(Flight),
    /// It waits for another's answer.
    Follows(watch::Receiver<Landed>),
    /// It asks for itself: there is no room for more.
    Alone,
}

/// A request on its way that others can join. Those who did go themselves when it is dropped without an answer.
#[derive(Debug)]
pub(crate) struct Flight {
    flights: Arc<Flights>,
    key: Key,
    answer: watch::Sender<Landed>,
}

impl Flights {
    /// Joins the request that is alike, or is the one to be joined.
    pub(crate) fn join(self: &Arc<Self>, key: Key) -> Seat {
        let mut open = self.open();
        if let Some(other) = open.get(&key) {
            return Seat::Follows(other.clone());
        }
        if open.len() >= MOST {
            return Seat::Alone;
        }
        let (answer, other) = watch::channel(None);
        open.insert(key, other);
        self.number.store(open.len(), Ordering::Release);
        drop(open);
        Seat::Leads(Flight { flights: Arc::clone(self), key, answer })
    }

    /// Something was changed: whoever asks from now on must not get an answer from before.
    pub(crate) fn changed(&self) {
        if self.number.load(Ordering::Acquire) > 0 {
            self.open().clear();
            self.number.store(0, Ordering::Release);
        }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Key, watch::Receiver<Landed>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    /// Whether others wait for the answer. Nobody joins any more.
    pub(crate) fn close(&self) -> bool {
        let mut open = self.flights.open();
        if open.get(&self.key).is_some_and(|other| self.is(other)) {
            open.remove(&self.key);
            self.flights.number.store(open.len(), Ordering::Release);
        }
        drop(open);
        self.answer.receiver_count() > 0
    }

    /// Gives the answer to those who wait.
    pub(crate) fn land(self, answer: Shared) {
        self.answer.send_replace(Some(Arc::new(answer)));
    }

    /// Whether this is what others join, and not one that began after something was changed.
    fn is(&self, other: &watch::Receiver<Landed>) -> bool {
        self.answer.subscribe().same_channel(other)
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leads(flights: &Arc<Flights>, key: u8) -> Flight {
        match flights.join([key; 32]) {
            Seat::Leads(flight) => flight,
            other => panic!("{other:?}"),
        }
    }

    fn answer() -> Shared {
        Shared { status: StatusCode::OK, headers: HeaderMap::new(), body: Bytes::from_static(b"shared") }
    }

    #[tokio::test]
    async fn those_who_join_get_the_answer_and_who_comes_later_asks_anew() {
        let flights = Arc::default();
        let flight = leads(&flights, 1);
        let Seat::Follows(mut follower) = flights.join([1; 32]) else { panic!("it is on its way") };
        drop(leads(&flights, 2));
        assert!(flight.close());
        drop(leads(&flights, 1));
        flight.land(answer());
        let landed = follower.wait_for(Option::is_some).await.unwrap().clone().unwrap();
        assert_eq!(landed.body, "shared");
        assert_eq!(flights.open().len(), 0);
    }

    #[tokio::test]
    async fn without_an_answer_those_who_joined_know_at_once() {
        let flights = Arc::default();
        let flight = leads(&flights, 1);
        let Seat::Follows(mut follower) = flights.join([1; 32]) else { panic!("it is on its way") };
        drop(flight);
        assert!(follower.wait_for(Option::is_some).await.is_err());
        let alone = leads(&flights, 1);
        assert!(!alone.close(), "nobody waits");
    }

    #[test]
    fn after_a_change_nobody_joins_what_began_before() {
        let flights = Arc::default();
        let before = leads(&flights, 1);
        flights.changed();
        let after = leads(&flights, 1);
        drop(before);
        assert!(matches!(flights.join([1; 32]), Seat::Follows(_)), "the younger one is still there");
        drop(after);
        assert_eq!((flights.open().len(), flights.number.load(Ordering::Relaxed)), (0, 0));
    }

    #[test]
    fn there_are_no_more_than_fit() {
        let flights: Arc<Flights> = Arc::default();
        let key = |number: usize| {
            let mut key = [0; 32];
            key.iter_mut().zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
            key
        };
        let open: Vec<_> = (0..MOST).map(|number| flights.join(key(number))).collect();
        assert!(matches!(flights.join(key(MOST)), Seat::Alone));
        drop(open);
        assert!(matches!(flights.join(key(MOST)), Seat::Leads(_)));
    }
}

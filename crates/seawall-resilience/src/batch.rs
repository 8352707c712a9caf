//! Many futures, a few at a time.

use std::future::Future;

use futures_util::{StreamExt, stream};

/// Runs the futures, at most `at_once` of them at the same time, and gives their outputs in the order of the futures.
/// Zero counts as one.
///
/// A future is taken from the iterator when there is room for it, so an iterator that makes them one by one never has
/// more than `at_once` alive. A slow one holds up no other. All run in the task that awaits the batch: dropping it drops
/// those under way, and the rest are never made.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let lengths = seawall_resilience::batch(2, ["a", "bb", "ccc"].into_iter().map(async |word: &str| word.len())).await;
/// assert_eq!(lengths, [1, 2, 3]);
/// # }
/// ```
pub async fn batch<F: Future>(at_once: usize, futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let numbered = futures.into_iter().enumerate().map(|(place, future)| async move { (place, future.await) });
    let mut outputs: Vec<_> = stream::iter(numbered).buffer_unordered(at_once.max(1)).collect().await;
    outputs.sort_unstable_by_key(|&(place, _)| place);
    outputs.into_iter().map(|(_, output)| output).collect()
}

#[cfg(test)]
mod tests {
    //! In paused time.

    use std::{
        pin::pin,
        sync::atomic::{AtomicUsize, Ordering},
        time::Duration,
    };

    use futures_util::poll;
    use tokio::time::{Instant, sleep};

    use super::*;

    /// Counts itself among those alive until it is dropped.
    struct Alive<'a>(&'a AtomicUsize);

    impl<'a> Alive<'a> {
        fn new(count: &'a AtomicUsize) -> Self {
            count.fetch_add(1, Ordering::SeqCst);
            Self(count)
        }
    }

    impl Drop for Alive<'_> {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn outputs_come_in_the_order_of_the_futures() {
        let (alive, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let futures = (0..20_u64).map(|number| {
            let here = Alive::new(&alive);
            most.fetch_max(alive.load(Ordering::SeqCst), Ordering::SeqCst);
            async move {
                sleep(Duration::from_millis((number * 7) % 20)).await;
                drop(here);
                number
            }
        });
        let outputs = batch(3, futures).await;
        assert_eq!(outputs, (0..20).collect::<Vec<_>>());
        assert_eq!(most.load(Ordering::SeqCst), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_one_holds_up_no_other() {
        let start = Instant::now();
        let times_ms = [1_000_u64, 100, 100, 100, 100];
        batch(2, times_ms.map(|ms| sleep(Duration::from_millis(ms)))).await;
        assert_eq!(start.elapsed().as_millis(), 1_000);
    }

    #[tokio::test(start_paused = true)]
    async fn dropping_the_batch_drops_those_under_way() {
        let (alive, made) = (AtomicUsize::new(0), AtomicUsize::new(0));
        {
            let futures = (0..10).map(|_| {
                made.fetch_add(1, Ordering::SeqCst);
                let here = Alive::new(&alive);
                async move {
                    sleep(Duration::from_secs(1)).await;
                    drop(here);
                }
            });
            let mut running = pin!(batch(4, futures));
            assert!(poll!(&mut running).is_pending());
            assert_eq!(alive.load(Ordering::SeqCst), 4);
        }
        assert_eq!((alive.load(Ordering::SeqCst), made.load(Ordering::SeqCst)), (0, 4));
    }

    #[tokio::test]
    async fn nothing_and_zero() {
        assert!(batch(3, Vec::<std::future::Ready<()>>::new()).await.is_empty());
        assert_eq!(batch(0, [std::future::ready(1), std::future::ready(2)]).await, [1, 2]);
    }
}

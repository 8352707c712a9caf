//! The bulkhead in paused time, and with many threads.

use std::{pin::pin, sync::atomic::AtomicBool, thread, time::Duration};

use futures_util::poll;
use tokio::{task::JoinSet, time::Instant};

use super::*;

fn in_ms(ms: u64) -> Deadline {
    Deadline::after(Duration::from_millis(ms))
}

#[tokio::test(start_paused = true)]
async fn so_many_at_once_so_many_wait_and_the_rest_is_refused() {
    let bulkhead = Bulkhead::new(1, 1);
    let permit = bulkhead.acquire(Deadline::none()).await.unwrap();
    assert_eq!(bulkhead.try_acquire().unwrap_err(), BulkheadFull::Full);
    let mut waiter = pin!(bulkhead.acquire(Deadline::none()));
    assert!(poll!(&mut waiter).is_pending());
    assert_eq!((bulkhead.in_use(), bulkhead.waiting(), bulkhead.full()), (1, 1, true));
    assert_eq!(bulkhead.acquire(Deadline::none()).await.unwrap_err(), BulkheadFull::Full);
    drop(permit);
    assert_eq!(bulkhead.try_acquire().unwrap_err(), BulkheadFull::Full, "nobody overtakes a waiter");
    let permit = waiter.await.unwrap();
    assert_eq!((bulkhead.in_use(), bulkhead.waiting()), (1, 0));
    drop(permit);
    assert_eq!((bulkhead.in_use(), bulkhead.full()), (0, false));
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_at_the_deadline_and_gives_the_place_back() {
    let bulkhead = Bulkhead::new(1, 1);
    let permit = bulkhead.try_acquire().unwrap();
    let start = Instant::now();
    for _ in 0..3 {
        assert_eq!(bulkhead.acquire(in_ms(20)).await.unwrap_err(), BulkheadFull::TimedOut);
        assert_eq!(bulkhead.waiting(), 0);
    }
    assert_eq!(start.elapsed().as_millis(), 60);
    drop(permit);
    assert!(bulkhead.acquire(in_ms(0)).await.is_ok(), "what is free is given without waiting");
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_leaves_gives_its_place_back() {
    let bulkhead = Bulkhead::new(1, 1);
    let permit = bulkhead.try_acquire().unwrap();
    {
        let mut waiter = pin!(bulkhead.acquire(Deadline::none()));
        assert!(poll!(&mut waiter).is_pending());
        assert_eq!(bulkhead.waiting(), 1);
        // The permit is on its way to the waiter, who leaves without looking.
        drop(permit);
    }
    assert_eq!((bulkhead.in_use(), bulkhead.waiting()), (0, 0));
    assert!(bulkhead.try_acquire().is_ok());
}

#[tokio::test(start_paused = true)]
async fn more_permits_let_waiters_in() {
    let bulkhead = Bulkhead::new(0, 2);
    let mut waiter = pin!(bulkhead.acquire(Deadline::none()));
    assert!(poll!(&mut waiter).is_pending());
    bulkhead.resize(1);
    let _permit = waiter.await.unwrap();
    assert_eq!(bulkhead.in_use(), 1);
}

#[test]
fn fewer_permits_interrupt_nobody() {
    let bulkhead = Bulkhead::new(3, 0);
    let mut permits: Vec<_> = (0..2).map(|_| bulkhead.try_acquire().unwrap()).collect();
    bulkhead.resize(1);
    assert_eq!(bulkhead.in_use(), 2);
    assert!(bulkhead.try_acquire().is_err());
    permits.pop();
    assert!(bulkhead.try_acquire().is_err(), "the place that came back has vanished");
    permits.pop();
    assert_eq!(bulkhead.in_use(), 0);
    let _one = bulkhead.try_acquire().unwrap();
    assert!(bulkhead.try_acquire().is_err());
}

#[test]
fn growing_again_forgives_what_is_owed() {
    let bulkhead = Bulkhead::new(3, 0);
    let mut permits: Vec<_> = (0..3).map(|_| bulkhead.try_acquire().unwrap()).collect();
    bulkhead.resize(1);
    bulkhead.resize(4);
    permits.push(bulkhead.try_acquire().unwrap());
    assert!(bulkhead.try_acquire().is_err());
    permits.clear();
    assert_eq!((0..10).map_while(|_| bulkhead.try_acquire().ok()).collect::<Vec<_>>().len(), 4);
}

#[test]
fn sizes_beyond_what_the_semaphore_holds_are_cut() {
    let bulkhead = Bulkhead::new(usize::MAX, 0);
    let _permit = bulkhead.try_acquire().unwrap();
    bulkhead.resize(0);
    bulkhead.resize(usize::MAX);
    assert_eq!(bulkhead.in_use(), 1);
}

#[test]
fn many_threads_never_exceed_the_permits() {
    let bulkhead = Bulkhead::new(3, 0);
    let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                for _ in 0..20_000 {
                    let Ok(permit) = bulkhead.try_acquire() else { continue };
                    most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    inside.fetch_sub(1, Ordering::SeqCst);
                    drop(permit);
                }
            });
        }
    });
    assert!(most.load(Ordering::SeqCst) <= 3);
    assert_eq!(bulkhead.in_use(), 0);
}

/// Places come back in the very moment the size changes, which is when debts are paid from two sides.
#[test]
fn many_threads_under_a_size_that_changes_keep_the_count() {
    let (bulkhead, resizing) = (Bulkhead::new(4, 0), AtomicBool::new(true));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while resizing.load(Ordering::Relaxed) {
                    drop((bulkhead.try_acquire(), bulkhead.try_acquire()));
                }
            });
        }
        (0..200_000).for_each(|round| bulkhead.resize(if round % 2 == 0 { 1 } else { 8 }));
        resizing.store(false, Ordering::Relaxed);
    });
    bulkhead.resize(3);
    assert_eq!(bulkhead.in_use(), 0);
    assert_eq!((0..10).map_while(|_| bulkhead.try_acquire().ok()).collect::<Vec<_>>().len(), 3);
}

/// Waiters of several threads come, leave and are let in while the size changes: nothing is lost and nothing is won.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn resizing_under_way_neither_loses_nor_makes_permits() {
    let bulkhead = Bulkhead::new(4, 64);
    let mut tasks = JoinSet::new();
    for seed in 0..16 {
        let bulkhead = bulkhead.clone();
        tasks.spawn(async move {
            let mut random = fastrand::Rng::with_seed(seed);
            for _ in 0..500 {
                if seed == 0 {
                    bulkhead.resize(random.usize(1..9));
                }
                let mut waiter = pin!(bulkhead.acquire(Deadline::none()));
                if random.u32(0..4) == 0 {
                    // Asks once and leaves.
                    let _ = poll!(&mut waiter);
                    continue;
                }
                let permit = waiter.await.unwrap();
                tokio::task::yield_now().await;
                drop(permit);
            }
        });
    }
    tasks.join_all().await;
    bulkhead.resize(5);
    assert_eq!((bulkhead.in_use(), bulkhead.waiting()), (0, 0));
    assert_eq!((0..10).map_while(|_| bulkhead.try_acquire().ok()).collect::<Vec<_>>().len(), 5);
}

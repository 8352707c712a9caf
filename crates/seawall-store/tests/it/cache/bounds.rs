//! What a cache keeps, for how long, and how much of it.

use std::{sync::Arc, time::Duration};

use seawall_store::cache::{CacheOptions, Known};

use super::{Node, fill, key, options, unread};
use crate::support::nodes::PATIENT;

#[tokio::test]
async fn a_hit_is_answered_at_once_and_counted() {
    let node = Node::alone();
    let cache = node.numbers();
    assert_eq!(cache.get("a"), None);
    fill(&cache, "a", 1).await;
    assert_eq!(cache.get("a"), Some(Known::Found(1)));
    assert_eq!(cache.get_or_load(&key("a"), PATIENT, unread()).await, Ok(Known::Found(1)));
    let counted = ["lookups numbers hit", "lookups numbers miss", "loads numbers kept", "entries numbers"];
    assert_eq!(counted.map(|name| node.counts.of(&format!("seawall_cache_{name}"))), [2, 1, 1, 1]);
    assert_eq!(node.counts.of("seawall_cache_bytes numbers"), i64::try_from(cache.bytes()).unwrap());
    drop(cache);
    // The listener lets go of it in its own time.
    crate::support::nodes::until_so("nothing is left", || node.counts.of("seawall_cache_entries numbers") == 0).await;
}

#[tokio::test]
async fn what_is_found_and_what_is_not_are_kept_as_long_as_each_may_be() {
    let node = Node::alone();
    let keep = Duration::from_secs(60);
    let cache = node.caches.cache(&CacheOptions { keep, keep_absent: keep / 12, ..options() });
    fill(&cache, "here", 1).await;
    let absent = cache.load(&key("nowhere"), PATIENT, async { Ok(None) }).await;
    assert_eq!((absent, cache.get("nowhere")), (Ok(Known::Absent), Some(Known::Absent)));
    node.clock.pass(keep / 12);
    assert_eq!((cache.get("here"), cache.get("nowhere")), (Some(Known::Found(1)), None));
    node.clock.pass(keep - keep / 12);
    assert_eq!(cache.get("here"), None);
    fill(&cache, "here", 2).await;
    assert_eq!(cache.get("here"), Some(Known::Found(2)));
}

#[tokio::test]
async fn an_entry_is_as_old_as_the_reading_that_began() {
    let node = Node::alone();
    let keep = Duration::from_secs(60);
    let cache = node.caches.cache(&CacheOptions { keep, ..options() });
    let clock = Arc::clone(&node.clock);
    let slow = async move {
        clock.pass(keep / 2);
        Ok(Some(1))
    };
    assert_eq!(cache.load(&key("a"), PATIENT, slow).await, Ok(Known::Found(1)));
    node.clock.pass(keep / 2 - Duration::from_micros(1));
    assert_eq!(cache.get("a"), Some(Known::Found(1)));
    node.clock.pass(Duration::from_micros(1));
    assert_eq!(cache.get("a"), None);
}

#[tokio::test]
async fn what_is_not_found_need_not_be_kept() {
    let node = Node::alone();
    let cache = node.caches.cache(&CacheOptions { keep_absent: Duration::ZERO, ..options() });
    assert_eq!(cache.load(&key("a"), PATIENT, async { Ok(None) }).await, Ok(Known::Absent));
    assert_eq!((cache.get("a"), cache.entries()), (None, 0));
}

#[tokio::test]
async fn strangers_push_out_one_another_and_not_what_is_asked_for_again() {
    let node = Node::alone();
    let (most_entries, most_bytes) = (2_000, 400_000);
    let cache = node.caches.cache(&CacheOptions { most_entries, most_bytes, ..options() });
    fill(&cache, "known", 1).await;
    for stranger in 0..20_000 {
        let none = cache.load(&format!("stranger {stranger}"), PATIENT, async { Ok(None) }).await;
        assert_eq!(none, Ok(Known::Absent));
        if stranger % 100 == 0 {
            assert_eq!(cache.get("known"), Some(Known::Found(1)), "after {stranger} strangers");
            assert!(cache.entries() <= most_entries && cache.bytes() <= most_bytes, "{} entries", cache.entries());
        }
    }
    assert!(cache.entries() > most_entries / 2, "{} entries", cache.entries());
    assert!(node.counts.of("seawall_cache_evictions numbers") >= 18_000);
    assert_eq!(node.counts.of("seawall_cache_entries numbers"), i64::try_from(cache.entries()).unwrap());
}

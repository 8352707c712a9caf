//! Guessing from everywhere: what is held up, and who is not.

use std::{sync::Arc, time::Duration};

use seawall_identity::{IdentityError, people::SignInStep};
use seawall_store::{Cause, StoreError, Tx};
use tokio::task::JoinSet;

use crate::support::{Ground, Node, PASSWORD, on_both};

/// For how many seconds an attempt is not heard; nothing when it was.
async fn refused(node: &Node, name: &str, from: &str, device: Option<&str>) -> Option<u64> {
    match node.begin(name, "wrong", from, device).await {
        Err(IdentityError::SignInRefused { retry_after }) => retry_after,
        other => panic!("{other:?}"),
    }
}

/// Makes so many failures of all names that failed, without a hash and a wait for each.
async fn have_failed(ground: &Ground, failures: i64) {
    let change = move |tx: &mut Tx<'_>| tx.execute("UPDATE sign_in_accounts SET failures = $1", &[&failures]);
    ground.db.write::<_, StoreError>(&Cause::system("test"), change).await.unwrap();
}

/// The cookie of a device on which somebody signs in.
async fn device_of(node: &Node, name: &str) -> String {
    node.try_sign_in(name, PASSWORD, "192.0.2.200").await.unwrap().device.expect("the device is known from here on")
}

async fn signs_in(node: &Node, name: &str, from: &str, device: Option<&str>) -> bool {
    matches!(node.begin(name, PASSWORD, from, device).await, Ok(SignInStep::SignedIn(_)))
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_2_ten_thousand_attempts_in_a_minute_keep_out_everybody_but_the_owner_on_a_known_device() {
    on_both(async |ground| {
        let node = Arc::new(ground.people().await);
        node.add("ann", &[]).await;
        let device = device_of(&node, "ann").await;
        // A server far away takes its time for each: it gets a fifth of them, in the same minute.
        let at_once = if ground.shared() { 40 } else { 200 };
        let mut heard = 0;
        for batch in 0..50_u32 {
            let mut tasks = JoinSet::new();
            for attempt in 0..at_once {
                let node = Arc::clone(&node);
                tasks.spawn(async move { refused(&node, "ann", &format!("10.1.{batch}.{attempt}"), None).await });
            }
            if batch % 5 == 2 {
                assert!(signs_in(&node, "ann", "192.0.2.7", Some(&device)).await, "the owner among batch {batch}");
            }
            heard += tasks.join_all().await.into_iter().filter(Option::is_none).count();
            ground.clock.advance(Duration::from_millis(1_200));
        }
        // Six at once, four in the next batches, and then one in each third.
        assert!((20..=30).contains(&heard), "{heard} of {} were heard", 50 * at_once);
        assert!(
            !signs_in(&node, "ann", "192.0.2.8", None).await,
            "on a device that is not known, the right one neither"
        );
        assert!(signs_in(&node, "ann", "192.0.2.8", Some(&device)).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_hundred_failures_in_a_row_only_a_known_device_signs_in_whether_there_is_such_a_user_or_not() {
    on_both(async |ground| {
        let node = ground.people().await;
        node.add("ann", &[]).await;
        let device = device_of(&node, "ann").await;
        let mut seen = Vec::new();
        for name in ["ann", "nobody"] {
            let mut pauses = Vec::new();
            for failures in [5, 9, 24, 49, 99] {
                refused(&node, name, "10.2.0.1", None).await;
                have_failed(ground, failures).await;
                ground.clock.advance(Duration::from_secs(10));
                assert_eq!(refused(&node, name, &format!("10.2.1.{failures}"), None).await, None, "{name} {failures}");
                pauses.push(refused(&node, name, "10.2.2.1", None).await.unwrap());
            }
            seen.push(pauses);
            ground.clock.advance(Duration::from_secs(10));
            assert!(refused(&node, name, "10.2.1.2", None).await.unwrap() > 80_000);
        }
        assert_eq!(seen, [[1, 3, 5, 10, 86_400]; 2]);
        have_failed(ground, 100).await;
        assert!(!signs_in(&node, "ann", "10.2.1.3", None).await);
        assert!(signs_in(&node, "ann", "10.2.1.3", Some(&device)).await);
        assert!(!signs_in(&node, "ann", "10.2.1.3", None).await, "the failures were not the owner's");
        ground.clock.advance(Duration::from_secs(86_400));
        assert!(signs_in(&node, "ann", "10.2.1.3", None).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_fails_at_twenty_names_is_paused_and_known_devices_there_are_not() {
    on_both(async |ground| {
        let node = ground.people().await;
        node.add("ann", &[]).await;
        let device = device_of(&node, "ann").await;
        for number in 0..20 {
            // The same name twice is one name.
            for _ in 0..2 {
                let paused = refused(&node, &format!("user {number}"), &format!("2001:db8::{number}"), None).await;
                assert_eq!(paused, None, "{number}");
                if number == 19 {
                    break;
                }
            }
        }
        assert_eq!(refused(&node, "another", "2001:db8::1", None).await, Some(900));
        assert!(!signs_in(&node, "ann", "2001:db8::2", None).await);
        assert!(signs_in(&node, "ann", "2001:db8::2", Some(&device)).await);
        assert!(signs_in(&node, "ann", "2001:db8:0:1::2", None).await, "another network is another source");
        ground.clock.advance(Duration::from_secs(15 * 60));
        assert!(signs_in(&node, "ann", "2001:db8::2", None).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_who_mistype_once_behind_one_address_do_not_pause_it() {
    on_both(async |ground| {
        let node = ground.people().await;
        for number in 0..25 {
            let name = format!("user {number}");
            node.add(&name, &[]).await;
            assert_eq!(refused(&node, &name, "192.0.2.1", None).await, None);
            assert!(signs_in(&node, &name, "192.0.2.1", None).await, "{name}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_and_strange_device_cookies_are_no_help() {
    on_both(async |ground| {
        let node = ground.people().await;
        for name in ["ann", "bob"] {
            node.add(name, &[]).await;
        }
        let (anns, bobs) = (device_of(&node, "ann").await, device_of(&node, "bob").await);
        let mut changed = anns.clone();
        let last = if changed.pop() == Some('A') { 'B' } else { 'A' };
        changed.insert(5, last);
        for attempt in 0..7 {
            refused(&node, "ann", &format!("10.3.0.{attempt}"), None).await;
        }
        for device in [&*bobs, &*changed, "", "1.x.y.z", &anns[..anns.len() - 10]] {
            assert!(refused(&node, "ann", "10.3.1.1", Some(device)).await.is_some(), "{device}");
        }
        // A known device has an allowance of its own, wherever it is.
        for attempt in 0..5 {
            assert_eq!(refused(&node, "ann", &format!("10.3.2.{attempt}"), Some(&anns)).await, None);
        }
        assert_eq!(refused(&node, "ann", "10.3.2.9", Some(&anns)).await, Some(900));
    })
    .await;
}

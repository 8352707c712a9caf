//! Guessing: what is heard, what is not, and for whom.

use std::{sync::Arc, time::Duration};

use seawall_core::principal::Principal;
use seawall_identity::{
    IdentityError,
    people::{Came, Proof},
};

use crate::support::{Node, PASSWORD, facts, on_both};

/// Whether an attempt was refused without being heard, and for how long.
async fn paused(node: &Node, name: &str, password: &str, from: &str) -> Option<u64> {
    match node.try_sign_in(name, password, from).await {
        Err(IdentityError::SignInRefused { retry_after }) => retry_after,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn five_failures_are_heard_and_the_pause_holds_for_that_name_from_there_alone() {
    on_both(async |ground| {
        let node = ground.people().await;
        node.add("ann", &[]).await;
        node.add("bob", &[]).await;
        for name in ["ann", "not\na name"] {
            for _ in 0..5 {
                assert_eq!(paused(&node, name, "wrong", "192.0.2.1").await, None, "{name}");
            }
            assert_eq!(paused(&node, name, PASSWORD, "192.0.2.1").await, Some(900), "{name}");
        }
        assert!(node.try_sign_in("ann", PASSWORD, "192.0.2.2").await.is_ok());
        assert!(node.try_sign_in("bob", PASSWORD, "192.0.2.1").await.is_ok());
        ground.clock.advance(Duration::from_secs(14 * 60));
        assert_eq!(paused(&node, "ann", PASSWORD, "192.0.2.1").await, Some(60));
        ground.clock.advance(Duration::from_secs(60));
        assert!(node.try_sign_in("ann", PASSWORD, "192.0.2.1").await.is_ok());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_count_together_and_a_v6_network_is_one_source() {
    on_both(async |ground| {
        let nodes = [ground.people().await, ground.people().await];
        nodes[0].add("ann", &[]).await;
        for attempt in 0..5 {
            let from = format!("2001:db8::{attempt}");
            assert_eq!(paused(&nodes[attempt % 2], "ann", "wrong", &from).await, None);
        }
        for node in &nodes {
            assert!(paused(node, "ann", PASSWORD, "2001:db8::ffff").await.is_some());
        }
        assert!(nodes[0].try_sign_in("ann", PASSWORD, "2001:db8:0:1::1").await.is_ok());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_five_are_heard() {
    on_both(async |ground| {
        let node = Arc::new(ground.people().await);
        node.add("ann", &[]).await;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..12 {
            let node = Arc::clone(&node);
            tasks.spawn(async move { paused(&node, "ann", "wrong", "192.0.2.1").await });
        }
        let heard = tasks.join_all().await.into_iter().filter(Option::is_none).count();
        assert_eq!(heard, 5);
    })
    .await;
}

/// Whether a password that whoever is signed in shows to confirm itself, or to get another, was refused without being heard.
async fn shown(node: &Node, whose: &Arc<Principal>, from: &str, confirm: bool, device: Option<&str>) -> Option<u64> {
    let (own, wrong) = (facts(from, Some(Arc::clone(whose))), || "wrong".to_owned().into());
    let came = Came { user_agent: None, device: device.map(str::to_owned) };
    let refused = if confirm {
        node.people.confirm(&own, whose, Proof::Password(wrong()), came).await
    } else {
        node.people.change_password(&own, whose, wrong(), PASSWORD.to_owned().into(), came).await
    };
    match refused {
        Err(IdentityError::WrongPassword { retry_after }) => retry_after,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_session_is_no_way_around_what_holds_guessing_up_and_its_guesses_are_recorded() {
    on_both(async |ground| {
        let node = ground.people().await;
        let user = node.add("ann", &[]).await;
        let signed_in = node.sign_in("ann").await;
        let ann = node.whose(signed_in.token.expose()).await.unwrap();
        for attempt in 0..6 {
            let from = format!("192.0.2.{}", 10 + attempt);
            assert_eq!(shown(&node, &ann, &from, attempt % 2 == 0, None).await, None, "{attempt}");
        }
        assert_eq!(shown(&node, &ann, "192.0.2.99", true, None).await, Some(1), "failures from everywhere count");
        assert_eq!(paused(&node, "ann", PASSWORD, "192.0.2.98").await, Some(1), "here and there together");
        let device = signed_in.device.as_deref();
        assert_eq!(shown(&node, &ann, "192.0.2.99", true, device).await, None, "a known device is held up by none");
        for (action, count) in [("user.confirmed", 4), ("user.password_changed", 3)] {
            let told = ground.audited(action).await;
            assert_eq!(told.len(), count, "{action}");
            for (object, outcome, _, after) in told {
                assert_eq!((&*object, &*outcome), (&*user.id, "refused"));
                assert!(after.unwrap().contains("wrong password"));
            }
        }
    })
    .await;
}

//! Devices and sessions of the application, as the store keeps them.

use std::{sync::Arc, time::Duration};

use seawall_core::{
    authenticator::Found,
    principal::{Principal, PrincipalKind, Revoked, Role},
};
use seawall_identity::{
    IdentityError,
    people::{Asking, Paired, RolesChange},
};
use seawall_store::{Cause, Lane, ReadTx, StoreError};
use tokio::time::timeout;

use crate::support::{Ground, Node, facts, on_both};

const TV: &str = "198.51.100.7";
const HERE: &str = "192.0.2.1";

async fn person(node: &Node, name: &str) -> Arc<Principal> {
    let token = node.sign_in(name).await.token;
    node.whose(token.expose()).await.unwrap()
}

async fn pair(ground: &Ground, node: &Node, owner: &Arc<Principal>) -> Paired {
    let begun = node.people.begin_device(&facts(TV, None), Asking { name: "television".to_owned() }).await.unwrap();
    node.people.approve_device(&facts(HERE, Some(Arc::clone(owner))), owner, &begun.code).await.unwrap();
    ground.clock.advance(Duration::from_secs(5));
    node.people.fetch_device(&facts(TV, None), begun.secret.expose()).await.unwrap()
}

async fn whose(node: &Node, paired: &Paired) -> Option<Arc<Principal>> {
    match node.whose_key(paired.text.expose(), HERE).await {
        Found::Principal(principal) => Some(principal),
        Found::Nobody => None,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_deleted_users_devices_the_audit_log_keeps_no_name_and_no_address() {
    on_both(async |ground| {
        let node = ground.people().await;
        let user = node.add("ann", &[]).await;
        let ann = person(&node, "ann").await;
        let paired = pair(ground, &node, &ann).await;
        node.people.rename_device(&Cause::operator(), &user.id, &paired.device.id, "kitchen").await.unwrap();
        let all = "SELECT COUNT(*) FROM audit_log WHERE action LIKE 'device.%' AND $1 <> ''";
        assert_eq!(count(ground, all, &user.id).await, 4, "the log was looked at");
        let clear = "SELECT COUNT(*) FROM audit_log WHERE before LIKE $1 OR after LIKE $1";
        for told in ["television", "kitchen", TV] {
            assert_eq!(count(ground, clear, &format!("%{told}%")).await, 0, "{told} stands in the log itself");
        }
        let beside = "SELECT COUNT(*) FROM audit_personal WHERE subject = $1";
        assert!(count(ground, beside, &user.id).await >= 6, "it stands beside the log until it is erased");
        node.people.delete(&Cause::operator(), user.id.clone()).await.unwrap();
        assert_eq!(count(ground, beside, &user.id).await, 0);
    })
    .await;
}

async fn count(ground: &Ground, sql: &'static str, word: &str) -> i64 {
    let word = word.to_owned();
    let read = move |tx: &mut ReadTx<'_>| tx.one::<(i64,)>(sql, &[&word]);
    let (count,) = ground.db.read::<_, StoreError>(Lane::Interactive, read).await.unwrap();
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_10_a_device_is_paired_by_a_code_that_serves_once() {
    on_both(async |ground| {
        let node = ground.people().await;
        let user = node.add("ann", &["admin"]).await;
        let ann = person(&node, "ann").await;
        let tv = facts(TV, None);
        let begun = node.people.begin_device(&tv, Asking { name: " television ".to_owned() }).await.unwrap();
        assert_eq!((begun.expires_in, begun.interval, begun.code.len()), (600, 5, 9));
        let poll = async || node.people.fetch_device(&tv, begun.secret.expose()).await;
        assert!(matches!(poll().await, Err(IdentityError::DevicePending { slow_down: Some(10) })), "it did not wait");
        ground.clock.advance(Duration::from_secs(9));
        assert!(matches!(poll().await, Err(IdentityError::DevicePending { slow_down: Some(15) })));
        ground.clock.advance(Duration::from_secs(15));
        assert!(matches!(poll().await, Err(IdentityError::DevicePending { slow_down: None })));
        let here = facts(HERE, Some(Arc::clone(&ann)));
        let typed = begun.code.to_lowercase();
        let place = node.people.look_at_device(&here, &typed).await.unwrap();
        assert_eq!((&*place.name, &*place.address), ("television", TV));
        node.people.approve_device(&here, &ann, &typed).await.unwrap();
        let again = node.people.approve_device(&here, &ann, &typed).await;
        assert!(matches!(again, Err(IdentityError::DeviceRefused { retry_after: None })), "a code serves once");
        ground.clock.advance(Duration::from_secs(15));
        let paired = poll().await.unwrap();
        assert!(matches!(poll().await, Err(IdentityError::DeviceRefused { .. })), "a credential is given once");
        let device = whose(&node, &paired).await.unwrap();
        assert_eq!((device.kind, &**device.user_id()), (PrincipalKind::Device, &*user.id));
        assert_eq!((device.told.roles.to_str().unwrap(), &*device.id), ("admin", &*paired.device.id));
        let change = RolesChange::Set(vec![Role::parse("editor").unwrap()]);
        node.people.change_roles(&Cause::operator(), user.id, change).await.unwrap();
        assert_eq!(whose(&node, &paired).await.unwrap().told.roles, "editor", "the owner's roles hold at once");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_10_codes_expire_and_five_wrong_ones_from_a_source_are_followed_by_a_pause() {
    on_both(async |ground| {
        let node = ground.people().await;
        node.add("ann", &[]).await;
        let ann = person(&node, "ann").await;
        let here = facts(HERE, Some(Arc::clone(&ann)));
        let late = node.people.begin_device(&facts(TV, None), Asking { name: "late".to_owned() }).await.unwrap();
        ground.clock.advance(Duration::from_secs(600));
        let expired = node.people.approve_device(&here, &ann, &late.code).await;
        assert!(matches!(expired, Err(IdentityError::DeviceRefused { retry_after: None })));
        let polled = node.people.fetch_device(&facts(TV, None), late.secret.expose()).await;
        assert!(matches!(polled, Err(IdentityError::DeviceRefused { .. })));
        let begun = node.people.begin_device(&facts(TV, None), Asking { name: "tv".to_owned() }).await.unwrap();
        for _ in 0..3 {
            node.people.look_at_device(&here, &begun.code).await.unwrap();
        }
        for wrong in ["BBBB-BBBB", "nonsense", "", "CCCCCCCC"] {
            let refused = node.people.approve_device(&here, &ann, wrong).await;
            assert!(matches!(refused, Err(IdentityError::DeviceRefused { retry_after: None })), "{wrong}");
        }
        let paused = node.people.approve_device(&here, &ann, &begun.code).await;
        assert!(matches!(paused, Err(IdentityError::DeviceRefused { retry_after: Some(_) })), "the right one neither");
        let elsewhere = facts("203.0.113.9", Some(Arc::clone(&ann)));
        node.people.approve_device(&elsewhere, &ann, &begun.code).await.unwrap();
        for number in 0..9 {
            node.people.begin_device(&facts(TV, None), Asking { name: format!("{number}") }).await.unwrap();
        }
        let crowded = node.people.begin_device(&facts(TV, None), Asking { name: "more".to_owned() }).await;
        assert!(matches!(crowded, Err(IdentityError::TooManyPairings { retry_after: 1..=601 })), "{crowded:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_10_devices_are_listed_renamed_and_revoked_by_their_owner_alone() {
    on_both(async |ground| {
        let node = ground.people().await;
        let user = node.add("ann", &[]).await;
        node.add("bob", &[]).await;
        let (ann, bob) = (person(&node, "ann").await, person(&node, "bob").await);
        let paired = pair(ground, &node, &ann).await;
        let id = paired.device.id.as_str();
        let cause = Cause::operator();
        let others = node.people.rename_device(&cause, &bob.id, id, "mine").await;
        assert!(matches!(others, Err(IdentityError::NoDevice(_))));
        assert!(node.people.revoke_device(&cause, Some(&bob.id), id).await.is_err());
        assert_eq!(node.people.rename_device(&cause, &ann.id, id, "kitchen").await.unwrap().name, "kitchen");
        assert!(whose(&node, &paired).await.is_some());
        assert_eq!(node.people.devices_of(&user.id).await.unwrap().len(), 1);
        let revoked = node.people.revoke_device(&cause, Some(&ann.id), id).await.unwrap();
        assert!(revoked.revoked_at.is_some());
        assert_eq!(whose(&node, &paired).await, None);
        assert!(node.heard().contains(&Revoked::Principal(id.into())));
        let other = pair(ground, &node, &ann).await;
        node.people.set_disabled(&cause, user.id.clone(), true).await.unwrap();
        assert_eq!(whose(&node, &other).await, None);
        node.people.delete(&cause, user.id.clone()).await.unwrap();
        assert!(node.people.devices_of(&user.id).await.unwrap().iter().all(|device| device.name.is_empty()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_revoked_on_one_node_is_refused_on_the_other() {
    on_both(async |ground| {
        if !ground.shared() {
            return;
        }
        let (here, there) = (ground.people().await, ground.people().await);
        here.add("ann", &[]).await;
        let ann = person(&here, "ann").await;
        let paired = pair(ground, &here, &ann).await;
        assert!(whose(&there, &paired).await.is_some());
        here.people.revoke_device(&Cause::operator(), None, &paired.device.id).await.unwrap();
        let refused = async {
            while whose(&there, &paired).await.is_some() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(2), refused).await.expect("the other node refuses it");
        timeout(Duration::from_secs(2), there.until_heard(1)).await.expect("the other node closes its sockets");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_10_sessions_are_created_joined_by_token_and_terminated() {
    on_both(async |ground| {
        let node = ground.people().await;
        node.add("ann", &[]).await;
        node.add("bob", &[]).await;
        let (ann, bob) = (person(&node, "ann").await, person(&node, "bob").await);
        let tv = whose(&node, &pair(ground, &node, &ann).await).await.unwrap();
        let (anns, bobs, tvs) = (
            facts(HERE, Some(Arc::clone(&ann))),
            facts(HERE, Some(Arc::clone(&bob))),
            facts(TV, Some(Arc::clone(&tv))),
        );
        let session = node.people.begin_app_session(&anns, &ann, "game").await.unwrap();
        assert_eq!(session.members, [ann.id.to_string()]);
        assert!(node.people.offer_app_session(&bobs, &bob, &session.id).await.is_err(), "bob is not in it");
        let offered = node.people.offer_app_session(&anns, &ann, &session.id).await.unwrap();
        let joined = node.people.join_app_session(&tvs, &tv, offered.token.expose()).await.unwrap();
        assert_eq!(joined.members.len(), 2);
        let again = node.people.join_app_session(&bobs, &bob, offered.token.expose()).await;
        assert!(matches!(again, Err(IdentityError::DeviceRefused { .. })), "a token serves once");
        let late = node.people.offer_app_session(&anns, &ann, &session.id).await.unwrap();
        ground.clock.advance(Duration::from_secs(120));
        assert!(node.people.join_app_session(&bobs, &bob, late.token.expose()).await.is_err(), "it has expired");
        assert_eq!(node.people.app_sessions(&tv).await.unwrap().len(), 1);
        assert!(node.people.app_session(&bob, &session.id).await.is_err());
        let open = node.people.offer_app_session(&tvs, &tv, &session.id).await.unwrap();
        assert!(node.people.end_app_session(&bobs, &bob, &session.id).await.is_err(), "it is not bob's");
        node.people.end_app_session(&anns, &ann, &session.id).await.unwrap();
        assert!(node.people.join_app_session(&bobs, &bob, open.token.expose()).await.is_err(), "it is over");
        assert!(node.people.app_session(&ann, &session.id).await.unwrap().ended_at.is_some());
        assert!(node.people.app_sessions(&ann).await.unwrap().is_empty());
    })
    .await;
}

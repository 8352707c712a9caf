//! Keys as the store keeps them.

use std::{sync::Arc, time::Duration};

use seawall_core::{
    authenticator::Found,
    principal::{Principal, PrincipalKind, Revoked, Role},
};
use seawall_identity::{
    IdentityError,
    keys::{NewKey, Overlap},
    people::{MadeKey, RolesChange},
};
use seawall_store::{Cause, Lane, StoreError};
use tokio::time::timeout;

use crate::support::{Ground, Node, on_both};

const HERE: &str = "192.0.2.1";

fn asked() -> NewKey {
    NewKey { label: "nightly".to_owned(), scopes: vec!["orders:read".to_owned()], ..NewKey::default() }
}

async fn make(node: &Node, user: &str, new: &NewKey) -> MadeKey {
    node.people.add_key(&Cause::operator(), user, new).await.unwrap()
}

async fn whose(node: &Node, made: &MadeKey) -> Option<Arc<Principal>> {
    match node.whose_key(made.text.expose(), HERE).await {
        Found::Principal(principal) => Some(principal),
        Found::Nobody => None,
        other => panic!("{other:?}"),
    }
}

fn overlap(text: &str) -> Overlap {
    Overlap::parse(Some(text)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_shows_itself_its_owner_and_what_both_may() {
    on_both(async |ground| {
        let node = ground.people().await;
        let user = node.add("Ann", &["admin"]).await;
        let made = make(&node, &user.id, &asked()).await;
        let principal = whose(&node, &made).await.expect("the key holds");
        assert_eq!((principal.kind, &*principal.id), (PrincipalKind::ApiKey, &*made.key.id));
        assert_eq!((principal.owner.as_deref(), &*principal.name), (Some(&*user.id), "Ann"));
        assert_eq!(principal.told.roles, "admin");
        assert_eq!(principal.told.scopes.as_ref().unwrap(), "orders:read");
        // One with another secret, whose check is right, shows nobody.
        let other = make(&node, &user.id, &asked()).await;
        let mixed = made.text.expose().replacen(&made.key.id, &other.key.id, 1);
        assert_eq!(node.whose_key(&mixed, HERE).await, Found::Nobody, "its check is wrong");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owners_roles_and_state_hold_at_once() {
    on_both(async |ground| {
        let node = ground.people().await;
        let user = node.add("ann", &[]).await;
        let made = make(&node, &user.id, &asked()).await;
        assert!(whose(&node, &made).await.unwrap().roles.is_empty());
        let role = Role::parse("admin").unwrap();
        let change = RolesChange::Change { add: vec![role.clone()], remove: Vec::new() };
        node.people.change_roles(&Cause::operator(), user.id.clone(), change).await.unwrap();
        assert_eq!(*whose(&node, &made).await.unwrap().roles, [role]);
        node.people.set_disabled(&Cause::operator(), user.id.clone(), true).await.unwrap();
        assert_eq!(whose(&node, &made).await, None);
        node.people.set_disabled(&Cause::operator(), user.id.clone(), false).await.unwrap();
        assert!(whose(&node, &made).await.is_some(), "a key is not a session: it holds again");
        let revoked = node.people.revoke_key(&Cause::operator(), None, &made.key.id).await.unwrap();
        assert!(revoked.revoked_at.is_some());
        assert_eq!(whose(&node, &made).await, None);
        assert!(node.heard().contains(&Revoked::Principal(made.key.id.as_str().into())));
        let again = node.people.revoke_key(&Cause::operator(), None, &made.key.id).await.unwrap();
        assert_eq!(again.revoked_at, revoked.revoked_at);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_holds_where_and_until_it_was_given_for() {
    on_both(async |ground| {
        let node = ground.people().await;
        let user = node.add("ann", &[]).await;
        let networks = ["10.0.0.0/8", "2001:db8::/32"].map(str::to_owned).to_vec();
        let new = NewKey { networks, expires_in: Some("30 days".to_owned()), ..asked() };
        let made = make(&node, &user.id, &new).await;
        for (from, holds) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("2001:db8:1::1", true),
            ("11.0.0.1", false),
            ("::ffff:11.0.0.1", false),
            ("2001:db9::1", false),
        ] {
            match node.whose_key(made.text.expose(), from).await {
                Found::Principal(_) => assert!(holds, "{from}"),
                Found::Elsewhere => assert!(!holds, "{from}"),
                other => panic!("{from}: {other:?}"),
            }
        }
        ground.clock.advance(Duration::from_secs(30 * 86_400 - 1));
        assert!(matches!(node.whose_key(made.text.expose(), "10.1.2.3").await, Found::Principal(_)));
        ground.clock.advance(Duration::from_secs(1));
        assert_eq!(node.whose_key(made.text.expose(), "10.1.2.3").await, Found::Nobody);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_key_goes_on_for_a_while_and_its_successor_for_as_long_as_it_did() {
    on_both(async |ground| {
        let node = ground.people().await;
        let user = node.add("ann", &[]).await;
        let rate = Some("5/min".to_owned());
        let new = NewKey { expires_in: Some("90 days".to_owned()), rate, networks: vec![HERE.to_owned()], ..asked() };
        let old = make(&node, &user.id, &new).await;
        let rotate = async |owner: Option<&str>, id: &str, how_long: &str| {
            node.people.rotate_key(&Cause::operator(), owner, id, overlap(how_long)).await
        };
        assert!(matches!(rotate(Some("another"), &old.key.id, "24h").await, Err(IdentityError::NoKey(_))));
        ground.clock.advance(Duration::from_secs(86_400));
        assert!(whose(&node, &old).await.is_some());
        let successor = rotate(Some(&user.id), &old.key.id, "24h").await.unwrap();
        let (was, is) = (&old.key, &successor.key);
        assert_eq!(
            (&was.label, &was.scopes, &was.networks, &was.rate),
            (&is.label, &is.scopes, &is.networks, &is.rate)
        );
        assert_eq!(is.expires_at.unwrap() - is.created_at, was.expires_at.unwrap() - was.created_at);
        assert!(node.heard().contains(&Revoked::Principal(was.id.as_str().into())), "its sockets close");
        assert!(matches!(rotate(None, &was.id, "24h").await, Err(IdentityError::KeyEnded(_))), "it has a successor");
        ground.clock.advance(Duration::from_secs(86_399));
        assert!(whose(&node, &old).await.is_some() && whose(&node, &successor).await.is_some());
        ground.clock.advance(Duration::from_secs(1));
        assert_eq!(whose(&node, &old).await, None);
        let last = rotate(None, &is.id, "0s").await.unwrap();
        assert_eq!(whose(&node, &successor).await, None);
        assert!(whose(&node, &last).await.is_some());
        node.people.revoke_key(&Cause::operator(), None, &last.key.id).await.unwrap();
        assert!(matches!(rotate(None, &last.key.id, "1h").await, Err(IdentityError::KeyEnded(_))));
        let keys = node.people.keys_of(&user.id).await.unwrap();
        assert_eq!(keys.len(), 3);
        assert_eq!(keys.iter().find(|key| key.id == was.id).unwrap().successor.as_deref(), Some(&*is.id));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn use_is_written_once_a_minute_with_the_address() {
    on_both(async |ground| {
        let node = ground.people().await;
        let user = node.add("ann", &[]).await;
        let made = make(&node, &user.id, &asked()).await;
        let used = async || {
            let key = node.people.keys_of(&user.id).await.unwrap().remove(0);
            (key.used_at, key.used_from)
        };
        let until = async |address: &str| {
            let wait = async {
                while used().await.1.as_deref() != Some(address) {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            };
            timeout(Duration::from_secs(10), wait).await.expect("the use is written");
        };
        assert_eq!(used().await, (None, None));
        node.whose_key(made.text.expose(), "::ffff:192.0.2.7").await;
        until("192.0.2.7").await;
        let first = used().await.0;
        ground.clock.advance(Duration::from_secs(59));
        node.whose_key(made.text.expose(), "192.0.2.8").await;
        ground.clock.advance(Duration::from_secs(1));
        node.whose_key(made.text.expose(), "2001:db8::9").await;
        until("2001:db8::9").await;
        assert_eq!(used().await.0.unwrap() - first.unwrap(), 60_000_000);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_is_recorded_with_its_reason_and_ten_characters_and_floods_are_bounded() {
    on_both(async |ground| {
        let node = ground.people().await;
        let user = node.add("ann", &[]).await;
        let made = make(&node, &user.id, &asked()).await;
        let key = made.text.expose();
        let flipped = if key.ends_with('0') { '1' } else { '0' };
        let mistyped = format!("{}{flipped}", &key[..key.len() - 1]);
        for shown in [&*mistyped, "sw_", &key.replace("sw_live_", "sw_test_")] {
            assert_eq!(node.whose_key(shown, HERE).await, Found::Nobody, "{shown}");
        }
        node.people.revoke_key(&Cause::operator(), None, &made.key.id).await.unwrap();
        assert_eq!(whose(&node, &made).await, None);
        for _ in 0..100 {
            node.whose_key("sw_live_flood", HERE).await;
        }
        let told = timeout(Duration::from_secs(10), until_refused(ground, 20)).await.expect("they are recorded");
        assert_eq!(told.len(), 20);
        let revoked =
            told.iter().find(|(_, after)| after.contains("\"revoked\"")).expect("the revoked one is among them");
        assert_eq!(revoked.0, made.key.id);
        for (object, after) in &told {
            let secret = key.split('_').nth(3).unwrap();
            assert!(!after.contains(secret) && !object.contains(secret));
            assert!(after.contains(&format!("\"start\":\"{}\"", &key[..10])) || object.len() <= 10, "{object} {after}");
        }
    })
    .await;
}

/// What was recorded of refused keys, once it is so many.
async fn until_refused(ground: &Ground, count: usize) -> Vec<(String, String)> {
    loop {
        let told: Vec<(String, String)> = ground
            .db
            .read::<_, StoreError>(Lane::Interactive, |tx| {
                tx.all("SELECT object_id, after FROM audit_log WHERE action = 'key.refused'", &[])
            })
            .await
            .unwrap();
        if told.len() >= count {
            return told;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_revokes_another_lets_in_no_longer_within_a_second() {
    on_both(async |ground| {
        if !ground.shared() {
            return;
        }
        let (here, there) = (ground.people().await, ground.people().await);
        let user = here.add("ann", &[]).await;
        let made = make(&here, &user.id, &asked()).await;
        assert!(whose(&here, &made).await.is_some() && whose(&there, &made).await.is_some());
        here.people.revoke_key(&Cause::operator(), None, &made.key.id).await.unwrap();
        assert_eq!(whose(&here, &made).await, None);
        let heard = timeout(Duration::from_secs(1), there.until_heard(1)).await.expect("the other node hears of it");
        assert_eq!(heard, [Revoked::Principal(made.key.id.as_str().into())]);
        let forgotten = async {
            while whose(&there, &made).await.is_some() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(1), forgotten).await.expect("the other node forgets it");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_has_a_hundred_keys_at_most() {
    on_both(async |ground| {
        let node = ground.people().await;
        let user = node.add("ann", &[]).await;
        let first = make(&node, &user.id, &asked()).await;
        for _ in 1..100 {
            make(&node, &user.id, &asked()).await;
        }
        let more = node.people.add_key(&Cause::operator(), &user.id, &asked()).await;
        assert!(matches!(&more, Err(IdentityError::Invalid(why)) if why.contains("100 keys")), "{more:?}");
        node.people.revoke_key(&Cause::operator(), None, &first.key.id).await.unwrap();
        make(&node, &user.id, &asked()).await;
        assert!(matches!(
            node.people.add_key(&Cause::operator(), "nobody", &asked()).await,
            Err(IdentityError::NoUser(_))
        ));
    })
    .await;
}

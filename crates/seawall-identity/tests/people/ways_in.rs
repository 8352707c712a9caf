//! Ways in: what is left to sign in with, and who is recorded to have come in by each.

use std::sync::Arc;

use seawall_core::settings::Raw;
use seawall_identity::{
    IdentityError,
    people::{SignInStep, SignedIn},
};
use seawall_store::{Cause, Lane, StoreError};

use crate::{
    authenticator::{Device, USER_PRESENT, USER_VERIFIED},
    external::{self, claims, come, link, open_issuers},
    passkeys::{add, owner, sent, sign_in, whose},
    support::{Ground, Node, facts, on_both},
};

const HERE: &str = "192.0.2.1";
const ORIGIN: &str = "https://app.example";

async fn without_passwords(ground: &Ground) {
    let sql = "UPDATE users SET password_hash = NULL";
    ground.db.write(&Cause::operator(), move |tx| tx.execute(sql, &[])).await.unwrap();
}

/// Shows a passkey as a younger proof.
async fn confirm(node: &Node, signed_in: &SignedIn, device: &mut Device) -> SignedIn {
    let principal = whose(node, signed_in).await;
    let begun = node.people.passkey_confirm_options(&principal).await.unwrap();
    device.counter += 1;
    let shown = sent(&device.show(&begun.options));
    let here = facts(HERE, Some(Arc::clone(&principal)));
    node.people.confirm_with_passkey(&here, &principal, &begun.ceremony, shown, None).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_is_a_way_in_once_its_device_has_verified_its_user() {
    on_both(async |ground| {
        let node =
            open_issuers(ground.people_with_passkeys("user_verification", Raw::Text("discouraged".to_owned())).await);
        node.add("ann", &[]).await;
        let mut plain = Device { flags: USER_PRESENT, ..Device::new(ORIGIN, b"plain") };
        let (_, signed_in, _) = add(&node, &node.sign_in("ann").await, &mut plain).await;
        let alone = sign_in(&node, None, &mut plain).await;
        assert!(matches!(alone, Err(IdentityError::PasskeyRefused { .. })), "{alone:?}");
        let mut signed_in = confirm(&node, &signed_in, &mut plain).await;
        let ann = whose(&node, &signed_in).await;
        link(ground, &node, &ann, "s1").await.unwrap();
        let linked = node.people.links(&ann.id).await.unwrap().remove(0).id;
        without_passwords(ground).await;
        let last = node.people.unlink(&facts(HERE, None), &ann, &linked).await;
        assert!(matches!(last, Err(IdentityError::LastWayIn)), "{last:?}");
        // A key that was given a PIN asks for it, and is known for that also when it does not ask the next time.
        for flags in [USER_PRESENT | USER_VERIFIED, USER_PRESENT] {
            plain.flags = flags;
            signed_in = confirm(&node, &signed_in, &mut plain).await;
        }
        let ann = whose(&node, &signed_in).await;
        node.people.unlink(&facts(HERE, None), &ann, &linked).await.unwrap();
        plain.flags = USER_PRESENT | USER_VERIFIED;
        plain.counter += 1;
        sign_in(&node, None, &mut plain).await.expect("the way in that is left is one");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_passkey_that_signs_in_alone_stays_beside_one_that_does_not() {
    on_both(async |ground| {
        let node = ground.people_with_passkeys("user_verification", Raw::Text("discouraged".to_owned())).await;
        let (_, signed_in, whole) = owner(&node, "ann", b"whole").await;
        let mut plain = Device { flags: USER_PRESENT, ..Device::new(ORIGIN, b"plain") };
        let (plain, signed_in, _) = add(&node, &signed_in, &mut plain).await;
        without_passwords(ground).await;
        let ann = whose(&node, &signed_in).await;
        let here = facts(HERE, Some(Arc::clone(&ann)));
        let last = node.people.remove_own_passkey(&here, &ann, &whole).await;
        assert!(matches!(last, Err(IdentityError::LastWayIn)), "{last:?}");
        node.people.remove_own_passkey(&here, &ann, &plain).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_signs_in_is_who_acts_whatever_the_way() {
    on_both(async |ground| {
        let node = external::node(ground).await;
        let mut expected = Vec::new();
        let ann = node.add("ann", &[]).await.id;
        let first = node.sign_in("ann").await;
        link(ground, &node, &whose(&node, &first).await, "s1").await.unwrap();
        come(&node, "closed", &claims(ground, "s1", "Ann")).await.unwrap();
        let mut device = Device::new(ORIGIN, b"one");
        add(&node, &first, &mut device).await;
        device.counter += 1;
        sign_in(&node, None, &mut device).await.unwrap();
        // With a passkey there is a second factor, so that the issuer alone brings a ticket.
        let token = external::signed(&claims(ground, "s1", "Ann again"));
        let step = node.people.take_credential(&facts(HERE, None), "closed", &token, Default::default()).await.unwrap();
        assert!(matches!(step, SignInStep::SecondFactor(_)));
        expected.extend([(); 3].map(|()| ("user".to_owned(), Some(ann.clone()))));
        let bob = come(&node, "open", &claims(ground, "s2", "Bob")).await.unwrap().user.id;
        expected.push(("user".to_owned(), Some(bob)));
        // Who shows what does not hold is nobody.
        sign_in(&node, None, &mut device).await.expect_err("the counter stands still");
        expected.push(("anonymous".to_owned(), None));
        let read = ground.db.read::<_, StoreError>(Lane::Interactive, |tx| {
            let sql = "SELECT actor_kind, actor_id FROM audit_log WHERE action = 'user.sign_in' ORDER BY id";
            tx.all::<(String, Option<String>)>(sql, &[])
        });
        assert_eq!(read.await.unwrap(), expected);
        let read = ground.db.read::<_, StoreError>(Lane::Interactive, |tx| {
            let sql = "SELECT COUNT(*) FROM audit_log WHERE action = 'session.began' AND actor_kind <> 'user'";
            tx.one::<(i64,)>(sql, &[])
        });
        assert_eq!(read.await.unwrap(), (0,), "sessions are begun by who they are for");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn passkeys_that_are_switched_off_are_no_way_in_and_their_owners_are_counted() {
    on_both(async |ground| {
        let node = ground.people().await;
        let (_, signed_in, _) = owner(&node, "ann", b"one").await;
        add(&node, &signed_in, &mut Device::new(ORIGIN, b"two")).await;
        owner(&node, "bob", b"three").await;
        node.add("cid", &[]).await;
        assert_eq!(node.people.stranded_passkeys().await.unwrap(), 0, "they can be used");
        let off = open_issuers(ground.people_with_passkeys("enabled", Raw::Flag(false)).await);
        assert_eq!(off.people.stranded_passkeys().await.unwrap(), 2);
        let cid = whose(&off, &off.sign_in("cid").await).await;
        link(ground, &off, &cid, "s1").await.unwrap();
        let linked = off.people.links(&cid.id).await.unwrap().remove(0).id;
        let sql = "UPDATE passkeys SET user_id = $1";
        let owner = cid.id.to_string();
        ground.db.write(&Cause::operator(), move |tx| tx.execute(sql, &[&owner])).await.unwrap();
        without_passwords(ground).await;
        let last = off.people.unlink(&facts(HERE, None), &cid, &linked).await;
        assert!(matches!(last, Err(IdentityError::LastWayIn)), "{last:?}");
    })
    .await;
}

//! Passkeys on both engines: made, shown in each of their uses, refused, kept and removed.

use std::{sync::Arc, time::Duration};

use seawall_core::principal::Principal;
use seawall_identity::{
    IdentityError,
    passkeys::Refusal,
    people::{
        Came, EndOthers, NewPasskey, NewUser, PasskeyOptions, PasskeySignIn, Proof, SecondPasskey, SignInStep, SignedIn,
    },
};
use seawall_store::{Cause, Lane, StoreError};
use serde_json::{Value, json};

use crate::{
    authenticator::{Device, USER_PRESENT},
    support::{Ground, Node, PASSWORD, facts, on_both},
};

const HERE: &str = "192.0.2.1";
const ORIGIN: &str = "https://app.example";

pub(crate) fn sent<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

pub(crate) async fn whose(node: &Node, signed_in: &SignedIn) -> Arc<Principal> {
    node.whose(signed_in.token.expose()).await.expect("the session holds")
}

/// Makes a passkey; answers its id, the session, and the recovery codes.
async fn try_add(
    node: &Node,
    signed_in: &SignedIn,
    device: &mut Device,
) -> Result<(String, SignedIn, Vec<String>), IdentityError> {
    let principal = whose(node, signed_in).await;
    let facts = facts(HERE, Some(Arc::clone(&principal)));
    let PasskeyOptions { options, ceremony } = node.people.passkey_creation(&facts, &principal).await?;
    let new = NewPasskey {
        ceremony,
        sent: sent(&device.make(&options)),
        name: Some("Phone".to_owned()),
        ending: EndOthers::Yes,
        user_agent: None,
    };
    let added = node.people.add_passkey(&facts, &principal, new).await?;
    let codes = added.codes.map(|codes| codes.expose().to_vec()).unwrap_or_default();
    Ok((added.passkey.id, added.signed_in, codes))
}

pub(crate) async fn add(node: &Node, signed_in: &SignedIn, device: &mut Device) -> (String, SignedIn, Vec<String>) {
    try_add(node, signed_in, device).await.unwrap()
}

async fn answer(node: &Node, ceremony: &str, shown: &Value, from: &str) -> Result<SignedIn, IdentityError> {
    let asked = PasskeySignIn { ceremony: ceremony.to_owned(), sent: sent(shown), user_agent: None, device: None };
    node.people.sign_in_with_passkey(&facts(from, None), asked).await
}

pub(crate) async fn sign_in(node: &Node, name: Option<&str>, device: &mut Device) -> Result<SignedIn, IdentityError> {
    let PasskeyOptions { options, ceremony } = node.people.passkey_sign_in_options(name).await.unwrap();
    answer(node, &ceremony, &device.show(&options), HERE).await
}

/// A user who has a passkey on this device.
pub(crate) async fn owner(node: &Node, name: &str, id: &[u8]) -> (Device, SignedIn, String) {
    node.add(name, &[]).await;
    let mut device = Device::new(ORIGIN, id);
    let first = node.sign_in(name).await;
    let (passkey, signed_in, _) = add(node, &first, &mut device).await;
    (device, signed_in, passkey)
}

async fn audited(ground: &Ground, action: &'static str) -> Vec<String> {
    let read = ground.db.read::<_, StoreError>(Lane::Interactive, move |tx| {
        let sql = "SELECT COALESCE(before, '') || COALESCE(after, '') FROM audit_log WHERE action = $1 ORDER BY id";
        tx.all::<(String,)>(sql, &[&action])
    });
    read.await.unwrap().into_iter().map(|(text,)| text).collect()
}

fn refused(outcome: &Result<SignedIn, IdentityError>) {
    assert!(matches!(outcome, Err(IdentityError::PasskeyRefused { retry_after: None })), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_signs_in_without_a_password_and_counts_as_both_factors() {
    on_both(async |ground| {
        let node = ground.people().await;
        let (mut device, signed_in, _) = owner(&node, "ann", b"one").await;
        assert!(whose(&node, &signed_in).await.second_factor, "making one verified its owner");
        for name in [None, Some("Ann")] {
            device.counter += 1;
            let signed_in = sign_in(&node, name, &mut device).await.unwrap();
            let principal = whose(&node, &signed_in).await;
            assert_eq!((&*principal.name, principal.second_factor), ("ann", true));
        }
        let passkeys = node.people.passkeys(&signed_in.user.id).await.unwrap();
        assert_eq!((passkeys.len(), &*passkeys[0].name, passkeys[0].used_at.is_some()), (1, "Phone", true));
        assert_eq!(passkeys[0].transports, ["internal", "hybrid"]);
        // Where it was asked for by name, the authenticator need not say whose it is; else it has to, and rightly.
        device.handle = None;
        device.counter += 1;
        sign_in(&node, Some("ann"), &mut device).await.unwrap();
        refused(&sign_in(&node, None, &mut device).await);
        device.handle = Some(vec![9; 32]);
        refused(&sign_in(&node, Some("ann"), &mut device).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_hold_signs_nobody_in() {
    on_both(async |ground| {
        let node = ground.people().await;
        let (mut ann, _, _) = owner(&node, "ann", b"one").await;
        let (mut bob, _, _) = owner(&node, "bob", b"two").await;
        // Another user's passkey for a name.
        refused(&sign_in(&node, Some("ann"), &mut bob).await);
        // The device did not verify its user.
        ann.flags = USER_PRESENT;
        refused(&sign_in(&node, None, &mut ann).await);
        let mut ann = Device { flags: bob.flags, ..ann };
        // Another page.
        ann.origin = "https://evil.example".to_owned();
        refused(&sign_in(&node, None, &mut ann).await);
        ann.origin = ORIGIN.to_owned();
        // Nobody's passkey.
        let mut stray = Device { handle: ann.handle.clone(), ..Device::new(ORIGIN, b"three") };
        refused(&sign_in(&node, None, &mut stray).await);
        // Of one challenge the answer to another; then the same answer twice.
        let begun = node.people.passkey_sign_in_options(None).await.unwrap();
        let other = node.people.passkey_sign_in_options(None).await.unwrap();
        let shown = ann.show(&begun.options);
        refused(&answer(&node, &other.ceremony, &shown, "192.0.2.2").await);
        answer(&node, &begun.ceremony, &shown, "192.0.2.2").await.unwrap();
        refused(&answer(&node, &begun.ceremony, &shown, "192.0.2.3").await);
        // Too late, changed, and none.
        let late = node.people.passkey_sign_in_options(None).await.unwrap();
        let shown = ann.show(&late.options);
        refused(&answer(&node, &late.ceremony[1..], &shown, "192.0.2.4").await);
        refused(&answer(&node, "", &shown, "192.0.2.5").await);
        ground.clock.advance(Duration::from_secs(300));
        refused(&answer(&node, &late.ceremony, &shown, "192.0.2.6").await);
        // Kept out.
        node.people.set_disabled(&Cause::operator(), "bob".to_owned(), true).await.unwrap();
        refused(&sign_in(&node, None, &mut bob).await);
        let why = audited(ground, "user.sign_in").await.concat();
        assert!(
            ["no user has it", "did not verify", "evil.example", "challenge", "may not sign in"]
                .iter()
                .all(|word| why.contains(word)),
            "{why}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_counter_that_goes_back_is_refused_and_recorded_as_a_copy() {
    on_both(async |ground| {
        let node = ground.people().await;
        let (mut device, _, id) = owner(&node, "ann", b"one").await;
        device.counter = 7;
        sign_in(&node, None, &mut device).await.unwrap();
        for lower in [7, 6, 0] {
            device.counter = lower;
            refused(&sign_in(&node, None, &mut device).await);
        }
        let copies = audited(ground, "user.passkey_cloned").await;
        assert!(copies.len() == 3 && copies.iter().all(|copy| copy.contains(&id)), "{copies:?}");
        device.counter = 8;
        sign_in(&node, None, &mut device).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_counted_as_those_of_passwords_are() {
    on_both(async |ground| {
        let node = ground.people().await;
        let (mut device, _, _) = owner(&node, "ann", b"one").await;
        device.origin = "https://evil.example".to_owned();
        for _ in 0..5 {
            refused(&sign_in(&node, None, &mut device).await);
        }
        device.origin = ORIGIN.to_owned();
        for outcome in [sign_in(&node, None, &mut device).await, node.try_sign_in("ann", PASSWORD, HERE).await] {
            let paused = matches!(
                outcome,
                Err(IdentityError::PasskeyRefused { retry_after: Some(_) }
                    | IdentityError::SignInRefused { retry_after: Some(_) })
            );
            assert!(paused, "{outcome:?}");
        }
        ground.clock.advance(Duration::from_secs(901));
        sign_in(&node, None, &mut device).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_for_a_name_does_not_tell_who_there_is() {
    on_both(async |ground| {
        let node = ground.people().await;
        let (device, _, _) = owner(&node, "ann", b"one").await;
        node.add("bob", &[]).await;
        let allowed = async |name: &str| {
            let mut options = node.people.passkey_sign_in_options(Some(name)).await.unwrap().options;
            options["allowCredentials"].take().as_array().unwrap().clone()
        };
        for name in ["bob", "nobody", "\u{1}", &"x".repeat(3_000)] {
            let (first, second) = (allowed(name).await, allowed(name).await);
            assert!(!first.is_empty() && first == second, "{name}");
        }
        let (ann, bob) = (allowed("ann").await, allowed("bob").await);
        let keys = |one: &Value| one.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&ann[0]), keys(&bob[0]), "they look the same");
        assert_eq!(ann.len(), 1);
        drop(device);
        let any = node.people.passkey_sign_in_options(None).await.unwrap().options;
        assert_eq!((&any["allowCredentials"], &any["userVerification"]), (&Value::Null, &json!("required")));
        assert_eq!(any["rpId"], "app.example");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_is_the_second_step_after_a_password_and_the_ticket_serves_once() {
    on_both(async |ground| {
        let node = ground.people().await;
        let (mut ann, _, _) = owner(&node, "ann", b"one").await;
        let (mut bob, _, _) = owner(&node, "bob", b"two").await;
        let SignInStep::SecondFactor(given) = node.begin("ann", PASSWORD, HERE, None).await.unwrap() else {
            panic!("the password alone signed in")
        };
        assert_eq!(given.with, ["code", "passkey"]);
        let ticket = given.ticket.expose().to_owned();
        let here = facts(HERE, None);
        let begin = || node.people.passkey_second_options(&here, &ticket);
        let second = async |begun: &PasskeyOptions, shown: &Value, ticket: &str| {
            let (ceremony, ticket) = (begun.ceremony.clone(), ticket.to_owned());
            let asked = SecondPasskey { ticket, ceremony, sent: sent(shown), user_agent: None, device: None };
            node.people.second_passkey(&here, asked).await
        };
        let begun = begin().await.unwrap();
        assert_eq!(begun.options["allowCredentials"][0]["transports"], json!(["internal", "hybrid"]));
        refused(&second(&begun, &bob.show(&begun.options), &ticket).await);
        let begun = begin().await.unwrap();
        let shown = ann.show(&begun.options);
        let elsewhere = second(&begun, &shown, &"a".repeat(43)).await;
        assert!(matches!(elsewhere, Err(IdentityError::PasswordAgain)), "{elsewhere:?}");
        let signed_in = second(&begun, &shown, &ticket).await.unwrap();
        assert!(whose(&node, &signed_in).await.second_factor);
        let again = second(&begun, &shown, &ticket).await;
        assert!(matches!(again, Err(IdentityError::PasswordAgain)), "{again:?}");
        assert!(matches!(begin().await, Err(IdentityError::PasswordAgain)));
        // What was begun for a second step signs nobody in by itself.
        let SignInStep::SecondFactor(given) = node.begin("ann", PASSWORD, HERE, None).await.unwrap() else {
            panic!("the password alone signed in")
        };
        let begun = node.people.passkey_second_options(&here, given.ticket.expose()).await.unwrap();
        refused(&answer(&node, &begun.ceremony, &ann.show(&begun.options), HERE).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_is_a_younger_proof_and_only_its_owners() {
    on_both(async |ground| {
        let node = ground.people().await;
        let (mut ann, signed_in, _) = owner(&node, "ann", b"one").await;
        let (mut bob, _, _) = owner(&node, "bob", b"two").await;
        ground.clock.advance(Duration::from_secs(301));
        let principal = whose(&node, &signed_in).await;
        let here = facts(HERE, Some(Arc::clone(&principal)));
        let early = node.people.passkey_creation(&here, &principal).await;
        assert!(matches!(early, Err(IdentityError::ConfirmFirst)), "{early:?}");
        let begun = node.people.passkey_confirm_options(&principal).await.unwrap();
        let shown = sent(&bob.show(&begun.options));
        refused(&node.people.confirm_with_passkey(&here, &principal, &begun.ceremony, shown, None).await);
        let begun = node.people.passkey_confirm_options(&principal).await.unwrap();
        let shown = sent(&ann.show(&begun.options));
        let confirmed =
            node.people.confirm_with_passkey(&here, &principal, &begun.ceremony, shown, None).await.unwrap();
        assert!(node.whose(signed_in.token.expose()).await.is_none(), "it goes on under another token");
        let principal = whose(&node, &confirmed).await;
        assert!(principal.second_factor);
        node.people.passkey_creation(&here, &principal).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn registering_refuses_what_was_not_asked_for() {
    on_both(async |ground| {
        let node = ground.people().await;
        let (mut ann, signed_in, _) = owner(&node, "ann", b"one").await;
        let taken = try_add(&node, &signed_in, &mut ann).await;
        assert!(matches!(taken, Err(IdentityError::PasskeyTaken)), "{:?}", taken.err());
        node.add("bob", &[]).await;
        let bob = node.sign_in("bob").await;
        let taken = try_add(&node, &bob, &mut ann).await;
        assert!(matches!(taken, Err(IdentityError::PasskeyTaken)), "another user's: {:?}", taken.err());
        let mut weak = Device { flags: USER_PRESENT, ..Device::new(ORIGIN, b"weak") };
        let weak = try_add(&node, &bob, &mut weak).await;
        assert!(matches!(weak, Err(IdentityError::PasskeyInvalid(Refusal::NotVerified))), "{:?}", weak.err());
        // What one user began, another does not end; and nothing serves twice.
        let (ann, bob) = (whose(&node, &signed_in).await, whose(&node, &bob).await);
        let (at_ann, at_bob) = (facts(HERE, Some(Arc::clone(&ann))), facts(HERE, Some(Arc::clone(&bob))));
        let begun = node.people.passkey_creation(&at_ann, &ann).await.unwrap();
        assert_eq!(begun.options["excludeCredentials"].as_array().unwrap().len(), 1);
        assert_eq!(begun.options["attestation"], "none");
        let made = Device::new(ORIGIN, b"new").make(&begun.options);
        let new = || NewPasskey {
            ceremony: begun.ceremony.clone(),
            sent: sent(&made),
            name: None,
            ending: EndOthers::No,
            user_agent: None,
        };
        let stolen = node.people.add_passkey(&at_bob, &bob, new()).await;
        assert!(matches!(stolen, Err(IdentityError::PasskeyInvalid(Refusal::Challenge))), "{stolen:?}");
        let mut renamed = new();
        renamed.sent.id = b"other".to_vec();
        let renamed = node.people.add_passkey(&at_ann, &ann, renamed).await;
        assert!(matches!(renamed, Err(IdentityError::PasskeyInvalid(Refusal::CredentialId))), "{renamed:?}");
        let used = node.people.add_passkey(&at_ann, &ann, new()).await;
        assert!(matches!(used, Err(IdentityError::PasskeyInvalid(Refusal::Challenge))), "{used:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_a_second_factor_shows_it_before_passkeys_change() {
    on_both(async |ground| {
        let node = ground.people().await;
        node.add("ann", &[]).await;
        let weak = node.sign_in("ann").await;
        let strong = node.sign_in("ann").await;
        let principal = whose(&node, &strong).await;
        let here = facts(HERE, Some(Arc::clone(&principal)));
        let begun = node.people.passkey_creation(&here, &principal).await.unwrap();
        let new = NewPasskey {
            ceremony: begun.ceremony,
            sent: sent(&Device::new(ORIGIN, b"one").make(&begun.options)),
            name: None,
            ending: EndOthers::No,
            user_agent: None,
        };
        let codes = node.people.add_passkey(&here, &principal, new).await.unwrap().codes.unwrap();
        // The other session went on, and has shown a password alone; a password once more is not enough.
        let principal = whose(&node, &weak).await;
        let proof = Proof::Password(PASSWORD.to_owned().into());
        let weak = node.people.confirm(&facts(HERE, None), &principal, proof, Came::default()).await.unwrap();
        let refused = try_add(&node, &weak, &mut Device::new(ORIGIN, b"two")).await;
        assert!(matches!(refused, Err(IdentityError::SecondFactorFirst)), "{:?}", refused.err());
        let principal = whose(&node, &weak).await;
        let here = facts(HERE, Some(Arc::clone(&principal)));
        let app = node.people.enrol_totp(&here, &principal).await;
        assert!(matches!(app, Err(IdentityError::SecondFactorFirst)), "a password alone adds no app either: {app:?}");
        let proof = Proof::Code(codes.expose()[0].clone().into());
        let strong = node.people.confirm(&facts(HERE, None), &principal, proof, Came::default()).await.unwrap();
        let (_, _, codes) = add(&node, &strong, &mut Device::new(ORIGIN, b"two")).await;
        assert!(codes.is_empty(), "the ones before hold on");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn passkeys_are_bounded_renamed_and_removed_but_for_the_last_way_in() {
    on_both(async |ground| {
        let node = ground.people().await;
        let new = NewUser {
            name: "ann".to_owned(),
            email: None,
            roles: Vec::new(),
            password: Some(PASSWORD.to_owned().into()),
        };
        let ann = node.people.add(&Cause::operator(), new).await.unwrap();
        let mut signed_in = node.sign_in("ann").await;
        let mut ids = Vec::new();
        for number in 0..20_u8 {
            let (id, next, _) = add(&node, &signed_in, &mut Device::new(ORIGIN, &[number, 1])).await;
            ids.push(id);
            signed_in = next;
        }
        let one_more = try_add(&node, &signed_in, &mut Device::new(ORIGIN, b"more")).await;
        assert!(matches!(one_more, Err(IdentityError::TooManyPasskeys(20))), "{:?}", one_more.err());
        let principal = whose(&node, &signed_in).await;
        let here = facts(HERE, Some(Arc::clone(&principal)));
        let renamed = node.people.rename_passkey(&here, &principal, &ids[0], " Laptop ").await.unwrap();
        assert_eq!(renamed.name, "Laptop");
        for bad in ["", " ", "a\nb", &"a".repeat(65)] {
            assert!(node.people.rename_passkey(&here, &principal, &ids[0], bad).await.is_err(), "{bad:?}");
        }
        // Another's passkey is none.
        let (_, bob, bobs) = owner(&node, "bob", b"bobs").await;
        let nobodys = node.people.rename_passkey(&here, &principal, &bobs, "x").await;
        assert!(matches!(nobodys, Err(IdentityError::NoPasskey(_))), "{nobodys:?}");
        let nobodys = node.people.remove_own_passkey(&here, &principal, &bobs).await;
        assert!(matches!(nobodys, Err(IdentityError::NoPasskey(_))), "{nobodys:?}");
        for id in &ids {
            node.people.remove_own_passkey(&here, &principal, id).await.unwrap();
        }
        assert_eq!(node.people.factors(&ann.id).await.unwrap().recovery_codes, 0, "they stand beside a factor");
        node.sign_in("ann").await;
        // Without a password the last one stays, until an operator removes it.
        let sql = "UPDATE users SET password_hash = NULL WHERE name_key = 'bob'";
        ground.db.write(&Cause::operator(), move |tx| tx.execute(sql, &[])).await.unwrap();
        let principal = whose(&node, &bob).await;
        let here = facts(HERE, Some(Arc::clone(&principal)));
        let last = node.people.remove_own_passkey(&here, &principal, &bobs).await;
        assert!(matches!(last, Err(IdentityError::LastWayIn)), "{last:?}");
        node.people.remove_passkey(&Cause::operator(), "bob", &bobs).await.unwrap();
        assert!(node.whose(bob.token.expose()).await.is_none(), "its sessions end");
        let removed = audited(ground, "user.factor_removed").await;
        assert_eq!(removed.len(), 21);
        let renamed = audited(ground, "passkey.renamed").await.concat();
        assert_eq!(renamed.matches("sha256:").count(), 2, "names can be erased: {renamed}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_users_passkeys_are_gone_and_an_operator_removes_all_factors() {
    on_both(async |ground| {
        let node = ground.people().await;
        let (mut ann, _, _) = owner(&node, "ann", b"one").await;
        let (mut bob, _, _) = owner(&node, "bob", b"two").await;
        let id = node.people.find("bob").await.unwrap().id;
        node.people.remove_factors(&Cause::operator(), id.clone()).await.unwrap();
        let left = node.people.factors(&id).await.unwrap();
        assert!(left.passkeys.is_empty() && left.recovery_codes == 0);
        refused(&sign_in(&node, None, &mut bob).await);
        node.sign_in("bob").await;
        node.people.delete(&Cause::operator(), "ann".to_owned()).await.unwrap();
        refused(&sign_in(&node, None, &mut ann).await);
        let rows = ground.db.read::<_, StoreError>(Lane::Interactive, |tx| {
            tx.one::<(i64,)>("SELECT (SELECT COUNT(*) FROM passkeys) + (SELECT COUNT(*) FROM passkey_handles)", &[])
        });
        assert_eq!(rows.await.unwrap(), (1,), "bob's handle alone");
        let everything = audited(ground, "user.factor_added").await.concat();
        assert!(everything.contains("\"kind\":\"passkey\""), "{everything}");
    })
    .await;
}

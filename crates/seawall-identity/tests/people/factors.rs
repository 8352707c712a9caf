//! Second factors: enrolled, asked for, used once, removed.

use std::{sync::Arc, time::Duration};

use hmac::{Hmac, KeyInit, Mac};
use seawall_core::{principal::Principal, settings::Secret};
use seawall_identity::{
    IdentityError,
    people::{Came, EndOthers, Proof, Second, SignInStep, SignedIn},
};
use seawall_store::Cause;

use crate::support::{Ground, Node, PASSWORD, facts, on_both};

const HERE: &str = "192.0.2.1";

/// What an app shows, computed apart from what is tested.
pub(crate) struct App(pub(crate) Vec<u8>);

impl App {
    pub(crate) fn of(secret: &str) -> Self {
        let mut bits = String::new();
        for sign in secret.bytes() {
            let value = if sign.is_ascii_uppercase() { sign - b'A' } else { sign - b'2' + 26 };
            bits.push_str(&format!("{value:05b}"));
        }
        Self((0..bits.len() / 8).map(|at| u8::from_str_radix(&bits[at * 8..at * 8 + 8], 2).unwrap()).collect())
    }

    pub(crate) fn code(&self, ground: &Ground) -> String {
        let step = ground.now_s() / 30;
        let mut mac = Hmac::<sha1::Sha1>::new_from_slice(&self.0).unwrap();
        mac.update(&step.to_be_bytes());
        let tag = mac.finalize().into_bytes();
        let at = usize::from(tag.last().unwrap() & 15);
        let number = u32::from_be_bytes(tag.get(at..at + 4).unwrap().try_into().unwrap()) & 0x7fff_ffff;
        format!("{:06}", number % 1_000_000)
    }
}

fn wrong(code: &str) -> String {
    let number: u32 = code.parse().unwrap();
    format!("{:06}", (number + 1) % 1_000_000)
}

/// Enrols an app for whoever signed in; answers it, the recovery codes and the session.
async fn enrolled(ground: &Ground, node: &Node, signed_in: &SignedIn) -> (App, Vec<String>, SignedIn) {
    let principal = whose(node, signed_in).await;
    let facts = facts(HERE, Some(Arc::clone(&principal)));
    let enrolment = node.people.enrol_totp(&facts, &principal).await.unwrap();
    let app = App::of(&enrolment.secret);
    assert!(enrolment.uri.contains(&*enrolment.secret));
    let code = app.code(ground).into();
    let enrolled = node.people.confirm_totp(&facts, &principal, code, EndOthers::Yes, None).await.unwrap();
    ground.clock.advance(Duration::from_secs(30));
    (app, enrolled.codes.expose().to_vec(), enrolled.signed_in)
}

async fn whose(node: &Node, signed_in: &SignedIn) -> Arc<Principal> {
    node.whose(signed_in.token.expose()).await.expect("the session holds")
}

async fn ticket(node: &Node, name: &str) -> String {
    match node.begin(name, PASSWORD, HERE, None).await.unwrap() {
        SignInStep::SecondFactor(given) => given.ticket.expose().to_owned(),
        SignInStep::SignedIn(_) => panic!("{name} was signed in by a password alone"),
    }
}

async fn second(node: &Node, ticket: &str, code: &str, from: &str) -> Result<SignedIn, IdentityError> {
    let asked = Second { ticket: ticket.to_owned(), code: code.to_owned().into(), user_agent: None, device: None };
    node.people.second_factor(&facts(from, None), asked).await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_an_app_signs_in_with_password_and_code_and_each_code_serves_once() {
    on_both(async |ground| {
        let node = ground.people().await;
        node.add("ann", &[]).await;
        let (other, first) = (node.sign_in("ann").await, node.sign_in("ann").await);
        let (app, _, renewed) = enrolled(ground, &node, &first).await;
        assert_eq!(node.whose(other.token.expose()).await, None, "begun with less than is asked for");
        assert_eq!(node.whose(first.token.expose()).await, None, "the token is another");
        assert!(whose(&node, &renewed).await.second_factor);

        let held = ticket(&node, "ann").await;
        let code = app.code(ground);
        let refused = second(&node, &held, &wrong(&code), HERE).await;
        assert!(matches!(refused, Err(IdentityError::CodeRefused { retry_after: None })), "{refused:?}");
        let elsewhere = second(&node, &held, &code, "192.0.2.99").await;
        assert!(matches!(elsewhere, Err(IdentityError::PasswordAgain)), "{elsewhere:?}");
        let signed_in = second(&node, &held, &code, HERE).await.unwrap();
        assert!(whose(&node, &signed_in).await.second_factor);
        let again = second(&node, &held, &app.code(ground), HERE).await;
        assert!(matches!(again, Err(IdentityError::PasswordAgain)), "a ticket serves once: {again:?}");
        let replayed = second(&node, &ticket(&node, "ann").await, &code, HERE).await;
        assert!(matches!(replayed, Err(IdentityError::CodeRefused { .. })), "a code serves once: {replayed:?}");
        ground.clock.advance(Duration::from_secs(30));
        let expired = ticket(&node, "ann").await;
        ground.clock.advance(Duration::from_secs(600));
        let expired = second(&node, &expired, &app.code(ground), HERE).await;
        assert!(matches!(expired, Err(IdentityError::PasswordAgain)), "{expired:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_requests_with_one_ticket_one_signs_in() {
    on_both(async |ground| {
        let node = ground.people().await;
        node.add("ann", &[]).await;
        let (app, codes, _) = enrolled(ground, &node, &node.sign_in("ann").await).await;
        let held = ticket(&node, "ann").await;
        let code = app.code(ground);
        let (one, other) = tokio::join!(second(&node, &held, &code, HERE), second(&node, &held, &codes[0], HERE));
        assert_eq!(usize::from(one.is_ok()) + usize::from(other.is_ok()), 1, "{one:?} {other:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_ten_codes_none_is_heard_for_15_minutes_and_a_success_clears() {
    on_both(async |ground| {
        let node = ground.people().await;
        node.add("ann", &[]).await;
        let (app, codes, _) = enrolled(ground, &node, &node.sign_in("ann").await).await;
        let held = ticket(&node, "ann").await;
        for _ in 0..9 {
            assert!(second(&node, &held, "nonsense", HERE).await.is_err());
        }
        second(&node, &held, &codes[0], HERE).await.expect("the tenth is right, and clears");
        let held = ticket(&node, "ann").await;
        for _ in 0..10 {
            let refused = second(&node, &held, &wrong(&app.code(ground)), HERE).await;
            assert!(matches!(refused, Err(IdentityError::CodeRefused { retry_after: None })), "{refused:?}");
        }
        let paused = second(&node, &held, &app.code(ground), HERE).await;
        assert!(matches!(paused, Err(IdentityError::CodeRefused { retry_after: Some(900) })), "{paused:?}");
        let gone = second(&node, &held, &app.code(ground), HERE).await;
        assert!(matches!(gone, Err(IdentityError::PasswordAgain)), "{gone:?}");
        let paused = second(&node, &ticket(&node, "ann").await, &codes[1], HERE).await;
        assert!(
            matches!(paused, Err(IdentityError::CodeRefused { retry_after: Some(_) })),
            "the password alone begins no other ten"
        );
        ground.clock.advance(Duration::from_secs(15 * 60));
        second(&node, &ticket(&node, "ann").await, &app.code(ground), HERE).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_code_serves_once_and_fresh_ones_void_the_others() {
    on_both(async |ground| {
        let node = ground.people().await;
        let user = node.add("ann", &[]).await;
        let (_, codes, _) = enrolled(ground, &node, &node.sign_in("ann").await).await;
        let typed = codes[3].to_uppercase().replace('-', " ");
        let signed_in = second(&node, &ticket(&node, "ann").await, &typed, HERE).await.unwrap();
        assert!(second(&node, &ticket(&node, "ann").await, &codes[3], HERE).await.is_err(), "it serves once");
        assert_eq!(node.people.factors(&user.id).await.unwrap().recovery_codes, 9);
        let principal = whose(&node, &signed_in).await;
        let fresh =
            node.people.make_recovery_codes(&facts(HERE, Some(Arc::clone(&principal))), &principal).await.unwrap();
        assert!(second(&node, &ticket(&node, "ann").await, &codes[4], HERE).await.is_err(), "it is void");
        second(&node, &ticket(&node, "ann").await, &fresh.expose()[4], HERE).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn factors_change_after_a_fresh_proof_alone_and_a_confirmation_is_one() {
    on_both(async |ground| {
        let node = ground.people().await;
        let user = node.add("ann", &[]).await;
        let (app, _, signed_in) = enrolled(ground, &node, &node.sign_in("ann").await).await;
        ground.clock.advance(Duration::from_secs(300));
        let principal = whose(&node, &signed_in).await;
        let own = facts(HERE, Some(Arc::clone(&principal)));
        let stale = node.people.remove_own_factors(&own, &principal, EndOthers::Yes).await;
        assert!(matches!(stale, Err(IdentityError::ConfirmFirst)), "{stale:?}");
        assert!(matches!(node.people.make_recovery_codes(&own, &principal).await, Err(IdentityError::ConfirmFirst)));
        let proof = |text: &str| Secret::from(text.to_owned());
        let wrong = node.people.confirm(&own, &principal, Proof::Password(proof("wrong")), Came::default()).await;
        assert!(matches!(wrong, Err(IdentityError::WrongPassword { .. })), "{wrong:?}");
        let by_password =
            node.people.confirm(&own, &principal, Proof::Password(proof(PASSWORD)), Came::default()).await.unwrap();
        assert_eq!(node.whose(signed_in.token.expose()).await, None, "the token is another");
        let principal = whose(&node, &by_password).await;
        assert!(principal.second_factor, "the session goes on as it was begun");
        let own = facts(HERE, Some(Arc::clone(&principal)));
        let by_code = node
            .people
            .confirm(&own, &principal, Proof::Code(proof(&app.code(ground))), Came::default())
            .await
            .unwrap();
        let principal = whose(&node, &by_code).await;
        let own = facts(HERE, Some(Arc::clone(&principal)));
        node.people.remove_own_factors(&own, &principal, EndOthers::Yes).await.unwrap();
        assert_eq!(node.people.factors(&user.id).await.unwrap().totp_at, None);
        node.sign_in("ann").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_was_never_confirmed_is_asked_for_nowhere_and_one_that_was_is_not_replaced() {
    on_both(async |ground| {
        let node = ground.people().await;
        node.add("ann", &[]).await;
        let signed_in = node.sign_in("ann").await;
        let principal = whose(&node, &signed_in).await;
        node.people.enrol_totp(&facts(HERE, None), &principal).await.unwrap();
        node.sign_in("ann").await;
        let (.., renewed) = enrolled(ground, &node, &signed_in).await;
        let principal = whose(&node, &renewed).await;
        let another = node.people.enrol_totp(&facts(HERE, None), &principal).await;
        assert!(matches!(another, Err(IdentityError::FactorExists)), "{another:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_the_user_voids_its_tickets_and_an_operator_removes_factors() {
    on_both(async |ground| {
        let node = ground.people().await;
        let user = node.add("ann", &[]).await;
        let (app, _, signed_in) = enrolled(ground, &node, &node.sign_in("ann").await).await;
        let held = ticket(&node, "ann").await;
        node.people.set_disabled(&Cause::operator(), user.id.clone(), true).await.unwrap();
        let refused = second(&node, &held, &app.code(ground), HERE).await;
        assert!(matches!(refused, Err(IdentityError::PasswordAgain)), "{refused:?}");
        node.people.set_disabled(&Cause::operator(), user.id.clone(), false).await.unwrap();
        let held = ticket(&node, "ann").await;
        node.people.remove_factors(&Cause::operator(), user.id.clone()).await.unwrap();
        assert!(second(&node, &held, &app.code(ground), HERE).await.is_err());
        assert_eq!(node.whose(signed_in.token.expose()).await, None);
        node.sign_in("ann").await;
        let none = node.people.remove_factors(&Cause::operator(), user.id).await;
        assert!(matches!(none, Err(IdentityError::NoFactor)), "{none:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_alone_neither_removes_a_factor_nor_makes_recovery_codes() {
    on_both(async |ground| {
        let node = ground.people().await;
        let user = node.add("ann", &[]).await;
        let stolen = node.sign_in("ann").await;
        let principal = whose(&node, &node.sign_in("ann").await).await;
        let own = facts(HERE, Some(Arc::clone(&principal)));
        let app = App::of(&node.people.enrol_totp(&own, &principal).await.unwrap().secret);
        // The other session goes on, begun with less than is asked for from here on.
        let code = app.code(ground).into();
        node.people.confirm_totp(&own, &principal, code, EndOthers::No, None).await.unwrap();
        ground.clock.advance(Duration::from_secs(30));
        let principal = whose(&node, &stolen).await;
        let own = facts(HERE, Some(Arc::clone(&principal)));
        let proof = Proof::Password(PASSWORD.to_owned().into());
        let confirmed = node.people.confirm(&own, &principal, proof, Came::default()).await.unwrap();
        let principal = whose(&node, &confirmed).await;
        let own = facts(HERE, Some(Arc::clone(&principal)));
        let removed = node.people.remove_own_factors(&own, &principal, EndOthers::Yes).await;
        assert!(matches!(removed, Err(IdentityError::SecondFactorFirst)), "{removed:?}");
        let codes = node.people.make_recovery_codes(&own, &principal).await;
        assert!(matches!(codes, Err(IdentityError::SecondFactorFirst)), "{codes:?}");
        assert!(node.people.factors(&user.id).await.unwrap().totp_at.is_some());
        let proof = Proof::Code(app.code(ground).into());
        let confirmed = node.people.confirm(&own, &principal, proof, Came::default()).await.unwrap();
        let principal = whose(&node, &confirmed).await;
        let own = facts(HERE, Some(Arc::clone(&principal)));
        node.people.make_recovery_codes(&own, &principal).await.unwrap();
        node.people.remove_own_factors(&own, &principal, EndOthers::Yes).await.unwrap();
        let none = node.people.remove_own_factors(&own, &principal, EndOthers::Yes).await;
        assert!(matches!(none, Err(IdentityError::NoFactor)), "{none:?}");
    })
    .await;
}

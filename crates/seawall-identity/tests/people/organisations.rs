//! Organisations as the store keeps them: who belongs to one, what its tier allows, and which one a person acts for.

use std::{sync::Arc, time::Duration};

use seawall_core::{
    authenticator::Found,
    meter::NoMeter,
    principal::{Principal, Revoked, Role},
};
use seawall_identity::{
    IdentityError,
    keys::NewKey,
    people::{Came, Proof, RolesChange, SignedIn},
};
use seawall_store::{Cause, StoreError, messages::Messages};
use tokio::time::timeout;

use crate::support::{Node, PASSWORD, facts, on_both};

const HERE: &str = "192.0.2.1";

fn role(name: &str) -> Option<Role> {
    Some(Role::parse(name).unwrap())
}

/// The organisation that a principal acts for, the role in it, the tier, and what the principal is limited to.
fn acting(principal: &Principal) -> Option<(String, String, Option<String>, Vec<String>)> {
    let membership = principal.membership.as_ref()?;
    let limits = principal.limits.iter().flat_map(|limits| limits.of(true).quotas.iter());
    Some((
        membership.organisation.to_string(),
        membership.role.to_string(),
        membership.tier.as_ref().map(ToString::to_string),
        limits.map(|scoped| scoped.quota.to_string()).collect(),
    ))
}

async fn set(node: &Node, organisation: &str, user: &str, role: Option<Role>) {
    node.people.set_member(&Cause::operator(), organisation, user, role).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_tiers_and_membership_hold_from_the_next_request() {
    on_both(async |ground| {
        let node = ground.people().await;
        let cause = Cause::operator();
        node.add("ann", &[]).await;
        let acme = node.people.add_organisation(&cause, "ACME", None).await.unwrap();
        assert!(matches!(node.people.add_organisation(&cause, "acme", None).await, Err(IdentityError::NameTaken)));
        set(&node, "acme", "ann", role("member")).await;
        let token = node.sign_in("ann").await.token;
        let now = async || acting(&node.whose(token.expose()).await.unwrap());
        assert_eq!(now().await, Some((acme.id.clone(), "member".to_owned(), None, Vec::new())));
        set(&node, &acme.id, "ann", role("owner")).await;
        assert_eq!(now().await.unwrap().1, "owner");
        node.people.set_tier(&cause, "ACME", Some("pro")).await.unwrap();
        let limits = ["100/min per user", "1000/h per org"].map(str::to_owned).to_vec();
        assert_eq!(now().await.unwrap(), (acme.id.clone(), "owner".to_owned(), Some("pro".to_owned()), limits));
        let unknown = node.people.set_tier(&cause, "ACME", Some("prof")).await.unwrap_err();
        assert!(unknown.to_string().contains("did you mean \"pro\"?"), "{unknown}");
        node.people.set_tier(&cause, "ACME", None).await.unwrap();
        assert_eq!(now().await.unwrap().2, None);
        set(&node, "ACME", "ann", None).await;
        assert_eq!(now().await, None, "who has left acts for nobody");
        set(&node, "ACME", "ann", role("member")).await;
        node.people.remove_organisation(&cause, "ACME").await.unwrap();
        assert_eq!(now().await, None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_acts_for_one_of_its_organisations_at_a_time_with_a_fresh_token() {
    on_both(async |ground| {
        let node = ground.people().await;
        let cause = Cause::operator();
        node.add("ann", &[]).await;
        let mut ids = Vec::new();
        for name in ["one", "two", "strangers"] {
            ids.push(node.people.add_organisation(&cause, name, None).await.unwrap().id);
            ground.clock.advance(Duration::from_secs(1));
        }
        set(&node, "one", "ann", role("member")).await;
        ground.clock.advance(Duration::from_secs(1));
        set(&node, "two", "ann", role("admin")).await;
        let first = node.sign_in("ann").await.token;
        let ann = node.whose(first.expose()).await.unwrap();
        assert_eq!(acting(&ann).unwrap().0, ids[0], "the first is the one to begin with");
        ground.clock.advance(Duration::from_secs(60));
        let own = facts(HERE, Some(Arc::clone(&ann)));
        let refused = node.people.act_for(&own, &ann, Some("strangers"), None).await;
        let said = |refused: Result<_, IdentityError>| refused.unwrap_err().to_string();
        assert_eq!(said(refused), "there is no organisation strangers");
        let unknown = node.people.act_for(&own, &ann, Some("nobodys"), None).await;
        assert_eq!(said(unknown), "there is no organisation nobodys", "which others there are is not told");
        let switched = node.people.act_for(&own, &ann, Some("two"), None).await.unwrap();
        assert_eq!(node.whose(first.expose()).await, None, "the old token ends");
        let now = node.whose(switched.token.expose()).await.unwrap();
        assert_eq!(acting(&now).map(|acting| (acting.0, acting.1)), Some((ids[1].clone(), "admin".to_owned())));
        assert_eq!(now.authenticated_at_unix_us, ann.authenticated_at_unix_us, "it proves nothing anew");
        assert_eq!(now.expires_at_unix_us, ann.expires_at_unix_us, "and lasts no longer");
        let answered = u64::try_from(switched.session.expires_at).unwrap();
        assert_eq!(Some(answered), now.expires_at_unix_us, "which the answer says too");
        let alone = node.people.act_for(&facts(HERE, Some(Arc::clone(&now))), &now, None, None).await.unwrap();
        assert_eq!(acting(&node.whose(alone.token.expose()).await.unwrap()), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_acts_for_the_organisation_it_was_made_for_and_for_no_other() {
    on_both(async |ground| {
        let node = ground.people().await;
        let cause = Cause::operator();
        let ann = node.add("ann", &[]).await;
        let acme = node.people.add_organisation(&cause, "acme", Some("pro")).await.unwrap();
        let other = node.people.add_organisation(&cause, "other", None).await.unwrap();
        set(&node, "acme", "ann", role("member")).await;
        let asked = |id: &str| NewKey {
            label: "nightly".to_owned(),
            rate: Some("5/min".to_owned()),
            organisation: Some(id.to_owned()),
            ..NewKey::default()
        };
        let strange = node.people.add_key(&cause, &ann.id, &asked(&other.id)).await;
        assert!(matches!(strange, Err(IdentityError::NoOrganisation(_))));
        let made = node.people.add_key(&cause, &ann.id, &asked(&acme.id)).await.unwrap();
        assert_eq!(made.key.organisation_id.as_deref(), Some(&*acme.id));
        let Found::Principal(key) = node.whose_key(made.text.expose(), HERE).await else { panic!("it holds") };
        let limits = ["5/min per key", "100/min per user", "1000/h per org"].map(str::to_owned).to_vec();
        assert_eq!(acting(&key).unwrap().3, limits);
        set(&node, "acme", "ann", None).await;
        assert_eq!(node.whose_key(made.text.expose(), HERE).await, Found::Nobody, "its owner has left");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_taken_on_one_node_is_gone_on_the_other() {
    on_both(async |ground| {
        if !ground.shared() {
            return;
        }
        let (here, there) = (ground.people().await, ground.people().await);
        here.add("ann", &[]).await;
        here.people.add_organisation(&Cause::operator(), "acme", None).await.unwrap();
        set(&here, "acme", "ann", role("admin")).await;
        let token = here.sign_in("ann").await.token;
        assert!(acting(&there.whose(token.expose()).await.unwrap()).is_some());
        set(&here, "acme", "ann", None).await;
        let gone = async {
            while acting(&there.whose(token.expose()).await.unwrap()).is_some() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(2), gone).await.expect("the other node forgets it");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_confirmed_or_gets_another_password_acts_for_whom_it_did() {
    on_both(async |ground| {
        let node = ground.people().await;
        node.add("ann", &[]).await;
        let mut ids = Vec::new();
        for name in ["one", "two"] {
            ids.push(node.people.add_organisation(&Cause::operator(), name, None).await.unwrap().id);
            set(&node, name, "ann", role("member")).await;
            ground.clock.advance(Duration::from_secs(1));
        }
        let first = node.whose(node.sign_in("ann").await.token.expose()).await.unwrap();
        let confirmed = async |whose: &Arc<Principal>| {
            let own = facts(HERE, Some(Arc::clone(whose)));
            let proof = Proof::Password(PASSWORD.to_owned().into());
            node.people.confirm(&own, whose, proof, Came::default()).await.unwrap()
        };
        let changed = async |whose: &Arc<Principal>| {
            let own = facts(HERE, Some(Arc::clone(whose)));
            let (old, new) = (PASSWORD.to_owned().into(), PASSWORD.to_owned().into());
            node.people.change_password(&own, whose, old, new, Came::default()).await.unwrap()
        };
        let whose = async |signed_in: SignedIn| node.whose(signed_in.token.expose()).await.unwrap();
        let switch = async |whose: &Arc<Principal>, which: Option<&str>| {
            let own = facts(HERE, Some(Arc::clone(whose)));
            node.people.act_for(&own, whose, which, None).await.unwrap()
        };
        let two = whose(switch(&first, Some("two")).await).await;
        let two = whose(confirmed(&two).await).await;
        assert_eq!(acting(&two).unwrap().0, ids[1], "not the first again");
        let two = whose(changed(&two).await).await;
        assert_eq!(acting(&two).unwrap().0, ids[1]);
        let none = whose(switch(&two, None).await).await;
        let none = whose(confirmed(&none).await).await;
        assert_eq!(acting(&none), None, "nobody is nobody still");
        assert_eq!(acting(&*whose(changed(&none).await).await), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn open_sockets_close_when_a_role_a_tier_a_membership_or_an_organisation_changes() {
    on_both(async |ground| {
        let node = ground.people().await;
        let cause = Cause::operator();
        let ann = node.add("ann", &["admin"]).await;
        node.people.add_organisation(&cause, "acme", None).await.unwrap();
        let told = || node.heard().iter().filter(|one| **one == Revoked::Principal(ann.id.as_str().into())).count();
        node.people.change_roles(&cause, ann.id.clone(), RolesChange::Set(Vec::new())).await.unwrap();
        assert_eq!(told(), 1, "a role");
        set(&node, "acme", "ann", role("member")).await;
        for (tier, closes) in [(Some("pro"), true), (Some("pro"), false), (None, true)] {
            let before = told();
            node.people.set_tier(&cause, "acme", tier).await.unwrap();
            assert_eq!(told() - before, usize::from(closes), "a tier: {tier:?}");
        }
        let before = told();
        set(&node, "acme", "ann", None).await;
        assert_eq!(told(), before + 1, "a membership");
        set(&node, "acme", "ann", role("member")).await;
        let before = told();
        node.people.remove_organisation(&cause, "acme").await.unwrap();
        assert_eq!(told(), before + 1, "an organisation");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_missed_messages_closes_what_acted_for_an_organisation_that_was_left() {
    on_both(async |ground| {
        let messages = Messages::in_process(&NoMeter);
        let node = ground.people_who_hear(messages.clone());
        let ann = node.add("ann", &[]).await;
        let acme = node.people.add_organisation(&Cause::operator(), "acme", None).await.unwrap();
        set(&node, "acme", "ann", role("member")).await;
        let new = NewKey { label: "nightly".to_owned(), organisation: Some(acme.id), ..NewKey::default() };
        let made = node.people.add_key(&Cause::operator(), &ann.id, &new).await.unwrap();
        // Behind the back of the node, as another does whose messages are lost.
        let lost = |tx: &mut seawall_store::Tx<'_>| {
            tx.execute(
                "INSERT INTO devices (id, secret_digest, user_id, organisation_id, name, created_at, paired_from)
                 SELECT 'tv000000', $1, user_id, organisation_id, 'tv', 1, '' FROM memberships",
                &[&vec![0_u8; 32]],
            )?;
            tx.execute("DELETE FROM memberships", &[])
        };
        ground.db.write::<_, StoreError>(&Cause::system("test"), lost).await.unwrap();
        messages.missed();
        for id in [made.key.id.as_str(), "tv000000"] {
            let told = Revoked::Principal(id.into());
            let heard = async {
                while !node.heard().contains(&told) {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            timeout(Duration::from_secs(20), heard).await.unwrap_or_else(|_| panic!("{id} is not told"));
        }
    })
    .await;
}

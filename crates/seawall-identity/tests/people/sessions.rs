//! Sessions as the store keeps them.

use std::time::Duration;

use seawall_core::principal::Revoked;
use seawall_identity::people::RolesChange;
use seawall_store::{Cause, StoreError};

use crate::support::{PASSWORD, facts, on_both};

#[tokio::test(flavor = "multi_thread")]
async fn a_token_shows_its_owner_until_the_session_ends() {
    on_both(async |ground| {
        let node = ground.people().await;
        let user = node.add("Ann", &["admin"]).await;
        let signed_in = node.sign_in("ann").await;
        let token = signed_in.token.expose();
        let principal = node.whose(token).await.expect("the session holds");
        assert_eq!(
            (&*principal.id, &*principal.name, principal.told.roles.to_str().unwrap()),
            (&*user.id, "Ann", "admin")
        );
        assert_eq!(principal.session.as_deref(), Some(&*signed_in.session.id));
        assert_eq!(node.whose(&token.to_ascii_uppercase()).await, None);
        node.people.sign_out(&facts("192.0.2.1", Some(principal))).await.unwrap();
        assert_eq!(node.whose(token).await, None);
        assert_eq!(node.heard(), [Revoked::Session(signed_in.session.id.into())]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_database_has_no_session_that_holds() {
    on_both(async |ground| {
        let node = ground.people().await;
        node.add("ann", &[]).await;
        let signed_in = node.sign_in("ann").await;
        ground
            .db
            .write::<_, StoreError>(&Cause::system("test"), |tx| {
                tx.execute(
                    "INSERT INTO seawall_meta (key, value) VALUES ('epoch', 'another')
                     ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                    &[],
                )
            })
            .await
            .unwrap();
        assert_eq!(node.whose(signed_in.token.expose()).await, None);
        assert!(node.people.sessions(&signed_in.user.id).await.unwrap().is_empty());
        let fresh = node.sign_in("ann").await;
        assert!(node.whose(fresh.token.expose()).await.is_some());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_is_kept_out_has_no_session_and_gets_none() {
    on_both(async |ground| {
        let node = ground.people().await;
        let user = node.add("ann", &[]).await;
        let (one, other) = (node.sign_in("ann").await, node.sign_in("ann").await);
        assert!(node.whose(one.token.expose()).await.is_some());
        node.people.set_disabled(&Cause::operator(), user.id.clone(), true).await.unwrap();
        for token in [one.token.expose(), other.token.expose()] {
            assert_eq!(node.whose(token).await, None);
        }
        assert!(node.heard().contains(&Revoked::Principal(user.id.as_str().into())));
        assert!(node.try_sign_in("ann", PASSWORD, "192.0.2.1").await.is_err());
        node.people.set_disabled(&Cause::operator(), user.id.clone(), false).await.unwrap();
        assert_eq!(node.whose(one.token.expose()).await, None, "what has ended stays ended");
        node.sign_in("ann").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hundred_and_first_session_ends_the_first() {
    on_both(async |ground| {
        let node = ground.people().await;
        let user = node.add("ann", &[]).await;
        let first = node.sign_in("ann").await;
        // Ninety-nine more, without a hash each.
        let (id, digest_of) = (user.id.clone(), |number: u8| vec![number; 32]);
        ground
            .db
            .write::<_, StoreError>(&Cause::system("test"), move |tx| {
                for number in 0..99 {
                    let (session, at) = (tx.fresh_id()?, tx.at_us());
                    tx.execute(
                        "INSERT INTO sessions (id, token_digest, user_id, epoch, created_at, authenticated_at, used_at, idle_us, expires_at, address)
                         VALUES ($1, $2, $3, '', $4, $4, $4, 1000000, $5, '192.0.2.1')",
                        &[&session, &digest_of(number), &id, &at, &(at + 9_000_000)],
                    )?;
                }
                Ok(())
            })
            .await
            .unwrap();
        assert!(node.whose(first.token.expose()).await.is_some());
        node.sign_in("ann").await;
        assert_eq!(node.whose(first.token.expose()).await, None);
        assert_eq!(node.people.sessions(&user.id).await.unwrap().len(), 100);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_holds_with_the_next_look_and_use_is_written_later() {
    on_both(async |ground| {
        let node = ground.people().await;
        let user = node.add("ann", &[]).await;
        let signed_in = node.sign_in("ann").await;
        assert!(node.whose(signed_in.token.expose()).await.unwrap().roles.is_empty());
        let role = seawall_core::principal::Role::parse("admin").unwrap();
        let change = RolesChange::Change { add: vec![role.clone()], remove: Vec::new() };
        node.people.change_roles(&Cause::operator(), user.id.clone(), change).await.unwrap();
        assert_eq!(*node.whose(signed_in.token.expose()).await.unwrap().roles, [role]);
        ground.clock.advance(Duration::from_secs(61));
        node.whose(signed_in.token.expose()).await.unwrap();
        let used = async || node.people.sessions(&user.id).await.unwrap()[0].used_at;
        while used().await == signed_in.session.used_at {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_hold_no_longer_end_before_one_that_does() {
    on_both(async |ground| {
        let node = ground.people().await;
        let user = node.add("ann", &[]).await;
        let first = node.sign_in("ann").await;
        // Ninety-nine later ones that nobody used for longer than they may be left.
        let (id, digest_of) = (user.id.clone(), |number: u8| vec![number; 32]);
        ground
            .db
            .write::<_, StoreError>(&Cause::system("test"), move |tx| {
                for number in 0..99 {
                    let (session, at) = (tx.fresh_id()?, tx.at_us());
                    tx.execute(
                        "INSERT INTO sessions (id, token_digest, user_id, epoch, created_at, authenticated_at, used_at, idle_us, expires_at, address)
                         VALUES ($1, $2, $3, '', $4, $4, $4, 1, $5, '192.0.2.1')",
                        &[&session, &digest_of(number), &id, &(at - 9_000_000), &(at + 9_000_000)],
                    )?;
                }
                Ok(())
            })
            .await
            .unwrap();
        node.sign_in("ann").await;
        assert!(node.whose(first.token.expose()).await.is_some(), "the oldest is the one in use");
        assert_eq!(node.people.sessions(&user.id).await.unwrap().len(), 2);
    })
    .await;
}

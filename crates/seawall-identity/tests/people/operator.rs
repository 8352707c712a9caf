//! What operators do: tokens to choose a password with, the first administrator, deletion; and what stays of it all.

use std::{sync::Arc, time::Duration};

use seawall_core::principal::{Revoked, Role};
use seawall_identity::{
    IdentityError,
    people::{Came, EndOthers, SignInStep},
};
use seawall_store::{Cause, Lane, StoreError};

use crate::support::{Ground, Node, PASSWORD, facts, on_both};

const HERE: &str = "192.0.2.1";
const OTHER: &str = "a rather different one";

/// Every value of every row, as text and as bytes in hexadecimal digits.
async fn dump(ground: &Ground) -> String {
    const TABLES: [&str; 10] = [
        "SELECT * FROM users",
        "SELECT * FROM sessions",
        "SELECT * FROM sign_in_attempts",
        "SELECT * FROM sign_in_accounts",
        "SELECT * FROM sign_in_sprays",
        "SELECT * FROM totp_factors",
        "SELECT * FROM recovery_codes",
        "SELECT * FROM sign_in_tickets",
        "SELECT * FROM password_resets",
        "SELECT id, actor_id, address, action, object_id, before, after FROM audit_log",
    ];
    let read = ground.db.read::<_, StoreError>(Lane::Interactive, |tx| {
        let mut text = String::new();
        for sql in TABLES {
            tx.each(sql, &[], |row| {
                for place in 0..row.width() {
                    text.push_str(&format!("{:?}\n", row.value(place)?));
                }
                Ok(())
            })?;
        }
        Ok(text)
    });
    read.await.unwrap()
}

async fn actions(ground: &Ground) -> Vec<String> {
    let read = ground.db.read::<_, StoreError>(Lane::Interactive, |tx| {
        let rows: Vec<(String,)> = tx.all("SELECT action FROM audit_log ORDER BY id", &[])?;
        Ok(rows.into_iter().map(|(action,)| action).collect())
    });
    read.await.unwrap()
}

async fn reset(node: &Node, token: &str, password: &str) -> Result<(), IdentityError> {
    node.people.reset(&facts(HERE, None), token, password.to_owned().into()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_gives_another_password_once_ends_sessions_and_signs_nobody_in() {
    on_both(async |ground| {
        let node = ground.people().await;
        node.add("ann", &[]).await;
        let signed_in = node.sign_in("ann").await;
        let offer = async || node.people.offer_reset(&Cause::operator(), "ann".to_owned()).await.unwrap();
        let (older, newer) = (offer().await, offer().await);
        assert!(matches!(reset(&node, older.token.expose(), OTHER).await, Err(IdentityError::ResetRefused)));
        for weak in ["ann", "app.example-77"] {
            let refused = reset(&node, newer.token.expose(), weak).await;
            assert!(matches!(refused, Err(IdentityError::PasswordRefused(_))), "{weak}: {refused:?}");
        }
        for _ in 0..6 {
            let _refused = node.try_sign_in("ann", "wrong", HERE).await;
        }
        reset(&node, newer.token.expose(), OTHER).await.expect("a refused password does not use the token up");
        assert_eq!(node.whose(signed_in.token.expose()).await, None);
        assert!(matches!(reset(&node, newer.token.expose(), OTHER).await, Err(IdentityError::ResetRefused)));
        node.try_sign_in("ann", OTHER, HERE).await.expect("failures are forgotten");
        assert!(node.try_sign_in("ann", PASSWORD, HERE).await.is_err());
        let late = offer().await;
        ground.clock.advance(Duration::from_secs(30 * 60));
        assert!(matches!(reset(&node, late.token.expose(), PASSWORD).await, Err(IdentityError::ResetRefused)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_administrator_comes_with_a_token_and_there_is_one_first() {
    on_both(async |ground| {
        let node = ground.people().await;
        assert!(node.people.empty().await.unwrap());
        let offer = node.people.offer_first(&Cause::system("start")).await.unwrap().expect("there is nobody");
        let first = async |token: &str| {
            node.people.add_first(&facts(HERE, None), token, "Ann", PASSWORD.to_owned().into()).await
        };
        assert!(matches!(first(&"a".repeat(43)).await, Err(IdentityError::ResetRefused)));
        assert!(matches!(reset(&node, offer.token.expose(), PASSWORD).await, Err(IdentityError::ResetRefused)));
        let user = first(offer.token.expose()).await.unwrap();
        assert_eq!(user.roles.iter().map(Role::as_str).collect::<Vec<_>>(), ["admin"]);
        assert!(matches!(first(offer.token.expose()).await, Err(IdentityError::ResetRefused)));
        assert!(node.people.offer_first(&Cause::system("start")).await.unwrap().is_none());
        node.sign_in("ann").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_user_is_gone_but_for_its_id_and_the_name_is_free() {
    on_both(async |ground| {
        let node = ground.people().await;
        let user = node.add("Annabelle", &["admin"]).await;
        let signed_in = node.sign_in("annabelle").await;
        node.people.delete(&Cause::operator(), "annabelle".to_owned()).await.unwrap();
        assert_eq!(node.whose(signed_in.token.expose()).await, None);
        assert!(node.heard().contains(&Revoked::Principal(user.id.as_str().into())));
        assert!(matches!(node.people.find(&user.id).await, Err(IdentityError::NoUser(_))));
        assert!(node.people.list(None, 10).await.unwrap().is_empty());
        let kept = dump(ground).await;
        assert!(kept.contains(&user.id) && !kept.to_lowercase().contains("annabelle"), "{kept}");
        let personal = ground.db.read::<_, StoreError>(Lane::Interactive, {
            let id = user.id.clone();
            move |tx| tx.one::<(i64,)>("SELECT COUNT(*) FROM audit_personal WHERE subject = $1", &[&id])
        });
        assert_eq!(personal.await.unwrap(), (0,));
        assert_ne!(node.add("annabelle", &[]).await.id, user.id);
        node.sign_in("annabelle").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_the_database_holds_no_secret_and_every_change_is_recorded() {
    on_both(async |ground| {
        let node = ground.people().await;
        let user = node.add("ann", &[]).await;
        let principal = node.whose(node.sign_in("ann").await.token.expose()).await.unwrap();
        let own = facts(HERE, Some(Arc::clone(&principal)));
        let enrolment = node.people.enrol_totp(&own, &principal).await.unwrap();
        let app = crate::factors::App::of(&enrolment.secret);
        let enrolled =
            node.people.confirm_totp(&own, &principal, app.code(ground).into(), EndOthers::Yes, None).await.unwrap();
        let SignInStep::SecondFactor(given) = node.begin("ann", PASSWORD, HERE, None).await.unwrap() else {
            panic!("a code is asked for")
        };
        let offer = node.people.offer_reset(&Cause::operator(), "ann".to_owned()).await.unwrap();
        let kept = dump(ground).await;
        let mut secrets = enrolled.codes.expose().to_vec();
        secrets.extend(enrolled.codes.expose().iter().map(|code| code.replace('-', "")));
        secrets.extend([
            enrolment.secret.to_string(),
            given.ticket.expose().to_owned(),
            offer.token.expose().to_owned(),
        ]);
        secrets.push(format!("{:?}", app.0).trim_matches(['[', ']']).to_owned());
        for secret in secrets {
            assert!(!kept.contains(&secret), "{secret} is in the database");
        }
        assert!(kept.contains(&user.id));
        node.people.remove_factors(&Cause::operator(), user.id).await.unwrap();
        reset(&node, offer.token.expose(), OTHER).await.unwrap();
        node.people.delete(&Cause::operator(), "ann".to_owned()).await.unwrap();
        let actions = actions(ground).await;
        for action in [
            "user.factor_offered",
            "user.second_factor",
            "user.factor_added",
            "user.confirmed",
            "user.sign_in",
            "user.reset_offered",
            "user.factor_removed",
            "user.password_reset",
            "user.deleted",
            "audit.erased",
        ] {
            assert!(actions.iter().any(|one| one == action), "{action} is not among {actions:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_password_voids_what_was_given_to_choose_another() {
    on_both(async |ground| {
        let node = ground.people().await;
        node.add("ann", &[]).await;
        let offer = node.people.offer_reset(&Cause::operator(), "ann".to_owned()).await.unwrap();
        let ann = node.whose(node.sign_in("ann").await.token.expose()).await.unwrap();
        let own = facts(HERE, Some(Arc::clone(&ann)));
        let (old, new) = (PASSWORD.to_owned().into(), OTHER.to_owned().into());
        node.people.change_password(&own, &ann, old, new, Came::default()).await.unwrap();
        assert!(matches!(reset(&node, offer.token.expose(), PASSWORD).await, Err(IdentityError::ResetRefused)));
        node.try_sign_in("ann", OTHER, HERE).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_users_sessions_of_the_application_are_over_and_nameless() {
    on_both(async |ground| {
        let node = ground.people().await;
        node.add("ann", &[]).await;
        node.add("bob", &[]).await;
        let mut begun = Vec::new();
        for name in ["ann", "bob"] {
            let whose = node.whose(node.sign_in(name).await.token.expose()).await.unwrap();
            let own = facts(HERE, Some(Arc::clone(&whose)));
            let session = node.people.begin_app_session(&own, &whose, &format!("{name}s desk")).await.unwrap();
            let token = node.people.offer_app_session(&own, &whose, &session.id).await.unwrap().token;
            begun.push((own, whose, token));
        }
        node.people.delete(&Cause::operator(), "ann".to_owned()).await.unwrap();
        let read = ground.db.read::<_, StoreError>(Lane::Interactive, |tx| {
            let sql = "SELECT name, ended_at IS NULL FROM app_sessions ORDER BY id";
            tx.all::<(String, bool)>(sql, &[])
        });
        assert_eq!(read.await.unwrap(), [(String::new(), false), ("bobs desk".to_owned(), true)]);
        let (own, bob, _) = &begun[1];
        let joined = node.people.join_app_session(own, bob, begun[0].2.expose()).await;
        assert!(joined.is_err(), "{joined:?}");
    })
    .await;
}

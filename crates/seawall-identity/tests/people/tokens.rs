//! Tokens: what shows somebody, for how long, and what becomes of those that come twice.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use seawall_core::{authenticator::Found, principal::Revoked};
use seawall_identity::{
    IdentityError,
    people::{Keeper, RolesChange, Tokens},
    tokens::Rotation,
};
use seawall_store::{Actor, Cause, Lane, StoreError};
use serde_json::{Value, json};

use crate::support::{Ground, Node, facts, on_both};

fn nobody() -> Cause {
    Cause { actor: Actor::Anonymous, address: None, request_id: None }
}

async fn tokens(node: &Node, name: &str) -> Tokens {
    let signed_in = node.sign_in(name).await;
    node.people.give_tokens(&facts("192.0.2.1", None), signed_in, Keeper::Program).await.unwrap()
}

async fn refreshed(node: &Node, token: &str) -> Option<Tokens> {
    match node.people.refresh(nobody(), token).await {
        Ok(tokens) => Some(tokens),
        Err(IdentityError::RefreshRefused) => None,
        Err(error) => panic!("{error}"),
    }
}

/// Who an access token shows; nobody when it is refused.
async fn shows(node: &Node, token: &str) -> Option<String> {
    match node.token(token).await {
        Found::Principal(principal) => Some(principal.name.to_string()),
        Found::Refused => None,
        other => panic!("{other:?}"),
    }
}

fn part(token: &str, place: usize) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(place).unwrap()).unwrap()).unwrap()
}

async fn audited(ground: &Ground, action: &'static str) -> usize {
    let read = move |tx: &mut seawall_store::ReadTx<'_>| {
        let (count,): (i64,) = tx.one("SELECT COUNT(*) FROM audit_log WHERE action = $1", &[&action])?;
        Ok::<_, StoreError>(count)
    };
    usize::try_from(ground.db.read(Lane::Interactive, read).await.unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_shows_its_owner_for_a_quarter_of_an_hour() {
    on_both(async |ground| {
        let node = ground.people().await;
        let user = node.add("Ann", &["admin"]).await;
        let tokens = tokens(&node, "ann").await;
        let access = tokens.access.expose();
        let (header, claims) = (part(access, 0), part(access, 1));
        assert_eq!((&header["alg"], &header["typ"]), (&json!("EdDSA"), &json!("at+jwt")));
        assert_eq!((&claims["sub"], &claims["sid"]), (&json!(user.id), &json!(tokens.session_id)));
        assert_eq!(
            (&claims["iss"], &claims["aud"], &claims["roles"]),
            (&json!("seawall"), &json!("seawall"), &json!(["admin"]))
        );
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 900);
        assert_eq!(tokens.expires_in, 900);
        assert_eq!(shows(&node, access).await.as_deref(), Some("Ann"));
        ground.clock.advance(Duration::from_secs(899));
        assert_eq!(shows(&node, access).await.as_deref(), Some("Ann"));
        ground.clock.advance(Duration::from_secs(1));
        assert_eq!(shows(&node, access).await, None);
        let next = refreshed(&node, tokens.refresh.expose()).await.unwrap();
        assert_eq!(shows(&node, next.access.expose()).await.as_deref(), Some("Ann"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_refreshes_at_once_over_two_nodes_give_one_successor_and_log_nobody_out() {
    on_both(async |ground| {
        let nodes = [Arc::new(ground.people().await), Arc::new(ground.people().await)];
        nodes[0].add("ann", &[]).await;
        let first = tokens(&nodes[0], "ann").await;
        let mut tasks = tokio::task::JoinSet::new();
        for turn in 0..50 {
            let (node, token) = (Arc::clone(&nodes[turn % 2]), first.refresh.expose().to_owned());
            tasks.spawn(async move { refreshed(&node, &token).await.expect("nobody is logged out") });
        }
        let all = tasks.join_all().await;
        let successor = all[0].refresh.expose().to_owned();
        assert_ne!(successor, first.refresh.expose());
        assert!(all.iter().all(|tokens| tokens.refresh.expose() == successor));
        assert_eq!(audited(ground, "session.refreshed").await, 1);
        // The slowest of them comes after the successor was used already, and is not logged out either.
        ground.clock.advance(Duration::from_secs(9));
        let next = refreshed(&nodes[1], &successor).await.unwrap();
        assert_eq!(refreshed(&nodes[0], first.refresh.expose()).await.unwrap().refresh.expose(), next.refresh.expose());
        assert_eq!(shows(&nodes[0], next.access.expose()).await.as_deref(), Some("ann"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_after_ten_seconds_ends_the_family_and_is_recorded() {
    on_both(async |ground| {
        let (node, other) = (ground.people().await, ground.people().await);
        node.add("ann", &[]).await;
        let (first, bystander) = (tokens(&node, "ann").await, tokens(&node, "ann").await);
        let second = refreshed(&node, first.refresh.expose()).await.unwrap();
        assert_eq!(shows(&node, second.access.expose()).await.as_deref(), Some("ann"));
        ground.clock.advance(Duration::from_secs(11));
        assert!(refreshed(&other, first.refresh.expose()).await.is_none(), "the thief gets nothing");
        assert!(
            refreshed(&node, second.refresh.expose()).await.is_none(),
            "neither does the owner, who signs in again"
        );
        assert_eq!(shows(&other, second.access.expose()).await, None);
        assert_eq!(other.heard(), [Revoked::Session(first.session_id.as_str().into())], "its sockets are closed");
        assert_eq!((audited(ground, "session.refresh_replayed").await, audited(ground, "session.ended").await), (1, 1));
        assert!(refreshed(&node, bystander.refresh.expose()).await.is_some());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn use_puts_off_the_idle_end_and_never_the_absolute_one() {
    on_both(async |ground| {
        let node = ground.people().await;
        node.add("ann", &[]).await;
        let mut current = tokens(&node, "ann").await;
        let mut days = 0;
        while days < 20 {
            ground.clock.advance(Duration::from_secs(24 * 3_600));
            match refreshed(&node, current.refresh.expose()).await {
                Some(next) => current = next,
                None => break,
            }
            days += 1;
        }
        assert_eq!(days, 6, "a standard session ends after seven days");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_ends_the_session_ends_its_tokens_at_once_and_roles_apply_at_once() {
    on_both(async |ground| {
        let node = ground.people().await;
        let user = node.add("ann", &[]).await;
        for how in 0..3 {
            let tokens = tokens(&node, "ann").await;
            assert_eq!(shows(&node, tokens.access.expose()).await.as_deref(), Some("ann"));
            let listed = node.people.sessions(&user.id).await.unwrap();
            assert!(listed.iter().any(|session| session.id == tokens.session_id));
            if how == 0 {
                let role = seawall_core::principal::Role::parse("admin").unwrap();
                let set = RolesChange::Set(vec![role.clone()]);
                node.people.change_roles(&Cause::operator(), user.id.clone(), set).await.unwrap();
                let Found::Principal(principal) = node.token(tokens.access.expose()).await else { panic!() };
                assert_eq!(*principal.roles, [role]);
            }
            match how {
                0 => drop(
                    node.people
                        .sign_out_user(&Cause::operator(), user.id.clone(), Some(tokens.session_id.clone()))
                        .await
                        .unwrap(),
                ),
                1 => drop(node.people.sign_out_user(&Cause::operator(), user.id.clone(), None).await.unwrap()),
                _ => drop(node.people.set_disabled(&Cause::operator(), user.id.clone(), true).await.unwrap()),
            }
            assert_eq!(shows(&node, tokens.access.expose()).await, None, "{how}");
            assert!(refreshed(&node, tokens.refresh.expose()).await.is_none(), "{how}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_on_one_node_ends_tokens_on_the_other_within_two_seconds() {
    on_both(async |ground| {
        if !ground.shared() {
            return;
        }
        let (here, there) = (ground.people().await, ground.people().await);
        let user = here.add("ann", &[]).await;
        let tokens = tokens(&here, "ann").await;
        assert_eq!(
            shows(&there, tokens.access.expose()).await.as_deref(),
            Some("ann"),
            "a key made here is known there"
        );
        here.people.sign_out_user(&Cause::operator(), user.id, None).await.unwrap();
        let ended = async {
            while shows(&there, tokens.access.expose()).await.is_some() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(2), ended).await.expect("the other node forgets it");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_published_before_it_signs_and_until_its_last_token_expired() {
    on_both(async |ground| {
        let (node, other) = (ground.people().await, ground.people().await);
        node.add("ann", &[]).await;
        let old = tokens(&node, "ann").await;
        let kid = |tokens: &Tokens| part(tokens.access.expose(), 0)["kid"].as_str().unwrap().to_owned();
        let published = async |node: &Node| {
            let keys = node.people.published_keys().await.unwrap();
            keys["keys"]
                .as_array()
                .unwrap()
                .iter()
                .map(|key| key["kid"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        node.people.rotate_keys(&Cause::operator(), Rotation::Published).await.unwrap();
        let both = published(&node).await;
        assert_eq!((both.len(), both[0] == kid(&old)), (2, true));
        assert_eq!(kid(&tokens(&node, "ann").await), both[0], "the new one does not sign yet");
        ground.clock.advance(Duration::from_secs(600));
        let new = tokens(&node, "ann").await;
        assert_eq!(kid(&new), both[1]);
        for node in [&node, &other] {
            assert_eq!(shows(node, old.access.expose()).await.as_deref(), Some("ann"));
            assert_eq!(shows(node, new.access.expose()).await.as_deref(), Some("ann"));
        }
        assert_eq!(published(&node).await.len(), 2);
        ground.clock.advance(Duration::from_secs(16 * 60));
        assert_eq!(published(&node).await, [both[1].clone()]);
        let new = refreshed(&node, new.refresh.expose()).await.unwrap();
        node.people.rotate_keys(&Cause::operator(), Rotation::AtOnce).await.unwrap();
        assert_eq!(shows(&node, new.access.expose()).await, None, "a key that was seen signs nothing any more");
        let fresh = refreshed(&node, new.refresh.expose()).await.unwrap();
        assert_eq!(shows(&node, fresh.access.expose()).await.as_deref(), Some("ann"));
        assert_eq!((audited(ground, "signing_key.added").await, audited(ground, "signing_key.removed").await), (3, 2));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_with_anything_changed_are_refused() {
    on_both(async |ground| {
        let node = ground.people().await;
        node.add("ann", &[]).await;
        let tokens = tokens(&node, "ann").await;
        let access = tokens.access.expose().to_owned();
        let kid = part(&access, 0)["kid"].as_str().unwrap().to_owned();
        let parts: Vec<&str> = access.split('.').collect();
        let with_header = |header: &str| format!("{}.{}.{}", URL_SAFE_NO_PAD.encode(header), parts[1], parts[2]);
        let without_signature = |header: &str| format!("{}.{}.", URL_SAFE_NO_PAD.encode(header), parts[1]);
        let own_tag = kid.split('.').next().unwrap().to_owned();
        let public = node.people.published_keys().await.unwrap()["keys"][0]["x"].as_str().unwrap().to_owned();
        for (what, token) in [
            ("none", without_signature(&format!(r#"{{"alg":"none","kid":"{kid}","typ":"at+jwt"}}"#))),
            ("None", without_signature(&format!(r#"{{"alg":"None","kid":"{kid}","typ":"at+jwt"}}"#))),
            ("hmac with the public key", with_header(&format!(r#"{{"alg":"HS256","kid":"{kid}","typ":"at+jwt"}}"#))),
            ("another curve", with_header(&format!(r#"{{"alg":"ES256","kid":"{kid}","typ":"at+jwt"}}"#))),
            (
                "jku",
                with_header(&format!(r#"{{"alg":"EdDSA","jku":"https://evil.example","kid":"{kid}","typ":"at+jwt"}}"#)),
            ),
            (
                "x5u",
                with_header(&format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"at+jwt","x5u":"https://evil.example"}}"#)),
            ),
            (
                "jwk",
                with_header(&format!(r#"{{"alg":"EdDSA","jwk":{{"x":"{public}"}},"kid":"{kid}","typ":"at+jwt"}}"#)),
            ),
            (
                "crit",
                with_header(&format!(r#"{{"alg":"EdDSA","crit":["b64"],"b64":false,"kid":"{kid}","typ":"at+jwt"}}"#)),
            ),
            ("proof as access", with_header(&format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"seawall-proof+jwt"}}"#))),
            ("no typ", with_header(&format!(r#"{{"alg":"EdDSA","kid":"{kid}"}}"#))),
            ("two kids", with_header(&format!(r#"{{"alg":"EdDSA","kid":"other","kid":"{kid}","typ":"at+jwt"}}"#))),
            (
                "a key that never was",
                with_header(&format!(r#"{{"alg":"EdDSA","kid":"{own_tag}.AAAAAAAA","typ":"at+jwt"}}"#)),
            ),
            ("other claims", format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode("{}"), parts[2])),
            ("no signature", format!("{}.{}.", parts[0], parts[1])),
            ("another signature", format!("{}.{}.{}", parts[0], parts[1], URL_SAFE_NO_PAD.encode([7; 64]))),
            ("a longer signature", format!("{access}AA")),
            ("padding", format!("{access}=")),
        ] {
            assert_eq!(shows(&node, &token).await, None, "{what}");
        }
        let Found::Principal(principal) = node.token(&access).await else { panic!() };
        let proof = node.people.proof(&principal).await.unwrap().to_str().unwrap().to_owned();
        assert_eq!(part(&proof, 1)["aud"], "application");
        assert_eq!(shows(&node, &proof).await, None, "proof is no access token");
        assert_eq!(shows(&node, &access).await.as_deref(), Some("ann"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_other_issuers_are_not_ours() {
    on_both(async |ground| {
        let node = ground.people().await;
        node.add("ann", &[]).await;
        let access = tokens(&node, "ann").await.access.expose().to_owned();
        let (_, rest) = access.split_once('.').unwrap();
        let forged = |header: &str| format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header));
        for foreign in [
            forged(r#"{"alg":"RS256","kid":"another","typ":"JWT"}"#),
            forged(r#"{"alg":"EdDSA","typ":"JWT"}"#),
            "a.b.c".to_owned(),
            format!("{}.x.y", URL_SAFE_NO_PAD.encode("no json")),
        ] {
            assert_eq!(node.token(&foreign).await, Found::Foreign, "{foreign}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_secret_reads_no_refresh_token_and_signs_with_none_of_the_keys() {
    on_both(async |ground| {
        let (node, stranger) = (ground.people().await, ground.people_with_key("another secret").await);
        node.add("ann", &[]).await;
        let own = tokens(&node, "ann").await;
        assert!(refreshed(&stranger, own.refresh.expose()).await.is_none());
        let theirs = tokens(&stranger, "ann").await;
        assert_ne!(part(own.access.expose(), 0)["kid"], part(theirs.access.expose(), 0)["kid"]);
        // One database is one installation: what one node signed, the other knows.
        assert_eq!(shows(&stranger, own.access.expose()).await.as_deref(), Some("ann"));
    })
    .await;
}

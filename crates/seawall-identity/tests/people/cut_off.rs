//! A node that hears nothing of the others believes what it has for two seconds.

use std::time::Duration;

use seawall_core::{authenticator::Found, meter::NoMeter, principal::Revoked};
use seawall_identity::keys::NewKey;
use seawall_store::{Cause, StoreError, counters::RedisUrl, messages::Messages};

use tokio::time::timeout;

use crate::support::{Ground, Node, on_both};

/// Ends everything behind the back of the nodes, as another node does whose messages are lost.
async fn end_unheard(ground: &Ground) {
    let end = |tx: &mut seawall_store::Tx<'_>| {
        tx.execute("UPDATE sessions SET ended_at = 1, ended_by = 'test'", &[])?;
        tx.execute("UPDATE api_keys SET revoked_at = 1", &[])
    };
    ground.db.write::<_, StoreError>(&Cause::system("test"), end).await.unwrap();
}

/// Whether the session and the key hold here.
async fn hold(node: &Node, token: &str, key: &str) -> (bool, bool) {
    let key = node.whose_key(key, "192.0.2.1").await;
    (node.whose(token).await.is_some(), matches!(key, Found::Principal(_)))
}

/// However long nothing was heard, and however much ended meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn who_hears_again_is_told_of_all_that_ended_meanwhile() {
    on_both(async |ground| {
        let messages = Messages::in_process(&NoMeter);
        let node = ground.people_who_hear(messages.clone());
        node.add("ann", &[]).await;
        let first = node.sign_in("ann").await.session.id;
        let wanted: Vec<String> = (0..2_100).map(|number| format!("ended-{number}")).collect();
        let (ids, of) = (wanted.clone(), first.clone());
        // One every five seconds, for three hours, behind the back of the node.
        let end = move |tx: &mut seawall_store::Tx<'_>| {
            for (id, number) in ids.iter().zip(1_i64..) {
                let ended_at = number * 5_000_000;
                tx.execute(
                    "INSERT INTO sessions (id, token_digest, user_id, epoch, created_at, used_at, idle_us, expires_at, authenticated_at,
                         address, ended_at, ended_by)
                     SELECT $1, $2, user_id, epoch, created_at, used_at, idle_us, expires_at, authenticated_at, address, $3, 'test'
                     FROM sessions WHERE id = $4",
                    &[id, &number.to_be_bytes().to_vec(), &ended_at, &of],
                )?;
            }
            Ok::<_, StoreError>(())
        };
        ground.db.write::<_, StoreError>(&Cause::system("test"), end).await.unwrap();
        messages.missed();
        let all = async {
            loop {
                let heard = node.heard();
                let told = |id: &String| heard.contains(&Revoked::Session(id.as_str().into()));
                if wanted.iter().all(told) {
                    return heard;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let heard = timeout(Duration::from_secs(30), all).await.expect("all of them are told");
        assert!(!heard.contains(&Revoked::Session(first.as_str().into())), "what goes on is not told");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_cut_off_believes_credentials_for_two_seconds_and_who_hears_for_a_minute() {
    on_both(async |ground| {
        // Nobody listens there.
        let nowhere = RedisUrl::parse("redis://127.0.0.1:1").unwrap();
        let cut_off = ground.people_who_hear(Messages::over_redis(nowhere, &NoMeter).unwrap());
        let hears = ground.people().await;
        let user = hears.add("ann", &[]).await;
        let signed_in = hears.sign_in("ann").await;
        let new = NewKey { label: "test".to_owned(), ..NewKey::default() };
        let made = hears.people.add_key(&Cause::operator(), &user.id, &new).await.unwrap();
        let (token, key) = (signed_in.token.expose(), made.text.expose());
        for node in [&cut_off, &hears] {
            assert_eq!(hold(node, token, key).await, (true, true));
        }
        end_unheard(ground).await;
        ground.clock.advance(Duration::from_millis(1_999));
        for node in [&cut_off, &hears] {
            assert_eq!(hold(node, token, key).await, (true, true));
        }
        ground.clock.advance(Duration::from_millis(1));
        assert_eq!(hold(&cut_off, token, key).await, (false, false));
        assert_eq!(hold(&hears, token, key).await, (true, true), "a message would have told it");
        ground.clock.advance(Duration::from_secs(58));
        assert_eq!(hold(&hears, token, key).await, (false, false));
    })
    .await;
}

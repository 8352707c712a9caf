//! One process's connection: what is told when it cannot be had, and how it ends.

use std::time::Duration;

use seawall_core::reply::PortError;
use seawall_store::counters::{RatesOptions, RedisFault, RedisLink, RedisRates, RedisUrl};
use seawall_testkit::RedisServer;
use tokio::time::{Instant, timeout};

use super::{PATIENT, node, node_with, quota, take, try_take};

async fn refused(url: &str) -> RedisFault {
    let link = RedisLink::new(RedisUrl::parse(url).unwrap()).unwrap();
    RedisRates::new(link, RatesOptions::default()).connect().await.unwrap_err()
}

#[tokio::test]
async fn a_wrong_password_is_told_and_not_shown() {
    let server = RedisServer::start_with(&["--requirepass", "r1ght"]);
    for query in ["", "?pass=wr0ng", "?user=nobody&pass=wr0ng"] {
        let fault = refused(&format!("{}{query}", server.url())).await;
        let text = fault.to_string();
        assert!(matches!(fault, RedisFault::Refused { .. }), "{query}: {text}");
        assert!(text.contains("refuses") && text.contains("redis.sock") && !text.contains("wr0ng"), "{text}");
    }
    let url = RedisUrl::parse(&format!("{}?pass=r1ght", server.url())).unwrap();
    RedisRates::new(RedisLink::new(url).unwrap(), RatesOptions::default()).connect().await.unwrap();
}

#[tokio::test]
async fn a_user_who_may_not_do_what_is_needed_is_told() {
    let server = RedisServer::start();
    let needed = "resetkeys ~seawall:* resetchannels +@connection +eval +evalsha +get +set +time";
    assert_eq!(server.command(&format!("ACL SETUSER enough on >s3cret {needed}")), "+OK", "as the guide says");
    let url = RedisUrl::parse(&format!("{}?user=enough&pass=s3cret", server.url())).unwrap();
    RedisRates::new(RedisLink::new(url).unwrap(), RatesOptions::default()).connect().await.unwrap();
    server.command("ACL SETUSER seawall on >s3cret ~other:* +@all");
    let fault = refused(&format!("{}?user=seawall&pass=s3cret", server.url())).await;
    assert!(matches!(fault, RedisFault::Refused { .. }), "{fault}");
}

#[tokio::test]
async fn a_place_where_nobody_listens_is_told() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let fault = refused(&format!("redis://user:s3cret@{free}")).await;
    let text = fault.to_string();
    assert!(matches!(fault, RedisFault::Unavailable { .. }), "{text}");
    assert!(text.contains(&free.to_string()) && text.contains("refused") && !text.contains("s3cret"), "{text}");
}

#[tokio::test]
async fn over_a_port_it_works_as_over_a_socket() {
    let (_server, port) = RedisServer::start_with_port();
    let url = RedisUrl::parse(&format!("redis://127.0.0.1:{port}/3")).unwrap();
    let options = RatesOptions { timeout: PATIENT, ..RatesOptions::default() };
    let redis = RedisRates::new(RedisLink::new(url).unwrap(), options);
    assert_eq!(
        try_take(&redis, 1, &[quota("1/h per ip", 1)], 0).await,
        Err(PortError::Unavailable),
        "not yet connected"
    );
    redis.connect().await.unwrap();
    assert!(take(&redis, 1, &[quota("1/h per ip", 1)], 0).await.accepted);
    assert!(!take(&redis, 1, &[quota("1/h per ip", 1)], 0).await.accepted);
}

#[tokio::test]
async fn scripts_that_were_flushed_are_given_again() {
    let server = RedisServer::start();
    let (redis, quotas) = (node(&server).await, [quota("2/min per ip", 1)]);
    assert!(take(&redis, 1, &quotas, 1_000_000).await.accepted);
    assert_eq!(server.command("SCRIPT FLUSH"), "+OK");
    assert_eq!(take(&redis, 1, &quotas, 1_000_000).await.remaining, 0);
    assert!(!take(&redis, 1, &quotas, 1_000_000).await.accepted);
}

#[tokio::test]
async fn wk_4_a_server_that_stalls_is_not_waited_for_longer_than_told() {
    let server = RedisServer::start();
    let options = RatesOptions { most_waiting: 2, ..RatesOptions::default() };
    let (redis, quotas) = (node_with(&server, options).await, [quota("2/min per ip", 1)]);
    let frozen = server.freeze();
    let begun = Instant::now();
    let ask = || try_take(&redis, 1, &quotas, 1_000_000);
    let answers = tokio::join!(ask(), ask(), ask());
    assert_eq!(answers, (Err(PortError::TimedOut), Err(PortError::TimedOut), Err(PortError::Full)));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    drop(frozen);
    let thawed = async { while ask().await.is_err() {} };
    timeout(PATIENT, thawed).await.expect("the connection goes on");
}

#[tokio::test]
async fn a_server_that_ended_is_found_again_by_connecting_anew() {
    let server = RedisServer::start();
    let (redis, quotas) = (node(&server).await, [quota("2/min per ip", 1)]);
    take(&redis, 1, &quotas, 1_000_000).await;
    server.stop();
    assert_eq!(try_take(&redis, 1, &quotas, 1_000_000).await, Err(PortError::Unavailable));
    assert!(!redis.connected() && redis.last_fault().is_some());
    assert!(redis.connect().await.is_err());
    server.start_again();
    redis.connect().await.unwrap();
    assert_eq!(take(&redis, 1, &quotas, 1_000_000).await.remaining, 1, "what it kept in memory is gone");
}

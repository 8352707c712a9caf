//! The decisions: those of memory, and of all processes together.

use std::sync::Arc;

use proptest::{prelude::*, test_runner::TestRunner};
use seawall_core::{
    limit::{RateStore, ScopedQuota},
    meter::NoMeter,
};
use seawall_guards::rate_limit::MemoryRates;
use seawall_store::counters::{MOST_BYTES, RatesOptions};
use seawall_testkit::{RedisServer, ports::rate_store_contract};

use super::{PATIENT, node, node_with, quota, shared, take};

#[tokio::test]
async fn counters_in_redis_keep_the_contract() {
    let server = RedisServer::start();
    rate_store_contract(&node(&server).await).await;
}

/// Limits kept by exact times, by a ring, and by both.
fn limits() -> [Vec<ScopedQuota>; 3] {
    [
        vec![quota("5/10s per ip", 1), quota("300/min per ip", 2)],
        vec![quota("150/10s per ip", 1)],
        vec![quota("40/10s per ip", 1), quota("60/min per ip", 2), quota("1000/h per ip", 3)],
    ]
}

/// Which limits hold, and how long after the ask before it each ask comes.
fn story() -> impl Strategy<Value = (usize, Vec<u64>)> {
    let gap = prop_oneof![
        6 => Just(0_u64),
        6 => 1_u64..200_000,
        3 => 1_u64..4_000_000,
        1 => 9_999_000_u64..10_200_000,
        1 => 1_u64..90_000_000,
    ];
    (0_usize..3, prop::collection::vec(gap, 1..400))
}

/// Verdict, tightest quota, remaining and reset: the very same figures as the window of core gives.
#[test]
fn pm_5_redis_decides_as_memory_does() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = RedisServer::start();
    let redis = runtime.block_on(node(&server));
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() });
    let told = |(which, gaps): (usize, Vec<u64>)| {
        server.command("FLUSHALL");
        let (memory, quotas) = (MemoryRates::new(1_024, &NoMeter), &limits()[which]);
        let mut now_us = 1_700_000_000_000_000_u64;
        for (number, gap_us) in gaps.into_iter().enumerate() {
            now_us += gap_us;
            let expected = runtime.block_on(take(&*memory, 1, quotas, now_us));
            let told = runtime.block_on(take(&redis, 1, quotas, now_us));
            prop_assert_eq!(expected, told, "ask {}", number);
        }
        Ok(())
    };
    runner.run(&story(), told).unwrap();
}

/// Whatever limits hold when, none lets more pass in its window than it says while it holds.
#[tokio::test]
async fn a_changed_limit_holds_at_once_for_what_was_counted_before() {
    let server = RedisServer::start();
    let redis = node(&server).await;
    let (wide, narrow) = ([quota("300/10s per ip", 1)], [quota("20/10s per ip", 1)]);
    let start_us = 1_700_000_000_000_000;
    for step in 0..200 {
        assert!(take(&redis, 1, &wide, start_us + step * 10_000).await.accepted);
    }
    let refused = take(&redis, 1, &narrow, start_us + 2_000_000).await;
    assert!(!refused.accepted && refused.remaining == 0);
    let later_us = start_us + 2_000_000 + refused.reset_us;
    assert!(!take(&redis, 1, &narrow, later_us - 110_000).await.accepted, "told when it fits, and not long before");
    assert!(take(&redis, 1, &narrow, later_us).await.accepted, "told when it fits");
    let left = take(&redis, 1, &wide, later_us + 1_000).await.remaining;
    assert!((278..=298).contains(&left), "{left}");
    // Changed again and again, a counter stays as small as it may be.
    for step in 0..400 {
        let limits = if step % 2 == 0 { &wide } else { &[quota("101/10s per ip", 1)] };
        take(&redis, 2, limits, start_us + step * 24_000).await;
    }
    let keys: Vec<String> = ["0000000000000000000000000a000002", "00000000000000000000ffff0a000002"]
        .map(|id| format!("seawall:rate:{{ip-{id}}}:0000000000000001"))
        .to_vec();
    let longest = keys.iter().map(|key| server.command(&format!("STRLEN {key}"))).max().unwrap();
    let longest: usize = longest.trim_start_matches(':').parse().unwrap();
    assert!((100..=MOST_BYTES).contains(&longest), "{longest} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn pl_3_two_nodes_count_together() {
    let server = RedisServer::start();
    let nodes = [shared(node(&server).await), shared(node(&server).await)];
    for (scope, text, limit) in [(1, "10/min per ip", 10), (2, "200/h per ip", 200)] {
        let asks = (0..limit + 50).map(|number: u64| {
            let store = Arc::clone(&nodes[usize::try_from(number % 2).unwrap()]);
            tokio::spawn(async move { take(&*store, 1, &[quota(text, scope)], 5_000_000 + number).await.accepted })
        });
        let mut accepted = 0;
        for ask in asks.collect::<Vec<_>>() {
            accepted += u64::from(ask.await.unwrap());
        }
        assert_eq!(accepted, limit, "{text}");
    }
}

#[tokio::test]
async fn by_the_servers_time_a_window_passes_and_counters_go() {
    let server = RedisServer::start();
    let redis = node_with(&server, RatesOptions { timeout: PATIENT, ..RatesOptions::default() }).await;
    let quotas = [quota("2/1s per ip", 1), quota("100/2s per ip", 2)];
    let first = take(&redis, 1, &quotas, 0).await;
    assert!(first.accepted && first.remaining == 1 && first.reset_us <= 1_000_000, "{first:?}");
    // The time of the ask says nothing.
    take(&redis, 1, &quotas, 90_000_000).await;
    let third = take(&redis, 1, &quotas, 190_000_000).await;
    // On a machine that stands still for a second the window has passed.
    assert!(!third.accepted || third.remaining <= 1, "{third:?}");
    let gone = async {
        while server.command("DBSIZE") != ":0" {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENT, gone).await.expect("counters expire by themselves");
    assert!(take(&redis, 1, &quotas, 0).await.accepted);
}

#[tokio::test]
async fn what_costs_several_is_counted_as_several() {
    use seawall_core::{
        clock::Now,
        http::ClientKey,
        limit::{Ask, RateKey},
        reply::Reply,
    };
    let server = RedisServer::start();
    let redis = node(&server).await;
    let quotas = [quota("10/min per ip", 1)];
    let key = RateKey::address(ClientKey::of(std::net::Ipv4Addr::LOCALHOST.into()));
    let mut left = Vec::new();
    for cost in [4, 7, 6, 1] {
        let now = Now { monotonic_us: 7_000_000, unix_us: 0 };
        let Reply::Later(wait) =
            redis.take(&Ask { keys: key.into(), quotas: &quotas, cost, now, deadline_us: u64::MAX })
        else {
            panic!("redis answers later")
        };
        let standing = wait.await.unwrap();
        left.push((standing.accepted, standing.remaining));
    }
    assert_eq!(left, [(true, 6), (false, 6), (true, 0), (false, 0)]);
}

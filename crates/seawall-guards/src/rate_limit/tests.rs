//! The table against an exact oracle, and what clients are told.

use std::{collections::HashMap, sync::Arc};

use http::{Request, Response};
use proptest::prelude::*;
use seawall_core::{
    clock::Now,
    http::ClientKey,
    limit::{Ask, Quota, RateKey, RateStore, ScopedQuota, Standing},
    meter::NoMeter,
    reply::Reply,
    settings::Raw,
};

use super::*;
use crate::{Guard, Verdict, engine::sample_context};

fn take(store: &dyn RateStore, client: u32, quotas: &[ScopedQuota], now_us: u64) -> Standing {
    let key = RateKey::address(ClientKey::of(std::net::Ipv4Addr::from(client).into()));
    let now = Now { monotonic_us: now_us, unix_us: now_us };
    match store.take(&Ask { keys: key.into(), quotas, cost: 1, now, deadline_us: u64::MAX }) {
        Reply::Ready(standing) => standing.unwrap(),
        Reply::Later(_) => panic!("memory answers at once"),
    }
}

fn quota(text: &str, scope: u64) -> ScopedQuota {
    ScopedQuota { scope, quota: Quota::parse(text).unwrap() }
}

proptest! {
    /// However small the table and however many the clients: never more than N in any window.
    #[test]
    fn a_crowded_table_never_admits_more_than_the_limit(
        clients in prop::collection::vec(0_u32..4_000, 3_000),
        gap_us in 1_u64..20_000,
        limit in prop_oneof![Just("3/10s per ip"), Just("150/10s per ip")],
    ) {
        let store = MemoryRates::new(1, &NoMeter);
        let quotas = [quota(limit, 1)];
        let window_us = quotas[0].quota.window.us();
        let most = usize::try_from(quotas[0].quota.limit).unwrap();
        let mut accepted: HashMap<u32, Vec<u64>> = HashMap::new();
        for (step, client) in clients.into_iter().enumerate() {
            // A few clients ask often, between crowds that push them out.
            let client = if step % 3 == 0 { client % 5 } else { client };
            let now_us = 1_000_000 + step as u64 * gap_us;
            if take(&*store, client, &quotas, now_us).accepted {
                let times = accepted.entry(client).or_default();
                times.push(now_us);
                let within = times.iter().rev().take_while(|&&at| at + window_us > now_us).count();
                prop_assert!(within <= most, "client {client} was admitted {within} times in one window");
            }
        }
    }
}

#[test]
fn the_quotas_of_one_client_do_not_push_each_other_out() {
    let wide = (1..8).map(|scope| quota("100/min per ip", scope));
    let quotas = std::iter::once(quota("2/min per ip", 0)).chain(wide).collect::<Vec<_>>();
    for client in 0..2_000 {
        let store = MemoryRates::new(1, &NoMeter);
        let accepted = (0..4).filter(|step| take(&*store, client, &quotas, 1_000_000 + step).accepted).count();
        assert_eq!(accepted, 2, "client {client}");
    }
}

#[test]
fn with_room_for_all_a_client_gets_its_whole_quota() {
    let store = MemoryRates::new(10_000, &NoMeter);
    let quotas = [quota("5/15min per ip", 1)];
    for client in 0..2_000 {
        let accepted = (0..8).filter(|step| take(&*store, client, &quotas, 1_000_000 + step).accepted).count();
        assert_eq!(accepted, 5, "client {client}");
    }
}

#[test]
fn a_request_is_counted_in_all_its_quotas_or_in_none() {
    let store = MemoryRates::new(1_024, &NoMeter);
    let (narrow, wide) = (quota("2/min per ip", 1), quota("100/min per ip", 2));
    for _ in 0..10 {
        take(&*store, 7, &[wide, narrow], 1_000_000);
    }
    assert_eq!(take(&*store, 7, &[wide], 1_000_000).remaining, 97, "refused requests do not use up the wide quota");
}

#[test]
fn the_standing_is_that_of_the_tightest_quota() {
    let store = MemoryRates::new(1_024, &NoMeter);
    let quotas = [quota("10/min per ip", 1), quota("3/h per ip", 2)];
    let first = take(&*store, 7, &quotas, 5_000_000);
    assert_eq!((first.accepted, first.tightest, first.remaining, first.reset_us), (true, 1, 2, 3_600_000_000));
    take(&*store, 7, &quotas, 5_000_000);
    take(&*store, 7, &quotas, 5_000_000);
    let refused = take(&*store, 7, &quotas, 6_000_000);
    assert_eq!((refused.accepted, refused.tightest, refused.remaining), (false, 1, 0));
    assert!(refused.reset_us > 3_598_000_000 && refused.reset_us < 3_600_000_000, "{}", refused.reset_us);
}

#[test]
fn pm_5_twelve_bad_sign_ins_are_ten_times_let_through_and_twice_refused() {
    let limits = values().with("limits", Raw::List(vec![Raw::Text("10/min per ip".to_owned())]));
    let guard = RateLimitGuard::read(&limits, "*", MemoryRates::new(1_024, &NoMeter)).unwrap().unwrap();
    let answers = (0..12).map(|_| answer(&guard, "POST").0).collect::<Vec<_>>();
    assert_eq!(answers.iter().filter(|refused| **refused).count(), 2);
    assert_eq!(answers[10..], [true, true]);
}

#[test]
fn wk_4_clients_are_told_how_they_stand() {
    let limits = values().with("limits", Raw::List(vec![Raw::Text("2/min per ip".to_owned())]));
    let guard = RateLimitGuard::read(&limits, "*", MemoryRates::new(1_024, &NoMeter)).unwrap().unwrap();
    let (refused, headers) = answer(&guard, "GET");
    assert!(!refused);
    assert_eq!(headers["ratelimit-policy"], "\"2/min per ip\";q=2;w=60");
    assert_eq!(headers["ratelimit"], "\"2/min per ip\";r=1;t=60");
    assert_eq!(
        (headers["x-ratelimit-limit"].as_bytes(), headers["x-ratelimit-remaining"].as_bytes()),
        (&b"2"[..], &b"1"[..])
    );
    answer(&guard, "GET");
    let (refused, headers) = answer(&guard, "GET");
    assert!(refused);
    assert!(
        headers["ratelimit"].to_str().unwrap().starts_with("\"2/min per ip\";r=0;t=6"),
        "{:?}",
        headers["ratelimit"]
    );
}

#[test]
fn limits_for_unsafe_methods_leave_reading_alone() {
    let limits = values().with("limits", Raw::List(vec![Raw::Text("1/min per ip for unsafe methods".to_owned())]));
    let guard = RateLimitGuard::read(&limits, "*", MemoryRates::new(1_024, &NoMeter)).unwrap().unwrap();
    assert!((0..10).all(|_| !answer(&guard, "GET").0));
    assert_eq!([answer(&guard, "POST").0, answer(&guard, "DELETE").0], [false, true]);
}

#[test]
fn counters_are_named_by_scope_and_quota() {
    let store = MemoryRates::new(1_024, &NoMeter);
    let limits = values().with("limits", Raw::List(vec![Raw::Text("1/min per ip".to_owned())]));
    let guard = |scope| RateLimitGuard::read(&limits, scope, Arc::<MemoryRates>::clone(&store)).unwrap().unwrap();
    assert!(!answer(&guard("*"), "GET").0);
    assert!(answer(&guard("*"), "GET").0, "a rebuilt policy goes on counting where it was");
    assert!(!answer(&guard("POST /login"), "GET").0, "another route has counters of its own");
}

/// Whether the guard refuses, and the headers it puts on the answer.
fn answer(guard: &RateLimitGuard, method: &str) -> (bool, http::HeaderMap) {
    let (mut head, ()) = Request::builder().method(method).body(()).unwrap().into_parts();
    let mut context = sample_context();
    let refused = matches!(guard.head(&mut head, &mut context), Verdict::Refuse(_));
    let (mut answer, ()) = Response::new(()).into_parts();
    guard.dress(&mut answer, &context);
    (refused, answer.headers)
}

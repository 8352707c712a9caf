//! The contract of every store of counters, whether it answers at once or later.

use std::{net::Ipv4Addr, sync::Arc};

use seawall_core::{
    clock::Now,
    http::ClientKey,
    limit::{Ask, Quota, RateKey, RateKeys, RateStore, ScopedQuota, Standing},
    reply::{PortError, Reply},
};

/// Tries a store against an exact oracle and against the port's promises. The store must be fresh and have room for a few
/// hundred counters.
///
/// # Panics
/// When a promise does not hold.
pub async fn rate_store_contract(store: &dyn RateStore) {
    never_more_than_the_limit_in_any_window(store).await;
    counts_in_all_quotas_or_in_none(store).await;
    tells_the_tightest_quota(store).await;
    keeps_keys_and_scopes_apart(store).await;
    counts_by_several_keys_in_all_or_in_none(store).await;
}

/// A store that passes every answer on later.
#[derive(Debug)]
pub struct LaterRates(pub Arc<dyn RateStore>);

impl RateStore for LaterRates {
    fn take(&self, ask: &Ask<'_>) -> Reply<Standing> {
        let reply = self.0.take(ask);
        Reply::Later(Box::pin(async move {
            tokio::task::yield_now().await;
            answer(reply).await
        }))
    }
}

/// A store that cannot be asked.
#[derive(Clone, Copy, Debug)]
pub struct FailingRates;

impl RateStore for FailingRates {
    fn take(&self, _: &Ask<'_>) -> Reply<Standing> {
        Reply::Later(Box::pin(async { Err(PortError::Unavailable) }))
    }
}

async fn answer(reply: Reply<Standing>) -> Result<Standing, PortError> {
    match reply {
        Reply::Ready(answer) => answer,
        Reply::Later(wait) => wait.await,
    }
}

async fn take(store: &dyn RateStore, client: u8, quotas: &[ScopedQuota], now_us: u64) -> Standing {
    let key = RateKey::address(ClientKey::of(Ipv4Addr::new(10, 0, 0, client).into()));
    let now = Now { monotonic_us: now_us, unix_us: now_us };
    answer(store.take(&Ask { keys: key.into(), quotas, cost: 1, now, deadline_us: u64::MAX }))
        .await
        .expect("the store must answer")
}

fn quota(text: &str, scope: u64) -> ScopedQuota {
    ScopedQuota { scope, quota: Quota::parse(text).expect("a quota") }
}

/// Bursts and pauses over several windows, for a limit kept by exact times and one kept by a ring.
async fn never_more_than_the_limit_in_any_window(store: &dyn RateStore) {
    for (scope, text) in [(1, "7/10s per ip"), (2, "300/10s per ip")] {
        let quotas = [quota(text, scope)];
        let (limit, window_us) = (quotas[0].quota.limit as usize, quotas[0].quota.window.us());
        let mut accepted: Vec<u64> = Vec::new();
        let mut now_us = 1_000_000_000;
        for step in 0..3_000_u64 {
            now_us += [0, 1_000, 40_000, 900, 130_000][usize::try_from(step * step % 5).unwrap_or_default()];
            let within = |length_us: u64| accepted.iter().rev().take_while(|&&at| at + length_us > now_us).count();
            let (exact, looser) = (within(window_us), within(window_us + window_us / 100));
            let fits = take(store, 1, &quotas, now_us).await.accepted;
            assert!(!fits || exact < limit, "{text}: one too many at {now_us}");
            assert!(
                fits || looser >= limit,
                "{text}: refused at {now_us} though an oracle with 1.01 windows accepts it"
            );
            if fits {
                accepted.push(now_us);
            }
        }
        assert!(accepted.len() > limit * 3, "{text}: the test must see several windows");
    }
}

async fn counts_in_all_quotas_or_in_none(store: &dyn RateStore) {
    let (narrow, wide) = (quota("2/min per ip", 10), quota("50/min per ip", 11));
    for _ in 0..10 {
        take(store, 2, &[wide, narrow], 2_000_000_000).await;
    }
    assert_eq!(take(store, 2, &[wide], 2_000_000_000).await.remaining, 47, "refused requests use nothing up");
}

async fn tells_the_tightest_quota(store: &dyn RateStore) {
    let quotas = [quota("10/min per ip", 20), quota("2/h per ip", 21)];
    let first = take(store, 3, &quotas, 3_000_000_000).await;
    assert_eq!((first.accepted, first.tightest, first.remaining), (true, 1, 1));
    take(store, 3, &quotas, 3_000_000_000).await;
    let refused = take(store, 3, &quotas, 3_060_000_000).await;
    assert_eq!((refused.accepted, refused.tightest, refused.remaining), (false, 1, 0));
    assert!((3_530_000_000..=3_580_000_000).contains(&refused.reset_us), "{}", refused.reset_us);
}

async fn keeps_keys_and_scopes_apart(store: &dyn RateStore) {
    let one = [quota("1/min per ip", 30)];
    let other = [quota("1/min per ip", 31)];
    assert!(take(store, 4, &one, 4_000_000_000).await.accepted);
    assert!(!take(store, 4, &one, 4_000_000_000).await.accepted);
    assert!(take(store, 5, &one, 4_000_000_000).await.accepted, "another client");
    assert!(take(store, 4, &other, 4_000_000_000).await.accepted, "another scope");
}

/// A person, a key and an organisation in one ask: what one of them has used up costs the others nothing.
async fn counts_by_several_keys_in_all_or_in_none(store: &dyn RateStore) {
    let quotas = [quota("4/10s per user", 7), quota("2/10s per key", 8), quota("5/10s per org", 9)];
    let take = async |user: &str, key: &str, quotas: &[ScopedQuota]| {
        let (user, key, organisation) = (RateKey::user(user), RateKey::key(key), RateKey::organisation("acme"));
        let keys = RateKeys::Principal { user, key, organisation };
        let now = Now { monotonic_us: 5_000_000_000, unix_us: 5_000_000_000 };
        let standing = answer(store.take(&Ask { keys, quotas, cost: 1, now, deadline_us: u64::MAX })).await;
        let Standing { accepted, tightest, remaining, .. } = standing.expect("the store must answer");
        (accepted, tightest, remaining)
    };
    assert_eq!(take("ann", "one", &quotas).await, (true, 1, 1), "the key is nearest to its limit");
    assert_eq!(take("ann", "one", &quotas).await, (true, 1, 0));
    for _ in 0..3 {
        assert_eq!(take("ann", "one", &quotas).await, (false, 1, 0), "and counts in nothing from here on");
    }
    assert_eq!(take("ann", "two", &quotas).await, (true, 0, 1), "another key of the same person");
    assert_eq!(take("ann", "two", &quotas).await, (true, 0, 0), "who has used up her own with it");
    assert_eq!(
        take("bob", "three", &quotas).await,
        (true, 2, 0),
        "another of the same organisation, which is at its end"
    );
    assert_eq!(take("bob", "three", &quotas).await, (false, 2, 0));
    assert_eq!(take("bob", "three", &quotas[..2]).await, (true, 1, 0), "the refused one cost bob nothing");
}

//! Counters shared over Redis: the same decisions as in memory, counted together, and what happens without them.

mod apps;
mod counting;
mod failing;
mod process;

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use seawall_core::{
    clock::Now,
    http::ClientKey,
    limit::{Ask, Quota, RateKey, RateStore, ScopedQuota, Standing},
    reply::{PortError, Reply},
};
use seawall_store::counters::{RatesOptions, RedisLink, RedisRates, RedisUrl, Timekeeper};
use seawall_testkit::RedisServer;

/// Longer than any wait of a machine that is only slow.
const PATIENT: Duration = Duration::from_secs(20);

/// Counters of one process, by the time of each ask.
async fn node(server: &RedisServer) -> RedisRates {
    node_with(server, RatesOptions { timeout: PATIENT, timekeeper: Timekeeper::Ask, ..RatesOptions::default() }).await
}

async fn node_with(server: &RedisServer, options: RatesOptions) -> RedisRates {
    let rates = RedisRates::new(RedisLink::new(RedisUrl::parse(&server.url()).unwrap()).unwrap(), options);
    rates.connect().await.unwrap();
    rates
}

fn quota(text: &str, scope: u64) -> ScopedQuota {
    ScopedQuota { scope, quota: Quota::parse(text).unwrap() }
}

async fn try_take(
    store: &dyn RateStore,
    client: u8,
    quotas: &[ScopedQuota],
    now_us: u64,
) -> Result<Standing, PortError> {
    let key = RateKey::address(ClientKey::of(Ipv4Addr::new(10, 0, 0, client).into()));
    let now = Now { monotonic_us: now_us, unix_us: now_us };
    match store.take(&Ask { keys: key.into(), quotas, cost: 1, now, deadline_us: u64::MAX }) {
        Reply::Ready(answer) => answer,
        Reply::Later(wait) => wait.await,
    }
}

async fn take(store: &dyn RateStore, client: u8, quotas: &[ScopedQuota], now_us: u64) -> Standing {
    try_take(store, client, quotas, now_us).await.unwrap()
}

/// The same store for several tasks.
fn shared(rates: RedisRates) -> Arc<dyn RateStore> {
    Arc::new(rates)
}

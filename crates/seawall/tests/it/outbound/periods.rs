//! What is kept of budgets whose period is over.

use std::{sync::Arc, time::Duration};

use seawall_core::meter::NoMeter;
use seawall_store::{
    DatabaseUrl, Db, Lane, Options, ReadTx, StoreError, Surroundings,
    retention::{Rule, prune},
};
use seawall_testkit::{app::TestApp, clock::ManualClock, llm::FakeLlm};
use tokio::{sync::watch, task::block_in_place};

use super::budgets::{call, providers};
use crate::postgres;

const DAY: Duration = Duration::from_secs(86_400);

/// The ends of the earth, by the clock.
const ZONES: [&str; 3] = ["Pacific/Kiritimati", "UTC", "Pacific/Pago_Pago"];

fn budgets() -> String {
    let budget = |per: &str, zone: &str| {
        let name = format!("{per}-{}", zone.replace('/', "-").to_lowercase());
        format!("[llm.budget.{name}]\namount = \"1\"\nper = \"{per}\"\ntime_zone = \"{zone}\"\n")
    };
    ZONES.iter().flat_map(|zone| ["day", "month"].map(|per| budget(per, zone))).collect()
}

fn rule() -> Rule {
    *seawall_outbound::RULES.iter().find(|rule| rule.name == "llm_budgets").expect("there is one")
}

/// How many rows there are of each budget, by name.
async fn rows(db: &Db) -> Vec<(String, i64)> {
    let read = |tx: &mut ReadTx<'_>| {
        tx.all::<(String, i64)>("SELECT budget, COUNT(*) FROM llm_budgets GROUP BY budget ORDER BY budget", &[])
    };
    db.read::<_, StoreError>(Lane::Background, read).await.unwrap()
}

async fn old_periods_go_and_running_ones_stay(store: &str, url: Option<String>) {
    let fake = FakeLlm::start().await;
    let clock = Arc::new(ManualClock::default());
    let config = format!("environment = \"development\"\n{store}{}{}", providers(&fake), budgets());
    let app = TestApp::in_front_of("http://127.0.0.1:9").with_config(&config);
    let mut app = app.with_clock(Arc::clone(&clock) as _).start().await;
    // A period that is long over, one that ended lately, and one that runs.
    for days in [130, 60, 0] {
        app.outbound_client().request(call()).await.expect_status(200);
        app.llm_calls().await;
        clock.advance(days * DAY);
    }
    let metrics = app.admin_client().get("/metrics").await.expect_status(200).text();
    assert!(metrics.contains("seawall_store_pruned_rows_total{rule=\"llm_budgets\"} 0"), "{metrics}");
    app.drain().await;
    app.ended_within(Duration::from_secs(10)).await;
    let file = || DatabaseUrl::Sqlite(app.data().join("seawall.db"));
    let url = url.map_or_else(file, |url| DatabaseUrl::parse(&url).unwrap());
    let surroundings = Surroundings { clock: Arc::clone(&clock) as _, meter: &NoMeter };
    let db = block_in_place(|| Db::open(&url, &Options::default(), &surroundings)).unwrap();
    let counts = async |count| {
        let rows = rows(&db).await;
        assert!(rows.len() == 6 && rows.iter().all(|(_, found)| *found == count), "{count}: {rows:?}");
    };
    counts(3).await;
    let (_stop, stopping) = watch::channel(false);
    assert_eq!(prune(&db, rule(), &stopping).await.unwrap(), 6);
    counts(2).await;
    // At the very moment when a period ends its row is old, and not before: what runs is never let go of, however short rows are kept.
    assert_eq!(prune(&db, Rule { keep: Duration::ZERO, ..rule() }, &stopping).await.unwrap(), 6);
    counts(1).await;
    block_in_place(|| db.close());
}

#[tokio::test(flavor = "multi_thread")]
async fn budgets_of_periods_long_over_are_let_go_of_in_every_time_zone() {
    old_periods_go_and_running_ones_stay("", None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn budgets_of_periods_long_over_are_let_go_of_on_postgresql() {
    let server = postgres::Server::start();
    let url = server.url();
    old_periods_go_and_running_ones_stay(&format!("[store]\nurl = \"{url}\"\n"), Some(url.clone())).await;
}

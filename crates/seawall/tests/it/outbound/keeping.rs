//! How long rows of calls are kept.

use std::{sync::Arc, time::Duration};

use seawall::app::catalogue;
use seawall_config::{Inputs, SourceText, load};
use seawall_core::meter::NoMeter;
use seawall_outbound::llm;
use seawall_store::{DatabaseUrl, Db, Lane, Options, ReadTx, StoreError, Surroundings, retention::prune};
use seawall_testkit::{app::TestApp, client::Request, clock::ManualClock, llm::FakeLlm};
use serde_json::json;
use tokio::sync::watch;

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_let_go_of_after_the_configured_time() {
    let fake = FakeLlm::start().await;
    let clock = Arc::new(ManualClock::default());
    let config = format!("[llm]\nkeep = \"10days\"\n[llm.provider.fake]\nurl = \"{}\"\nkey = \"k\"\n", fake.url());
    let app = TestApp::in_front_of("http://127.0.0.1:9").with_config(&config);
    let mut app = app.with_clock(Arc::clone(&clock) as _).start().await;
    for name in ["old", "young"] {
        let body = json!({"model": "fake", "messages": [{"role": "user", "content": "say: a"}]});
        let call = Request::post("/llm/v1/chat/completions").header("X-Seawall-Project", name).json(&body);
        app.outbound_client().request(call).await.expect_status(200);
        // Written before the clock moves, so that no wait of the store seems to last for days.
        app.llm_calls().await;
        clock.advance(6 * DAY);
    }
    assert_eq!(app.llm_calls().await.len(), 2);
    let metrics = app.admin_client().get("/metrics").await.expect_status(200).text();
    assert!(
        metrics.contains("seawall_store_pruned_rows_total{rule=\"llm_calls\"} 0"),
        "the server has the rule:\n{metrics}"
    );
    app.drain().await;
    app.ended_within(Duration::from_secs(10)).await;
    let path = app.data().join("seawall.db");
    let text = SourceText::new("test", "[upstream]\nurl = \"http://127.0.0.1:9\"\n[llm]\nkeep = \"10days\"\n");
    let config = load(&catalogue::schema(), Inputs { file: Some(text), ..Inputs::default() }).unwrap();
    let rule = llm::retention(config.values(&llm::SECTION)).unwrap();
    let surroundings = Surroundings { clock: clock as _, meter: &NoMeter };
    let db = Db::open(&DatabaseUrl::Sqlite(path), &Options::default(), &surroundings).unwrap();
    let (_stop, stopping) = watch::channel(false);
    assert_eq!(prune(&db, rule, &stopping).await.unwrap(), 1);
    let left = db.read::<_, StoreError>(Lane::Background, |tx: &mut ReadTx<'_>| {
        tx.all::<(String,)>("SELECT project FROM llm_calls", &[])
    });
    assert_eq!(left.await.unwrap(), [("young".to_owned(),)]);
}

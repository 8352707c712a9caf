//! Webhooks are told what is spent of budgets.

use std::{collections::BTreeSet, time::Duration};

use seawall_testkit::{
    client::Request,
    in_front,
    llm::FakeLlm,
    upstream::{Kind, Upstream},
};
use serde_json::{Value, json};
use tokio::task::block_in_place;

use super::{
    budgets::{call, providers},
    in_front_of_nothing,
    overspending::server,
};
use crate::cli::binary::Place;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A webhook that takes what the secret has signed.
fn webhook(url: &str) -> String {
    format!("webhook = \"{url}/echo\"\nwebhook_secret = \"{SECRET}\"\n")
}

/// How many posts have come to their end.
fn whole(upstream: &Upstream) -> usize {
    upstream.requests().iter().filter(|post| post.body_complete).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_told_once_for_each_part_of_a_budget_and_another_seawall_verifies_it() {
    let receives = format!(
        "[signatures.budgets]\npreset = \"standard-webhooks\"\nsecret = \"{SECRET}\"\n[route.\"/echo\"]\nsignatures.require = \"budgets\"\n"
    );
    let (upstream, receiver) = in_front(&receives).await;
    let fake = FakeLlm::start().await;
    let hook = webhook(&format!("http://{}", receiver.public()));
    let app = in_front_of_nothing(&format!("{}[llm.budget.daily]\namount = \"0.01\"\n{hook}", providers(&fake))).await;
    for _ in 0..12 {
        app.outbound_client().request(call()).await;
    }
    upstream.until("both posts", |upstream| whole(upstream) == 2).await;
    let posts = upstream.requests();
    let told: Vec<Value> = posts.iter().map(|post| serde_json::from_slice(&post.body).unwrap()).collect();
    for (told, (percent, spent)) in told.iter().zip([(80, "0.008"), (100, "0.01")]) {
        let data = &told["data"];
        assert_eq!((&told["type"], &data["budget"]), (&json!("llm.budget_reached"), &json!("daily")), "{told}");
        assert_eq!(
            (&data["percent"], &data["spent"], &data["amount"]),
            (&json!(percent), &json!(spent), &json!("0.01"))
        );
        assert_eq!(data["subject"], Value::Null);
        assert!(told["timestamp"].as_str() >= data["begins"].as_str(), "{told}");
        assert!(told["timestamp"].as_str() < data["ends"].as_str(), "{told}");
    }
    assert_ne!(posts[0].header("webhook-id"), posts[1].header("webhook-id"));
    let forged = Request::post("/echo").body(told[0].to_string());
    receiver.client().request(forged).await.expect_problem(401, "signature-refused");
    assert!(!app.log_text().contains(SECRET));
}

#[tokio::test(flavor = "multi_thread")]
async fn budgets_without_a_webhook_of_their_own_tell_the_one_of_all() {
    let fake = FakeLlm::start().await;
    let (own, all) = (Upstream::start(Kind::ByPath).await, Upstream::start(Kind::ByPath).await);
    let budgets = format!(
        "[llm]\n{}[llm.budget.one]\namount = \"0.001\"\n{}[llm.budget.other]\namount = \"0.001\"\nper = \"month\"\n",
        webhook(&all.url()),
        webhook(&own.url()),
    );
    let app = in_front_of_nothing(&format!("{}{budgets}", providers(&fake))).await;
    app.outbound_client().request(call()).await.expect_status(200);
    for (upstream, name) in [(&own, "one"), (&all, "other")] {
        upstream.until("its post", |upstream| whole(upstream) > 0).await;
        let told: Value = serde_json::from_slice(&upstream.requests()[0].body).unwrap();
        assert_eq!((&told["data"]["budget"], upstream.requests().len()), (&json!(name), 1), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_survives_kill_9_between_the_crossing_and_its_delivery() {
    let fake = FakeLlm::start().await;
    let mut receiver = Upstream::start(Kind::ByPath).await;
    let config = format!(
        "environment = \"development\"\n[outbound]\nlisten = \"127.0.0.1:0\"\n{}[llm.budget.daily]\namount = \"0.001\"\n{}",
        providers(&fake),
        webhook(&receiver.url())
    );
    receiver.stop().await;
    let place = block_in_place(|| Place::with_config(&config));
    let (running, client) = block_in_place(|| server(&place));
    let answer = client.call().await;
    assert_eq!(answer, Some(200));
    block_in_place(|| running.logged("a part of a budget for language models is spent"));
    running.child.signal("KILL");
    drop(running);
    receiver.restart_on_same_port().await;
    assert!(receiver.requests().is_empty(), "nobody was told before");
    let (_running, client) = block_in_place(|| server(&place));
    // An attempt that was under way is made again once its claim has run out.
    let posted = async {
        while receiver.requests().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), posted).await.expect("the post comes");
    // Nothing more is told of what was told.
    assert_eq!(client.call().await, Some(402));
    let posts = receiver.requests();
    let ids: BTreeSet<_> = posts.iter().map(|post| post.header("webhook-id").unwrap()).collect();
    assert_eq!(ids.len(), 1, "{posts:?}");
}

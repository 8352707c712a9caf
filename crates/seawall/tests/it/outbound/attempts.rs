//! What a call costs that took more than one attempt.

use seawall_testkit::{
    app::StartedApp,
    client::Request,
    llm::{Ending, FakeLlm},
};
use serde_json::{Value, json};

use super::in_front_of_nothing;

/// A token of a question costs a dollar. Each name is a model whose attempts go wrong as it says.
async fn models(fake: &FakeLlm, more: &str) -> StartedApp {
    let model = |name: &str| {
        format!("[llm.model.{name}]\nprovider = \"fake\"\ninput_price = \"1000000\"\noutput_price = \"0\"\n")
    };
    let names = ["fake", "fake-hang", "fake-hang-once", "fake-503-once"];
    let provider = format!("[llm.provider.fake]\nurl = \"{}\"\nkey = \"any\"\n", fake.url());
    let clocks = "first_byte_timeout = \"200ms\"\nbackoff = \"1ms\"\ntimeout = \"20s\"\n";
    in_front_of_nothing(&format!("{provider}{clocks}{}{more}", names.map(model).concat())).await
}

/// Whose question is estimated at five tokens.
fn call(model: &str) -> Request {
    let body =
        json!({"model": model, "max_tokens": 10, "messages": [{"role": "user", "content": "say: Good morning"}]});
    Request::post("/llm/v1/chat/completions").json(&body)
}

fn dollars(row: &Value) -> u64 {
    row["cost"].as_str().and_then(|cost| cost.strip_suffix(".00")).and_then(|cost| cost.parse().ok()).expect("dollars")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_was_never_answered_is_in_the_cost_and_one_that_was_refused_is_not() {
    let fake = FakeLlm::start().await;
    let app = models(&fake, "").await;
    for (model, status) in [("fake", 200), ("fake-503-once", 200), ("fake-hang-once", 200), ("fake-hang", 504)] {
        app.outbound_client().request(call(model)).await.expect_status(status);
    }
    let rows = app.llm_calls().await;
    let of = |model: &str| rows.iter().find(|row| row["model"] == model).unwrap();
    let alone = dollars(of("fake"));
    let expected = [
        ("fake", 1, alone, false),
        // Whoever is told to come again pays nothing.
        ("fake-503-once", 2, alone, false),
        ("fake-hang-once", 2, alone + 5, true),
        ("fake-hang", 3, 15, true),
    ];
    for (model, attempts, cost, estimated) in expected {
        let row = of(model);
        assert_eq!((&row["attempts"], &row["estimated"]), (&json!(attempts), &json!(estimated)), "{row}");
        assert_eq!((dollars(row), &row["input_tokens"]), (cost, &json!(cost)), "{row}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_while_an_attempt_is_under_way_pays_for_all_of_them() {
    let fake = FakeLlm::start().await;
    let app = models(&fake, "").await;
    let client = app.outbound_client();
    let asking = tokio::spawn(async move { client.request(call("fake-hang")).await });
    fake.until(|calls| calls.len() == 2).await;
    asking.abort();
    fake.until(|calls| calls.iter().all(|call| call.ending == Ending::Left)).await;
    let row = app.llm_calls().await.remove(0);
    // Two, or one more when this machine is slow.
    let made = fake.calls().len() as u64;
    assert_eq!((&row["outcome"], &row["estimated"], dollars(&row)), (&json!("left"), &json!(true), 5 * made), "{row}");
}

#[tokio::test(flavor = "multi_thread")]
async fn budgets_are_settled_by_the_cost_of_all_attempts() {
    let fake = FakeLlm::start().await;
    let app = models(&fake, "[llm.budget.daily]\namount = \"1000\"\n").await;
    for model in ["fake", "fake-hang-once", "fake-hang"] {
        app.outbound_client().request(call(model)).await;
    }
    let spent: u64 = app.llm_calls().await.iter().map(dollars).sum();
    app.close_calls().await;
    let long = json!({"model": "fake", "messages": [{"role": "user", "content": "a".repeat(2_000)}]});
    let refused = app.outbound_client().request(Request::post("/llm/v1/chat/completions").json(&long)).await;
    let told = refused.expect_status(402).json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(spent > 20 && told.contains(&format!(", {}.00 are left", 1_000 - spent)), "{spent}: {told}");
}

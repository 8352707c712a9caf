//! Prices of a file: asked before those that are shipped, taken over as a whole or not at all.

use std::fs;

use seawall_testkit::{TemporaryDirectory, client::Request, llm::FakeLlm};
use serde_json::{Value, json};

use super::in_front_of_nothing;

/// A table in which a million tokens of one model cost this much.
fn table(dollars: u32) -> String {
    json!([{"id": "openai", "name": "OpenAI", "api_pattern": "https://api\\.openai\\.com", "models": [
        {"id": "fake", "match": {"equals": "fake"}, "prices": {"input_mtok": dollars, "output_mtok": dollars}}]}])
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_of_a_file_are_taken_over_at_a_reload_and_a_broken_one_changes_nothing() {
    let fake = FakeLlm::start().await;
    let directory = TemporaryDirectory::new();
    let file = directory.path().join("prices.json");
    fs::write(&file, table(3)).unwrap();
    let config = format!(
        "[llm]\nprices_file = \"{}\"\n[llm.provider.fake]\nurl = \"{}\"\nkey = \"any\"\n[llm.model.mine]\nprovider = \"fake\"\nname = \"fake\"\ninput_price = \"1\"\n",
        file.display(),
        fake.url()
    );
    let app = in_front_of_nothing(&config).await;
    let told = async |query: &str| app.operator_get(&format!("/api/llm/prices{query}")).await.expect_status(200).json();
    let first = async |query: &str| -> Value { told(query).await["data"][0].clone() };
    let costs = async |dollars: u64| {
        let body = json!({"model": "fake", "messages": [{"role": "user", "content": "hello"}]});
        app.outbound_client().request(Request::post("/llm/v1/chat/completions").json(&body)).await.expect_status(200);
        let row = app.llm_calls().await.remove(0);
        let tokens = row["input_tokens"].as_u64().unwrap() + row["output_tokens"].as_u64().unwrap();
        assert_eq!(row["cost"], format!("0.{:06}", tokens * dollars), "{row}");
        assert_eq!(row["price_known"], true, "{row}");
    };
    let price = first("?model=fake").await;
    assert_eq!((&price["input"], &price["source"]), (&json!("3.00"), &json!("file")), "{price}");
    costs(3).await;

    fs::write(&file, "[{").unwrap();
    let refused = app.reload().await.unwrap_err().text();
    assert!(refused.contains("prices.json") && refused.contains("`prices_file` in [llm]"), "{refused}");
    costs(3).await;

    fs::write(&file, table(7)).unwrap();
    app.reload().await.unwrap();
    costs(7).await;
    for (query, input, source) in [
        ("", "1.00", "configuration"),
        ("?model=mine", "1.00", "configuration"),
        ("?model=gpt-4o-mini", "0.15", "shipped"),
        ("?model=fake%2Fnobody-knows", "20.00", "ceiling"),
    ] {
        let price = first(query).await;
        assert_eq!((&price["input"], &price["source"]), (&json!(input), &json!(source)), "{query}: {price}");
    }
    let changed_at = told("").await["file"]["changed_at"].as_str().unwrap().to_owned();
    assert!(changed_at.starts_with("20"), "{changed_at}");
    assert!(app.metric("seawall_llm_prices_changed_timestamp_seconds", &[]) > 1.7e9);
    let health = app.operator_get("/health").await.json();
    assert_eq!(health["checks"]["llm_prices"]["models"], 1, "{health}");
}

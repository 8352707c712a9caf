//! What a project has cost, as its application asks.

use rusqlite::Connection;
use seawall_testkit::client::{Client, Request};
use serde_json::json;

use super::{Models, calling_models, in_front_of_nothing};

const CHAT: &str = r#"{"model":"fake","messages":[{"role":"user","content":"say: Good morning"}]}"#;

#[tokio::test(flavor = "multi_thread")]
async fn an_application_is_told_what_a_project_has_cost() {
    let Models { fake: _fake, app } = calling_models("").await;
    let client = app.outbound_client();
    for project in ["light house/1", "light house/1", "harbour"] {
        let call = Request::post("/llm/v1/chat/completions").header("X-Seawall-Project", project).body(CHAT);
        client.request(call).await.expect_status(200);
    }
    // Calls that have ended are in it at once.
    let spent = client.get("/llm/usage?project=light%20house%2F1").await.expect_status(200);
    assert_eq!(spent.header("cache-control"), Some("no-store"));
    let rows = app.llm_calls().await;
    let of_project: Vec<_> = rows.iter().filter(|row| row["project"] == "light house/1").collect();
    let sum = |member: &str| of_project.iter().map(|row| row[member].as_i64().unwrap()).sum::<i64>();
    let nanos = |cost: &serde_json::Value| (cost.as_str().unwrap().parse::<f64>().unwrap() * 1e9).round();
    let told = spent.json();
    assert_eq!(
        (&told["key"], &told["calls"], &told["failed"]),
        (&json!("light house/1"), &json!(2), &json!(0)),
        "{told}"
    );
    assert_eq!(
        (&told["input_tokens"], &told["output_tokens"]),
        (&json!(sum("input_tokens")), &json!(sum("output_tokens")))
    );
    assert!(
        (nanos(&told["cost"]) - of_project.iter().map(|row| nanos(&row["cost"])).sum::<f64>()).abs() < 1.0,
        "{told}"
    );
    let none = client.get("/llm/usage?project=nowhere").await.expect_status(200).json();
    assert_eq!((&none["calls"], &none["cost"]), (&json!(0), &json!("0.00")), "{none}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_key_spent_on_a_project_is_not_told() {
    let Models { fake: _fake, app } = calling_models("").await;
    let client = app.outbound_client();
    let call = Request::post("/llm/v1/chat/completions").header("X-Seawall-Project", "harbour").body(CHAT);
    client.request(call).await.expect_status(200);
    assert_eq!(app.llm_calls().await.len(), 1, "the row is written");
    // Today there is one key; rows of an earlier one stay.
    let store = Connection::open(app.data().join("seawall.db")).unwrap();
    store.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
    assert_eq!(store.execute("UPDATE llm_calls SET caller = 'another'", []).unwrap(), 1);
    let told = client.get("/llm/usage?project=harbour").await.expect_status(200).json();
    assert_eq!(told["calls"], 0, "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_about_cost_need_the_key_and_one_project() {
    let Models { fake, app } = calling_models("").await;
    let client = app.outbound_client();
    for query in ["", "?project=", "?project=a&project=b", "?project=a&by=day", "?project=%FF"] {
        client.get(&format!("/llm/usage{query}")).await.expect_problem(400, "outbound-bad-call");
    }
    client.request(Request::post("/llm/usage?project=a")).await.expect_problem(404, "outbound-unknown");
    let stranger = Client::new(&format!("http://{}", app.outbound()));
    stranger.get("/llm/usage?project=a").await.expect_problem(401, "outbound-key-needed");
    assert!(fake.calls().is_empty(), "no provider is asked");
    let without_models = in_front_of_nothing("[outbound.api]\nurl = \"http://127.0.0.1:9\"\n").await;
    without_models.outbound_client().get("/llm/usage?project=a").await.expect_problem(404, "llm-model-unknown");
}
